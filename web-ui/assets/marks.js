/**
 * Times that someone marked: in order, each once, few.
 *
 * Pure. Must never hold more than an address can.
 */

export const MARKS_MAX = 16;

/**
 * With one more; the same if it is there, or if there is no room.
 * @param {readonly number[]} marks @param {number} atNs
 * @returns {readonly number[]}
 */
export function withMark(marks, atNs) {
  const ns = Math.max(0, Math.round(atNs));
  if (marks.length >= MARKS_MAX || marks.includes(ns)) return marks;
  return [...marks, ns].sort((a, b) => a - b);
}

/** @param {readonly number[]} marks @param {number} ns @returns {readonly number[]} */
export function withoutMark(marks, ns) {
  return marks.filter((one) => one !== ns);
}

/**
 * The nearest within reach.
 * @param {readonly number[]} marks @param {number} atNs @param {number} reachNs
 * @returns {number | null}
 */
export function markNear(marks, atNs, reachNs) {
  const [nearest] = [...marks].sort((a, b) => Math.abs(a - atNs) - Math.abs(b - atNs));
  return nearest !== undefined && Math.abs(nearest - atNs) <= reachNs ? nearest : null;
}

/** The first after a time, or else the first of all. @param {readonly number[]} marks @param {number} afterNs @returns {number | null} */
export function markAfter(marks, afterNs) {
  return marks.find((one) => one > afterNs) ?? marks[0] ?? null;
}
