/**
 * How much of each pixel column of a lane is which phase: the picture, before it has colours.
 *
 * Pure. In every column the shares sum to the share of it that is known, at most one; what is known
 * and nothing else is user time, or kernel time within a call still open. Must never know heights.
 *
 * @import { Items } from "./items.js"
 * @import { Open } from "./messages.js"
 * @import { Stretches } from "./stretches.js"
 * @import { Piece } from "./tiles.js"
 */

import { BLOCKED, COPYING, KERNEL, OTHER, PHASE_COUNT, RUNNABLE, USER } from "./phases.js";

/**
 * @typedef {{ startNs: number, columnNs: number, columns: number }} Grid  the time of the first column, and of each
 * @typedef {{ beganNs: number, endedNs: number, lastNs: number, keptNs: number, sealedNs: number, open: Open | null }} LaneLife
 *   `beganNs` 0 and `endedNs` Infinity where they are not known
 */

export class Columns {
  constructor() {
    this.count = 0;
    /** By column, then by phase: of what is placed exactly, and once `fill` is done of all. */
    this.shares = new Float64Array(0);
    /** The same of what is summed: it may reach a little beyond the column it was summed in. */
    this.narrow = new Float64Array(0);
    this.known = new Float64Array(0);
    this.openCall = new Float64Array(0);
    /** Whether any call touches the column: 1 or 0. */
    this.inCall = new Uint8Array(0);
  }

  /** @param {number} count */
  reset(count) {
    if (this.count !== count) {
      this.count = count;
      this.shares = new Float64Array(count * PHASE_COUNT);
      this.narrow = new Float64Array(count * PHASE_COUNT);
      this.known = new Float64Array(count);
      this.openCall = new Float64Array(count);
      this.inCall = new Uint8Array(count);
      return;
    }
    this.shares.fill(0);
    this.narrow.fill(0);
    this.known.fill(0);
    this.openCall.fill(0);
    this.inCall.fill(0);
  }

  /**
   * The share of a phase in a column, once `fill` is done.
   * @param {number} phase
   * @param {number} column
   * @returns {number}
   */
  share(phase, column) {
    return this.shares[column * PHASE_COUNT + phase] ?? 0;
  }
}

/**
 * @param {Columns} out
 * @param {Grid} grid
 * @param {Items} items
 * @param {LaneLife} life
 */
export function fill(out, grid, items, life) {
  out.reset(grid.columns);
  addStretches(out.shares, grid, items.stretches);
  addStretches(out.narrow, grid, items.others);
  for (const call of items.calls) touch(out.inCall, grid, call.startNs, call.endNs);
  for (const piece of items.pieces) addSums(out, grid, piece);
  addOpen(out, grid, items, life);
  addKnown(out, grid, items, life);
  settle(out);
}

/** @param {Float64Array} into @param {Grid} grid @param {Stretches} stretches */
function addStretches(into, grid, { count, fromNs, toNs, phases, shares }) {
  for (let i = 0; i < count; i += 1) cover(into, phases[i] ?? 0, PHASE_COUNT, grid, fromNs[i] ?? 0, toNs[i] ?? 0, shares[i] ?? 0);
}

/**
 * Spreads the sums of each of a piece's buckets evenly over the bucket. A stand-in's bucket may reach beyond the piece: what lies
 * in the piece is all that is drawn of it.
 * @param {Columns} out @param {Grid} grid @param {Piece} piece
 */
