/**
 * Requests of `io_uring`s on a connection's lane: a line from submission to completion, with a head where it was complete. Those of
 * receives, and of whatever else is no send, lie in the middle of the bars; those of sends below them.
 *
 * Must never look like reading or waiting: when data came for a request, and when it was copied, is not known. Of requests too
 * narrow to be told a line says that there were some.
 *
 * @import { Asks, Request } from "./connection-requests.js"
 * @import { Ground, Paint } from "./draw-connection.js"
 * @import { Palette } from "./phases.js"
 */

import { BARS_PX, BARS_TOP_PX, SENDS_PX, SENDS_TOP_PX, span } from "./draw-connection.js";
import { KERNEL } from "./phases.js";

const LINE_PX = 2;
const HEAD_PX = 8;
const SEND_HEAD_PX = 5;

/** The kernel's: it has them meanwhile. @param {Palette} palette @returns {string} */
function colourOf(palette) {
  return palette.phases[KERNEL]?.ink ?? palette.text;
}

/** @type {Paint} */
export function paintRequest(context, palette, left, width, top) {
  const middle = top + BARS_PX / 2;
  context.fillStyle = colourOf(palette);
  context.fillRect(left, middle - LINE_PX / 2, width, LINE_PX);
  context.fillRect(left, middle - LINE_PX, 1, 2 * LINE_PX);
  paintHead(context, left + width, middle, HEAD_PX);
}

/** @param {CanvasRenderingContext2D} context @param {number} right @param {number} middle @param {number} px */
function paintHead(context, right, middle, px) {
  context.fillRect(right - 2, middle - px / 2, 2, px);
}

/**
 * @param {CanvasRenderingContext2D} context @param {Ground} ground
 * @param {readonly Request[]} requests @param {readonly Asks[]} asks @param {number} top of the row
 */
export function drawRequests(context, ground, requests, asks, top) {
  const middle = { bars: top + BARS_TOP_PX + BARS_PX / 2, sends: top + SENDS_TOP_PX + SENDS_PX / 2 };
  context.fillStyle = colourOf(ground.palette);
  for (const { fromNs, toNs, complete, waitingNs, sendingNs, sentBytes } of asks) {
    const at = span(ground, fromNs, toNs);
    if (!at) continue;
    // What was complete at once has no length, and shows all the same.
    const bars = waitingNs > 0 || (complete > 0 && sendingNs === 0 && sentBytes === 0);
    if (bars) context.fillRect(at.left, middle.bars - LINE_PX / 2, at.width, LINE_PX);
    if (!bars || sendingNs > 0 || sentBytes > 0) context.fillRect(at.left, middle.sends - LINE_PX / 2, at.width, LINE_PX);
  }
  for (const { kind, fromNs, toNs, sinceKnown, complete } of requests) {
    const at = span(ground, fromNs, toNs);
    if (!at) continue;
    const isSend = kind === "send";
    const y = isSend ? middle.sends : middle.bars;
    context.fillRect(at.left, y - LINE_PX / 2, at.width, LINE_PX);
    if (sinceKnown) context.fillRect(at.left, y - LINE_PX, 1, 2 * LINE_PX);
    if (complete) paintHead(context, at.left + Math.max(2, at.width), y, isSend ? SEND_HEAD_PX : HEAD_PX);
  }
}
