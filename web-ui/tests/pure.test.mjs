/**
 * The page's pure modules, in node: numbers, scale, viewport, tiles, what a lane's columns hold.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Columns, fill } from "../assets/columns.js";
import { entryOf, Fetcher, mayChange } from "../assets/fetcher.js";
import { formatBytes, formatCount, formatNs, formatShare, formatTime } from "../assets/format.js";
import { callAt, gather, gatherAnew, narrowCalls, sumAt } from "../assets/items.js";
import { contentPx, rowAt, rowTop, visibleRows } from "../assets/layout.js";
import { readLanes, readState, readTrace } from "../assets/messages.js";
import { factsOf, wakerWords } from "../assets/panel.js";
import { inked, PHASE_COUNT, PHASES, TEXTURE_PX } from "../assets/phases.js";
import { ticks, tickStep, timeToX, xToTime } from "../assets/scale.js";
import { indices, levelFor, needed, TileCache, tileNs } from "../assets/tiles.js";
import { clamp, fit, follow, pan, zoom } from "../assets/viewport.js";
import { decodeTile, decodeTiles } from "../assets/wire.js";
import { makeTrace, NAMES } from "./synthetic.mjs";
import { joinTiles, makeTile } from "./tile.mjs";

const TRACE = makeTrace({ seconds: 2, lanes: 6 });
const END = TRACE.endNs;

/** @param {number} lane @param {number} level @param {number} index */
function tileOf(lane, level, index) {
  return makeTile(TRACE.threads[lane], level, index, { sealed: true, nowNs: 2 * END, names: NAMES });
}

function cacheOf(lane, level, fromNs, toNs, bytes = 1 << 30) {
  const cache = new TileCache(bytes);
  for (const index of indices(level, fromNs, toNs)) cache.put(lane, entry(decodeTile(tileOf(lane, level, index), level, index)));
  return cache;
}

function entry(tile) {
  return { tile, asOfNs: Infinity, takenNs: 0, settledNs: Infinity, refreshAtMs: 0, openKey: "" };
}

test("times are written with the unit that suits them", () => {
  const check = [[0, "0"], [7, "7 ns"], [999, "999 ns"], [1000, "1.00 µs"], [188_300, "188.3 µs"], [999_960, "1.00 ms"], [203_800, "203.8 µs"], [1.5e9, "1.50 s"], [8e12, "8000 s"]];
  for (const [ns, text] of check) assert.equal(formatNs(ns), text);
  assert.equal(formatTime(12_003_450_000, 1000), "12.003\u202f450 s");
  assert.equal(formatTime(59_999_999_999, 1e8), "1:00.0", "rounding carries into the seconds");
  assert.equal(formatTime(61e9, 1e9), "1:01");
  assert.equal(formatTime(8_999_999_123_456_789, 1).replaceAll("\u202f", ""), "149999:59.123456789");
  assert.equal(formatCount(1234567), "1\u202f234\u202f567");
  assert.equal(formatBytes(1024 * 1024), "1.0 MiB");
  assert.equal(formatShare(0.0001), "<0.1 %", "what is not nothing never reads as nothing");
});

test("time to pixels and back is the same time", () => {
  const view = { startNs: 123456789, nsPerPx: 777.5 };
  for (const ns of [0, 123456789, 5e9]) assert.ok(Math.abs(xToTime(view, timeToX(view, ns)) - ns) < 1e-3);
});

test("ticks are at least as far apart as asked and stay where they are when the view moves", () => {
  for (let power = -1; power < 12; power += 0.13) {
    const step = tickStep(10 ** power, 100);
    assert.ok(step >= 10 ** power * 100 * (1 - 1e-6), `${step} for ${10 ** power} ns a pixel`);
    assert.ok(step <= Math.max(1, 10 ** power * 100) * 3, `${step} for ${10 ** power} ns a pixel is too far apart`);
  }
  const first = ticks({ startNs: 0, nsPerPx: 1000 }, 1000, 100).timesNs;
  const moved = ticks({ startNs: 333_333, nsPerPx: 1000 }, 1000, 100).timesNs;
  assert.deepEqual(moved.filter((time) => first.includes(time)), first.filter((time) => time >= 333_333));
});

