/**
 * The tile rule, worked out afresh from the protocol's words: by looking at every item, never by
 * sharing code with the page or the server.
 */

const BUCKETS = 512;

/**
 * @param {{ calls: any[], spans: any[] }} thread
 * @param {number} level
 * @param {number} index
 * @param {{ sealed: boolean, nowNs: number, names: string[] }} context
 * @returns {ArrayBuffer}
 */
export function makeTile(thread, level, index, { sealed, nowNs, names }) {
  const bucketNs = 2 ** level;
  const from = index * BUCKETS * bucketNs;
  const to = from + BUCKETS * bucketNs;
  const calls = [];
  const spans = [];
  const sums = new Map();
  const sumAt = (timeNs) => {
    const bucket = Math.floor((timeNs - from) / bucketNs);
    if (!sums.has(bucket)) sums.set(bucket, { bucket, calls: 0, kernel: 0, blocked: 0, runnable: 0, copying: 0, outBlocked: 0, outRunnable: 0, other: 0 });
    return sums.get(bucket);
  };
  for (const call of thread.calls) {
    if (call.end > nowNs) continue;
    if (call.end - call.start >= bucketNs) {
      if (call.start < to && call.end > from) calls.push(call);
    } else if (call.start >= from && call.start < to) {
      const sum = sumAt(call.start);
      sum.calls += 1;
      for (const phase of ["kernel", "blocked", "runnable", "copying", "other"]) sum[phase] += call[phase];
    }
  }
  for (const span of thread.spans) {
    if (span.back > nowNs) continue;
    if (span.back - span.left >= bucketNs) {
      if (span.left < to && span.back > from) spans.push(span);
    } else if (!span.inCall && span.left >= from && span.left < to) {
      const sum = sumAt(span.left);
      sum.outBlocked += span.woken - span.left;
      sum.outRunnable += span.back - span.woken;
    }
  }
  const rows = [...sums.values()].sort((a, b) => a.bucket - b.bucket);
  const parts = [new Uint32Array([0x31545357, sealed ? 1 : 0, calls.length, spans.length, rows.length, 0, 0, 0])];
  const f64 = (items, get) => parts.push(new Float64Array(items.map(get)));
  const u32 = (items, get) => {
    const column = new Uint32Array(Math.ceil(items.length / 2) * 2);
    items.forEach((item, i) => { column[i] = get(item); });
    parts.push(column);
  };
  for (const field of ["start", "end", "kernel", "blocked", "runnable", "copying", "copyStart", "other"]) f64(calls, (call) => call[field]);
  u32(calls, (call) => names.indexOf(call.name));
  u32(calls, (call) => call.flags);
  for (const field of ["left", "woken", "back"]) f64(spans, (span) => span[field]);
  u32(spans, (span) => (span.inCall ? 1 : 0) | (span.preempted ? 2 : 0));
  u32(rows, (row) => row.bucket);
  u32(rows, (row) => row.calls);
  for (const field of ["kernel", "blocked", "runnable", "copying", "outBlocked", "outRunnable", "other"]) f64(rows, (row) => row[field]);
  return joined(parts);
}

/**
 * Tiles as an answer has them: each after its lane's number and its length.
 * @param {readonly [number, ArrayBuffer][]} tiles by lane
 * @returns {ArrayBuffer}
 */
export function joinTiles(tiles) {
  return joined(tiles.flatMap(([lane, tile]) => [new Uint32Array([lane, tile.byteLength]), new Uint8Array(tile)]));
}

function joined(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(new Uint8Array(part.buffer), offset);
    offset += part.byteLength;
  }
  return bytes.buffer;
}
