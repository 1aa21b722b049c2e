/**
 * Durations on a logarithmic axis, and what slots of durations tell: percentiles, and how dark a cell is.
 *
 * Pure. A slot knows its durations by its bounds only: a percentile is told by both of them, never by one number that
 * looks exact.
 *
 * @import { Slot } from "./answers.js"
 */

/** Shorter durations than this share the bottom of the axis. */
const FLOOR_NS = 10;

/** @typedef {{ lowNs: number, highNs: number, heightPx: number }} Axis  whole decades, shortest at the bottom */

/**
 * The decades that hold all slots.
 * @param {readonly Slot[]} slots
 * @param {number} heightPx
 * @returns {Axis}
 */
export function axisOf(slots, heightPx) {
  const firsts = slots.map((slot) => Math.max(FLOOR_NS, slot.firstNs));
  const lasts = slots.map((slot) => Math.max(FLOOR_NS + 1, slot.lastNs + 1));
  const low = firsts.reduce((least, ns) => Math.min(least, ns), Infinity);
  const high = lasts.reduce((most, ns) => Math.max(most, ns), 0);
  if (slots.length === 0) return { lowNs: 1e3, highNs: 1e6, heightPx };
  // A hair of slack: the logarithm of a power of ten may fall just beside it.
  const lowNs = 10 ** Math.floor(Math.log10(low) + 1e-9);
  return { lowNs, highNs: Math.max(lowNs * 10, 10 ** Math.ceil(Math.log10(high) - 1e-9)), heightPx };
}

/** @param {Axis} axis @param {number} ns @returns {number} pixels from the top */
export function toY({ lowNs, highNs, heightPx }, ns) {
  const part = Math.log(Math.min(highNs, Math.max(lowNs, ns)) / lowNs) / Math.log(highNs / lowNs);
  return heightPx * (1 - part);
}

/** @param {Axis} axis @param {number} y @returns {number} nanoseconds */
export function toNs({ lowNs, highNs, heightPx }, y) {
  return lowNs * (highNs / lowNs) ** (1 - Math.min(1, Math.max(0, y / heightPx)));
}

/** The decades on the axis. @param {Axis} axis @returns {number[]} */
export function decades({ lowNs, highNs }) {
  const found = [];
  for (let ns = lowNs; ns <= highNs * 1.0001; ns *= 10) found.push(ns);
  return found;
}

/**
 * The slot in which such a part of all is reached, or null of none.
 * @param {readonly Slot[]} slots in order
 * @param {number} quantile
 * @returns {Slot | null}
 */
export function slotAt(slots, quantile) {
  const all = slots.reduce((sum, slot) => sum + slot.count, 0);
  const rank = Math.max(1, Math.ceil(all * quantile));
  let sum = 0;
  for (const slot of slots) {
    sum += slot.count;
    if (sum >= rank) return slot;
  }
  return null;
}

/**
 * From a little to one: what is not nothing can be seen, and a hundred times as much is much darker.
 * @param {number} count
 * @param {number} most
 * @returns {number}
 */
export function shade(count, most) {
  if (count <= 0) return 0;
  return 0.14 + 0.86 * (most > 1 ? Math.log(count) / Math.log(most) : 1);
}
