/**
 * The window as a bracket on a strip of the whole trace: where it stands, what of it lies under the pointer, what
 * becomes of it when it is dragged.
 *
 * Pure. Must never lead out of the trace, nor to a window without a length.
 *
 * @import { Range } from "./view-state.js"
 */

/** How near to an edge counts as the edge, on the outer side; inside, a third of a narrow bracket stays its middle. */
const GRIP_PX = 6;
/** However close the zoom, the bracket can be seen and taken hold of. */
const LEAST_PX = 8;

/** @typedef {"left" | "right" | "inside" | "outside"} Part */

/**
 * How much of time the strip shows. That of a live trace grows in steps, so that its picture stays for a while.
 * @param {number} nowNs
 * @param {boolean} grows
 * @returns {number}
 */
export function extentOf(nowNs, grows) {
  const least = Math.max(1, nowNs);
  if (!grows) return least;
  const stepNs = 2 ** Math.ceil(Math.log2(least)) / 16;
  return Math.ceil(least / stepNs) * stepNs;
}

/**
 * @param {Range} window
 * @param {number} extentNs
 * @param {number} widthPx
 * @returns {{ leftPx: number, rightPx: number }}
 */
export function bracketOf(window, extentNs, widthPx) {
  const x = (/** @type {number} */ ns) => Math.min(widthPx, Math.max(0, (ns / extentNs) * widthPx));
  const [leftPx, rightPx] = [x(window.fromNs), x(window.toNs)];
  const lack = LEAST_PX - (rightPx - leftPx);
  if (lack <= 0) return { leftPx, rightPx };
  const from = Math.min(Math.max(0, leftPx - lack / 2), widthPx - LEAST_PX);
  return { leftPx: from, rightPx: from + LEAST_PX };
}

/**
 * @param {{ leftPx: number, rightPx: number }} bracket
 * @param {number} xPx
 * @returns {Part}
 */
export function partAt({ leftPx, rightPx }, xPx) {
  const inner = Math.min(GRIP_PX, (rightPx - leftPx) / 3);
  if (xPx >= leftPx - GRIP_PX && xPx < leftPx + inner) return "left";
  if (xPx > rightPx - inner && xPx <= rightPx + GRIP_PX) return "right";
  return xPx >= leftPx && xPx <= rightPx ? "inside" : "outside";
}

/**
 * The window once a part of it, taken hold of at a time, was dragged to another. Outside, a new one is drawn.
 * @param {Part} part
 * @param {Range} window as it was when it was taken hold of
 * @param {number} heldNs
 * @param {number} atNs
 * @param {number} extentNs
 * @returns {Range}
 */
export function dragged(part, window, heldNs, atNs, extentNs) {
  const within = (/** @type {number} */ ns) => Math.min(extentNs, Math.max(0, ns));
  if (part === "outside") return ordered(within(heldNs), within(atNs));
  const byNs = atNs - heldNs;
  if (part === "left") return ordered(within(window.fromNs + byNs), window.toNs);
  if (part === "right") return ordered(window.fromNs, within(window.toNs + byNs));
  return moved(window, byNs, extentNs);
}

/**
 * The same window with its middle at a time.
 * @param {Range} window
 * @param {number} atNs
 * @param {number} extentNs
 * @returns {Range}
 */
export function centred(window, atNs, extentNs) {
  return moved(window, atNs - (window.fromNs + window.toNs) / 2, extentNs);
}

/** @param {Range} window @param {number} byNs @param {number} extentNs @returns {Range} */
function moved(window, byNs, extentNs) {
  const lengthNs = window.toNs - window.fromNs;
  const fromNs = Math.max(Math.min(0, window.fromNs), Math.min(window.fromNs + byNs, Math.max(window.fromNs, extentNs - lengthNs)));
  return { fromNs, toNs: fromNs + lengthNs };
}

/**
 * An edge dragged over the other one becomes the other one.
 * @param {number} aNs
 * @param {number} bNs
 * @returns {Range}
 */
function ordered(aNs, bNs) {
  const fromNs = Math.min(aNs, bNs);
  return { fromNs, toNs: Math.max(aNs, bNs, fromNs + 1) };
}