test("zooming keeps the time under the pointer", () => {
  const bounds = { widthPx: 1000, beginNs: 0, endNs: 10e9 };
  let view = fit(0, 10e9, bounds);
  const anchor = xToTime(view, 400);
  for (let i = 0; i < 20; i += 1) {
    view = zoom(view, 1.7, 400, bounds);
    assert.ok(Math.abs(timeToX(view, anchor) - 400) < 1e-3, `moved at step ${i}`);
  }
});

test("neither zoom nor pan leaves the trace", () => {
  const bounds = { widthPx: 1000, beginNs: 0, endNs: 10e9 };
  const out = zoom(fit(0, 10e9, bounds), 1e-9, 500, bounds);
  assert.ok(out.nsPerPx * 1000 <= 15e9 + 1, "all of the trace and a margin is the widest");
  assert.ok(zoom(out, 1e30, 500, bounds).nsPerPx > 0);
  const far = pan(clamp({ startNs: 0, nsPerPx: 1000 }, bounds), 1e12, bounds);
  assert.ok(far.startNs < 10e9, "some of the trace stays in view");
  assert.ok(pan(far, -1e15, bounds).startNs > -1e6);
});

test("following puts now near the right edge without a change of zoom", () => {
  const view = follow({ startNs: 0, nsPerPx: 1e6 }, 50e9, 1000);
  assert.equal(view.nsPerPx, 1e6);
  const x = timeToX(view, 50e9);
  assert.ok(x < 1000 && x > 950, `now is at ${x}`);
});

test("rows and points agree, scrolled or not", () => {
  for (const scrollPx of [0, 13, 400]) {
    const frame = { widthPx: 800, heightPx: 500, scrollPx, lanes: 40 };
    const { first, end } = visibleRows(frame);
    for (let row = first + 1; row < end; row += 1) assert.equal(rowAt(frame, rowTop(frame, row) + 1), row);
    assert.equal(rowAt(frame, 3), null, "the axis is no lane");
  }
  assert.equal(rowAt({ widthPx: 1, heightPx: 500, scrollPx: 0, lanes: 1 }, contentPx(1) + 1), null);
});

test("textures tell phases apart without colour", () => {
  const inkOf = (texture) => {
    let bits = "";
    for (let y = 0; y < TEXTURE_PX; y += 1) for (let x = 0; x < TEXTURE_PX; x += 1) bits += inked(texture, x, y) ? 1 : 0;
    return bits;
  };
  assert.equal(PHASES.length, PHASE_COUNT);
  assert.equal(new Set(PHASES.map((phase) => inkOf(phase.texture))).size, PHASE_COUNT);
});

test("a bucket is at most a pixel and more than half of one", () => {
  for (let nsPerPx = 1; nsPerPx < 1e11; nsPerPx *= 1.37) {
    const bucket = 2 ** levelFor(nsPerPx);
    assert.ok(bucket <= nsPerPx && bucket > nsPerPx / 2, `${bucket} for ${nsPerPx}`);
  }
  assert.equal(levelFor(0.1), 0);
  assert.equal(levelFor(1e30), 40);
});

test("tiles are wanted for the window, then for one window to either side, never before or after the trace", () => {
  const width = tileNs(10);
  const { visible, nearby } = needed(10, 10 * width, 14 * width, 16 * width);
  assert.deepEqual([...visible].sort((a, b) => a - b), [10, 11, 12, 13]);
  assert.deepEqual([...nearby].sort((a, b) => a - b), [6, 7, 8, 9, 14, 15]);
  assert.ok(visible[0] === 11 || visible[0] === 12, "the middle comes first");
  assert.deepEqual(needed(10, -5 * width, width, 100 * width).visible, [0]);
  assert.deepEqual(needed(10, -5, -1, 100), { visible: [], nearby: [0] });
});