function addSums({ narrow, inCall }, grid, piece) {
  const { bucketNs, fromNs, sums } = piece.entry.tile;
  const { bucket, calls, copyingNs, kernelNs, otherNs, runnableNs, outsideRunnableNs, blockedNs, outsideBlockedNs } = sums;
  const { startNs, columnNs, columns } = grid;
  for (let i = 0; i < sums.count; i += 1) {
    const beginNs = fromNs + (bucket[i] ?? 0) * bucketNs;
    const from = Math.max(0, (Math.max(beginNs, piece.fromNs) - startNs) / columnNs);
    const to = Math.min(columns, (Math.min(beginNs + bucketNs, piece.toNs) - startNs) / columnNs);
    if (!(to > from)) continue;
    const called = (calls[i] ?? 0) > 0;
    for (let column = Math.floor(from); column < to; column += 1) {
      const part = (Math.min(to, column + 1) - Math.max(from, column)) / bucketNs;
      const at = column * PHASE_COUNT;
      add(narrow, at + COPYING, (copyingNs[i] ?? 0) * part);
      add(narrow, at + KERNEL, (kernelNs[i] ?? 0) * part);
      add(narrow, at + OTHER, (otherNs[i] ?? 0) * part);
      add(narrow, at + RUNNABLE, ((runnableNs[i] ?? 0) + (outsideRunnableNs[i] ?? 0)) * part);
      add(narrow, at + BLOCKED, ((blockedNs[i] ?? 0) + (outsideBlockedNs[i] ?? 0)) * part);
      if (called) inCall[column] = 1;
    }
  }
}

/**
 * Adds `share` over a stretch of time to the columns it covers. Most are within one or two columns.
 * @param {Float64Array} into
 * @param {number} base index of column 0
 * @param {number} step from one column to the next
 * @param {Grid} grid
 * @param {number} fromNs
 * @param {number} toNs
 * @param {number} share
 */
function cover(into, base, step, grid, fromNs, toNs, share) {
  const from = Math.max(0, (fromNs - grid.startNs) / grid.columnNs);
  const to = Math.min(grid.columns, (toNs - grid.startNs) / grid.columnNs);
  if (!(to > from)) return;
  const first = Math.floor(from);
  const last = Math.floor(to);
  if (first === last) {
    add(into, base + first * step, (to - from) * share);
    return;
  }
  add(into, base + first * step, (first + 1 - from) * share);
  for (let column = first + 1; column < last; column += 1) add(into, base + column * step, share);
  if (last < grid.columns) add(into, base + last * step, (to - last) * share);
}

/** @param {Float64Array} into @param {number} index @param {number} amount */
function add(into, index, amount) {
  into[index] = (into[index] ?? 0) + amount;
}

/** @param {Uint8Array} into @param {Grid} grid @param {number} fromNs @param {number} toNs */
function touch(into, grid, fromNs, toNs) {
  const from = Math.max(0, Math.floor((fromNs - grid.startNs) / grid.columnNs));
  const to = Math.min(grid.columns, Math.ceil((toNs - grid.startNs) / grid.columnNs));
  // There are thousands, most of a column or two: for those, the call of `fill` takes longer than the work.
  if (to - from > 8) into.fill(1, from, to);
  else for (let column = from; column < to; column += 1) into[column] = 1;
}

/**
 * What the thread is doing now: the server says it apart from the tiles, which hold what has ended.
 * @param {Columns} out
 * @param {Grid} grid
 * @param {Items} items
 * @param {LaneLife} life
 */
function addOpen(out, grid, items, life) {
  const open = openEnd(items, life);
  if (!open) return;
  if (open.inCall) {
    cover(out.openCall, 0, 1, grid, open.sinceNs, open.atNs, 1);
    touch(out.inCall, grid, open.sinceNs, open.atNs);
  }
  if (open.offSinceNs !== null) {
    const wokenNs = Math.min(open.atNs, open.wokenNs ?? open.atNs);
    cover(out.shares, BLOCKED, PHASE_COUNT, grid, open.offSinceNs, wokenNs, 1);
    cover(out.shares, RUNNABLE, PHASE_COUNT, grid, wokenNs, open.atNs, 1);
  }
}

/**
 * The open end of a lane, unless the tiles are newer and have it as ended already.
 * @param {Items} items
 * @param {{ open: Open | null }} life
 * @returns {Open | null}
 */
