/**
 * A connection's lane: ticks where data arrived, a thin bar while it waits, a full one while a thread reads it, and below them the
 * sends. Where a pixel holds more than one thing, heights tell how much of its time each took.
 *
 * Must never ask or decide what is known: it draws an answer. What did not arrive at a known time gets neither tick nor thin bar.
 *
 * @import { Connection, Flow, Use } from "./connection-lane.js"
 * @import { Unread } from "./connection-unread.js"
 * @import { Palette } from "./phases.js"
 * @import { View } from "./scale.js"
 */

import { beginOf } from "./connection-lane.js";
import { COPYING, TEXTURE_PX } from "./phases.js";
import { timeToX } from "./scale.js";
import { swatch } from "./swatch.js";

/** A lane with all around it. */
export const CONNECTION_ROW_PX = 46;
/** Names stand above the bars, sends below them. */
export const LABEL_MIDDLE_PX = 9;
export const BARS_TOP_PX = 18;
export const BARS_PX = 16;
export const SENDS_TOP_PX = 37;
export const SENDS_PX = 5;
const PRESENCE_TOP_PX = 15;
const WAIT_PX = 6;
/** A tick gets a head where there is room for it. */
const HEAD_PX = 3;
const HEAD_LEAST_PX = 8;
const DASH_PX = 4;

/**
 * @typedef {{ view: View, widthPx: number, scale: number, palette: Palette, nowNs: number }} Ground
 */

/** @type {WeakMap<Palette, CanvasPattern | string>} */
const readings = new WeakMap();

/** What reading looks like: as copying does in the lanes of threads. @param {CanvasRenderingContext2D} context @param {Palette} palette */
function readingOf(context, palette) {
  const known = readings.get(palette);
  if (known) return known;
  const made = context.createPattern(swatch(palette, COPYING, TEXTURE_PX, TEXTURE_PX), "repeat") ?? palette.boxEdge;
  readings.set(palette, made);
  return made;
}

/** The colour of sends, which the boxes of calls that send have too. @param {Palette} palette @returns {string} */
function sendColour(palette) {
  return palette.classes[3] ?? palette.boxEdge;
}

/**
 * A bar of each kind, where the bars of a lane begin at `top`.
 * @typedef {(context: CanvasRenderingContext2D, palette: Palette, left: number, width: number, top: number) => void} Paint
 */

/** @type {Paint} */
export function paintWaiting(context, palette, left, width, top) {
  const y = top + (BARS_PX - WAIT_PX) / 2;
  context.fillStyle = palette.waiting.paper;
  context.fillRect(left, y, width, WAIT_PX);
  context.fillStyle = palette.waiting.ink;
  context.fillRect(left, y, width, 1);
  context.fillRect(left, y + WAIT_PX - 1, width, 1);
}

/** @type {Paint} */
export function paintReading(context, palette, left, width, top) {
  context.fillStyle = readingOf(context, palette);
  context.fillRect(left, top, width, BARS_PX);
}

/** @type {Paint} */
export function paintSend(context, palette, left, width, top) {
  context.fillStyle = sendColour(palette);
  context.fillRect(left, top + SENDS_TOP_PX - BARS_TOP_PX, width, SENDS_PX);
}

/** Where data arrived; wide enough, with a head. @type {Paint} */
export function paintArrival(context, palette, left, width, top) {
  context.fillStyle = palette.text;
  context.fillRect(left, top - 3, 1, BARS_PX + 3);
  if (width < HEAD_LEAST_PX) return;
  context.beginPath();
  context.moveTo(left - HEAD_PX + 0.5, top - 4);
  context.lineTo(left + HEAD_PX + 0.5, top - 4);
  context.lineTo(left + 0.5, top + 1);
  context.fill();
}

