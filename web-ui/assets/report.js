/**
 * The server's report of the whole trace, checked and given types: what `waitscope report --json` says.
 *
 * Pure. Must never pass on a field of the wrong type; what the report does not know is null.
 */

import { list, maybeNumber, number, object, text } from "./messages.js";
import { BLOCKED, COPYING, KERNEL, OTHER, PHASE_COUNT, RUNNABLE, USER } from "./phases.js";
import { findingWords, whyWords } from "./server-words.js";
import { say } from "./words.js";

/**
 * @typedef {{ severity: string, text: string, pid: number, tid: number, startNs: number, endNs: number }} Finding
 * @typedef {{ tid: number, pid: number, name: string, calls: number, lifetimeNs: number, userNs: number | null, unknownNs: number,
 *   phases: number[], model: string }} ThreadRow  `phases`: nanoseconds by phase
 * @typedef {{ call: string, count: number, totalNs: number, phases: number[], p50Ns: number, p99Ns: number, maxNs: number, errors: [string, number][] }} CallRow
 * @typedef {{ call: string, fd: number | null, pid: number, tid: number, startNs: number, endNs: number, blockedNs: number, runnableNs: number, why: string }} Wait
 * @typedef {{ who: string, wakeups: number, blockedNs: number, runnableNs: number }} Waker
 * @typedef {{ id: number, pid: number, fd: number, kind: string, name: string, calls: number, waits: number, blockedNs: number,
 *   runnableNs: number, copyingNs: number, receivedBytes: number, sentBytes: number, again: number, delays: number,
 *   delayNs: number, delayMaxNs: number, requests: number }} DescriptorRow
 * @typedef {{ tid: number, pid: number, name: string, startNs: number, ended: boolean, workNs: number, waitNs: number, lagNs: number,
 *   blockedNs: number, runnableNs: number, events: number, calls: number, loss: boolean,
 *   stall: { call: string, fd: number | null, blockedNs: number, runnableNs: number, waker: { context: string, name: string, tid: number } | null } | null }} Turn
 * @typedef {{ tid: number, pid: number, name: string, shared: boolean, turns: number, workNs: number, waitNs: number, events: number, calls: number,
 *   readyBefore: number, receivedBytes: number, sentBytes: number, lagP50Ns: number | null, lagP99Ns: number | null, lagMaxNs: number | null,
 *   workP50Ns: number, workP99Ns: number, workMaxNs: number, overTime: { bucketNs: number, workNs: number[], waitNs: number[] },
 *   lagOverTime: Lags | null }} Loop
 * @typedef {{ bucketNs: number, turns: number[], p99Ns: (number | null)[], maxNs: (number | null)[], maxAtNs: (number | null)[] }} Lags
 *   null in a bucket in which no turn began
 * @typedef {{ count: number, p50Ns: number, p99Ns: number, maxNs: number }} Delay
 * @typedef {{ durationNs: number, ended: boolean, calls: number, lost: number, findings: Finding[], threads: ThreadRow[], threadsMore: number,
 *   byCall: CallRow[], waits: Wait[], wakers: Waker[], descriptors: DescriptorRow[], callsNotListed: number, delay: Delay | null,
 *   loops: Loop[], turns: Turn[], turnsBroken: number, turnsNotListed: number }} Report
 * @typedef {{ report: Report | null, reading: { readBytes: number, allBytes: number } | null, failed: string | null }} Reported
 */

const MAX_ROWS = 5000;

/** @param {unknown} json @returns {Reported} */
export function readReported(json) {
  const whole = object(json);
  const reading = whole["reading"] ? object(whole["reading"]) : null;
  return {
    report: whole["report"] ? readReport(object(whole["report"]), number(whole["threads_more"])) : null,
    reading: reading && { readBytes: number(reading["read_bytes"]), allBytes: number(reading["all_bytes"]) },
    failed: typeof whole["failed"] === "string" ? whole["failed"] : null,
  };
}

/** @template T @param {unknown} value @param {(row: Record<string, unknown>) => T} read @returns {T[]} */
function rows(value, read) {
  return list(value, MAX_ROWS).map((entry) => read(object(entry)));
}