export function openEnd(items, life) {
  const { open } = life;
  if (!open) return null;
  const lastCall = items.calls.at(-1);
  const lastSpan = items.spans.at(-1);
  if (lastCall && (open.inCall ? lastCall.startNs >= open.sinceNs : lastCall.endNs > open.sinceNs)) return null;
  if (lastSpan && open.offSinceNs !== null && lastSpan.leftNs >= open.offSinceNs) return null;
  return open;
}

/**
 * @param {Columns} out
 * @param {Grid} grid
 * @param {Items} items
 * @param {LaneLife} life
 */
function addKnown(out, grid, items, life) {
  const beganNs = Math.max(0, life.beganNs, life.keptNs);
  const open = openEnd(items, life);
  const endNs = knownEnd(items, life, open);
  for (const part of items.known) {
    const toNs = Math.min(part.toNs, endNs, part.asOfNs);
    cover(out.known, 0, 1, grid, Math.max(part.fromNs, beganNs), toNs, 1);
  }
  if (open) {
    // The open end reaches beyond what the tiles know, but must not be counted twice.
    const tilesNs = Math.min(items.known.at(-1)?.toNs ?? 0, endNs, items.known.at(-1)?.asOfNs ?? 0);
    cover(out.known, 0, 1, grid, Math.max(open.sinceNs, tilesNs, beganNs), Math.min(open.atNs, endNs), 1);
  }
}

/**
 * Until when the absence of anything recorded means user time.
 * @param {Items} items
 * @param {LaneLife} life
 * @param {Open | null} open
 * @returns {number}
 */
function knownEnd(items, life, open) {
  if (Number.isFinite(life.endedNs)) return life.endedNs;
  if (open) return open.atNs;
  if (life.open) return Infinity;
  // Without word of what the thread does now, nothing is known after what has surely ended.
  return Math.max(items.calls.at(-1)?.endNs ?? 0, items.spans.at(-1)?.backNs ?? 0, life.sealedNs, life.lastNs);
}

/** What found no room in a column, by phase. */
const carry = new Float64Array(PHASE_COUNT);

/**
 * Makes the shares of every column add up. A call narrower than a bucket is summed where it began
 * and may end in the next: what finds no room in a column moves on to the one after.
 * @param {Columns} out
 */
function settle({ count, shares, narrow, known, openCall }) {
  carry.fill(0);
  for (let column = 0; column < count; column += 1) {
    const base = column * PHASE_COUNT;
    let exactly = 0;
    let narrowly = 0;
    for (let phase = 0; phase < PHASE_COUNT; phase += 1) {
      exactly += shares[base + phase] ?? 0;
      const amount = (narrow[base + phase] ?? 0) + (carry[phase] ?? 0);
      carry[phase] = amount;
      narrowly += amount;
    }
    const inAll = Math.min(1, Math.max(known[column] ?? 0, exactly));
    if (exactly > 1) {
      for (let phase = 0; phase < PHASE_COUNT; phase += 1) shares[base + phase] = (shares[base + phase] ?? 0) / exactly;
      exactly = 1;
    }
    const room = inAll - exactly;
    if (narrowly > 0) {
      const part = narrowly > room ? room / narrowly : 1;
      for (let phase = 0; phase < PHASE_COUNT; phase += 1) {
        const amount = carry[phase] ?? 0;
        add(shares, base + phase, amount * part);
        carry[phase] = amount * (1 - part);
      }
    }
    const rest = Math.max(0, room - narrowly);
    if (rest > 0) {
      const offCpu = (shares[base + BLOCKED] ?? 0) + (shares[base + RUNNABLE] ?? 0);
      const inOpen = Math.min(rest, Math.max(0, (openCall[column] ?? 0) - offCpu));
      add(shares, base + KERNEL, inOpen);
      add(shares, base + USER, rest - inOpen);
    }
    known[column] = inAll;
  }
}
