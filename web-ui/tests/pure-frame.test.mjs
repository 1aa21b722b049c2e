/**
 * The pure modules of the frame around the timeline, in node: address, history of windows, bracket, selection, finding,
 * answers to questions.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { readHeatmap, readLatency, readTotals } from "../assets/answers.js";
import { bracketOf, centred, dragged, extentOf, partAt } from "../assets/bracket.js";
import { meanings } from "../assets/find.js";
import { arranged, ORDERS } from "../assets/lane-order.js";
import { Latest } from "../assets/latest.js";
import { addressOf } from "../assets/questions.js";
import { between, missing, rangeOf, withEdge } from "../assets/selection.js";
import { readState, VIEWS, writeState } from "../assets/view-state.js";
import { reveal } from "../assets/viewport.js";
import { ZoomHistory } from "../assets/zoom-history.js";

const NOTHING = { window: null, call: null, selection: null, view: "timeline", filter: { lane: null, nr: null }, marks: [], connections: [] };

test("what an address holds is read back as it was written", () => {
  assert.equal(writeState(NOTHING), "");
  const numbers = [0, 1, 1_234_567_890, 86_400e9 * 30];
  for (const view of VIEWS) {
    for (const fromNs of [...numbers, -250_000, 1000.125]) {
      for (const call of [null, { lane: 0, atNs: 5 }, { lane: 4095, atNs: 2 ** 52 }]) {
        const state = {
          window: { fromNs, toNs: fromNs + 1000.5 }, call, view,
          selection: { fromNs: 7, toNs: 2 ** 50 }, filter: { lane: call && 3, nr: call && 232 },
          marks: call ? [0, 5, 2 ** 52] : [], connections: call ? [9, 4] : [],
        };
        assert.deepEqual(readState(writeState(state)), state);
      }
    }
  }
});

test("an address without sense says nothing, and nothing in it throws", () => {
  const hostile = [
    "#", "##", "#%", "#%ff%00", "#&&&===", "#from", "#from=&to=", "#from=NaN&to=Infinity", "#from=5&to=5", "#from=9&to=3", "#from=1e3&to=2e3",
    `#from=${"9".repeat(400)}&to=1`, "#from=0x10&to=0x20", "#call=", "#call=1", "#call=-1.5", "#call=1.2.3", "#call=99999999999999999999.1",
    "#select=1", "#select=-1-5", "#select=5-1", "#view=constructor", "#view=__proto__", "#view=<script>", "#lane=-1.5x&nr=;", "#marks=", "#marks=.", "#marks=1..2", "#marks=-1", "#marks=1e9", "#connections=x", `#marks=${"1.".repeat(20)}1`, "#\u0000\ud800",
    `#${"from=1&".repeat(10000)}`,
  ];
  for (const hash of hostile) assert.deepEqual(readState(hash), NOTHING, hash.slice(0, 60));
  assert.deepEqual(readState("#from=1&to=9&view=nothing&call=x").window, { fromNs: 1, toNs: 9 }, "one mistake does not spoil the rest");
});

test("windows are gone back to and forth to, each once, and a new one ends the way forth", () => {
  const history = new ZoomHistory();
  const [a, b, c] = [0, 1, 2].map((n) => ({ fromNs: n * 100, toNs: n * 100 + 50 }));
  history.rest(a);
  history.rest(a);
  history.rest(b);
  assert.deepEqual(history.back(c), b, "where it had not come to rest counts too");
  assert.deepEqual(history.back(b), a);
  assert.equal(history.back(a), null);
  assert.deepEqual(history.forth(a), b);
  assert.deepEqual(history.forth(b), c);
  assert.equal(history.forth(c), null);
  history.back(c);
  history.rest({ fromNs: 7, toNs: 9 });
  assert.equal(history.canGoForth(), false);
  for (let i = 0; i < 1000; i += 1) history.rest({ fromNs: i, toNs: i + 1000 });
  assert.ok(history.past.length <= 100);
});

test("the bracket stands where the window is, can always be seen, and its parts are where they look to be", () => {
  assert.deepEqual(bracketOf({ fromNs: 100, toNs: 300 }, 1000, 500), { leftPx: 50, rightPx: 150 });
  for (const fromNs of [-50, 0, 500, 999, 5000]) {
    const { leftPx, rightPx } = bracketOf({ fromNs, toNs: fromNs + 0.1 }, 1000, 500);
    assert.ok(rightPx - leftPx >= 8 && leftPx >= 0 && rightPx <= 500, `${fromNs}: ${leftPx} to ${rightPx}`);
    assert.equal(partAt({ leftPx, rightPx }, (leftPx + rightPx) / 2), "inside", "the middle of a narrow one can be taken");
  }
  const parts = [20, 46, 52, 100, 148, 153, 170].map((x) => partAt({ leftPx: 50, rightPx: 150 }, x));
  assert.deepEqual(parts, ["outside", "left", "left", "inside", "right", "right", "outside"]);
});

test("a dragged bracket stays within the trace and keeps a length", () => {
  const window = { fromNs: 200, toNs: 400 };
  assert.deepEqual(dragged("inside", window, 300, 350, 1000), { fromNs: 250, toNs: 450 });
  assert.deepEqual(dragged("left", window, 200, 100, 1000), { fromNs: 100, toNs: 400 });
  assert.deepEqual(dragged("right", window, 400, 100, 1000), { fromNs: 100, toNs: 200 }, "an edge over the other becomes the other");
  assert.deepEqual(dragged("outside", window, 800, 600, 1000), { fromNs: 600, toNs: 800 });
  assert.deepEqual(centred(window, 500, 1000), { fromNs: 400, toNs: 600 });
  for (const part of /** @type {const} */ (["left", "right", "inside", "outside"])) {
    for (const atNs of [-1e12, 0, 300, 1e12]) {
      const { fromNs, toNs } = dragged(part, window, 300, atNs, 1000);
      assert.ok(toNs > fromNs && fromNs >= 0 && fromNs <= 1000, `${part} to ${atNs}: ${fromNs} to ${toNs}`);
    }
  }
});

