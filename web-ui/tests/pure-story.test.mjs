/**
 * The story of a call and the textbook's picture of it, in node: what is told adds up, of a made-up trace and of stories
 * made by hand.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { readStory, readyWords } from "../assets/story.js";
import { arrivedNs, pictureOf } from "../assets/textbook.js";
import { broken, whenWords } from "../assets/textbook-svg.js";
import { PHASES } from "../assets/phases.js";
import { callJson } from "./fake-server.mjs";
import { storyOf } from "./stories.mjs";
import { makeTrace } from "./synthetic.mjs";

const TRACE = makeTrace({ seconds: 2, lanes: 6 });

function storiesOf(lane) {
  const thread = TRACE.threads[lane];
  return thread.calls.map((call) => ({ thread, call, answer: storyOf(thread, call, (one) => callJson(thread, one)) }));
}

/** The durations of a picture's steps by phase. */
function drawn(picture) {
  const amounts = PHASES.map(() => 0);
  for (const step of picture.steps) {
    if (step.kind === "phase") amounts[step.phase] += step.ns;
    if (step.kind === "rest") step.amounts.forEach((ns, phase) => { amounts[phase] += ns; });
  }
  return amounts;
}

const total = (amounts) => amounts.reduce((sum, ns) => sum + ns, 0);

test("of every call the picture's steps add up to its length, and to the sums of the server", () => {
  let turns = 0;
  for (const lane of [0, 1, 4, 5]) {
    for (const { thread, call, answer } of storiesOf(lane)) {
      const story = readStory(answer);
      const picture = pictureOf(story, thread.name);
      const amounts = drawn(picture);
      assert.deepEqual(picture.amounts, amounts);
      assert.equal(total(amounts), picture.lengthNs, `${call.name} at ${call.start}`);
      if (!story.turn) continue;
      turns += 1;
      const { sum } = answer;
      assert.equal(picture.lengthNs, sum.length_ns);
      const named = Object.fromEntries(PHASES.map((phase, at) => [phase.name, amounts[at]]));
      assert.deepEqual(named, {
        copying: sum.copying_ns, kernel: sum.kernel_ns, "other calls": sum.other_ns, user: sum.user_ns,
        runnable: sum.runnable_ns + sum.outside_runnable_ns, blocked: sum.blocked_ns + sum.outside_blocked_ns,
      });
      assert.match(picture.title, /^I\/O multiplexing: epoll_wait$/);
    }
  }
  assert.ok(turns > 100, `${turns} turns`);
});

test("steps come in the order of time, each where the one before it ended", () => {
  for (const { thread, answer } of storiesOf(0).slice(0, 200)) {
    const picture = pictureOf(readStory(answer), thread.name);
    let nowNs = 0;
    for (const step of picture.steps.filter((one) => one.kind !== "arrival")) {
      assert.equal(step.atNs, nowNs);
      if (step.kind === "phase") nowNs += step.ns;
      if (step.kind === "rest") nowNs += total(step.amounts);
    }
    const last = picture.steps.at(-1);
    assert.ok(last.kind === "call" ? last.more === "and so on" : true);
  }
});

/** A story made by hand. */
function made(calls, chosen = 0, more = {}) {
  const whole = calls.map((call) => ({
    call: "read", tid: 7, kernel_ns: 0, blocked_ns: 0, runnable_ns: 0, copying_ns: 0, copying: "none", sleeps: 0, preemptions: 0,
    check: false, others: 0, other_ns: 0, ret: 0, ready: [], ...call,
  }));
  const call = whole[chosen];
  return readStory({ lane: 0, call, ready: call.ready, calls: whole, turn: null, no_turn: "no_loop", outside: [], requests: [], descriptors: {}, threads: [], ...more });
}

const kinds = (picture) => picture.steps.map((step) => (step.kind === "phase" ? PHASES[step.phase].name : step.kind));

test("a blocking call: called, blocked, data comes, copied, returned", () => {
  const story = made([{
    call: "recvfrom", fd: 4, descriptor: 9, start_ns: 100, end_ns: 1_000, kernel_ns: 60, blocked_ns: 700, runnable_ns: 40, copying_ns: 100, copying: "seen",
    copy_start_ns: 900, sleeps: 1, first_sleep_ns: 140, last_wake_ns: 840, ready_delay_ns: 65, ret: 512, why: { cause: "data", text: "data on tcp x (fd 4)", name: "tcp x (fd 4)", chain: [] },
  }], 0, { descriptors: { 9: { id: 9, fd: 4, kind: "tcp", name: "x" } } });
  const picture = pictureOf(story, "t");
  assert.equal(picture.title, "Blocking I/O");
  assert.deepEqual(kinds(picture), ["call", "kernel", "blocked", "arrival", "runnable", "kernel", "copying", "return"]);
  assert.deepEqual(picture.steps.map((step) => step.ns ?? null), [null, 40, 700, null, 40, 20, 100, null]);
  assert.equal(picture.steps[3].atNs, 900 - 65 - 100);
  assert.equal(picture.lengthNs, 900);
  assert.match(picture.steps[2].more, /until: data on tcp x/);
  assert.equal(picture.steps[7].text, "returns 512");
});