test("the cache keeps to its bytes and drops the least used", () => {
  const tiles = [0, 1, 2, 3].map((index) => decodeTile(tileOf(0, 12, index), 12, index));
  const cache = new TileCache(tiles[0].bytes + tiles[1].bytes + tiles[2].bytes);
  for (const tile of tiles.slice(0, 3)) cache.put(0, entry(tile));
  cache.get(0, 12, 0);
  cache.put(0, entry(tiles[3]));
  assert.equal(cache.get(0, 12, 1), undefined);
  assert.ok(cache.bytes <= cache.limitBytes);
  assert.equal(cache.bytes, [...cache.entries.values()].reduce((sum, one) => sum + one.tile.bytes, 0));
});

test("what is not there yet is stood in for by a coarser tile, or by finer ones, cut to size", () => {
  const coarse = cacheOf(0, 22, 0, END);
  const [piece] = coarse.cover(0, 20, tileNs(20), tileNs(20) * 2 - 1);
  assert.equal(piece.entry.tile.level, 22);
  assert.deepEqual([piece.fromNs, piece.toNs], [tileNs(20), tileNs(20) * 2]);
  const fine = cacheOf(0, 20, 0, END);
  assert.deepEqual(fine.cover(0, 21, 0, tileNs(21) - 1).map((one) => one.entry.tile.index), [0, 1]);
  assert.deepEqual(new TileCache(9).cover(0, 5, 0, 1e6), []);
});

test("a tile comes back as it was sent", () => {
  const tile = decodeTile(tileOf(0, 14, 3), 14, 3);
  const [from, to] = [3 * tileNs(14), 4 * tileNs(14)];
  const wide = TRACE.threads[0].calls.filter((call) => call.end - call.start >= 2 ** 14 && call.start < to && call.end > from);
  assert.deepEqual([...tile.calls.startNs], wide.map((call) => call.start));
  assert.deepEqual([...tile.calls.blockedNs], wide.map((call) => call.blocked));
  assert.equal(tile.sealed, true);
});

test("a tile cut anywhere, or with a count that lies, is refused", () => {
  const whole = tileOf(0, 14, 3);
  for (let length = 0; length < whole.byteLength; length += 8) {
    assert.throws(() => decodeTile(whole.slice(0, length), 14, 3), /read tile/, `${length} bytes`);
  }
  for (let field = 0; field < 5; field += 1) {
    for (const value of [0xffffffff, 1026, 7]) {
      const bad = whole.slice(0);
      if (field === 1) continue;
      new Uint32Array(bad)[field] = value;
      assert.throws(() => decodeTile(bad, 14, 3), /read tile/, `header word ${field} is ${value}`);
    }
  }
  const nan = whole.slice(0);
  new Float64Array(nan, 32, 1)[0] = NaN;
  assert.throws(() => decodeTile(nan, 14, 3), /out of order/);
});

test("a call over several tiles is one call", () => {
  const cache = cacheOf(5, 18, 0, END);
  const items = gather(cache.cover(5, 18, 0, END));
  assert.equal(items.calls.length, 1);
  assert.equal(items.calls[0].endNs, TRACE.threads[5].calls[0].end);
  assert.equal(callAt(items, 1e8, 0)?.startNs, 5000);
  assert.equal(callAt(items, items.calls[0].endNs + 10, 5), null);
  assert.equal(callAt(items, items.calls[0].endNs + 10, 20)?.startNs, 5000);
});

const LIFE = { beganNs: 0, endedNs: Infinity, lastNs: 0, keptNs: 0, sealedNs: END, open: null };

function totals(columns, columnNs) {
  return PHASES.map((_, phase) => {
    let sum = 0;
    for (let column = 0; column < columns.count; column += 1) sum += columns.share(phase, column) * columnNs;
    return sum;
  });
}

/** Of a recording that was cut off: nothing says what became of the thread after the last that was told of it. */
const CUT = { ...LIFE, sealedNs: 0, lastNs: END };

