/**
 * How a view moves: zoom to the cursor, pan, fit, follow, and the limits of all these.
 *
 * Pure: every function takes a view and returns another. Must never know of events or canvases.
 *
 * @import { View } from "./scale.js"
 */

/** Closest zoom: below a tenth of a nanosecond per pixel there is nothing more to see. */
export const MIN_NS_PER_PX = 0.1;

/** How much of the window may lie outside the trace, on either side. */
const SLACK = 0.25;

/** A trace younger than this is given this much room, so that the first view is not a flash. */
const LEAST_EXTENT_NS = 1e6;

/**
 * @typedef {{ widthPx: number, beginNs: number, endNs: number }} Bounds  the window's width, the trace's extent
 */

/**
 * Keeps the zoom within reason and some of the trace in view.
 * @param {View} view
 * @param {Bounds} bounds
 * @returns {View}
 */
export function clamp(view, bounds) {
  const { widthPx, beginNs } = bounds;
  const extentNs = Math.max(LEAST_EXTENT_NS, bounds.endNs - beginNs);
  const maxNsPerPx = (extentNs * (1 + 2 * SLACK)) / Math.max(1, widthPx);
  const nsPerPx = Math.min(Math.max(view.nsPerPx, MIN_NS_PER_PX), Math.max(maxNsPerPx, MIN_NS_PER_PX));
  const spanNs = nsPerPx * widthPx;
  const least = beginNs - spanNs * SLACK;
  const most = Math.max(least, beginNs + extentNs - spanNs * (1 - SLACK));
  return { startNs: Math.min(Math.max(view.startNs, least), most), nsPerPx };
}

/**
 * Zooms by `factor` (above 1: closer) and keeps the time under `xPx` where it is.
 * @param {View} view
 * @param {number} factor
 * @param {number} xPx
 * @param {Bounds} bounds
 * @returns {View}
 */
export function zoom(view, factor, xPx, bounds) {
  const anchorNs = view.startNs + xPx * view.nsPerPx;
  const { nsPerPx } = clamp({ startNs: view.startNs, nsPerPx: view.nsPerPx / factor }, bounds);
  return clamp({ startNs: anchorNs - xPx * nsPerPx, nsPerPx }, bounds);
}

/**
 * @param {View} view
 * @param {number} byPx towards later times if positive
 * @param {Bounds} bounds
 * @returns {View}
 */
export function pan(view, byPx, bounds) {
  return clamp({ startNs: view.startNs + byPx * view.nsPerPx, nsPerPx: view.nsPerPx }, bounds);
}

/**
 * Shows from one time to another, with a margin of a fiftieth on both sides.
 * @param {number} fromNs
 * @param {number} toNs
 * @param {Bounds} bounds
 * @returns {View}
 */
export function fit(fromNs, toNs, bounds) {
  const spanNs = Math.max(1, toNs - fromNs);
  const nsPerPx = (spanNs * 1.04) / Math.max(1, bounds.widthPx);
  return clamp({ startNs: fromNs - spanNs * 0.02, nsPerPx }, bounds);
}

/**
 * The same zoom with `nowNs` near the right edge; a trace shorter than the window begins at its left.
 * @param {View} view
 * @param {number} nowNs
 * @param {number} widthPx
 * @returns {View}
 */
export function follow(view, nowNs, widthPx) {
  const startNs = nowNs - view.nsPerPx * (widthPx - FOLLOW_MARGIN_PX);
  return { startNs: Math.max(startNs, -view.nsPerPx * FOLLOW_MARGIN_PX), nsPerPx: view.nsPerPx };
}

/** Room beside the trace's ends, for the open ends of calls. */
export const FOLLOW_MARGIN_PX = 24;

/** A call narrower than this is zoomed to. */
const SEEN_PX = 3;

/**
 * A view in which a stretch of time can be seen: the same if it can already, else moved, and closer only if it must be.
 * @param {View} view
 * @param {number} startNs
 * @param {number} endNs
 * @param {Bounds} bounds
 * @returns {View}
 */
export function reveal(view, startNs, endNs, bounds) {
  const { widthPx } = bounds;
  const lengthNs = Math.max(1, endNs - startNs);
  const nsPerPx = lengthNs / view.nsPerPx >= SEEN_PX ? view.nsPerPx : (lengthNs * 6) / widthPx;
  const lengthPx = lengthNs / nsPerPx;
  const leftPx = (startNs - view.startNs) / view.nsPerPx;
  const inView = leftPx >= 0.02 * widthPx && leftPx <= 0.9 * widthPx && (leftPx + lengthPx <= widthPx || lengthPx > widthPx / 2);
  if (nsPerPx === view.nsPerPx && inView) return view;
  // Of a long one the beginning is shown, of a short one all, with as much before as after.
  const beforePx = lengthPx < widthPx * 0.8 ? (widthPx - lengthPx) / 2 : widthPx * 0.1;
  return clamp({ startNs: startNs - beforePx * nsPerPx, nsPerPx }, bounds);
}
