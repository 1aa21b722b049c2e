/**
 * What the server says, checked before anything else sees it.
 *
 * Pure. Must never trust a count, an index or a type: a tile that does not add up is refused as a
 * whole, and JSON that lacks a field gets none of the page's work done on it.
 */

export const TILE_BUCKETS = 512;
export const MAX_LEVEL = 40;

const TILE_MAGIC = 0x31545357;
const HEADER_BYTES = 32;
/** Before each tile of an answer: whose it is, and how long. */
const HEAD_BYTES = 8;
/** The protocol's bound: calls of one thread don't overlap, so no tile has more of either kind. */
const MAX_ITEMS = 2 * TILE_BUCKETS + 1;

export const SEALED = 1;

export const BEGAN_BEFORE = 1;
export const KILLED = 2;
export const INFERRED = 4;
export const CONTINUES = 8;
export const CHECK = 16;
export const FAILED = 32;
export const READINESS = 64;
export const RECEIVE = 128;
export const SEND = 256;
export const CONNECT = 512;
export const UNSEEN = 1024;

export const SPAN_IN_CALL = 1;
export const SPAN_PREEMPTED = 2;
export const SPAN_UNSEEN = 4;

/**
 * @typedef {{
 *   count: number, startNs: Float64Array, endNs: Float64Array, kernelNs: Float64Array, blockedNs: Float64Array,
 *   runnableNs: Float64Array, copyingNs: Float64Array, copyStartNs: Float64Array, otherNs: Float64Array,
 *   syscall: Uint32Array, flags: Uint32Array,
 * }} TileCalls
 * @typedef {{
 *   count: number, leftNs: Float64Array, wokenNs: Float64Array, backNs: Float64Array, flags: Uint32Array,
 * }} TileSpans
 * @typedef {{
 *   count: number, bucket: Uint32Array, calls: Uint32Array, kernelNs: Float64Array, blockedNs: Float64Array,
 *   runnableNs: Float64Array, copyingNs: Float64Array, outsideBlockedNs: Float64Array,
 *   outsideRunnableNs: Float64Array, otherNs: Float64Array,
 * }} TileSums
 * @typedef {{
 *   sealed: boolean, level: number, index: number, fromNs: number, toNs: number, bucketNs: number, bytes: number,
 *   calls: TileCalls, spans: TileSpans, sums: TileSums,
 * }} Tile
 */

/** Reads columns one after the other, each aligned to 8 bytes. */
class Reader {
  /** @param {ArrayBuffer} buffer @param {number} offset */
  constructor(buffer, offset) {
    this.buffer = buffer;
    this.offset = offset;
  }

  /** @param {number} count @param {string} what @returns {Float64Array} */
  f64(count, what) {
    const bytes = count * 8;
    this.need(bytes, what);
    const column = new Float64Array(this.buffer, this.offset, count);
    this.offset += bytes;
    return column;
  }

  /** @param {number} count @param {string} what @returns {Uint32Array} */
  u32(count, what) {
    const bytes = Math.ceil(count / 2) * 8;
    this.need(bytes, what);
    const column = new Uint32Array(this.buffer, this.offset, count);
    this.offset += bytes;
    return column;
  }

  /** @param {number} bytes @param {string} what */
  need(bytes, what) {
    if (this.offset + bytes > this.buffer.byteLength) {
      throw new Error(`read tile: it ends within ${what} (${this.buffer.byteLength} bytes)`);
    }
  }
}

/** @param {Float64Array} first @param {Float64Array} last @param {string} what */
function needOrder(first, last, what) {
  let before = -Infinity;
  for (let i = 0; i < first.length; i += 1) {
    const from = first[i] ?? NaN;
    const to = last[i] ?? NaN;
    // Written so that NaN fails too.
    if (!(from >= before && to >= from)) throw new Error(`read tile: ${what} ${i} is out of order (${from} to ${to})`);
    before = from;
  }
}

/** @param {readonly Float64Array[]} columns @param {string} what */
function needAmounts(columns, what) {
  for (const column of columns) {
    for (const amount of column) {
      if (!(amount >= 0 && amount < Infinity)) throw new Error(`read tile: ${what} has a time of ${amount} ns`);
    }
  }
}

/**
 * The tiles of an answer, in the order in which they were asked for.
 * @param {ArrayBuffer} buffer
 * @param {number} level
 * @param {number} index
 * @param {readonly number[]} lanes
 * @returns {Tile[]}
 * @throws {Error} if anything does not add up
 */