for (const lane of [0, 1, 3]) {
  for (const [level, life] of [8, 13, 17, 20, 22].flatMap((level) => [[level, LIFE], [level, CUT]])) {
    test(`phases drawn of lane ${lane} at level ${level} are the trace's, to a column${life === CUT ? ", cut off or not" : ""}`, () => {
      const columnNs = 2 ** level * 1.3;
      const startNs = 1e6;
      const count = Math.min(1200, Math.floor((END - 2e6) / columnNs));
      const endNs = startNs + count * columnNs;
      const items = gather(cacheOf(lane, level, startNs, endNs).cover(lane, level, startNs, endNs));
      const columns = new Columns();
      fill(columns, { startNs, columnNs, columns: count }, items, life);
      for (let column = 0; column < count; column += 1) {
        let sum = 0;
        for (let phase = 0; phase < PHASE_COUNT; phase += 1) sum += columns.share(phase, column);
        assert.ok(Math.abs(sum - 1) < 1e-6, `column ${column} holds ${sum} of its time`);
      }
      const drawn = totals(columns, columnNs);
      const truth = truthOf(TRACE.threads[lane], startNs, endNs);
      // What is summed may sit a bucket off at either end of the window.
      for (const [phase, ns] of truth.entries()) {
        assert.ok(Math.abs((drawn[phase] ?? 0) - ns) <= columnNs * 2.1, `${PHASES[phase]?.name}: ${drawn[phase]} drawn, ${ns} true`);
      }
    });
  }
}

test("after the last that was told of a lane nothing is known, if nobody says what it does", () => {
  const lastNs = TRACE.threads[0].calls.findLast(({ end }) => end < END / 2).end;
  const columnNs = 2 ** 17;
  const before = Math.floor(lastNs / columnNs);
  const columns = new Columns();
  fill(columns, { startNs: lastNs + 1, columnNs, columns: 50 }, { ...gather([]), known: [{ fromNs: 0, toNs: END, asOfNs: END }] }, { ...CUT, lastNs });
  assert.deepEqual(totals(columns, columnNs), PHASES.map(() => 0));
  fill(columns, { startNs: 0, columnNs, columns: before }, { ...gather([]), known: [{ fromNs: 0, toNs: END, asOfNs: END }] }, { ...CUT, lastNs });
  assert.equal(totals(columns, columnNs).reduce((sum, ns) => sum + ns, 0), before * columnNs);
});

/** By walking every item: copying, kernel, other, user, runnable, blocked within a time. */
function truthOf(thread, fromNs, toNs) {
  const overlap = (a, b) => Math.max(0, Math.min(b, toNs) - Math.max(a, fromNs));
  const sums = [0, 0, 0, 0, 0, 0];
  let inCalls = 0;
  for (const span of thread.spans) {
    sums[5] += overlap(span.left, span.woken);
    sums[4] += overlap(span.woken, span.back);
  }
  for (const call of thread.calls) {
    inCalls += overlap(call.start, call.end);
    const copyFrom = Number.isNaN(call.copyStart) ? call.end : call.copyStart;
    sums[0] += overlap(copyFrom, call.end);
    if (call.start >= fromNs && call.start < toNs) sums[2] += call.other;
  }
  const offInCalls = thread.spans.filter((span) => span.inCall).reduce((sum, span) => sum + overlap(span.left, span.back), 0);
  const offOutside = sums[4] + sums[5] - offInCalls;
  sums[1] = inCalls - offInCalls - sums[0];
  sums[3] = toNs - fromNs - inCalls - offOutside - sums[2];
  return sums;
}

