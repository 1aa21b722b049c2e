/**
 * What a lane's tiles hold, made one: calls and times off the CPU without doubles, and the
 * stretches of time with their phases.
 *
 * Pure. A call's phases are exact where the tile says so; what lay in pieces narrower than a bucket
 * is spread evenly over the parts of the call that it can have been in. Must never let a stretch
 * hold more time than it is long.
 *
 * @import { Piece } from "./tiles.js"
 */

import { BLOCKED, COPYING, KERNEL, OTHER, PHASE_COUNT, RUNNABLE } from "./phases.js";
import { samePiece } from "./tiles.js";

/**
 * @typedef {{ startNs: number, endNs: number, kernelNs: number, blockedNs: number, runnableNs: number,
 *   copyingNs: number, copyStartNs: number, otherNs: number, syscall: number, flags: number }} Call
 * @typedef {{ leftNs: number, wokenNs: number, backNs: number, flags: number }} Span
 * @typedef {{ fromNs: number, toNs: number, calls: number, amounts: number[] }} Sum
 *   `amounts`: nanoseconds by phase
 * @typedef {{ fromNs: number, toNs: number, shares: number[] }} Stretch  `shares`: parts of one by phase
 * @typedef {{
 *   calls: Call[], spans: Span[], sums: Sum[], stretches: Stretch[], others: Sum[],
 *   known: { fromNs: number, toNs: number, asOfNs: number }[],
 * }} Items
 * @typedef {{ calls: Call[], spans: Span[], sums: Sum[] }} Part  what one piece has
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
  /** @type {Items} */
  const items = { calls: [], spans: [], sums: [], stretches: [], others: [], known: [] };
  const parts = pieces.map((piece) => before?.parts[before.pieces.findIndex((one) => samePiece(one, piece))] ?? partOf(piece));
  for (const [i, piece] of pieces.entries()) {
    // Calls of one thread don't overlap: the same start is the same call, seen from the next tile.
    for (const call of parts[i]?.calls ?? []) if (call.startNs > (items.calls.at(-1)?.startNs ?? -1)) items.calls.push(call);
    for (const span of parts[i]?.spans ?? []) if (span.leftNs > (items.spans.at(-1)?.leftNs ?? -1)) items.spans.push(span);
    for (const sum of parts[i]?.sums ?? []) items.sums.push(sum);
    const before = items.known.at(-1);
    const { fromNs, toNs } = piece;
    const { asOfNs } = piece.entry;
    if (before && before.toNs === fromNs && before.asOfNs === asOfNs) before.toNs = toNs;
    else items.known.push({ fromNs, toNs, asOfNs });
  }
  addStretches(items);
  addOthers(items);
  return { pieces, parts, items };
}

