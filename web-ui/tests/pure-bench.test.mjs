/**
 * What `bench-page.mjs` makes of a trace of Chromium, on traces with known content.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { quantile, readFrames } from "./bench-trace.mjs";

const ORIGIN = "http://127.0.0.1:7117";
const PAGE = { data: { url: `${ORIGIN}/timeline.js` } };
const own = (name, ts, dur, args = {}) => ({ name, ph: "X", pid: 1, tid: 2, ts, dur, args });

/** A frame at a time, in which the page runs so long, within and beside its callback. */
function frame(ts, callbackUs, taskUs) {
  return [own("FireAnimationFrame", ts, callbackUs), own("FunctionCall", ts, callbackUs, PAGE), own("RunMicrotasks", ts + 8000, taskUs)];
}

test("script of a frame is what ran from it to the next, each moment once, without what measures", () => {
  const events = [
    ...frame(0, 3000, 1000),
    // Of someone who measures: its own callback, and a call of it from the page's.
    own("FireAnimationFrame", 5000, 500), own("FunctionCall", 5000, 500, { data: { url: "" } }),
    ...frame(16_667, 2000, 0),
    ...frame(33_334, 9000, 0),
    // Another thread and another process.
    { ...own("FunctionCall", 100, 9000, PAGE), tid: 3 }, { ...own("FunctionCall", 100, 9000, PAGE), pid: 9 },
  ];
  const { scriptMs } = readFrames(events, ORIGIN);
  assert.deepEqual(scriptMs, [4, 2], "the last has no end");
});

test("a refresh without a new picture is missed, and a late picture is no second one", () => {
  const report = (number, state, endUs) => [
    { name: "PipelineReporter", ph: "b", pid: 1, tid: 4, ts: endUs - 20_000, id2: { local: `0x${number}` }, args: { frame_reporter: { state } } },
    { name: "PipelineReporter", ph: "e", pid: 1, tid: 4, ts: endUs, id2: { local: `0x${number}` }, args: {} },
  ];
  const refresh = 1e6 / 60;
  const events = [
    ...frame(0, 1, 0),
    ...[1, 2, 3, 6, 7].flatMap((at) => report(at, "STATE_PRESENTED_ALL", at * refresh + 300 * (at % 3))),
    ...report(20, "STATE_PRESENTED_PARTIAL", 4 * refresh), ...report(21, "STATE_DROPPED", 5 * refresh), ...report(22, "STATE_NO_UPDATE_DESIRED", 5 * refresh),
    ...report(30, "STATE_PRESENTED_ALL", 4 * refresh).map((event) => ({ ...event, pid: 9 })),
  ];
  const { presented, missed, states } = readFrames(events, ORIGIN);
  assert.deepEqual({ presented, missed }, { presented: 5, missed: 2 });
  assert.deepEqual(states, { STATE_PRESENTED_ALL: 5, STATE_PRESENTED_PARTIAL: 1, STATE_DROPPED: 1, STATE_NO_UPDATE_DESIRED: 1 });
});

test("an id that Chromium uses again is another frame, and two that came at once are one picture", () => {
  const refresh = 1e6 / 60;
  const edge = (ph, id, ts, state) => ({ name: "PipelineReporter", ph, pid: 1, tid: 4, ts, id2: { local: id }, args: state ? { frame_reporter: { state } } : {} });
  const all = (id, from, to) => [edge("b", id, from * refresh, "STATE_PRESENTED_ALL"), edge("e", id, to * refresh)];
  const events = [
    ...frame(0, 1, 0),
    ...all("0x1", 0, 1.5), ...all("0x2", 1, 2.5), ...all("0x1", 2, 3.5), ...all("0x2", 3, 4.5), ...all("0x1", 4, 5.5),
    edge("b", "0x2", 5 * refresh, "STATE_DROPPED"), edge("e", "0x2", 5.5 * refresh),
    ...all("0x1", 6, 8.5), ...all("0x2", 7, 8.5),
    // Its end is not in the trace.
    edge("b", "0x1", 9 * refresh, "STATE_PRESENTED_ALL"),
  ];
  const { presented, missed } = readFrames(events, ORIGIN);
  assert.deepEqual({ presented, missed }, { presented: 6, missed: 2 });
});

test("a trace in which nothing of the page ran is no measurement", () => {
  assert.throws(() => readFrames([], ORIGIN), /no function of/);
  assert.ok(Number.isNaN(quantile([], 0.5)));
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([3, 1, 2], 1), 3);
});
