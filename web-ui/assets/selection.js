/**
 * A selected range of time: how it comes to be, and what of it is not known.
 *
 * Pure. Must never let a sum over a range pass for the whole where records of it are missing.
 *
 * @import { State } from "./messages.js"
 * @import { Range } from "./view-state.js"
 */

import { formatCount, formatNs, formatTime } from "./format.js";
import { say } from "./words.js";

/**
 * The range between two points of time, in either order, in whole nanoseconds; null if it has no length.
 * @param {number} aNs
 * @param {number} bNs
 * @returns {Range | null}
 */
export function between(aNs, bNs) {
  const fromNs = Math.max(0, Math.round(Math.min(aNs, bNs)));
  const toNs = Math.max(0, Math.round(Math.max(aNs, bNs)));
  return toNs > fromNs ? { fromNs, toNs } : null;
}

/**
 * Sets an edge of the selection; the other one stays, or is that of the window.
 * @param {Range | null} selection
 * @param {"from" | "to"} edge
 * @param {number} atNs
 * @param {Range} window
 * @returns {Range | null}
 */
export function withEdge(selection, edge, atNs, window) {
  const { fromNs, toNs } = selection ?? window;
  if (edge === "from") return between(atNs, toNs > atNs ? toNs : Math.max(window.toNs, atNs + 1));
  return between(fromNs < atNs ? fromNs : Math.min(window.fromNs, atNs - 1), atNs);
}

/**
 * Why sums over a range are not all there was; empty if they are.
 * @param {Range} range
 * @param {Pick<State, "gaps" | "nowNs" | "ended">} state
 * @param {number} keptNs as the answer with the sums says
 * @returns {string[]}
 */
export function missing(range, state, keptNs) {
  const words = [];
  const gaps = state.gaps.filter((gap) => gap.startNs < range.toNs && gap.endNs > range.fromNs);
  const lost = gaps.reduce((sum, gap) => sum + gap.lost, 0);
  if (lost > 0) words.push(say("lack.lost", { count: formatCount(lost) }));
  if (range.fromNs < keptNs) words.push(say("lack.kept", { time: formatTime(keptNs, 1e6) }));
  if (!state.ended && range.toNs > state.nowNs) words.push(say("lack.open"));
  return words;
}

/**
 * What views are about: the selected range, else the window, which may be the whole trace; and that in words.
 * @param {Range} window
 * @param {Range | null} selection
 * @param {Pick<State, "keptNs" | "nowNs">} state
 * @returns {{ range: Range, of: string }}
 */
export function rangeOf(window, selection, state) {
  const span = (/** @type {Range} */ { fromNs, toNs }) => formatNs(toNs - fromNs);
  if (selection) return { range: selection, of: say("range.selected", { time: span(selection) }) };
  const fromNs = Math.max(0, Math.round(window.fromNs));
  // A range ends before its end: what began at the very last moment is in it.
  const range = { fromNs, toNs: Math.max(fromNs + 1, Math.round(Math.min(window.toNs, state.nowNs + 1))) };
  if (range.fromNs <= state.keptNs && range.toNs > state.nowNs) return { range, of: say("range.whole", { time: span(range) }) };
  return { range, of: say("range.window", { time: span(range), from: formatTime(fromNs, (range.toNs - fromNs) / 1000) }) };
}
