/**
 * What the overview shows: in every column of the whole trace, the phases of its threads on average.
 *
 * Pure, drawn by others. A thread's columns are kept until its tiles are others, and few are made anew at a time: the
 * strip must never cost a frame of the timeline. What is not known of a thread lowers the stack.
 *
 * @import { Lane, State } from "./messages.js"
 * @import { Piece, TileCache } from "./tiles.js"
 */

import { Columns, fill } from "./columns.js";
import { gather } from "./items.js";
import { PHASE_COUNT } from "./phases.js";
import { indices, levelFor } from "./tiles.js";
import { lifeOf } from "./timeline.js";

/** With more threads than this, those that made most calls stand for all; which is said. */
export const LANES_MOST = 32;
/** Threads made anew in one go. */
const AT_ONCE = 3;
/** A bucket of the strip is two to four pixels wide: one or two tiles a thread. */
const COARSER = 2;
/** A live trace's last columns are drawn again after so many of them have passed. */
const STALE_COLUMNS = 2;

/** @typedef {{ pieces: Piece[], untilNs: number, shares: Float64Array, inCall: Uint8Array }} Made */

/**
 * Those that are shown, in their own order.
 * @param {readonly Lane[]} lanes
 * @returns {Lane[]}
 */
export function shownLanes(lanes) {
  if (lanes.length <= LANES_MOST) return [...lanes];
  return [...lanes].sort((a, b) => b.calls - a.calls || a.lane - b.lane).slice(0, LANES_MOST);
}

export class OverviewPicture {
  constructor() {
    /** @type {Map<number, Made>} by lane */
    this.made = new Map();
    this.columns = new Columns();
    this.one = new Columns();
    this.extentNs = 0;
    /** Goes up with every change. */
    this.version = 0;
    /** What it was made of when there was no more to do. @type {readonly unknown[]} */
    this.seen = [];
  }

  /** @returns {number} the level of its tiles */
  level() {
    return levelFor(this.extentNs / Math.max(1, this.columns.count)) + COARSER;
  }

  /**
   * @param {number} extentNs
   * @param {number} count of columns
   */
  reset(extentNs, count) {
    if (this.extentNs === extentNs && this.columns.count === count) return;
    this.extentNs = extentNs;
    this.columns.reset(count);
    this.made.clear();
    this.seen = [];
    this.version += 1;
  }

  /**
   * Takes in what came since.
   * @param {readonly Lane[]} lanes
   * @param {TileCache} cache
   * @param {State} state
   * @returns {boolean} whether there is more to do
   */
  update(lanes, cache, state) {
    const sees = [lanes, cache.version, state];
    if (sees.every((one, i) => one === this.seen[i])) return false;
    const columnNs = this.extentNs / Math.max(1, this.columns.count);
    const toNs = Math.min(this.extentNs, state.nowNs);
    let done = 0;
    for (const lane of lanes) {
      const pieces = cache.cover(lane.lane, this.level(), 0, toNs);
      const before = this.made.get(lane.lane);
      const same = before && pieces.length === before.pieces.length && pieces.every((piece, i) => piece.entry === before.pieces[i]?.entry);
      if (same && toNs - before.untilNs <= columnNs * STALE_COLUMNS) continue;
      if (done === AT_ONCE) return true;
      done += 1;
      const grid = { startNs: 0, columnNs, columns: this.columns.count };
      fill(this.one, grid, gather(pieces), lifeOf(lane, state));
      this.made.set(lane.lane, { pieces, untilNs: toNs, shares: this.one.shares.slice(), inCall: this.one.inCall.slice() });
    }
    this.seen = sees;
    if (this.made.size > lanes.length) this.forget(lanes);
    else if (done === 0) return false;
    this.average();
    return false;
  }

  /** @param {readonly Lane[]} lanes those that stay */
  forget(lanes) {
    const stay = new Set(lanes.map(({ lane }) => lane));
    for (const lane of this.made.keys()) if (!stay.has(lane)) this.made.delete(lane);
  }

  average() {
    const { columns } = this;
    columns.reset(columns.count);
    const part = 1 / Math.max(1, this.made.size);
    for (const { shares, inCall } of this.made.values()) {
      for (let i = 0; i < PHASE_COUNT * columns.count; i += 1) columns.shares[i] = (columns.shares[i] ?? 0) + (shares[i] ?? 0) * part;
      for (let i = 0; i < columns.count; i += 1) columns.inCall[i] = Math.max(columns.inCall[i] ?? 0, inCall[i] ?? 0);
    }
    this.version += 1;
  }

  /**
   * The tiles that it is made of.
   * @param {readonly Lane[]} lanes
   * @param {State} state
   * @returns {import("./fetcher.js").Wish[]}
   */
  wishes(lanes, state) {
    const level = this.level();
    const visible = indices(level, 0, Math.min(this.extentNs, state.nowNs));
    return lanes.map((lane) => ({ lane, level, visible, nearby: [], restMs: 2000 }));
  }
}