test("the strip of a live trace grows in steps, and always holds all of it", () => {
  let steps = 0;
  let before = 0;
  for (let nowNs = 1e9; nowNs < 64e9; nowNs += 1e8) {
    const extentNs = extentOf(nowNs, true);
    assert.ok(extentNs >= nowNs && extentNs <= nowNs * 1.13, `${extentNs} for ${nowNs}`);
    steps += extentNs === before ? 0 : 1;
    before = extentNs;
  }
  assert.ok(steps < 70, `${steps} steps`);
  assert.equal(extentOf(5e9, false), 5e9);
});

test("a range has its ends in order, within the trace, and a length", () => {
  assert.deepEqual(between(9.4, 3.6), { fromNs: 4, toNs: 9 });
  assert.deepEqual(between(-50, 10), { fromNs: 0, toNs: 10 });
  assert.equal(between(5, 5.2), null);
  const window = { fromNs: 0, toNs: 100 };
  assert.deepEqual(withEdge(null, "from", 30, window), { fromNs: 30, toNs: 100 });
  assert.deepEqual(withEdge({ fromNs: 30, toNs: 60 }, "to", 50, window), { fromNs: 30, toNs: 50 });
  assert.deepEqual(withEdge({ fromNs: 30, toNs: 60 }, "from", 80, window), { fromNs: 80, toNs: 100 });
});

test("what is missing of a range is said, and nothing of a whole one", () => {
  const state = { gaps: [{ startNs: 100, endNs: 200, lost: 5 }, { startNs: 300, endNs: 310, lost: 2 }], nowNs: 1000, ended: true };
  assert.deepEqual(missing({ fromNs: 210, toNs: 290 }, state, 0), []);
  assert.deepEqual(missing({ fromNs: 200, toNs: 300 }, state, 0), [], "losses that only touch it are not in it");
  assert.match(missing({ fromNs: 150, toNs: 305 }, state, 0).join(), /^records lost .*: 7;/);
  assert.match(missing({ fromNs: 210, toNs: 290 }, state, 220).join(), /no longer kept: unknown/);
  assert.match(missing({ fromNs: 900, toNs: 1100 }, { ...state, ended: false }, 0).join(), /not ended/);
});

test("a text means the calls, threads and descriptors that have it, the best match first", () => {
  const names = ["read", "write", "pread64", "readv", "syscall_4"];
  const lanes = [{ lane: 3, pid: 1, tid: 77, name: "reader", beganNs: null, endedNs: null, lastNs: 0, calls: 0 }];
  const descriptors = [{ id: 9, name: "tcp 1.2.3.4:80", kind: "tcp", fd: 6, sum: {} }, { id: null, name: "", kind: "", fd: null, sum: {} }];
  const labels = (typed) => meanings(typed, names, lanes, descriptors).map((one) => `${one.kind} ${one.label}`);
  assert.deepEqual(labels("read"), ["call read", "call readv", "thread reader 77", "call pread64"]);
  assert.deepEqual(labels(" 1.2.3 "), ["descriptor tcp 1.2.3.4:80 (fd 6)"]);
  assert.deepEqual(labels("77"), ["thread reader 77"]);
  assert.deepEqual(labels("syscall_4"), ["call syscall_4"]);
  assert.deepEqual(labels(""), []);
  assert.deepEqual(labels("sys"), [], "numbers without a name are not offered by chance");
  assert.deepEqual(meanings("1.2.3", names, lanes, descriptors)[0].question, { descriptor: 9 });
});

