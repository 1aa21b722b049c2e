/**
 * What was found ready on a connection and that nobody read any more: since when at the latest, and up to when.
 *
 * Pure. Must never say when it came: nothing tells that but the call that reads it, and there was none.
 *
 * @import { Range } from "./view-state.js"
 */

import { list, maybeNumber } from "./messages.js";

/**
 * @typedef {{ lane: number, callNs: number, sinceNs: number, untilNs: number, closed: boolean }} Unread
 *   `lane` and `callNs`: the readiness call that found it, which ended at `sinceNs`; `untilNs`: the close, or how far the trace had come
 */

/** @param {unknown} json @param {number} nowNs @returns {Unread | null} */
export function readUnread(json, nowNs) {
  if (json === null || json === undefined) return null;
  const [lane, callNs, sinceNs, closedNs] = list(json, 4).map(maybeNumber);
  if (typeof lane !== "number" || typeof callNs !== "number" || typeof sinceNs !== "number" || callNs > sinceNs) throw new Error("read a connection: what was left unread is out of order");
  const untilNs = Math.max(sinceNs, closedNs ?? nowNs);
  return { lane, callNs, sinceNs, untilNs, closed: typeof closedNs === "number" };
}

/** Whether it lies there at a time. @param {Unread | null} unread @param {number} ns @returns {boolean} */
export function isUnreadAt(unread, ns) {
  return unread !== null && ns >= unread.sinceNs && ns <= unread.untilNs;
}

/** How long it lies there in a window. @param {Unread | null} unread @param {Range} window @returns {number} */
export function unreadIn(unread, { fromNs, toNs }) {
  return unread === null ? 0 : Math.max(0, Math.min(unread.untilNs, toNs) - Math.max(unread.sinceNs, fromNs));
}