/** @param {Record<string, unknown>} of @param {number} threadsMore @returns {Report} */
function readReport(of, threadsMore) {
  const trace = object(of["trace"]);
  const delay = of["ready_delay"] ? object(of["ready_delay"]) : null;
  return {
    durationNs: number(trace["duration_ns"]),
    ended: trace["ended"] === true,
    calls: number(of["calls"]),
    lost: number(trace["lost"]),
    findings: rows(of["findings"], readFinding),
    threads: rows(of["threads"], readThread),
    threadsMore,
    byCall: rows(of["by_call"], readCall),
    waits: rows(of["longest_waits"], readWait),
    wakers: rows(of["wakers"], (waker) => ({
      who: text(waker["name"]) || text(waker["context"]), wakeups: number(waker["wakeups"]),
      blockedNs: number(waker["blocked_ns"]), runnableNs: number(waker["runnable_ns"]),
    })),
    descriptors: rows(of["descriptors"], readDescriptor),
    callsNotListed: number(of["calls_of_descriptors_not_listed"]),
    delay: delay && { count: number(delay["count"]), p50Ns: number(delay["p50_ns"]), p99Ns: number(delay["p99_ns"]), maxNs: number(delay["max_ns"]) },
    loops: rows(of["loops"], readLoop),
    turns: rows(of["longest_turns"], readTurn),
    turnsBroken: number(of["turns_broken"]),
    turnsNotListed: number(of["turns_not_listed"]),
  };
}

/** @param {Record<string, unknown>} of @returns {Finding} */
function readFinding(of) {
  return {
    severity: text(of["severity"]), text: findingWords(of), pid: number(of["pid"]), tid: number(of["tid"]),
    startNs: number(of["start_ns"]), endNs: number(of["end_ns"]),
  };
}

/** @param {Record<string, unknown>} of @returns {number[]} */
function phases(of) {
  const amounts = new Array(PHASE_COUNT).fill(0);
  amounts[COPYING] = number(of["copying_ns"]);
  amounts[KERNEL] = number(of["kernel_ns"]);
  amounts[OTHER] = number(of["other_ns"]);
  amounts[USER] = number(of["user_ns"]);
  amounts[RUNNABLE] = number(of["runnable_ns"]);
  amounts[BLOCKED] = number(of["blocked_ns"]);
  return amounts;
}

/** @param {Record<string, unknown>} of @returns {ThreadRow} */
function readThread(of) {
  return {
    tid: number(of["tid"]), pid: number(of["pid"]), name: text(of["name"]), calls: number(of["calls"]),
    lifetimeNs: number(of["lifetime_ns"]), userNs: maybeNumber(of["user_ns"]), unknownNs: number(of["unknown_ns"]),
    phases: phases(of), model: modelWords(object(of["io_model"])),
  };
}

/**
 * How a thread comes to know that it can go on, in the words of the report.
 * @param {Record<string, unknown>} of
 * @returns {string}
 */
export function modelWords(of) {
  const model = text(of["model"]);
  const call = text(of["with"]);
  const triggers = { level: say("model.level", { call }), edge: say("model.edge", { call }), both: say("model.both", { call }) };
  const words = {
    blocking: say("model.blocking"), multiplexing: say("model.multiplexing"), polling: say("model.polling"), signal_driven: say("model.signal"),
    asynchronous: "io_uring", mixed: say("model.mixed"),
  };
  if (model === "multiplexing" && call !== "") return Object.entries(triggers).find(([name]) => name === of["trigger"])?.[1] ?? call;
  return Object.entries(words).find(([name]) => name === model)?.[1] ?? (model || "unknown");
}

/** @param {Record<string, unknown>} of @returns {CallRow} */
function readCall(of) {
  const errors = Object.entries(object(of["errors"])).map(([name, count]) => /** @type {[string, number]} */ ([name, number(count)]));
  return {
    call: text(of["call"]), count: number(of["count"]), totalNs: number(of["total_ns"]), phases: phases(of),
    p50Ns: number(of["p50_ns"]), p99Ns: number(of["p99_ns"]), maxNs: number(of["max_ns"]),
    errors: errors.sort((a, b) => b[1] - a[1]),
  };
}

/** @param {Record<string, unknown>} of @returns {Wait} */
function readWait(of) {
  const why = object(of["why"]);
  return {
    call: text(of["call"]), fd: maybeNumber(of["fd"]), pid: number(of["pid"]), tid: number(of["tid"]), startNs: number(of["start_ns"]),
    endNs: number(of["end_ns"]), blockedNs: number(of["blocked_ns"]), runnableNs: number(of["runnable_ns"]), why: whyWords(why),
  };
}

