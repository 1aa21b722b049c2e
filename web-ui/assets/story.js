/**
 * The story of a call as the server tells it: the call, what it found, why its wait ended, and the calls around it.
 *
 * Pure. Must never pass on a field of the wrong type. What is missing is null or empty, and never a number.
 *
 * @typedef {Record<string, unknown>} Json
 * @typedef {{ fd: number | null, descriptor: number | null, ready: number, name: string | null, ledToNs: number | null }} Ready
 * @typedef {{ cause: string, text: string, short: string, by: number | null, network: boolean, inferred: boolean, chain: Link[] }} Why
 * @typedef {{ call: string, startNs: number, fd: number | null, name: string | null }} At
 * @typedef {{ tid: number, wokenNs: number, text: string, by: number | null, inferred: boolean, waitedIn: At | null, wokenIn: At | null }} Link
 * @typedef {{
 *   call: string, tid: number, startNs: number, endNs: number, kernelNs: number, blockedNs: number, runnableNs: number,
 *   copyingNs: number, copyStartNs: number | null, copyInferred: boolean, sleeps: number, preemptions: number,
 *   firstSleepNs: number | null, lastWakeNs: number | null, fd: number | null, descriptor: number | null, ret: number | null,
 *   error: string | null, requested: number | null, readyDelayNs: number | null, timeoutNs: number | null, check: boolean,
 *   beganBefore: boolean, killed: boolean, interrupted: boolean, others: number, otherNs: number, why: Why | null, ready: Ready[],
 * }} Call
 * @typedef {{ startNs: number, endNs: number, blockedNs: number, runnableNs: number }} Off
 * @typedef {{
 *   startNs: number, workEndNs: number, endNs: number, ended: boolean, workNs: number, waitNs: number, lagNs: number,
 *   events: number, calls: number, checks: number, receivedBytes: number, sentBytes: number, call: string | null,
 *   readyBeforeAsked: boolean,
 * }} Turn
 * @typedef {{ calls: number, kernelNs: number, blockedNs: number, runnableNs: number, copyingNs: number, otherNs: number,
 *   outsideBlockedNs: number, outsideRunnableNs: number, userNs: number | null, lengthNs: number | null }} Sum
 * @typedef {{ id: number, fd: number, kind: string, name: string, local: string | null, peer: string | null }} Descriptor
 * @typedef {{ tid: number, pid: number, lane: number, name: string }} Thread
 * @typedef {{ operation: string, fd: number | null, descriptor: number | null, submitNs: number | null,
 *   completeNs: number | null, ret: number | null, error: string | null }} Request
 * @typedef {{
 *   lane: number, call: Call, turn: Turn | null, noTurn: string | null, before: Turn | null, after: Turn | null,
 *   calls: Call[], rest: { at: number, calls: number }, sum: Sum | null, outside: Off[], outsideMore: number,
 *   requests: Request[], requestsMore: number, descriptors: Map<number, Descriptor>, threads: Thread[],
 *   chainCut: boolean, unsure: boolean,
 * }} Story
 */

import { whyWords } from "./server-words.js";
import { say } from "./words.js";

/** More than the server sends is not read. */
const MAX = 1000;

/** @param {unknown} value @returns {Json} */
export function objectOf(value) {
  return typeof value === "object" && value !== null ? /** @type {Json} */ (value) : {};
}

/** @param {unknown} value @returns {Json[]} */
function listOf(value) {
  return Array.isArray(value) ? value.slice(0, MAX).map(objectOf) : [];
}

