/**
 * What is in view, lane by lane, in numbers: how much of each phase, how many calls, the longest call drawn.
 *
 * Pure, and worked out from what the timeline is drawn from, as the drawing works it out: a table of it must never say
 * anything else than the picture.
 *
 * @import { LaneLife } from "./columns.js"
 * @import { Items } from "./items.js"
 * @import { Range } from "./view-state.js"
 */

import { Columns, fill, openEnd } from "./columns.js";
import { narrowCalls } from "./items.js";
import { PHASE_COUNT } from "./phases.js";

/**
 * @typedef {{ amounts: number[], absentNs: number, calls: number, longest: Longest | null }} InView
 *   `amounts`: nanoseconds by phase; `absentNs`: of what nothing is known, or in which the thread did not live
 * @typedef {{ call: string | null, ns: number, ended: boolean }} Longest  its whole length, in view or not; `call` null if not known
 */

/** One for all lanes: filled and read one after the other. */
const columns = new Columns();

/**
 * The part of a window that lies in the trace.
 * @param {Range} window
 * @param {number} nowNs
 * @returns {Range}
 */
export function inTrace(window, nowNs) {
  const fromNs = Math.max(0, window.fromNs);
  return { fromNs, toNs: Math.max(fromNs, Math.min(window.toNs, nowNs)) };
}

/**
 * @param {Items} items
 * @param {LaneLife} life
 * @param {Range} window
 * @param {number} count of columns that it is drawn in
 * @param {number} nowNs
 * @param {readonly string[]} names of syscalls
 * @returns {InView}
 */
export function inView(items, life, window, count, nowNs, names) {
  const columnNs = (window.toNs - window.fromNs) / count;
  fill(columns, { startNs: window.fromNs, columnNs, columns: count }, items, life);
  const amounts = new Array(PHASE_COUNT).fill(0);
  for (let phase = 0; phase < PHASE_COUNT; phase += 1) {
    for (let column = 0; column < count; column += 1) amounts[phase] += columns.share(phase, column) * columnNs;
  }
  const inside = inTrace(window, nowNs);
  const known = amounts.reduce((sum, ns) => sum + ns, 0);
  const touches = (/** @type {number} */ fromNs, /** @type {number} */ toNs) => fromNs < window.toNs && toNs > window.fromNs;
  let calls = 0;
  /** @type {Longest | null} */
  let longest = null;
  for (const call of items.calls) {
    if (!touches(call.startNs, call.endNs)) continue;
    calls += 1;
    const ns = call.endNs - call.startNs;
    if (!longest || ns > longest.ns) longest = { call: names[call.syscall] ?? `syscall_${call.syscall}`, ns, ended: true };
  }
  calls += narrowCalls(items, window.fromNs, window.toNs);
  const open = openEnd(items, life);
  if (open?.inCall && !Number.isFinite(life.endedNs) && touches(open.sinceNs, open.atNs)) {
    calls += 1;
    const ns = open.atNs - open.sinceNs;
    if (!longest || ns > longest.ns) longest = { call: open.call, ns, ended: false };
  }
  return { amounts, absentNs: Math.max(0, inside.toNs - inside.fromNs - known), calls, longest };
}
