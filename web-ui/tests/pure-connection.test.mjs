/**
 * The pure modules of connections' lanes, in node: what the server says, what of it is at a place and in a window, and when there is
 * more to be asked.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BUCKETS_MAX, flowAt, inWindow, readConnection, stretchOf, useAt } from "../assets/connection-lane.js";
import { asksAt, movedBy, requestAt, requestsIn } from "../assets/connection-requests.js";
import { isUnreadAt, unreadIn } from "../assets/connection-unread.js";
import { mayGrow, tellsAll } from "../assets/connection-lanes.js";
import { ConnectionPicture } from "../assets/connection-picture.js";
import { CONNECTION_ROW_PX } from "../assets/draw-connection.js";
import { LIGHT } from "../assets/phases.js";
import { readState, writeState } from "../assets/view-state.js";
import { asksOf, connectionOf, flowOf, requestsOf, unreadOf, usesOf } from "./fake-connection.mjs";
import { FakeServer } from "./fake-server.mjs";

const server = new FakeServer({ trace: { seconds: 2 } });
const IDS = [108, 109, 110, 112];
const said = (fromNs, toNs, buckets, id = 108) => readConnection(JSON.parse(JSON.stringify(connectionOf(server, id, fromNs, toNs, buckets))));

const EMPTY = { id: 7, descriptor: null, from_ns: 0, to_ns: 1000, width_ns: 100, now_ns: 1000, kept_ns: 0, waits_cut: false, calls: [], buckets: [], requests: null, unread_known: false, unread: null };
const ONE = [0, 2, "receive", 100, 300, 40, 150, false, 12];

test("the sums of a window whose edges are buckets' are those of a loop over all calls", () => {
  for (const id of IDS) {
    for (const [fromNs, toNs, buckets] of [[0, 2e9, 1000], [4e8, 6e8, 512], [5e8, 5.01e8, 2000]]) {
      const connection = said(fromNs, toNs, buckets, id);
      assert.equal(connection.widthNs, (toNs - fromNs) / buckets);
      const whole = flowOf(usesOf(server, id), fromNs, toNs);
      const sums = inWindow(connection, { fromNs, toNs });
      for (const [name, value] of Object.entries(whole)) assert.ok(Math.abs(sums[name] - value) < 1e-3, `${id}, ${fromNs} to ${toNs}: ${name} ${sums[name]}, not ${value}`);
      const part = { fromNs: fromNs + connection.widthNs * 100, toNs: fromNs + connection.widthNs * 400 };
      const inPart = flowOf(usesOf(server, id), part.fromNs, part.toNs);
      for (const [name, value] of Object.entries(inPart)) assert.ok(Math.abs(inWindow(connection, part)[name] - value) < 1e-3, `part of ${id}: ${name}`);
    }
  }
});

test("a bucket that the window's edge cuts counts with its part", () => {
  const connection = readConnection({ ...EMPTY, buckets: [[2, 0, 4, 0, 0, 0, 0, 40, 0, 50, 20, 0]] });
  const half = inWindow(connection, { fromNs: 0, toNs: 250 });
  assert.deepEqual([half.waitingNs, half.readingNs], [25, 10]);
  assert.equal(inWindow(connection, { fromNs: 251, toNs: 300 }).receives + inWindow(connection, { fromNs: 200, toNs: 251 }).receives, 4, "and its calls once");
});

test("at a time is the call that reads, or else the one whose data waits, or else a near one", () => {
  const second = [1, 2, "receive", 140, 400, 200, 320, false, 12];
  const connection = readConnection({ ...EMPTY, calls: [ONE, second, [0, 1, "send", 500, 510, null, null, false, 9]] });
  assert.equal(useAt(connection, 50, 0)?.lane, 0);
  assert.equal(useAt(connection, 250, 0)?.lane, 0, "reading comes first");
  assert.equal(useAt(connection, 310, 0)?.lane, 1);
  assert.equal(useAt(connection, 450, 0), null);
  assert.equal(useAt(connection, 450, 60)?.kind, "receive", "the nearer");
  assert.equal(useAt(connection, 460, 60)?.kind, "send");
  const sums = readConnection({ ...EMPTY, buckets: [[2, 1, 1, 0, 0, 0, 0, 4, 0, 9, 2, 0], [9, 0, 0, 0, 0, 1, 0, 0, 5, 0, 0, 3]] });
  assert.equal(flowAt(sums, 199), null);
  assert.equal(flowAt(sums, 200)?.waitingNs, 9);
  assert.equal(flowAt(sums, 300), null);
  assert.equal(flowAt(sums, 999)?.sentBytes, 5);
});

test("what arrived at an unknown time is never said to have arrived or waited", () => {
  const connection = readConnection({ ...EMPTY, calls: [[0, 2, "receive", 100, 300, null, 150, true, 12]] });
  const [use] = connection.uses;
  assert.deepEqual([use?.arrivedNs, use?.inferred], [null, true]);
  const sums = inWindow(connection, { fromNs: 0, toNs: 1000 });
  assert.deepEqual([sums.arrivals, sums.waitingNs, sums.unknown, sums.receives, sums.readingNs], [0, 0, 1, 1, 150]);
  assert.equal(useAt(connection, 120, 0), null, "before it reads there is nothing of it");
});

test("an answer that does not add up is refused as a whole", () => {
  for (const broken of [
    { to_ns: 0 }, { width_ns: 0 }, { now_ns: "9" }, { from_ns: null },
    { calls: [[0, 2, "peek", 100, 300, 40, 150, false, 12]] }, { calls: [[0, 2, "receive", 300, 100, null, null, false, 1]] },
    { calls: [[0, 2, "receive", 100, 300, 160, 150, false, 1]] }, { calls: [[0, 2, "receive", 100, 300, 40, 301, false, 1]] }, { calls: [{}] },
    { buckets: [[0, 1, "x"]] },
  ]) assert.throws(() => readConnection({ ...EMPTY, ...broken }), /read a connection/, JSON.stringify(broken));
  const many = readConnection({ ...EMPTY, calls: null, buckets: Array.from({ length: BUCKETS_MAX + 9 }, () => Array(12).fill(0)) });
  assert.deepEqual([many.told, many.flows.length], [false, BUCKETS_MAX]);
});

test("what is asked for holds the window and half a one on either side, in as many buckets as there may be", () => {
  for (const widthPx of [1, 300, 1084, 3840, 9000]) {
    for (const nsPerPx of [0.1, 0.7, 1, 33, 1024, 5e5, 9e9]) {
      for (const startNs of [-1e6, 0, 12_345.678, 9e12]) {
        const { fromNs, toNs, buckets, widthNs } = stretchOf({ startNs, nsPerPx }, widthPx);
        const spanNs = widthPx * nsPerPx;
        assert.ok(fromNs <= Math.max(0, startNs - spanNs / 2) && toNs >= startNs + 1.5 * spanNs, `${widthPx} ${nsPerPx} ${startNs}`);
        assert.ok(buckets >= 1 && buckets <= BUCKETS_MAX && (toNs - fromNs) / buckets === widthNs && Number.isInteger(fromNs) && Number.isInteger(widthNs));
        if (widthPx < 2000) assert.ok(widthNs <= Math.max(1, 2 * nsPerPx), "a pixel or two");
      }
    }
  }
});

test("nothing is asked for again of which all is told, and of a live trace only what may have changed", () => {
  const known = readConnection({ ...EMPTY, to_ns: 10e9, width_ns: 1e6, now_ns: 8e9 });
  const state = { nowNs: 8e9 };
  assert.ok(tellsAll(known, { fromNs: -5, toNs: 20e9 }, 1e6, 8e9), "there is nothing after now, nor before the trace");
  assert.ok(!tellsAll(known, { fromNs: 0, toNs: 9e9 }, 5e5, 8e9), "closer there is more");
  assert.ok(!tellsAll(known, { fromNs: 0, toNs: 20e9 }, 1e6, 12e9) && !tellsAll(undefined, { fromNs: 0, toNs: 1 }, 1e6, 8e9));
  assert.ok(!mayGrow(known, { fromNs: 0, toNs: 8e9 }, state), "no time has gone by");
  assert.ok(mayGrow(known, { fromNs: 0, toNs: 7e9 }, { nowNs: 9e9 }), "what came then may be read only now");
  assert.ok(!mayGrow(known, { fromNs: 0, toNs: 5e9 }, { nowNs: 9e9 }));
});

test("the sums of requests in a window are those of a loop over all of them", () => {
  for (const [fromNs, toNs, buckets] of [[0, 2e9, 1000], [4e8, 6e8, 512], [0, 2e9, 4000]]) {
    const { requests, widthNs } = said(fromNs, toNs, buckets, 109);
    assert.ok(requests.told && requests.requests.length > 10 && requests.asks.length > 10, `${requests.requests.length} and ${requests.asks.length}`);
    for (const part of [{ fromNs, toNs }, { fromNs: fromNs + widthNs * 100, toNs: fromNs + widthNs * 400 }]) {
      const all = asksOf(server, requestsOf(server, 109), part.fromNs, part.toNs);
      const sums = requestsIn(requests, part);
      for (const [name, value] of Object.entries(all)) assert.ok(Math.abs(sums[name] - value) < 1e-3, `${fromNs} to ${toNs}: ${name} ${sums[name]}, not ${value}`);
    }
  }
});

test("a request is told by itself with what it moved, and has no length where it is not known since when it was under way", () => {
  const told = (...requests) => readConnection({ ...EMPTY, requests: { kept_ns: 0, requests, buckets: [[3, 2, 5, 0, 40, 0]] } }).requests;
  const known = told([0, "recv", "receive", 100, 300, 0, 12], [null, "send", "send", 200, 260, 0, 9], [0, "recv", "receive", 150, 500, 2, 7], [1, "accept", "other", null, 700, 0, -11], [1, "recv", "receive", 800, null, 0, null]);
  assert.deepEqual(known.requests.map(({ fromNs, toNs, sinceKnown, complete }) => [fromNs, toNs, sinceKnown, complete]), [
    [100, 300, true, true], [200, 260, true, true], [500, 500, false, true], [700, 700, false, true], [800, 1000, true, false]]);
  assert.deepEqual(known.requests.map(movedBy), [12, 9, 7, null, null]);
  assert.equal(requestAt(known, 220, 0)?.operation, "send", "the shorter of two");
  assert.equal(requestAt(known, 320, 0), null);
  assert.equal(requestAt(known, 320, 30)?.toNs, 300);
  assert.deepEqual([asksAt(known, 299), asksAt(known, 300)?.complete, asksAt(known, 400)], [null, 2, null]);
  assert.equal(readConnection(EMPTY).requests, null, "not known is not none");
  for (const broken of [[0, "recv", "peek", 1, 2, 0, 1], [0, "recv", "receive", 3, 2, 0, 1], [0, "recv", "receive", null, null, 0, 1], [0, "recv", "receive", 1, 2, null, 1]]) {
    assert.throws(() => told(broken), /read a connection/, JSON.stringify(broken));
  }
});

test("what nobody read lies there from when it was found to the close, or as far as is known", () => {
  const left = (unread, unread_known = true) => readConnection({ ...EMPTY, unread, unread_known });
  assert.deepEqual([left(null, false).unreadKnown, left(null).unread], [false, null]);
  const { unread } = left([2, 90, 100, 400]);
  assert.deepEqual(unread, { lane: 2, callNs: 90, sinceNs: 100, untilNs: 400, closed: true });
  assert.deepEqual([99, 100, 400, 401].map((ns) => isUnreadAt(unread, ns)), [false, true, true, false]);
  assert.deepEqual([unreadIn(unread, { fromNs: 0, toNs: 150 }), unreadIn(unread, { fromNs: 350, toNs: 900 }), unreadIn(null, { fromNs: 0, toNs: 9 })], [50, 50, 0]);
  assert.deepEqual([left([2, 90, 100, null]).unread?.untilNs, left([2, 90, 100, null]).unread?.closed], [1000, false]);
  for (const broken of [[2, 110, 100, 400], ["2", 90, 100, 400], [2, 90, null, 1], [2]]) assert.throws(() => left(broken), /read a connection/, JSON.stringify(broken));
  assert.equal(unreadOf(server, 110).unread_known, false);
});

test("lanes of connections are in the address, each once and no more than there may be", () => {
  const state = readState("#connections=7.12.7.4294967295");
  assert.deepEqual(state.connections, [7, 12, 4294967295]);
  assert.deepEqual(readState(writeState(state)), state);
  assert.equal(readState("#connections=1.2.3.4.5.6.7.8.9.10").connections.length, 8);
  for (const hash of ["#connections=", "#connections=-1", "#connections=1,2", "#connections=1..2", "#connections=x"]) assert.deepEqual(readState(hash).connections, [], hash);
  assert.deepEqual(readState("#connections=4294967296.3").connections, [3]);
});

test("of the picture of lanes only those are drawn anew of which something else is known, and all in another view", () => {
  const done = [];
  const pen = new Proxy({}, { get: (_, name) => (...args) => void done.push([name, ...args]), set: () => true });
  globalThis.document = { createElement: () => ({ getContext: () => pen, setAttribute: () => {} }) };
  const picture = new ConnectionPicture();
  const ground = { view: { startNs: 0, nsPerPx: 2e6 }, widthPx: 1000, scale: 1, palette: LIGHT, nowNs: 2e9 };
  /** The rows that were made empty, and those in which something was drawn. */
  const draw = (rows, on = ground) => {
    done.length = 0;
    picture.draw(rows, on);
    const rowsOf = (what) => [...new Set(done.filter(([name]) => name === what).map(([, , top]) => Math.floor(top / CONNECTION_ROW_PX)))].sort();
    return [rowsOf("clearRect"), rowsOf("fillRect")];
  };
  const [a, b, c] = IDS.map((id) => said(0, 2e9, 1000, id));
  draw([a, b]);
  assert.deepEqual(draw([a, b]), [[], []]);
  assert.deepEqual(draw([a, c]), [[1], [1]]);
  assert.deepEqual(draw([undefined, c]), [[0], []], "nothing is known of it any more");
  assert.deepEqual(draw([a, c, b]), [[0, 1, 2], [0, 1, 2]], "the canvas is another");
  assert.deepEqual(draw([a, c, b], { ...ground, view: { startNs: 1, nsPerPx: 2e6 } }), [[0, 1, 2], [0, 1, 2]]);
  assert.deepEqual(draw([a, c, b], { ...ground, nowNs: 3e9 }), [[0, 1, 2], [0, 1, 2]]);
  delete globalThis.document;
});
