/**
 * The pure modules of the views, in node: durations on an axis, rows of tables, the report.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { busyOf } from "../assets/busy-chart.js";
import { axisOfLags, worstOf } from "../assets/lag-chart.js";
import { meanDelayNs } from "../assets/connections-view.js";
import { axisOf, decades, shade, slotAt, toNs, toY } from "../assets/heat-grid.js";
import { byCallsFirst } from "../assets/latency-controls.js";
import { lackWords, laneOf, scopeWords } from "../assets/report-frame.js";
import { modelWords, readReported, stallWords } from "../assets/report.js";
import { busyShare } from "../assets/summary-view.js";
import { matchingRows, ordered } from "../assets/table-order.js";
import { numberColumn, textColumn } from "../assets/table.js";

test("the axis of durations has whole decades that hold all, and leads there and back", () => {
  for (const [firstNs, lastNs] of [[0, 0], [5, 63], [1000, 1023], [999, 1_000_000], [7, 3.2e12], [99, 99]]) {
    const axis = axisOf([{ firstNs, lastNs, count: 1 }], 300);
    assert.ok(axis.lowNs <= Math.max(10, firstNs) && axis.highNs > lastNs, `${firstNs} to ${lastNs}: ${axis.lowNs} to ${axis.highNs}`);
    for (const ns of decades(axis)) assert.ok(Math.abs(toNs(axis, toY(axis, ns)) - ns) < ns * 1e-9);
    assert.ok(toY(axis, axis.highNs) < toY(axis, axis.lowNs), "longer is higher");
  }
  assert.ok(decades(axisOf([], 300)).length > 1, "an axis of nothing is an axis");
});

test("a percentile is the slot that holds it, whatever the counts", () => {
  const slots = [{ firstNs: 1, lastNs: 1, count: 50 }, { firstNs: 64, lastNs: 65, count: 49 }, { firstNs: 1024, lastNs: 1055, count: 1 }];
  const all = slots.flatMap((slot) => new Array(slot.count).fill(slot));
  for (let percent = 1; percent <= 100; percent += 1) assert.equal(slotAt(slots, percent / 100), all[percent - 1], `${percent} %`);
  assert.equal(slotAt([], 0.5), null);
});

test("one call can be seen beside millions, and more is darker", () => {
  assert.equal(shade(0, 10), 0);
  assert.ok(shade(1, 1e6) > 0.1 && shade(1, 1) === 1);
  assert.ok(shade(1000, 1e6) > shade(10, 1e6) && shade(1e6, 1e6) === 1);
});

test("rows are ordered by what they are, not by how they are written, and the unknown come last", () => {
  const columns = [textColumn("name", "", (row) => row.name), numberColumn("ns", "", (row) => row.ns, (ns) => `${ns} ns`)];
  const rows = [{ name: "b", ns: 9 }, { name: "a", ns: null }, { name: "c", ns: 100 }, { name: "d", ns: 9 }];
  const names = (order) => ordered(rows, columns, order).map((row) => row.name).join("");
  assert.equal(names({ column: 1, down: true }), "cbda");
  assert.equal(names({ column: 1, down: false }), "bdca");
  assert.equal(names({ column: 0, down: true }), "dcba");
  assert.equal(names({ column: 9, down: true }), "bacd");
  assert.deepEqual(matchingRows(rows, columns, " 100 N").map((row) => row.name), ["c"]);
  assert.equal(matchingRows(rows, columns, "").length, 4);
});

test("a report of any shape is read, and what it does not know stays unknown", () => {
  assert.deepEqual(readReported(null), { report: null, reading: null, failed: null });
  assert.deepEqual(readReported({ reading: { read_bytes: 3 }, failed: 7 }).reading, { readBytes: 3, allBytes: 0 });
  const { report } = readReported({ report: { threads: [{ tid: 7, lifetime_ns: 100, kernel_ns: 30, user_ns: null }, null], loops: [{ lag_p50_ns: null, over_time: { work_ns: ["x", 4] } }], trace: 9, findings: "no" } });
  assert.ok(report);
  assert.deepEqual([report.threads.length, report.threads[0].userNs, busyShare(report.threads[0])], [2, null, null]);
  assert.deepEqual([report.loops[0].lagP50Ns, report.loops[0].overTime.workNs], [null, [0, 4]]);
  assert.deepEqual([report.findings, report.delay, report.ended], [[], null, false]);
  assert.equal(busyShare({ ...report.threads[0], userNs: 20, phases: [10, 30, 5, 20, 0, 35] }), 0.65);
});

test("the I/O model has the report's words", () => {
  const check = [
    [{ model: "blocking" }, "blocking"], [{ model: "polling" }, "non-blocking polling"], [{ model: "multiplexing" }, "multiplexing"],
    [{ model: "multiplexing", with: "epoll", trigger: "edge" }, "epoll, edge-triggered"], [{ model: "multiplexing", with: "poll" }, "poll"],
    [{ model: "multiplexing", with: "epoll", trigger: "both" }, "epoll, level- and edge-triggered"],
    [{ model: "signal_driven" }, "signal-driven"], [{ model: "asynchronous" }, "io_uring"], [{ model: "mixed" }, "mixed"], [{}, "unknown"],
    [{ model: "toString" }, "toString"],
  ];
  for (const [of, words] of check) assert.equal(modelWords(of), words);
});

test("what stalled a turn is told as the report tells it", () => {
  const turn = { tid: 1, pid: 1, name: "", startNs: 0, ended: true, workNs: 100, waitNs: 0, lagNs: 100, blockedNs: 0, runnableNs: 0, events: 0, calls: 0, loss: false, stall: null };
  const format = (ns) => `${ns} ns`;
  const stall = { call: "futex", fd: null, blockedNs: 80, runnableNs: 5, waker: { context: "task", name: "worker", tid: 9 } };
  assert.equal(stallWords(turn, format), "100 ns on the CPU");
  const off = { ...turn, blockedNs: 80, runnableNs: 5 };
  assert.equal(stallWords({ ...off, stall }, format), "futex blocked 80 ns, woken by worker");
  assert.equal(stallWords({ ...off, stall: { ...stall, waker: { context: "softirq", name: "swapper", tid: 0 } } }, format), "futex blocked 80 ns, woken by softirq");
  assert.equal(stallWords({ ...off, stall: { ...stall, waker: { context: "unknown", name: "", tid: 0 } } }, format), "futex blocked 80 ns");
  assert.equal(stallWords({ ...turn, runnableNs: 70, stall: { call: "", fd: 3, blockedNs: 0, runnableNs: 70, waker: null } }, format), "outside calls fd 3 wanted the CPU 70 ns");
  assert.equal(stallWords({ ...turn, runnableNs: 20, stall: { ...stall, blockedNs: 0, runnableNs: 20 } }, format), "80 ns on the CPU", "a short stall explains nothing");
});

test("the lane of a thread is the one that lived then", () => {
  const lane = (number, tid, beganNs, endedNs) => ({ lane: number, pid: 1, tid, name: "", beganNs, endedNs, calls: 0 });
  const lanes = [lane(0, 7, null, 100), lane(1, 8, null, null), lane(2, 7, 200, null)];
  assert.deepEqual([50, 150, 250].map((ns) => laneOf(lanes, 1, 7, ns)), [0, 2, 2]);
  assert.equal(laneOf(lanes, 2, 7, 0), null);
});

test("what is missing of a report, or of the sums in it, is said", () => {
  assert.match(lackWords({ report: null, reading: { readBytes: 1, allBytes: 4 }, failed: null }), /25 % of 4 B/);
  assert.match(lackWords({ report: null, reading: null, failed: "torn" }), /torn/);
  const { report } = readReported({ report: { trace: { lost: 3, duration_ns: 5 }, calls: 2 } });
  assert.match(scopeWords(report), /so far.*records lost, so sums are too small: 3/);
  assert.equal(meanDelayNs({ delays: 0, delayNs: 0 }), null);
  assert.equal(meanDelayNs({ delays: 2, delayNs: 3000 }), 1500);
  assert.deepEqual([0, 1, 2].map((bucket) => busyOf({ bucketNs: 1, workNs: [1, 0], waitNs: [3, 0] }, bucket)), [0.25, null, null]);
});

test("lag over time is read as it is told, and its axis holds all of it", () => {
  const { report } = readReported({ report: { loops: [
    { lag_over_time: { bucket_ns: 5, turns: [1, 0, 2], p99_ns: [4, null, "x"], max_ns: [4, null, 9], max_at_ns: [1, null, 11] } }, { lag_over_time: null },
  ] } });
  const [loop, shared] = report.loops;
  assert.deepEqual(loop.lagOverTime, { bucketNs: 5, turns: [1, 0, 2], p99Ns: [4, null, null], maxNs: [4, null, 9], maxAtNs: [1, null, 11] });
  assert.equal(shared.lagOverTime, null);
  assert.equal(worstOf(loop.lagOverTime), 2);
  const axis = axisOfLags({ ...loop.lagOverTime, p99Ns: [2_000, null, 9_000], maxNs: [2_500, null, 1_500_000] });
  assert.ok(Math.abs(axis.lowNs - 1e3) < 1e-6 && Math.abs(axis.highNs - 1e7) < 1e-3, JSON.stringify(axis));
});

test("once it is known which kinds of calls were made, only those are offered", () => {
  const names = ["read", "write", "syscall_2", "poll"];
  assert.deepEqual(byCallsFirst(null, names).map(({ name }) => name), ["read", "write", "poll"]);
  const reported = readReported({ report: { by_call: [{ call: "poll" }, { call: "others" }, { call: "read" }] } });
  assert.deepEqual(byCallsFirst(reported, names), [{ nr: 3, name: "poll" }, { nr: 0, name: "read" }]);
});