test("what is gathered with what was gathered before is what would be gathered anew, and makes nothing twice", () => {
  const level = levelFor(END / 1084);
  const cache = new TileCache(1e9);
  const put = (at, index) => cache.put(2, entry(decodeTile(tileOf(2, at, index), at, index)));
  const all = indices(level, 0, END);
  let before = null;
  let kept = 0;
  // A coarse tile stands in until the finer ones come, one after the other; then the view moves on.
  put(level + 6, 0);
  const views = [[0, END], ...all.map(() => [0, END]), [END / 3, END], [END / 3, 2 * END]];
  for (const [i, [fromNs, toNs]] of views.entries()) {
    const index = all[i - 1];
    if (index !== undefined) put(level, index);
    const pieces = cache.cover(2, level, fromNs, toNs);
    const gathered = gatherAnew(pieces, before);
    assert.deepEqual(gathered.items, gather(pieces));
    kept += gathered.parts.filter((part) => before?.parts.includes(part)).length;
    before = gathered;
  }
  assert.ok(before.items.pieces.some(({ entry: { tile } }) => tile.sums.count > 0) && before.items.calls.length > 0 && before.items.spans.length > 0);
  assert.ok(kept >= all.length * (all.length - 1), `${kept} of ${all.length} tiles`);
});

test("of a tile that stands in, a piece has its part of each bucket: under a pointer, counted and drawn", () => {
  const level = 8;
  const fromNs = 5 * tileNs(level);
  const columnNs = tileNs(level) / 300;
  const calls = Array.from({ length: 1000 }, (_, i) => ({ start: i * 1000, end: i * 1000 + 310, kernel: 150, blocked: 30, runnable: 20, copying: 100, copyStart: i * 1000 + 210, other: 10, name: "read", flags: 0 }));
  const cache = new TileCache(1e9);
  cache.put(3, entry(decodeTile(makeTile({ calls, spans: [] }, level + 5, 0, { sealed: true, nowNs: 1e9, names: NAMES }), level + 5, 0)));
  const pieces = cache.cover(3, level, fromNs, fromNs + 1);
  assert.deepEqual(pieces.map((piece) => [piece.fromNs, piece.toNs]), [[fromNs, fromNs + tileNs(level)]]);
  const items = gather(pieces);
  const { tile } = pieces[0].entry;
  const inBucket = (i) => [Math.max(fromNs, tile.fromNs + tile.sums.bucket[i] * tile.bucketNs), Math.min(fromNs + tileNs(level), tile.fromNs + (tile.sums.bucket[i] + 1) * tile.bucketNs)];
  const touched = [...tile.sums.bucket.keys()].filter((i) => inBucket(i)[0] < inBucket(i)[1]);
  assert.deepEqual([touched.length, tile.calls.count], [16, 0]);
  assert.equal(narrowCalls(items, fromNs, Infinity), touched.reduce((sum, i) => sum + tile.sums.calls[i], 0));
  assert.equal(narrowCalls(items, 0, fromNs), 0, "what only touches its edge is not in it");
  const sums = touched.map((i) => sumAt(items, inBucket(i)[0]));
  assert.deepEqual(sums.map((sum) => [sum.fromNs, sum.toNs]), touched.map(inBucket));
  assert.equal(sumAt(items, fromNs - 1), null);
  const columns = new Columns();
  fill(columns, { startNs: fromNs, columnNs, columns: 300 }, items, LIFE);
  const drawn = totals(columns, columnNs);
  // Nothing stands for user time, and it is what is left.
  for (const phase of PHASES.keys()) {
    const ns = PHASES[phase].name === "user" ? tileNs(level) - sums.reduce((sum, one) => sum + one.amounts.reduce((a, b) => a + b, 0), 0) : sums.reduce((sum, one) => sum + one.amounts[phase], 0);
    assert.ok(Math.abs(drawn[phase] - ns) < 1, `${PHASES[phase].name}: ${drawn[phase]} drawn, ${ns} summed`);
  }
});

test("before a thread began, after it ended and before what is kept nothing is drawn", () => {
  const thread = TRACE.threads[4];
  const columnNs = END / 1000;
  const level = levelFor(columnNs);
  const items = gather(cacheOf(4, level, 0, END).cover(4, level, 0, END));
  const columns = new Columns();
  fill(columns, { startNs: 0, columnNs, columns: 1000 }, items, { ...LIFE, beganNs: thread.beganNs, endedNs: thread.endedNs });
  const sumAt = (column) => PHASES.reduce((sum, _, phase) => sum + columns.share(phase, column), 0);
  assert.equal(sumAt(Math.floor(thread.beganNs / columnNs) - 1), 0);
  assert.equal(sumAt(Math.ceil(thread.endedNs / columnNs) + 1), 0);
  assert.ok(sumAt(Math.ceil(thread.beganNs / columnNs) + 1) > 0.99);
});