/** Found ready, and read by nobody: like what waits, but dashed, for when it came is not known. @type {Paint} */
export function paintUnread(context, palette, left, width, top) {
  const y = top + (BARS_PX - WAIT_PX) / 2;
  context.fillStyle = palette.waiting.ink;
  context.fillRect(left, top, 1, BARS_PX);
  for (let x = 0; x < width; x += 2 * DASH_PX) {
    const dash = Math.min(DASH_PX, width - x);
    context.fillRect(left + x, y, dash, 1);
    context.fillRect(left + x, y + WAIT_PX - 1, dash, 1);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Ground} ground
 * @param {Connection} connection
 * @param {number} top of the row
 */
export function drawConnection(context, ground, connection, top) {
  const { palette } = ground;
  const whole = span(ground, Math.max(0, connection.fromNs), Math.min(connection.toNs, ground.nowNs));
  context.fillStyle = palette.lane;
  if (whole) context.fillRect(whole.left, top + BARS_TOP_PX, whole.width, BARS_PX);
  drawFlows(context, ground, connection.flows, top);
  if (connection.unread) drawUnread(context, ground, connection.unread, top);
  for (const use of connection.uses) drawUse(context, ground, use, top);
}

/** @param {CanvasRenderingContext2D} context @param {Ground} ground @param {Unread} unread @param {number} top */
function drawUnread(context, ground, { sinceNs, untilNs, closed }, top) {
  const at = span(ground, sinceNs, untilNs);
  if (!at) return;
  paintUnread(context, ground.palette, at.left, at.width, top + BARS_TOP_PX);
  // Where it ends with the descriptor, and not only with what is known.
  if (closed) context.fillRect(at.left + at.width - 2, top + BARS_TOP_PX, 2, BARS_PX);
}

/**
 * A stretch of time as whole device pixels, at least one; null where nothing of it is in view.
 * @param {Ground} ground @param {number} fromNs @param {number} toNs
 * @returns {{ left: number, width: number } | null}
 */
export function span({ view, widthPx, scale }, fromNs, toNs) {
  const left = timeToX(view, fromNs);
  const right = timeToX(view, toNs);
  if (right < 0 || left > widthPx || toNs < fromNs) return null;
  const from = Math.round(Math.max(-2, left) * scale);
  const to = Math.max(from + 1, Math.round(Math.min(widthPx + 2, right) * scale));
  return { left: from / scale, width: (to - from) / scale };
}

/**
 * One colour after the other: to change it for each bucket takes longer than to draw.
 * @param {CanvasRenderingContext2D} context @param {Ground} ground @param {readonly Flow[]} flows @param {number} top
 */
function drawFlows(context, ground, flows, top) {
  const { palette, scale } = ground;
  const parts = flows.flatMap((flow) => {
    const at = span(ground, flow.fromNs, flow.toNs);
    if (!at) return [];
    const ns = flow.toNs - flow.fromNs;
    // What is not nothing never looks like nothing.
    const height = (/** @type {number} */ part, /** @type {number} */ px) => (part > 0 ? Math.max(1, Math.round(Math.min(1, part) * px * scale)) / scale : 0);
    const reading = height(flow.readingNs / ns, BARS_PX);
    const waiting = Math.min(height(flow.waitingNs / ns, BARS_PX), BARS_PX - reading);
    const calls = flow.receives + flow.empty + flow.sends + flow.others;
    return [{ ...at, reading, waiting, sending: height(flow.sendingNs / ns, SENDS_PX), calls }];
  });
  const bottom = top + BARS_TOP_PX + BARS_PX;
  context.fillStyle = palette.boxEdge;
  for (const { left, width, calls } of parts) if (calls > 0) context.fillRect(left, top + PRESENCE_TOP_PX, width, 1);
  context.fillStyle = palette.waiting.paper;
  for (const { left, width, reading, waiting } of parts) if (waiting > 0) context.fillRect(left, bottom - reading - waiting, width, waiting);
  context.fillStyle = palette.waiting.ink;
  for (const { left, width, reading, waiting } of parts) if (waiting > 0) context.fillRect(left, bottom - reading - waiting, width, 1);
  context.fillStyle = readingOf(context, palette);
  for (const { left, width, reading } of parts) if (reading > 0) context.fillRect(left, bottom - reading, width, reading);
  context.fillStyle = sendColour(palette);
  for (const { left, width, sending } of parts) if (sending > 0) context.fillRect(left, top + SENDS_TOP_PX + SENDS_PX - sending, width, sending);
}

/** @param {CanvasRenderingContext2D} context @param {Ground} ground @param {Use} use @param {number} top */
function drawUse(context, ground, use, top) {
  const { palette } = ground;
  const { kind, endNs, readNs, arrivedNs } = use;
  const whole = span(ground, beginOf(use), endNs);
  if (!whole) return;
  const barsTop = top + BARS_TOP_PX;
  context.fillStyle = palette.boxEdge;
  context.fillRect(whole.left, top + PRESENCE_TOP_PX, whole.width, 1);
  if (kind === "send") {
    paintSend(context, palette, whole.left, whole.width, barsTop);
    return;
  }
  if (readNs === null) {
    // Nothing was read: hollow.
    context.strokeStyle = palette.boxEdge;
    context.lineWidth = 1;
    context.strokeRect(whole.left + 0.5, barsTop + 0.5, Math.max(0, whole.width - 1), BARS_PX - 1);
    return;
  }
  const waits = arrivedNs === null || arrivedNs === readNs ? null : span(ground, arrivedNs, readNs);
  if (waits) paintWaiting(context, palette, waits.left, waits.width, barsTop);
  const reads = span(ground, readNs, endNs);
  if (reads) paintReading(context, palette, reads.left, reads.width, barsTop);
  if (arrivedNs === null) return;
  const at = span(ground, arrivedNs, arrivedNs);
  if (at) paintArrival(context, palette, at.left, whole.width, barsTop);
}
