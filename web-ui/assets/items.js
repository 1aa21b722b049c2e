/**
 * What a lane's tiles hold, made one: calls and times off the CPU without doubles, the stretches of
 * time with their phases, and the pieces, for the sums that stay in them.
 *
 * Pure. Must never hold a call twice, nor copy the sums: there are hundreds to a tile.
 *
 * @import { Known, Stretches } from "./stretches.js"
 * @import { Piece } from "./tiles.js"
 */

import { BLOCKED, COPYING, KERNEL, OTHER, PHASE_COUNT, RUNNABLE } from "./phases.js";
import { othersOf, stretchesOf } from "./stretches.js";
import { samePiece } from "./tiles.js";

/**
 * @typedef {{ startNs: number, endNs: number, kernelNs: number, blockedNs: number, runnableNs: number,
 *   copyingNs: number, copyStartNs: number, otherNs: number, syscall: number, flags: number }} Call
 * @typedef {{ leftNs: number, wokenNs: number, backNs: number, flags: number }} Span
 * @typedef {{ fromNs: number, toNs: number, calls: number, amounts: Float64Array }} Sum
 *   `amounts`: nanoseconds by phase
 * @typedef {{ calls: Call[], spans: Span[], stretches: Stretches, others: Stretches, pieces: readonly Piece[], known: Known[] }} Items
 *   `others`: unrecorded calls, whose place is not known so exactly
 * @typedef {{ calls: Call[], spans: Span[] }} Part  what one piece has
 * @typedef {{ pieces: readonly Piece[], parts: readonly Part[], items: Items }} Gathered  `parts` by piece
 */

/** @param {Float64Array} column @param {number} i @returns {number} */
const at = (column, i) => column[i] ?? 0;

/**
 * @param {readonly Piece[]} pieces in order of time, without overlap
 * @returns {Items}
 */
export function gather(pieces) {
  return gatherAnew(pieces, null).items;
}

/**
 * The same, with what was gathered before for the pieces that are still there: while a view moves tiles come one after the
 * other, and what each has is thousands of things.
 * @param {readonly Piece[]} pieces
 * @param {Gathered | null} before
 * @returns {Gathered}
 */
export function gatherAnew(pieces, before) {
  const parts = pieces.map((piece) => before?.parts[before.pieces.findIndex((one) => samePiece(one, piece))] ?? partOf(piece));
  /** @type {Call[]} */
  const calls = [];
  /** @type {Span[]} */
  const spans = [];
  // Calls of one thread don't overlap: the same start is the same call, seen from the next tile.
  for (const part of parts) {
    for (const call of part.calls) if (call.startNs > (calls.at(-1)?.startNs ?? -1)) calls.push(call);
    for (const span of part.spans) if (span.leftNs > (spans.at(-1)?.leftNs ?? -1)) spans.push(span);
  }
  const known = knownOf(pieces);
  const items = { calls, spans, stretches: stretchesOf(calls, spans, known), others: othersOf(calls, known[0]?.fromNs ?? 0), pieces, known };
  return { pieces, parts, items };
}

/** @param {readonly Piece[]} pieces @returns {Known[]} */
function knownOf(pieces) {
  /** @type {Known[]} */
  const known = [];
  for (const { entry: { asOfNs }, fromNs, toNs } of pieces) {
    const before = known.at(-1);
    if (before && before.toNs === fromNs && before.asOfNs === asOfNs) before.toNs = toNs;
    else known.push({ fromNs, toNs, asOfNs });
  }
  return known;
}

/** @param {Piece} piece @returns {Part} */
function partOf(piece) {
  return { calls: callsOf(piece), spans: spansOf(piece) };
}

/** @param {Piece} piece @returns {Call[]} */
function callsOf(piece) {
  const { calls } = piece.entry.tile;
  /** @type {Call[]} */
  const found = [];
  for (let i = 0; i < calls.count; i += 1) {
    const startNs = at(calls.startNs, i);
    const endNs = at(calls.endNs, i);
    if (endNs < piece.fromNs || startNs >= piece.toNs) continue;
    found.push({
      startNs,
      endNs,
      kernelNs: at(calls.kernelNs, i),
      blockedNs: at(calls.blockedNs, i),
      runnableNs: at(calls.runnableNs, i),
      copyingNs: at(calls.copyingNs, i),
      copyStartNs: calls.copyStartNs[i] ?? NaN,
      otherNs: at(calls.otherNs, i),
      syscall: calls.syscall[i] ?? 0,
      flags: calls.flags[i] ?? 0,
    });
  }
  return found;
}

