/**
 * The boxes above a lane's phases: which call it was, and whether its ends are known.
 *
 * Must never draw a call narrower than a few pixels: those are in the line of presence, and drawing
 * them one by one is what makes a timeline slow.
 *
 * @import { Counters, Scene, SceneLane } from "./draw.js"
 */

import { openEnd } from "./columns.js";
import { FONT } from "./draw-axis.js";
import { formatNs } from "./format.js";
import { BODY_PX, BODY_TOP_PX, BOX_PX, BOX_TOP_PX } from "./layout.js";
import { timeToX } from "./scale.js";
import { BEGAN_BEFORE, CHECK, CONNECT, CONTINUES, FAILED, KILLED, READINESS, RECEIVE, SEND } from "./wire.js";
import { say } from "./words.js";

const BOX_LEAST_PX = 5;
const LABEL_LEAST_PX = 40;
const PAD_PX = 6;
/** Depth of a torn edge's teeth. */
const TOOTH_PX = 4;

/**
 * Which of the palette's classes a call belongs to.
 * @param {number} flags
 * @returns {number}
 */
export function classOf(flags) {
  if (flags & READINESS) return 1;
  if (flags & RECEIVE) return 2;
  if (flags & SEND) return 3;
  if (flags & CONNECT) return 4;
  return 0;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {SceneLane} one
 * @param {number} top of the row
 * @param {Counters} counters
 */
export function drawCalls(context, scene, one, top, counters) {
  const { frame, view } = scene;
  context.font = FONT;
  context.textBaseline = "middle";
  for (const call of one.items.calls) {
    const left = timeToX(view, call.startNs);
    const right = timeToX(view, call.endNs);
    if (right < 0 || left > frame.widthPx || right - left < BOX_LEAST_PX) continue;
    const failed = (call.flags & FAILED) !== 0;
    const name = scene.names[call.syscall] ?? `syscall_${call.syscall}`;
    const label = `${call.flags & CONTINUES ? "↻ " : ""}${name}${failed ? " ✗" : ""}`;
    const box = { left, right, class: classOf(call.flags), check: (call.flags & CHECK) !== 0 };
    drawBox(context, scene, box, top, counters);
    drawLabel(context, scene, box, label, formatNs(call.endNs - call.startNs), top, counters);
    if (call.flags & BEGAN_BEFORE) drawTorn(context, scene, left, top, counters);
    if (call.flags & KILLED) drawKilled(context, scene, right, top, counters);
  }
}

/**
 * The call that has not ended: an arrow instead of a right edge.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {SceneLane} one
 * @param {number} top
 * @param {Counters} counters
 */
export function drawOpen(context, scene, one, top, counters) {
  const open = openEnd(one.items, one.life);
  if (!open?.inCall || Number.isFinite(one.life.endedNs)) return;
  const { frame, palette, view } = scene;
  const left = timeToX(view, open.sinceNs);
  const right = timeToX(view, open.atNs);
  if (right < 0 || left > frame.widthPx) return;
  const box = { left, right: Math.max(right, left + 1), class: 0, check: false };
  drawBox(context, scene, box, top, counters);
  const label = open.call ?? say("call.unknown");
  drawLabel(context, scene, box, label, say("call.sofar", { time: formatNs(open.atNs - open.sinceNs) }), top, counters);
  if (open.beganBefore) drawTorn(context, scene, left, top, counters);
  if (right > frame.widthPx + TOOTH_PX) return;
  context.fillStyle = palette.accent;
  context.beginPath();
  context.moveTo(right, top + BOX_TOP_PX);
  context.lineTo(right + BOX_PX / 2, top + BOX_TOP_PX + BOX_PX / 2);
  context.lineTo(right, top + BOX_TOP_PX + BOX_PX);
  context.fill();
  counters.rects += 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {{ left: number, right: number, class: number, check: boolean }} box
 * @param {number} top
 * @param {Counters} counters
 */
function drawBox(context, scene, box, top, counters) {
  const { palette, frame } = scene;
  const from = Math.max(-2, box.left);
  const width = Math.max(1, Math.min(frame.widthPx + 2, box.right) - from - 1);
  const y = top + BOX_TOP_PX;
  context.fillStyle = palette.box;
  context.fillRect(from, y, width, BOX_PX - 3);
  context.fillStyle = palette.classes[box.class] ?? palette.boxEdge;
  // A check looked and did not wait: its box stays hollow, marked at the start only.
  context.fillRect(from, y, 2, BOX_PX - 3);
  if (!box.check) context.fillRect(from, y, width, 2);
  counters.rects += 3;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {{ left: number, right: number }} box
 * @param {string} name
 * @param {string} duration
 * @param {number} top
 * @param {Counters} counters
 */
function drawLabel(context, scene, box, name, duration, top, counters) {
  const { palette, frame } = scene;
  // A box that begins before the window, or before what is kept, has its name where it begins to show.
  const from = Math.max(0, box.left, scene.keptNs > 0 ? timeToX(scene.view, scene.keptNs) : 0) + PAD_PX;
  const room = Math.min(frame.widthPx, box.right) - from - 2;
  if (room + PAD_PX + 2 < LABEL_LEAST_PX) return;
  const y = top + BOX_TOP_PX + BOX_PX / 2 - 0.5;
  const width = widthOf(context, name);
  context.fillStyle = palette.boxText;
  if (width > room) {
    const letters = Math.floor((room / width) * name.length) - 1;
    if (letters < 2) return;
    context.fillText(`${name.slice(0, letters)}…`, from, y);
  } else {
    context.fillText(name, from, y);
    const space = room - width - PAD_PX;
    if (space > 20 && widthOf(context, duration) <= space) {
      context.fillStyle = palette.faint;
      context.fillText(duration, from + width + PAD_PX, y);
    }
  }
  counters.labels += 1;
}

/** Measuring text is slow, and the names are few. Durations are many: those are not kept for ever. */
const widths = new Map();

/** @param {CanvasRenderingContext2D} context @param {string} text @returns {number} */
function widthOf(context, text) {
  let width = widths.get(text);
  if (width === undefined) {
    if (widths.size > 4096) widths.clear();
    width = context.measureText(text).width;
    widths.set(text, width);
  }
  return width;
}

/**
 * It began before we looked: the left edge is torn off.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {number} left
 * @param {number} top
 * @param {Counters} counters
 */
function drawTorn(context, scene, left, top, counters) {
  const bottom = top + BODY_TOP_PX + BODY_PX;
  context.beginPath();
  context.moveTo(left - 1, top + BOX_TOP_PX);
  for (let y = top + BOX_TOP_PX, out = true; y < bottom; y += TOOTH_PX, out = !out) {
    context.lineTo(left + (out ? TOOTH_PX : 0), Math.min(bottom, y + TOOTH_PX));
  }
  context.lineTo(left - 1, bottom);
  context.closePath();
  context.fillStyle = scene.palette.background;
  context.fill();
  context.strokeStyle = scene.palette.text;
  context.lineWidth = 1;
  context.stroke();
  counters.rects += 1;
}

/**
 * The thread died in it.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {number} right
 * @param {number} top
 * @param {Counters} counters
 */
function drawKilled(context, scene, right, top, counters) {
  context.fillStyle = scene.palette.danger;
  context.fillRect(right - 1, top + BOX_TOP_PX, 2, BODY_TOP_PX + BODY_PX - BOX_TOP_PX);
  context.fillText(say("call.killed"), right + 5, top + BODY_TOP_PX + BODY_PX / 2);
  counters.rects += 1;
  counters.labels += 1;
}
