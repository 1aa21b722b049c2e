/**
 * The time axis, the grid below it, and the line of now.
 *
 * @import { Counters, Scene } from "./draw.js"
 */

import { formatTime } from "./format.js";
import { AXIS_PX } from "./layout.js";
import { ticks, timeToX, xToTime } from "./scale.js";

export const FONT = "11px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";

/** A label needs this much; the closer the zoom, the more digits. */
const TICK_PX = 120;
const TICK_CLOSE_PX = 170;

/** @param {Scene} scene */
function sceneTicks(scene) {
  const { view, frame } = scene;
  return ticks(view, frame.widthPx, view.nsPerPx < 1000 ? TICK_CLOSE_PX : TICK_PX);
}

/**
 * Faint lines through all lanes, at the ticks.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Counters} counters
 */
export function drawGrid(context, scene, counters) {
  const { frame, palette, view } = scene;
  context.fillStyle = palette.grid;
  for (const timeNs of sceneTicks(scene).timesNs) {
    context.fillRect(Math.round(timeToX(view, timeNs)), AXIS_PX, 1, frame.heightPx - AXIS_PX);
    counters.rects += 1;
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Counters} counters
 */
export function drawAxis(context, scene, counters) {
  const { frame, palette, view } = scene;
  context.fillStyle = palette.background;
  context.fillRect(0, 0, frame.widthPx, AXIS_PX);
  context.fillStyle = palette.rule;
  context.fillRect(0, AXIS_PX - 1, frame.widthPx, 1);
  counters.rects += 2;
  context.font = FONT;
  context.textBaseline = "middle";
  const { stepNs, timesNs } = sceneTicks(scene);
  for (const timeNs of timesNs) {
    if (timeNs < 0) continue;
    const x = Math.round(timeToX(view, timeNs));
    context.fillStyle = palette.rule;
    context.fillRect(x, AXIS_PX - 8, 1, 8);
    context.fillStyle = palette.faint;
    context.fillText(formatTime(timeNs, stepNs), x + 5, AXIS_PX / 2);
    counters.rects += 1;
    counters.labels += 1;
  }
  if (scene.live) drawNow(context, scene, counters);
  if (scene.hover) drawPointer(context, scene, scene.hover.xPx, counters);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Counters} counters
 */
function drawNow(context, scene, counters) {
  const x = Math.round(timeToX(scene.view, scene.nowNs));
  if (x < 0 || x > scene.frame.widthPx) return;
  context.fillStyle = scene.palette.accent;
  context.globalAlpha = 0.55;
  context.fillRect(x, AXIS_PX - 8, 1, scene.frame.heightPx);
  context.globalAlpha = 1;
  counters.rects += 1;
}

/**
 * The time under the pointer, over the ticks.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {number} xPx
 * @param {Counters} counters
 */
function drawPointer(context, scene, xPx, counters) {
  const { palette, frame, view } = scene;
  const text = formatTime(xToTime(view, xPx), view.nsPerPx);
  const width = context.measureText(text).width + 12;
  const left = Math.min(Math.max(0, xPx - width / 2), frame.widthPx - width);
  context.fillStyle = palette.text;
  context.beginPath();
  context.roundRect(left, 5, width, AXIS_PX - 11, 4);
  context.fill();
  context.fillStyle = palette.background;
  context.fillText(text, left + 6, AXIS_PX / 2);
  counters.rects += 1;
  counters.labels += 1;
}