test("non-blocking: calls that find nothing, then one that has data; many are a sum", () => {
  const empty = (start) => ({ call: "recvfrom", fd: 4, start_ns: start, end_ns: start + 10, kernel_ns: 10, ret: -11, error: "EAGAIN" });
  const calls = [{ call: "recvfrom", fd: 4, start_ns: 0, end_ns: 20, kernel_ns: 20, ret: 8 }];
  for (let i = 0; i < 12; i += 1) calls.push(empty(100 + i * 50));
  calls.push({ call: "recvfrom", fd: 4, start_ns: 800, end_ns: 850, kernel_ns: 20, copying_ns: 30, copying: "seen", copy_start_ns: 820, ret: 99 });
  for (const chosen of [1, 5, 13]) {
    const picture = pictureOf(made(calls, chosen), "t");
    assert.equal(picture.title, "Non-blocking I/O");
    assert.equal(picture.lengthNs, 750, `of ${chosen}`);
    assert.equal(total(drawn(picture)), 750);
    const rest = picture.steps.find((step) => step.kind === "rest");
    assert.equal(rest.text, "… and more calls: 9");
    assert.equal(picture.steps.at(-1).text, "returns 99", "the call that all others are about is drawn");
  }
});

test("a loop that asks many descriptors is drawn up to one that has data, where the same one is too far away", () => {
  const empty = (fd, start) => ({ call: "recvfrom", fd, start_ns: start, end_ns: start + 10, kernel_ns: 10, ret: -11, error: "EAGAIN" });
  const full = (fd, start) => ({ call: "recvfrom", fd, start_ns: start, end_ns: start + 10, kernel_ns: 10, ret: 5 });
  const picture = pictureOf(made([full(4, 0), empty(5, 20), empty(6, 40), empty(7, 60), full(8, 80), empty(9, 100)], 2), "t");
  assert.deepEqual(picture.steps.filter((step) => step.kind === "call").map((step) => step.text), ["recvfrom(5)", "recvfrom(6)", "recvfrom(7)", "recvfrom(8)"]);
  assert.equal(picture.lengthNs, 70);
});

test("signal-driven and asynchronous: from one wait to the next", () => {
  const wait = (name, start) => ({ call: name, start_ns: start, end_ns: start + 100, kernel_ns: 20, blocked_ns: 80, sleeps: 1, first_sleep_ns: start + 10, last_wake_ns: start + 90, ret: 29 });
  const read = (start) => ({ call: "recvfrom", fd: 4, start_ns: start, end_ns: start + 10, kernel_ns: 10, ret: 3 });
  const signal = pictureOf(made([wait("rt_sigtimedwait", 0), read(150), wait("rt_sigtimedwait", 200)], 1), "t");
  assert.equal(signal.title, "Signal-driven I/O");
  assert.equal(signal.lengthNs, 200);
  assert.deepEqual(kinds(signal), ["call", "kernel", "blocked", "kernel", "return", "user", "call", "kernel", "return", "user", "call"]);
  const requests = [{ operation: "recv", fd: 4, submit_ns: 5, complete_ns: 60, ret: 3 }];
  const ring = pictureOf(made([wait("io_uring_enter", 0), wait("io_uring_enter", 130)], 0, { requests }), "t");
  assert.equal(ring.title, "Asynchronous I/O");
  const arrival = ring.steps.find((step) => step.kind === "arrival");
  assert.deepEqual([arrival.text, arrival.atNs, arrival.more], ["recv fd 4 complete", 60, "result 3, 55 ns after it was submitted"]);
});

test("what is not known of data is not drawn", () => {
  const call = (more) => made([{ call: "read", start_ns: 100, end_ns: 200, kernel_ns: 100, ...more }]).call;
  assert.equal(arrivedNs(call({})), null);
  assert.equal(arrivedNs(call({ ready_delay_ns: 0 })), null, "it came in the call, and when is not told");
  assert.equal(arrivedNs(call({ ready_delay_ns: 30 })), 70);
  assert.equal(arrivedNs(call({ ready_delay_ns: 30, copying: "inferred", copy_start_ns: 150 })), 70);
});

test("steps that follow one another closely are told apart by their times", () => {
  for (const [ns, words] of [[0, "+0"], [177, "+177 ns"], [1_000, "+1.0 µs"], [11_925_349, "+11\u202f925.3 µs"], [11_925_351, "+11\u202f925.4 µs"], [-21_100, "21.1 µs before"]]) {
    assert.equal(whenWords(ns), words);
  }
});

test("a story that lacks a number is refused, and text of any kind is text", () => {
  const { answer } = storiesOf(0)[3];
  assert.throws(() => readStory({ ...answer, call: { ...answer.call, kernel_ns: "x" } }), /kernel_ns/);
  assert.throws(() => readStory({}), /lane/);
  const odd = readStory({ ...answer, call: { ...answer.call, why: { cause: "new", text: 7, chain: "x" } }, calls: [], threads: [null, 3], descriptors: { a: null, 7: { id: "x" } } });
  assert.deepEqual([odd.call.why.text, odd.call.why.chain, odd.descriptors.size], ["", [], 0]);
  assert.equal(readyWords(17), "readable, hung up");
  assert.equal(readyWords(0), "not ready");
  assert.deepEqual(broken("one two three four", 60), ["one two", "three fo…"]);
  assert.deepEqual(broken("", 60), []);
});