test("an open call is kernel time until it left the CPU, then blocked, and ends with what is known", () => {
  const cache = new TileCache(1e9);
  const empty = decodeTile(makeTile({ calls: [], spans: [] }, 10, 0, { sealed: false, nowNs: 1e6, names: NAMES }), 10, 0);
  cache.put(0, { ...entry(empty), asOfNs: 300_000 });
  const open = { lane: 0, call: "poll", inCall: true, sinceNs: 100_000, atNs: 300_000, beganBefore: false, offSinceNs: 200_000, wokenNs: null };
  const columns = new Columns();
  fill(columns, { startNs: 0, columnNs: 1000, columns: 400 }, gather(cache.cover(0, 10, 0, 400_000)), { ...LIFE, sealedNs: 100_000, open });
  const drawn = totals(columns, 1000).map(Math.round);
  assert.deepEqual(drawn, [0, 100_000, 0, 100_000, 0, 100_000]);
});

test("a tile is asked for again only if something can have come", () => {
  const lane = { lane: 0, pid: 1, tid: 1, name: "", beganNs: null, endedNs: null, lastNs: 0, calls: 0 };
  const stateOf = (nowNs, open) => readState({ now_ns: nowNs, sealed_ns: 0, open: open ? [{ lane: 0, in_call: true, at_ns: nowNs, ...open }] : [] });
  const unsealed = { ...decodeTile(tileOf(0, 10, 0), 10, 0), sealed: false };
  const asked = entryOf(unsealed, lane, stateOf(1000, { since_ns: 500, off_since_ns: 600 }), 0);
  assert.equal(mayChange(asked, lane, stateOf(2000, { since_ns: 500, off_since_ns: 600 })), false, "it sleeps the same sleep");
  assert.equal(mayChange(asked, lane, stateOf(2000, { since_ns: 500, off_since_ns: null })), true, "it woke up");
  assert.equal(mayChange(asked, lane, stateOf(1000, null)), false, "time has not gone on");
  assert.equal(mayChange(entryOf({ ...unsealed, sealed: true }, lane, stateOf(1, null), 0), lane, stateOf(9, null)), false);
});