/** @param {unknown} value @returns {number | null} */
function maybe(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** @param {unknown} value @returns {number} */
function count(value) {
  return maybe(value) ?? 0;
}

/** @param {unknown} value @returns {string | null} */
function textOf(value) {
  return typeof value === "string" ? value : null;
}

/** @param {Json} from @param {string} name @returns {number} */
function needed(from, name) {
  const value = maybe(from[name]);
  if (value === null) throw new Error(`read story: no number in "${name}"`);
  return value;
}

/** @param {unknown} value @returns {At | null} */
function atOf(value) {
  const at = objectOf(value);
  const startNs = maybe(at["start_ns"]);
  if (startNs === null) return null;
  return { call: textOf(at["call"]) ?? "", startNs, fd: maybe(at["fd"]), name: textOf(at["name"]) };
}

/** @param {unknown} value @returns {Why | null} */
function whyOf(value) {
  const why = objectOf(value);
  const cause = textOf(why["cause"]);
  if (cause === null) return null;
  const chain = listOf(why["chain"]).map((link) => ({
    tid: count(link["tid"]), wokenNs: count(link["woken_ns"]), text: whyWords(link), by: maybe(link["by"]),
    inferred: link["inferred"] === true, waitedIn: atOf(link["waited_in"]), wokenIn: atOf(link["woken_in"]),
  }));
  return {
    cause, text: whyWords(why), short: textOf(why["short"]) ?? "", by: maybe(why["by"]),
    network: why["network"] === true, inferred: why["inferred"] === true, chain,
  };
}

/** @param {unknown} value @returns {Ready[]} */
function readyOf(value) {
  return listOf(value).map((ready) => ({
    fd: maybe(ready["fd"]), descriptor: maybe(ready["descriptor"]), ready: count(ready["ready"]),
    name: textOf(ready["name"]), ledToNs: maybe(ready["led_to"]),
  }));
}

/** @param {Json} call @param {unknown} ready @returns {Call} */
function callOf(call, ready) {
  return {
    call: textOf(call["call"]) ?? say("call.unknown"), tid: count(call["tid"]),
    startNs: needed(call, "start_ns"), endNs: needed(call, "end_ns"), kernelNs: needed(call, "kernel_ns"),
    blockedNs: needed(call, "blocked_ns"), runnableNs: needed(call, "runnable_ns"), copyingNs: needed(call, "copying_ns"),
    copyStartNs: maybe(call["copy_start_ns"]), copyInferred: call["copying"] === "inferred",
    sleeps: count(call["sleeps"]), preemptions: count(call["preemptions"]), firstSleepNs: maybe(call["first_sleep_ns"]),
    lastWakeNs: maybe(call["last_wake_ns"]), fd: maybe(call["fd"]), descriptor: maybe(call["descriptor"]),
    ret: maybe(call["ret"]), error: textOf(call["error"]), requested: maybe(call["requested"]),
    readyDelayNs: maybe(call["ready_delay_ns"]), timeoutNs: maybe(call["timeout_ns"]), check: call["check"] === true,
    beganBefore: call["began_before"] === true, killed: call["killed"] === true, interrupted: call["interrupted"] === true,
    others: count(call["others"]), otherNs: count(call["other_ns"]), why: whyOf(call["why"]), ready: readyOf(ready),
  };
}

/** @param {unknown} value @returns {Turn | null} */
function turnOf(value) {
  const turn = objectOf(value);
  if (maybe(turn["start_ns"]) === null) return null;
  return {
    startNs: needed(turn, "start_ns"), workEndNs: needed(turn, "work_end_ns"), endNs: needed(turn, "end_ns"),
    ended: turn["ended"] === true, workNs: needed(turn, "work_ns"), waitNs: needed(turn, "wait_ns"), lagNs: needed(turn, "lag_ns"),
    events: count(turn["events"]), calls: count(turn["calls"]), checks: count(turn["checks"]),
    receivedBytes: count(turn["received_bytes"]), sentBytes: count(turn["sent_bytes"]), call: textOf(turn["call"]),
    readyBeforeAsked: turn["ready_before_asked"] === true,
  };
}

/** @param {unknown} value @returns {Sum | null} */
function sumOf(value) {
  const sum = objectOf(value);
  if (maybe(sum["calls"]) === null) return null;
  return {
    calls: count(sum["calls"]), kernelNs: count(sum["kernel_ns"]), blockedNs: count(sum["blocked_ns"]),
    runnableNs: count(sum["runnable_ns"]), copyingNs: count(sum["copying_ns"]), otherNs: count(sum["other_ns"]),
    outsideBlockedNs: count(sum["outside_blocked_ns"]), outsideRunnableNs: count(sum["outside_runnable_ns"]),
    userNs: maybe(sum["user_ns"]), lengthNs: maybe(sum["length_ns"]),
  };
}

/**
 * @param {Json} answer of `/api/story`
 * @returns {Story}
 * @throws {Error} if it lacks what nothing can be told without
 */
export function readStory(answer) {
  /** @type {Map<number, Descriptor>} */
  const descriptors = new Map();
  for (const value of Object.values(objectOf(answer["descriptors"]))) {
    const known = objectOf(value);
    const id = maybe(known["id"]);
    if (id === null) continue;
    descriptors.set(id, {
      id, fd: count(known["fd"]), kind: textOf(known["kind"]) ?? "unknown", name: textOf(known["name"]) ?? "",
      local: textOf(known["local"]), peer: textOf(known["peer"]),
    });
  }
  const rest = objectOf(answer["rest"]);
  return {
    lane: needed(answer, "lane"),
    call: callOf(objectOf(answer["call"]), answer["ready"]),
    turn: turnOf(answer["turn"]), noTurn: textOf(answer["no_turn"]),
    before: turnOf(answer["before"]), after: turnOf(answer["after"]),
    calls: listOf(answer["calls"]).map((call) => callOf(call, call["ready"])),
    rest: { at: count(rest["at"]), calls: count(rest["calls"]) },
    sum: sumOf(answer["sum"]),
    outside: listOf(answer["outside"]).map((span) => ({
      startNs: needed(span, "start_ns"), endNs: needed(span, "end_ns"),
      blockedNs: count(span["blocked_ns"]), runnableNs: count(span["runnable_ns"]),
    })),
    outsideMore: count(answer["outside_more"]),
    requests: listOf(answer["requests"]).map((request) => ({
      operation: textOf(request["operation"]) ?? "", fd: maybe(request["fd"]), descriptor: maybe(request["descriptor"]),
      submitNs: maybe(request["submit_ns"]), completeNs: maybe(request["complete_ns"]), ret: maybe(request["ret"]),
      error: textOf(request["error"]),
    })),
    requestsMore: count(answer["requests_more"]),
    descriptors,
    threads: listOf(answer["threads"]).map((thread) => ({
      tid: count(thread["tid"]), pid: count(thread["pid"]), lane: count(thread["lane"]), name: textOf(thread["name"]) ?? "",
    })),
    chainCut: answer["chain_cut"] === true, unsure: answer["unsure"] === true,
  };
}

const BITS = /** @type {const} */ ([
  [1, say("ready.readable")], [4, say("ready.writable")], [2, say("ready.urgent")], [8, say("ready.error")], [16, say("ready.hungup")],
  [32, say("ready.notopen")], [0x2000, say("ready.closed")],
]);

/** What it is ready for, in words. @param {number} ready bits of `poll.h` @returns {string} */
export function readyWords(ready) {
  const words = BITS.filter(([bit]) => (ready & bit) !== 0).map(([, word]) => word);
  return words.length > 0 ? words.join(", ") : say("ready.not");
}

/**
 * What stands behind a number, as short as it can be told: `tcp 127.0.0.1:7000 ← 127.0.0.1:40112`.
 * @param {Story} story @param {number | null} descriptor @returns {string} empty if nothing is known
 */
export function nameOf(story, descriptor) {
  const known = descriptor === null ? undefined : story.descriptors.get(descriptor);
  if (!known) return "";
  const kind = known.kind === "unknown" || known.name.startsWith(known.kind) ? "" : known.kind;
  return [kind, known.name].filter((word) => word !== "").join(" ");
}

/**
 * The wake-ups of a thread by another that led to the end of the call's wait, where the lanes of both are known.
 * @param {Story} story
 * @returns {{ fromLane: number, toLane: number, atNs: number }[]}
 */
export function wakesOf(story) {
  const { call } = story;
  const laneOf = (/** @type {number} */ tid) => story.threads.find((thread) => thread.tid === tid)?.lane;
  const chain = call.why?.chain ?? [];
  // Without a chain, the one wake-up there is.
  const alone = call.why && call.lastWakeNs !== null ? [{ tid: call.tid, wokenNs: call.lastWakeNs, by: call.why.by }] : [];
  return (chain.length > 0 ? chain : alone).flatMap(({ tid, wokenNs, by }) => {
    const fromLane = by === null ? undefined : laneOf(by);
    const toLane = tid === call.tid ? story.lane : laneOf(tid);
    return fromLane === undefined || toLane === undefined ? [] : [{ fromLane, toLane, atNs: wokenNs }];
  });
}