/** @param {Piece} piece @returns {Part} */
function partOf(piece) {
  return { calls: callsOf(piece), spans: spansOf(piece), sums: sumsOf(piece) };
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

/** @param {Piece} piece @returns {Sum[]} */
function sumsOf(piece) {
  const { tile } = piece.entry;
  /** @type {Sum[]} */
  const found = [];
  const { sums } = tile;
  for (let i = 0; i < sums.count; i += 1) {
    const fromNs = tile.fromNs + (sums.bucket[i] ?? 0) * tile.bucketNs;
    const toNs = fromNs + tile.bucketNs;
    if (toNs <= piece.fromNs || fromNs >= piece.toNs) continue;
    // In the order of phases. A plain array: typed ones take far longer to make, and there are thousands.
    const amounts = [
      at(sums.copyingNs, i),
      at(sums.kernelNs, i),
      at(sums.otherNs, i),
      0,
      at(sums.runnableNs, i) + at(sums.outsideRunnableNs, i),
      at(sums.blockedNs, i) + at(sums.outsideBlockedNs, i),
    ];
    // A stand-in's bucket may reach beyond the piece: its share of the bucket is all it gets.
    const cutFrom = Math.max(fromNs, piece.fromNs);
    const cutTo = Math.min(toNs, piece.toNs);
    const part = (cutTo - cutFrom) / tile.bucketNs;
    if (part < 1) for (let p = 0; p < PHASE_COUNT; p += 1) amounts[p] = (amounts[p] ?? 0) * part;
    found.push({ fromNs: cutFrom, toNs: cutTo, calls: sums.calls[i] ?? 0, amounts });
  }
  return found;
}

/** @param {Items} items @param {number} fromNs @param {number} toNs @param {number[]} shares */
function push(items, fromNs, toNs, shares) {
  if (toNs > fromNs) items.stretches.push({ fromNs, toNs, shares });
}

/** @param {number} phase @returns {number[]} */
function pure(phase) {
  const shares = [0, 0, 0, 0, 0, 0];
  shares[phase] = 1;
  return shares;
}

const PURE_BLOCKED = pure(BLOCKED);
const PURE_RUNNABLE = pure(RUNNABLE);
const PURE_KERNEL = pure(KERNEL);
const PURE_COPYING = pure(COPYING);

/**
 * Times off the CPU are stretches of their own, inside calls and outside; the rest of a call is
 * on-CPU time, copying from `copyStartNs` on.
 *
 *     call   ├──────────────────────────────────────────┤
 *     span          ├ blocked ┤ runnable ┤
 *     gives  kernel  blocked    runnable   kernel copying
 *
 * @param {Items} items
 */
function addStretches(items) {
  for (const span of items.spans) {
    push(items, span.leftNs, span.wokenNs, PURE_BLOCKED);
    push(items, span.wokenNs, span.backNs, PURE_RUNNABLE);
  }
  let first = 0;
  for (const call of items.calls) {
    while (first < items.spans.length && (items.spans[first]?.backNs ?? 0) <= call.startNs) first += 1;
    /** @type {[number, number][]} */
    const onCpu = [];
    let cursorNs = call.startNs;
    let blockedNs = 0;
    let runnableNs = 0;
    for (let i = first; i < items.spans.length; i += 1) {
      const span = items.spans[i];
      if (!span || span.leftNs >= call.endNs) break;
      if (span.leftNs > cursorNs) onCpu.push([cursorNs, span.leftNs]);
      cursorNs = Math.max(cursorNs, span.backNs);
      blockedNs += span.wokenNs - span.leftNs;
      runnableNs += span.backNs - span.wokenNs;
    }
    if (call.endNs > cursorNs) onCpu.push([cursorNs, call.endNs]);
    const covered = covers(items, call.startNs, call.endNs);
    addOnCpu(items, call, onCpu, covered ? call.blockedNs - blockedNs : 0, covered ? call.runnableNs - runnableNs : 0);
  }
}

/** @param {Items} items @param {number} fromNs @param {number} toNs @returns {boolean} */
function covers(items, fromNs, toNs) {
  let reachNs = fromNs;
  for (const part of items.known) {
    if (part.fromNs > reachNs) break;
    reachNs = Math.max(reachNs, part.toNs);
  }
  return reachNs >= toNs;
}

/**
 * @param {Items} items
 * @param {Call} call
 * @param {[number, number][]} onCpu the parts of the call that no span covers
 * @param {number} restBlockedNs blocked in pieces too narrow to be told
 * @param {number} restRunnableNs the same, runnable
 */
function addOnCpu(items, call, onCpu, restBlockedNs, restRunnableNs) {
  const copyNs = Number.isNaN(call.copyStartNs) ? Infinity : call.copyStartNs;
  /** @type {[number, number][]} */
  const early = [];
  /** @type {[number, number][]} */
  const late = [];
  for (const [fromNs, toNs] of onCpu) {
    if (fromNs < copyNs) early.push([fromNs, Math.min(toNs, copyNs)]);
    if (toNs > copyNs) late.push([Math.max(fromNs, copyNs), toNs]);
  }
  const restNs = Math.max(0, restBlockedNs) + Math.max(0, restRunnableNs);
  mix(items, early, call.kernelNs, restNs, restBlockedNs, PURE_KERNEL, KERNEL);
  mix(items, late, call.copyingNs, restNs, restBlockedNs, PURE_COPYING, COPYING);
}

/**
 * @param {Items} items
 * @param {[number, number][]} parts
 * @param {number} phaseNs how much of them is the phase itself
 * @param {number} restNs how much off-CPU time is still to be placed, in these parts and elsewhere
 * @param {number} restBlockedNs of that, blocked
 * @param {number[]} all what to use if it is the phase alone
 * @param {number} phase
 */
function mix(items, parts, phaseNs, restNs, restBlockedNs, all, phase) {
  let lengthNs = 0;
  for (const [fromNs, toNs] of parts) lengthNs += toNs - fromNs;
  if (lengthNs <= 0) return;
  let shares = all;
  if (restNs > 0 && phaseNs < lengthNs) {
    shares = [0, 0, 0, 0, 0, 0];
    const share = phaseNs / lengthNs;
    const blocked = Math.max(0, restBlockedNs) / restNs;
    shares[phase] = share;
    shares[BLOCKED] = (1 - share) * blocked;
    shares[RUNNABLE] = (1 - share) * (1 - blocked);
  }
  for (const [fromNs, toNs] of parts) push(items, fromNs, toNs, shares);
}

/**
 * Unrecorded calls lie somewhere between a call and the one before: they are spread over that gap.
 * @param {Items} items
 */
function addOthers(items) {
  let beforeNs = items.known[0]?.fromNs ?? 0;
  for (const call of items.calls) {
    if (call.otherNs > 0 && call.startNs > beforeNs) {
      const amounts = [0, 0, 0, 0, 0, 0];
      amounts[OTHER] = Math.min(call.otherNs, call.startNs - beforeNs);
      items.others.push({ fromNs: beforeNs, toNs: call.startNs, calls: 0, amounts });
    }
    beforeNs = Math.max(beforeNs, call.endNs);
  }
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
export function sumAt(items, timeNs) {
  const { sums } = items;
  let low = 0;
  let high = sums.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle]?.fromNs ?? 0) <= timeNs) low = middle + 1;
    else high = middle;
  }
  const sum = sums[low - 1];
  return sum && timeNs < sum.toNs ? sum : null;
}