/** @param {Piece} piece @returns {Span[]} */
function spansOf(piece) {
  const { spans } = piece.entry.tile;
  /** @type {Span[]} */
  const found = [];
  for (let i = 0; i < spans.count; i += 1) {
    const leftNs = at(spans.leftNs, i);
    const backNs = at(spans.backNs, i);
    if (backNs < piece.fromNs || leftNs >= piece.toNs) continue;
    found.push({ leftNs, wokenNs: at(spans.wokenNs, i), backNs, flags: spans.flags[i] ?? 0 });
  }
  return found;
}

/**
 * The call at a time, or the nearest one within `reachNs`.
 * @param {Items} items
 * @param {number} timeNs
 * @param {number} reachNs
 * @returns {Call | null}
 */
export function callAt(items, timeNs, reachNs) {
  const { calls } = items;
  let low = 0;
  let high = calls.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((calls[middle]?.startNs ?? 0) <= timeNs) low = middle + 1;
    else high = middle;
  }
  const before = calls[low - 1];
  const after = calls[low];
  if (before && before.endNs >= timeNs) return before;
  if (before && timeNs - before.endNs <= reachNs) return before;
  if (after && after.startNs - timeNs <= reachNs) return after;
  return null;
}

/**
 * The bucket of narrow calls at a time.
 * @param {Items} items
 * @param {number} timeNs
 * @returns {Sum | null}
 */
export function sumAt({ pieces }, timeNs) {
  const piece = pieces.find(({ fromNs, toNs }) => timeNs >= fromNs && timeNs < toNs);
  if (!piece) return null;
  const { tile } = piece.entry;
  const i = tile.sums.bucket.indexOf(Math.floor((timeNs - tile.fromNs) / tile.bucketNs));
  return i < 0 ? null : sumOf(piece, i);
}

/** @param {Piece} piece @param {number} i @returns {Sum} */
function sumOf(piece, i) {
  const { fromNs, bucketNs, sums } = piece.entry.tile;
  const beginNs = fromNs + (sums.bucket[i] ?? 0) * bucketNs;
  // A stand-in's bucket may reach beyond the piece: its share of the bucket is all it gets.
  const cutFrom = Math.max(beginNs, piece.fromNs);
  const cutTo = Math.min(beginNs + bucketNs, piece.toNs);
  const amounts = new Float64Array(PHASE_COUNT);
  amounts[COPYING] = at(sums.copyingNs, i);
  amounts[KERNEL] = at(sums.kernelNs, i);
  amounts[OTHER] = at(sums.otherNs, i);
  amounts[RUNNABLE] = at(sums.runnableNs, i) + at(sums.outsideRunnableNs, i);
  amounts[BLOCKED] = at(sums.blockedNs, i) + at(sums.outsideBlockedNs, i);
  const part = (cutTo - cutFrom) / bucketNs;
  return { fromNs: cutFrom, toNs: cutTo, calls: sums.calls[i] ?? 0, amounts: amounts.map((ns) => ns * part) };
}

/**
 * How many calls too narrow to be told are summed in buckets that a time touches.
 * @param {Items} items
 * @param {number} fromNs
 * @param {number} toNs
 * @returns {number}
 */
export function narrowCalls({ pieces }, fromNs, toNs) {
  let calls = 0;
  for (const { entry: { tile }, ...piece } of pieces) {
    const [from, to] = [Math.max(fromNs, piece.fromNs), Math.min(toNs, piece.toNs)];
    for (let i = 0; from < to && i < tile.sums.count; i += 1) {
      const beginNs = tile.fromNs + (tile.sums.bucket[i] ?? 0) * tile.bucketNs;
      if (beginNs < to && beginNs + tile.bucketNs > from) calls += tile.sums.calls[i] ?? 0;
    }
  }
  return calls;
}