/** What a fetcher of 20 lanes asks for. */
function fetching() {
  const asked = [];
  const lanes = Array.from({ length: 20 }, (_, lane) => ({ lane, pid: 1, tid: 1, name: "", beganNs: null, endedNs: null, lastNs: 0, calls: 0 }));
  const fetch = (level, index, of, signal) =>
    new Promise((resolve, reject) => {
      asked.push({ level, index, lanes: of, signal, answer: () => resolve(of.map(() => decodeTile(makeTile(TRACE.threads[0], level, index, { sealed: true, nowNs: END, names: NAMES }), level, index))), refuse: reject });
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  const refused = [];
  const fetcher = new Fetcher(new TileCache(1e9), fetch, { onTile: () => {}, onRefused: (error) => refused.push(error) });
  const state = readState({ now_ns: END, sealed_ns: END });
  const wish = (level, from, to) => lanes.slice(from, to).map((lane) => ({ lane, level, visible: [0, 1], nearby: [2] }));
  const want = (wishes, most, nowMs = 0) => {
    asked.length = 0;
    fetcher.want(wishes, state, nowMs, most);
    return asked.map(({ level, index, lanes: of }) => [level, index, of.join()]);
  };
  return { asked, wish, want, refused, fetcher };
}

test("lanes that lack the same tile get it with one request, which is bounded, and none is asked for twice", async () => {
  const { asked, wish, want, fetcher } = fetching();
  const wishes = [...wish(12, 0, 3), ...wish(13, 1, 20), ...wish(12, 0, 1)];
  assert.deepEqual(want(wishes, 1), [[12, 0, "0,1,2"]]);
  asked[0].answer();
  await new Promise(setImmediate);
  const [first, second, third, more] = want(wishes);
  assert.deepEqual(first, [12, 1, "0,1,2"], "the other that shows");
  assert.deepEqual([second, third], [[13, 0, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"], [13, 1, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"]]);
  assert.deepEqual(more, [13, 0, "17,18,19"], "the rest of them");
  assert.deepEqual(want(wishes), [], "four are in flight");
  assert.equal(fetcher.requests, 5);
  assert.equal(fetcher.bytes, 3 * fetcher.cache.get(0, 12, 0).tile.bytes);
});

test("a request is given up when none of its lanes is wanted there any more, and a refused one is not asked again soon", async () => {
  const { asked, wish, want, refused } = fetching();
  want(wish(12, 0, 3), 1);
  const [{ signal }] = asked;
  want(wish(12, 2, 3), 1);
  assert.equal(signal.aborted, false, "one of them is");
  want(wish(12, 3, 4), 0);
  assert.equal(signal.aborted, true, "none of them is");
  await new Promise(setImmediate);
  assert.deepEqual(refused, [], "that is no refusal");
  assert.deepEqual(want(wish(12, 0, 2), 1), [[12, 0, "0,1"]]);
  asked[0].refuse(new Error("no"));
  await new Promise(setImmediate);
  assert.equal(refused.length, 1);
  assert.deepEqual(want(wish(12, 0, 3), 1), [[12, 0, "2"]], "the others rest");
  assert.deepEqual(want(wish(12, 0, 2), 1, performance.now() + 3000), [[12, 0, "0,1"]]);
});

test("an answer of tiles that does not add up is refused as a whole", () => {
  const [one, two] = [tileOf(0, 20, 0), tileOf(1, 20, 0)];
  const whole = joinTiles([[3, one], [0, two]]);
  const tiles = decodeTiles(whole, 20, 0, [3, 0]);
  assert.deepEqual(tiles, [decodeTile(one, 20, 0), decodeTile(two, 20, 0)]);
  assert.deepEqual(tiles.map(({ bytes }) => bytes), [one.byteLength, two.byteLength], "each has its own memory");
  assert.throws(() => decodeTiles(whole, 20, 0, [0, 3]), /of lane 3, not 0/);
  assert.throws(() => decodeTiles(whole, 20, 0, [3]), /too many/);
  assert.throws(() => decodeTiles(whole, 20, 0, [3, 0, 1]), /none of lane 1/);
  assert.throws(() => decodeTiles(whole.slice(0, -1), 20, 0, [3, 0]), /within that of lane 0/);
  assert.throws(() => decodeTiles(joinTiles([[3, one.slice(0, -8)]]), 20, 0, [3]), /read tile/);
});

test("JSON of the wrong shape gives empty values or an error that names the field", () => {
  assert.equal(readTrace(null).command, "");
  assert.equal(readTrace({ trace: { command: 7 } }).command, "");
  assert.throws(() => readState({}), /now_ns/);
  assert.throws(() => readLanes({ lanes: [{}] }), /lane/);
  assert.equal(readState({ now_ns: 1, sealed_ns: 1, gaps: new Array(5000).fill([1, 2, 3]) }).gaps.length, 1000);
  assert.equal(readState({ now_ns: 1, sealed_ns: 1, open: [{ lane: 1, off_since_ns: "5" }] }).open.get(1)?.offSinceNs, null);
});

test("the panel shows what it does not know too, and never blames an interrupted thread", () => {
  const rows = Object.fromEntries(factsOf({ start_ns: 0, end_ns: 5, ret: -11, error: "EAGAIN", new_field: 3 }));
  assert.equal(rows["new field"], "3");
  assert.equal(rows["returned"], "−11 EAGAIN");
  assert.match(wakerWords({ tid: 7, name: "innocent", context: "softirq" }), /^a soft interrupt/);
  assert.equal(wakerWords({ tid: 7, name: "curl", context: "task" }), "curl 7");
});