test("a question's address has what is asked, in whole numbers, and nothing else", () => {
  assert.equal(addressOf("/api/totals", {}), "/api/totals");
  assert.equal(addressOf("/api/next", { atNs: 5.6, lane: null, nr: 0, fromNs: -3, toNs: Infinity }), "/api/next?at_ns=6&nr=0&from_ns=0");
});

test("an answer of a wrong shape is no answer", () => {
  assert.throws(() => readTotals({ lanes: [{ sum: {} }] }), /no number in "lane"/);
  assert.throws(() => readHeatmap({ cells: [] }), /width_ns/);
  assert.deepEqual(readLatency({ slots: [[1, 2, "x"], null] }).slots, [{ firstNs: 1, lastNs: 2, count: 0 }, { firstNs: 0, lastNs: 0, count: 0 }]);
  assert.deepEqual(readTotals(null).all.calls, 0);
});

test("of two questions only the later one's answer arrives", async () => {
  const latest = new Latest();
  const got = [];
  /** @type {((value: string) => void)[]} */
  const answers = [];
  const ask = () => new Promise((resolve) => answers.push(resolve));
  latest.ask("a", ask, (answer) => got.push(answer), () => got.push("failed"));
  latest.ask("b", ask, (answer) => got.push(answer), () => got.push("failed"));
  latest.ask("b", ask, () => got.push("twice"), () => got.push("failed"));
  answers[1]("second");
  answers[0]("first");
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([got, answers.length], [["second"], 2]);
});

test("a call is brought into view, and a view that has it stays as it is", () => {
  const bounds = { widthPx: 1000, beginNs: 0, endNs: 1e9 };
  const view = { startNs: 1e6, nsPerPx: 1000 };
  assert.equal(reveal(view, 1.3e6, 1.35e6, bounds), view);
  for (const [startNs, endNs] of [[5e6, 5.01e6], [1.9999e6, 2.2e6], [100, 90_000], [5e8, 5e8 + 100], [3e8, 9e8], [1.5e6, 1.5e6]]) {
    const there = reveal(view, startNs, endNs, bounds);
    const leftPx = (startNs - there.startNs) / there.nsPerPx;
    const widthPx = (endNs - startNs) / there.nsPerPx;
    assert.ok(leftPx >= 0 && leftPx < 950, `${startNs}: ${leftPx} px`);
    assert.ok(widthPx >= 3 || endNs - startNs < 3, `${startNs}: ${widthPx} px wide`);
  }
});

test("views are about the selected range, else the window, else the whole, and say which", () => {
  const state = { keptNs: 0, nowNs: 1000 };
  const of = (window, selection = null) => rangeOf(window, selection, state);
  assert.deepEqual(of({ fromNs: 10.4, toNs: 20.6 }), { range: { fromNs: 10, toNs: 21 }, of: "the window (11 ns, from 0.000\u202f000\u202f010 s)" });
  assert.deepEqual(of({ fromNs: -50, toNs: 2000 }), { range: { fromNs: 0, toNs: 1001 }, of: "the whole trace (1.00 µs)" });
  assert.match(of({ fromNs: 10, toNs: 20 }, { fromNs: 5, toNs: 9 }).of, /^the selected range \(4 ns\)/);
  assert.deepEqual(of({ fromNs: 5000, toNs: 6000 }).range, { fromNs: 5000, toNs: 5001 }, "beyond the trace it still has a length");
});

test("lanes of a process stand together in any order, and none is lost", () => {
  const lane = (number, pid, name, calls) => ({ lane: number, pid, tid: 100 + number, name, beganNs: null, endedNs: null, lastNs: 0, calls });
  const lanes = [lane(0, 1, "b", 5), lane(1, 2, "a", 9), lane(2, 1, "c", 7), lane(3, 3, "z", 1), lane(4, 2, "d", 0)];
  const blocked = new Map([[4, 50], [3, 60]]);
  const numbers = (order, collapsed = []) => arranged(lanes, order, blocked, new Set(collapsed)).lanes.map((one) => one.lane).join("");
  assert.equal(numbers("appearance"), "02143");
  assert.equal(numbers("name"), "14023");
  assert.equal(numbers("calls"), "14203");
  assert.equal(numbers("blocked"), "34102");
  assert.equal(numbers("calls", [1, 3]), "1423");
  for (const order of ORDERS) {
    for (const collapsed of [[], [1], [2], [1, 2, 3], [99]]) {
      const shown = arranged(lanes, order, blocked, new Set(collapsed));
      const hidden = [...shown.processes.values()].reduce((sum, one) => sum + one.hidden, 0);
      assert.equal(shown.lanes.length + hidden, lanes.length, `${order}, ${collapsed} collapsed`);
      assert.deepEqual([...shown.processes.values()].map((one) => one.pid).sort(), [1, 2], "a process of one thread has nothing to collapse");
    }
  }
});