export function decodeTiles(buffer, level, index, lanes) {
  const view = new DataView(buffer);
  let offset = 0;
  const tiles = lanes.map((lane) => {
    if (offset + HEAD_BYTES > buffer.byteLength) throw new Error(`read tiles: there is none of lane ${lane}`);
    const [whose, bytes] = [view.getUint32(offset, true), view.getUint32(offset + 4, true)];
    if (whose !== lane) throw new Error(`read tiles: one is of lane ${whose}, not ${lane}`);
    const from = offset + HEAD_BYTES;
    offset = from + bytes;
    if (offset > buffer.byteLength) throw new Error(`read tiles: they end within that of lane ${lane}`);
    // A buffer of its own: a tile that stays must not keep the memory of those that go.
    return decodeTile(buffer.slice(from, offset), level, index);
  });
  if (offset !== buffer.byteLength) throw new Error(`read tiles: ${buffer.byteLength - offset} bytes too many`);
  return tiles;
}

/**
 * Views into the buffer, no copies. The machine must be little-endian, as every one with a browser is.
 * @param {ArrayBuffer} buffer
 * @param {number} level
 * @param {number} index
 * @returns {Tile}
 * @throws {Error} if anything does not add up
 */
export function decodeTile(buffer, level, index) {
  if (buffer.byteLength < HEADER_BYTES) throw new Error(`read tile: ${buffer.byteLength} bytes are no header`);
  const [magic, flags = 0, calls = 0, spans = 0, sums = 0] = new Uint32Array(buffer, 0, 8);
  if (magic !== TILE_MAGIC) throw new Error(`read tile: unknown magic ${magic}`);
  if (calls > MAX_ITEMS || spans > MAX_ITEMS || sums > TILE_BUCKETS) {
    throw new Error(`read tile: too many items (${calls} calls, ${spans} spans, ${sums} sums)`);
  }
  const bucketNs = 2 ** level;
  const fromNs = index * TILE_BUCKETS * bucketNs;
  const read = new Reader(buffer, HEADER_BYTES);
  /** @type {Tile} */
  const tile = {
    sealed: (flags & SEALED) !== 0,
    level,
    index,
    fromNs,
    toNs: fromNs + TILE_BUCKETS * bucketNs,
    bucketNs,
    bytes: buffer.byteLength,
    calls: {
      count: calls,
      startNs: read.f64(calls, "calls"),
      endNs: read.f64(calls, "calls"),
      kernelNs: read.f64(calls, "calls"),
      blockedNs: read.f64(calls, "calls"),
      runnableNs: read.f64(calls, "calls"),
      copyingNs: read.f64(calls, "calls"),
      copyStartNs: read.f64(calls, "calls"),
      otherNs: read.f64(calls, "calls"),
      syscall: read.u32(calls, "calls"),
      flags: read.u32(calls, "calls"),
    },
    spans: {
      count: spans,
      leftNs: read.f64(spans, "spans"),
      wokenNs: read.f64(spans, "spans"),
      backNs: read.f64(spans, "spans"),
      flags: read.u32(spans, "spans"),
    },
    sums: {
      count: sums,
      bucket: read.u32(sums, "sums"),
      calls: read.u32(sums, "sums"),
      kernelNs: read.f64(sums, "sums"),
      blockedNs: read.f64(sums, "sums"),
      runnableNs: read.f64(sums, "sums"),
      copyingNs: read.f64(sums, "sums"),
      outsideBlockedNs: read.f64(sums, "sums"),
      outsideRunnableNs: read.f64(sums, "sums"),
      otherNs: read.f64(sums, "sums"),
    },
  };
  if (read.offset !== buffer.byteLength) {
    throw new Error(`read tile: ${buffer.byteLength - read.offset} bytes too many`);
  }
  check(tile);
  return tile;
}

/** @param {Tile} tile */
function check(tile) {
  const { calls, spans, sums } = tile;
  needOrder(calls.startNs, calls.endNs, "call");
  needOrder(spans.leftNs, spans.wokenNs, "time off the CPU");
  needAmounts([calls.kernelNs, calls.blockedNs, calls.runnableNs, calls.copyingNs, calls.otherNs], "a call");
  needAmounts([sums.kernelNs, sums.blockedNs, sums.runnableNs, sums.copyingNs], "a sum");
  needAmounts([sums.outsideBlockedNs, sums.outsideRunnableNs, sums.otherNs], "a sum");
  for (let i = 0; i < spans.count; i += 1) {
    if (!((spans.backNs[i] ?? NaN) >= (spans.wokenNs[i] ?? NaN))) {
      throw new Error(`read tile: time off the CPU ${i} ends before its wake-up`);
    }
  }
  let before = -1;
  for (const bucket of sums.bucket) {
    if (bucket <= before || bucket >= TILE_BUCKETS) throw new Error(`read tile: bucket ${bucket} is out of order`);
    before = bucket;
  }
}
