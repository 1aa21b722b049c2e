/**
 * Which tiles a view needs, which of those at hand cover it best, and the bounded cache of them.
 *
 * Pure: no network. Must never show a tile outside the time it was cut to, nor hold more bytes
 * than it was given.
 *
 * @import { Tile } from "./wire.js"
 */

import { MAX_LEVEL, TILE_BUCKETS } from "./wire.js";

/** How many levels up and down to look for a stand-in while the right tile is on its way. */
const COARSER_LEVELS = MAX_LEVEL;
const FINER_LEVELS = 2;

/**
 * The level whose buckets are at most a pixel wide and more than half of one.
 * @param {number} nsPerPx of a device pixel
 * @returns {number}
 */
export function levelFor(nsPerPx) {
  return Math.min(MAX_LEVEL, Math.max(0, Math.floor(Math.log2(nsPerPx))));
}

/**
 * @param {number} level
 * @returns {number} nanoseconds
 */
export function tileNs(level) {
  return TILE_BUCKETS * 2 ** level;
}

/**
 * Indices of the tiles that overlap a time, earliest first; none before the trace.
 * @param {number} level
 * @param {number} fromNs
 * @param {number} toNs
 * @returns {number[]}
 */
export function indices(level, fromNs, toNs) {
  const width = tileNs(level);
  const found = [];
  for (let index = Math.max(0, Math.floor(fromNs / width)); index * width < toNs; index += 1) found.push(index);
  return found;
}

/**
 * What to have at hand for a view: what it shows, and one window to either side.
 * @param {number} level
 * @param {number} fromNs
 * @param {number} toNs
 * @param {number} endNs how far the trace has come
 * @returns {{ visible: number[], nearby: number[] }} `visible` from the middle outwards, `nearby` from the nearest
 */
export function needed(level, fromNs, toNs, endNs) {
  const last = Math.min(toNs, endNs);
  const visible = indices(level, fromNs, last);
  const span = toNs - fromNs;
  const middle = (fromNs + toNs) / 2 / tileNs(level) - 0.5;
  const outwards = (/** @type {number} */ a, /** @type {number} */ b) => Math.abs(a - middle) - Math.abs(b - middle);
  const seen = new Set(visible);
  const nearby = indices(level, fromNs - span, Math.min(toNs + span, endNs)).filter((index) => !seen.has(index));
  return { visible: visible.sort(outwards), nearby: nearby.sort(outwards) };
}

/**
 * @typedef {{ tile: Tile, asOfNs: number, takenNs: number, settledNs: number, refreshAtMs: number, openKey: string }} Entry
 *   `asOfNs`: the tile holds all that ended before it; the rest is the fetcher's
 * @typedef {{ entry: Entry, fromNs: number, toNs: number }} Piece  a tile, cut to what it stands for
 */

/** Whether two pieces are the same stretch of the same tile. @param {Piece} a @param {Piece} b @returns {boolean} */
export function samePiece(a, b) {
  return a.entry === b.entry && a.fromNs === b.fromNs && a.toNs === b.toNs;
}

/**
 * Whether pieces leave a hole in a time.
 * @param {readonly Piece[]} pieces in order of time, without overlap
 * @param {number} fromNs
 * @param {number} toNs
 * @returns {boolean}
 */
export function hasHole(pieces, fromNs, toNs) {
  let reachNs = fromNs;
  for (const piece of pieces) {
    if (piece.fromNs > reachNs) return true;
    reachNs = Math.max(reachNs, piece.toNs);
  }
  return reachNs < toNs;
}

/** Tiles by lane, level and index, the least recently used dropped first. */
export class TileCache {
  /** @param {number} limitBytes */
  constructor(limitBytes) {
    this.limitBytes = limitBytes;
    this.bytes = 0;
    /** @type {Map<string, Entry>} in order of use */
    this.entries = new Map();
    /** Goes up with every change, so that others know when to look again. */
    this.version = 0;
  }

  /** @param {number} lane @param {number} level @param {number} index @returns {string} */
  static key(lane, level, index) {
    return `${lane}/${level}/${index}`;
  }

  /** @param {number} lane @param {number} level @param {number} index @returns {Entry | undefined} */
  get(lane, level, index) {
    const key = TileCache.key(lane, level, index);
    const entry = this.entries.get(key);
    if (entry) {
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry;
  }

  /** @param {number} lane @param {Entry} entry */
  put(lane, entry) {
    const key = TileCache.key(lane, entry.tile.level, entry.tile.index);
    this.bytes += entry.tile.bytes - (this.entries.get(key)?.tile.bytes ?? 0);
    this.entries.delete(key);
    this.entries.set(key, entry);
    this.version += 1;
    for (const [oldest, old] of this.entries) {
      if (this.bytes <= this.limitBytes || oldest === key) break;
      this.entries.delete(oldest);
      this.bytes -= old.tile.bytes;
    }
  }

  /** Forgets everything: the server tells of another trace. */
  clear() {
    this.entries.clear();
    this.bytes = 0;
    this.version += 1;
  }

  /**
   * The best pieces at hand for a time, in order of time and without overlap; holes where nothing is.
   * @param {number} lane
   * @param {number} level
   * @param {number} fromNs
   * @param {number} toNs
   * @returns {Piece[]}
   */
  cover(lane, level, fromNs, toNs) {
    /** @type {Piece[]} */
    const pieces = [];
    for (const index of indices(level, fromNs, toNs)) this.coverOne(lane, level, index, pieces);
    return pieces;
  }

  /** @param {number} lane @param {number} level @param {number} index @param {Piece[]} pieces */
  coverOne(lane, level, index, pieces) {
    const width = tileNs(level);
    const fromNs = index * width;
    const toNs = fromNs + width;
    const exact = this.get(lane, level, index);
    if (exact) {
      pieces.push({ entry: exact, fromNs, toNs });
      return;
    }
    for (let up = 1; up <= COARSER_LEVELS && level + up <= MAX_LEVEL; up += 1) {
      const entry = this.get(lane, level + up, Math.floor(index / 2 ** up));
      if (entry) {
        pieces.push({ entry, fromNs, toNs });
        return;
      }
    }
    for (let down = 1; down <= FINER_LEVELS && level - down >= 0; down += 1) {
      const parts = 2 ** down;
      const first = index * parts;
      /** @type {Piece[]} */
      const found = [];
      for (let part = first; part < first + parts; part += 1) {
        const entry = this.get(lane, level - down, part);
        if (entry) found.push({ entry, fromNs: entry.tile.fromNs, toNs: entry.tile.toNs });
      }
      if (found.length > 0) {
        pieces.push(...found);
        return;
      }
    }
  }
}
