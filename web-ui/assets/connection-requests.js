/**
 * Requests of `io_uring`s on one connection along time, as the server tells them: those under way for long enough by themselves, the
 * others summed in each bucket. What of it is at a place, and in a window.
 *
 * Pure. Must never say when data came for a request or was copied: it tells when it was submitted and when it was complete.
 *
 * @import { UseKind } from "./connection-lane.js"
 * @import { Range } from "./view-state.js"
 */

import { list, maybeNumber, needed, object, text } from "./messages.js";

const REQUESTS_MAX = 4096;
const WHAT = "a connection's requests";

/**
 * @typedef {{ lane: number | null, operation: string, kind: UseKind, fromNs: number, toNs: number, sinceKnown: boolean, complete: boolean,
 *   shot: number, ret: number | null }} Request
 *   `fromNs` is `toNs` where it is not known since when it was under way; `shot`: how often it was complete before
 * @typedef {{ complete: number, receivedBytes: number, sentBytes: number, waitingNs: number, sendingNs: number }} Sums
 *   `waitingNs`: how long receives, and whatever else is no send, were under way
 * @typedef {Sums & { fromNs: number, toNs: number }} Asks  what requests too narrow to be told do in a bucket
 * @typedef {{ keptNs: number, told: boolean, requests: readonly Request[], asks: readonly Asks[] }} Requests
 *   `keptNs`: of what was over before, some was let go; `told`: false if all are summed, for they are too many
 */

/**
 * @param {unknown} json @param {{ fromNs: number, toNs: number, widthNs: number, nowNs: number, most: number }} of the connection's answer
 * @returns {Requests | null} null if they are not known yet
 */
export function readRequests(json, { fromNs, toNs, widthNs, nowNs, most }) {
  if (json === null || json === undefined) return null;
  const whole = object(json);
  const told = whole["requests"];
  return {
    keptNs: needed(whole, "kept_ns", WHAT),
    told: Array.isArray(told),
    requests: Array.isArray(told) ? list(told, REQUESTS_MAX).map((one) => readRequest(one, nowNs)) : [],
    asks: list(whole["buckets"], most).map((one) => readAsks(one, fromNs, toNs, widthNs)),
  };
}

/** @param {unknown} value @returns {number} */
function finite(value) {
  const number = maybeNumber(value);
  if (number === null) throw new Error(`read ${WHAT}: not a number`);
  return number;
}

/** @param {unknown} json @param {number} nowNs @returns {Request} */
function readRequest(json, nowNs) {
  const [lane, operation, kind, submit, complete, shot, ret] = list(json, 7);
  if (kind !== "receive" && kind !== "send" && kind !== "other") throw new Error(`read ${WHAT}: one of kind ${String(kind)}`);
  const [submitNs, completeNs] = [maybeNumber(submit), maybeNumber(complete)];
  const again = finite(shot);
  const sinceKnown = submitNs !== null && again === 0;
  const toNs = completeNs ?? Math.max(nowNs, submitNs ?? 0);
  const fromNs = sinceKnown ? submitNs : toNs;
  if (fromNs > toNs || (submitNs === null && completeNs === null)) throw new Error(`read ${WHAT}: one is out of order (${submitNs}, ${completeNs})`);
  return { lane: maybeNumber(lane), operation: text(operation), kind, fromNs, toNs, sinceKnown, complete: completeNs !== null, shot: again, ret: maybeNumber(ret) };
}

/** @param {unknown} json @param {number} fromNs @param {number} toNs @param {number} widthNs @returns {Asks} */
function readAsks(json, fromNs, toNs, widthNs) {
  const numbers = list(json, 6).map(finite);
  const at = (/** @type {number} */ index) => numbers[index] ?? 0;
  const beginNs = fromNs + at(0) * widthNs;
  return { fromNs: beginNs, toNs: Math.min(toNs, beginNs + widthNs), complete: at(1), receivedBytes: at(2), sentBytes: at(3), waitingNs: at(4), sendingNs: at(5) };
}

/** Bytes that a request moved; null if it moved none. @param {Request} request @returns {number | null} */
export function movedBy({ ret, kind }) {
  return ret !== null && ret > 0 && kind !== "other" ? ret : null;
}

/**
 * The request at a time, the shortest of several; or else the nearest within reach.
 * @param {Requests} requests @param {number} ns @param {number} reachNs
 * @returns {Request | null}
 */
export function requestAt({ requests }, ns, reachNs) {
  const away = (/** @type {Request} */ one) => Math.max(0, one.fromNs - ns, ns - one.toNs);
  const near = requests.filter((one) => away(one) <= reachNs);
  return near.sort((a, b) => away(a) - away(b) || a.toNs - a.fromNs - (b.toNs - b.fromNs))[0] ?? null;
}

/** The bucket at a time, if there is something in it. @param {Requests} requests @param {number} ns @returns {Asks | null} */
export function asksAt({ asks }, ns) {
  return asks.find(({ fromNs, toNs }) => ns >= fromNs && ns < toNs) ?? null;
}

/**
 * What requests do in a window, all together: of a bucket that the window's edge cuts, the part that is in it.
 * @param {Requests} requests @param {Range} window
 * @returns {Sums}
 */
export function requestsIn({ requests, asks }, { fromNs, toNs }) {
  const sums = { complete: 0, receivedBytes: 0, sentBytes: 0, waitingNs: 0, sendingNs: 0 };
  const common = (/** @type {number} */ a, /** @type {number} */ b) => Math.max(0, Math.min(b, toNs) - Math.max(a, fromNs));
  for (const one of requests) {
    sums[one.kind === "send" ? "sendingNs" : "waitingNs"] += common(one.fromNs, one.toNs);
    if (!one.complete || one.toNs < fromNs || one.toNs >= toNs) continue;
    sums.complete += 1;
    if (one.kind !== "other") sums[one.kind === "send" ? "sentBytes" : "receivedBytes"] += movedBy(one) ?? 0;
  }
  for (const one of asks) {
    const part = common(one.fromNs, one.toNs) / (one.toNs - one.fromNs);
    sums.waitingNs += one.waitingNs * part;
    sums.sendingNs += one.sendingNs * part;
    const middleNs = (one.fromNs + one.toNs) / 2;
    if (middleNs < fromNs || middleNs >= toNs) continue;
    for (const name of /** @type {const} */ (["complete", "receivedBytes", "sentBytes"])) sums[name] += one[name];
  }
  return sums;
}