/** @param {Record<string, unknown>} of @returns {DescriptorRow} */
function readDescriptor(of) {
  return {
    id: number(of["id"]), pid: number(of["pid"]), fd: number(of["fd"]), kind: text(of["kind"]), name: text(of["name"]),
    calls: number(of["calls"]), waits: number(of["waits"]), blockedNs: number(of["blocked_ns"]), runnableNs: number(of["runnable_ns"]),
    copyingNs: number(of["copying_ns"]), receivedBytes: number(of["received_bytes"]), sentBytes: number(of["sent_bytes"]),
    again: number(of["again"]), delays: number(of["delays"]), delayNs: number(of["ready_delay_ns"]), delayMaxNs: number(of["ready_delay_max_ns"]),
    requests: number(of["requests"]),
  };
}

/** @param {Record<string, unknown>} of @returns {Turn} */
function readTurn(of) {
  const stall = of["stall"] ? object(of["stall"]) : null;
  const waker = stall?.["waker"] ? object(stall["waker"]) : null;
  return {
    tid: number(of["tid"]), pid: number(of["pid"]), name: text(of["name"]), startNs: number(of["start_ns"]), ended: of["ended"] === true,
    workNs: number(of["work_ns"]), waitNs: number(of["wait_ns"]), lagNs: number(of["lag_ns"]), blockedNs: number(of["blocked_ns"]),
    runnableNs: number(of["runnable_ns"]), events: number(of["events"]), calls: number(of["calls"]), loss: of["loss"] === true,
    stall: stall && {
      call: text(stall["call"]), fd: maybeNumber(stall["fd"]), blockedNs: number(stall["blocked_ns"]), runnableNs: number(stall["runnable_ns"]),
      waker: waker && { context: text(waker["context"]), name: text(waker["name"]), tid: number(waker["tid"]) },
    },
  };
}

/** @param {Record<string, unknown>} of @returns {Loop} */
function readLoop(of) {
  const over = object(of["over_time"]);
  const lags = of["lag_over_time"] ? object(of["lag_over_time"]) : null;
  return {
    tid: number(of["tid"]), pid: number(of["pid"]), name: text(of["name"]), shared: of["shared"] === true, turns: number(of["turns"]),
    workNs: number(of["work_ns"]), waitNs: number(of["wait_ns"]), events: number(of["events"]), calls: number(of["calls"]),
    readyBefore: number(of["ready_before_asked"]), receivedBytes: number(of["received_bytes"]), sentBytes: number(of["sent_bytes"]),
    lagP50Ns: maybeNumber(of["lag_p50_ns"]), lagP99Ns: maybeNumber(of["lag_p99_ns"]), lagMaxNs: maybeNumber(of["lag_max_ns"]),
    workP50Ns: number(of["work_p50_ns"]), workP99Ns: number(of["work_p99_ns"]), workMaxNs: number(of["work_max_ns"]),
    overTime: {
      bucketNs: number(over["bucket_ns"]), workNs: list(over["work_ns"], 1000).map(number), waitNs: list(over["wait_ns"], 1000).map(number),
    },
    lagOverTime: lags && {
      bucketNs: number(lags["bucket_ns"]), turns: list(lags["turns"], 1000).map(number), p99Ns: list(lags["p99_ns"], 1000).map(maybeNumber),
      maxNs: list(lags["max_ns"], 1000).map(maybeNumber), maxAtNs: list(lags["max_at_ns"], 1000).map(maybeNumber),
    },
  };
}

/**
 * What stalled a turn, in the words of the report.
 * @param {Turn} turn
 * @param {(ns: number) => string} format
 * @returns {string}
 */
export function stallWords(turn, format) {
  const { stall } = turn;
  const onNs = turn.workNs - turn.blockedNs - turn.runnableNs;
  if (!stall || stall.blockedNs + stall.runnableNs <= onNs) return say("stall.cpu", { time: format(onNs) });
  const what = `${stall.call || say("stall.outside")}${stall.fd === null ? "" : ` fd ${stall.fd}`}`;
  if (stall.runnableNs > stall.blockedNs) return say("stall.wanted", { what, time: format(stall.runnableNs) });
  const { waker } = stall;
  const time = format(stall.blockedNs);
  if (!waker || waker.context === "unknown") return say("stall.blocked", { what, time });
  const who = waker.context === "task" ? waker.name || say("thread.number", { tid: waker.tid }) : waker.context;
  return say("stall.blockedby", { what, time, who });
}
