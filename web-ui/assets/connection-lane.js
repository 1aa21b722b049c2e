/**
 * One connection along time, as the server tells it: calls wide enough to be told by themselves, and what the others do in each
 * bucket of time. What of it is at a place, and in a window.
 *
 * Pure. Must never say when data came of which the server does not, nor count anything twice: a call is either told or summed.
 *
 * @import { Requests } from "./connection-requests.js"
 * @import { Unread } from "./connection-unread.js"
 * @import { View } from "./scale.js"
 * @import { Range } from "./view-state.js"
 */

import { readRequests } from "./connection-requests.js";
import { readUnread } from "./connection-unread.js";
import { list, maybeNumber, object, text } from "./messages.js";

/** Lanes of connections, at most. */
export const CONNECTIONS_MAX = 8;
/** The protocol's bounds. */
export const BUCKETS_MAX = 4096;
const CALLS_MAX = 4096;

/**
 * @typedef {"receive" | "send" | "other"} UseKind
 * @typedef {{ lane: number, syscall: number, kind: UseKind, startNs: number, endNs: number, arrivedNs: number | null, readNs: number | null,
 *   inferred: boolean, ret: number | null }} Use
 *   a call; of a receive that read, `readNs`: since when it reads, and `arrivedNs`: when that had come, null if it is not known
 * @typedef {{ arrivals: number, receives: number, unknown: number, empty: number, sends: number, others: number, receivedBytes: number,
 *   sentBytes: number, waitingNs: number, readingNs: number, sendingNs: number }} Sums
 * @typedef {Sums & { fromNs: number, toNs: number }} Flow  what calls too narrow to be told do in a bucket
 * @typedef {{ id: number, name: string, kind: string, fromNs: number, toNs: number, widthNs: number, nowNs: number, keptNs: number, cut: boolean,
 *   uses: readonly Use[], flows: readonly Flow[], told: boolean, requests: Requests | null, unread: Unread | null, unreadKnown: boolean }} Connection
 *   `cut`: data that came in this time and was read long after may be missing; `told`: false if all calls are summed, for they are too many;
 *   `requests`: null while they are not known; `unread`: what nobody read any more, null if there is nothing, or that is not known
 */

/** @param {unknown} json @returns {Connection} */
export function readConnection(json) {
  const whole = object(json);
  const number = (/** @type {string} */ name) => finite(whole[name], name);
  const [fromNs, toNs, widthNs] = [number("from_ns"), number("to_ns"), number("width_ns")];
  if (!(toNs > fromNs && widthNs > 0)) throw new Error(`read a connection: ${fromNs} to ${toNs} in buckets of ${widthNs} ns`);
  const descriptor = object(whole["descriptor"]);
  const calls = whole["calls"];
  const nowNs = number("now_ns");
  return {
    id: number("id"), name: text(descriptor["name"]), kind: text(descriptor["kind"]),
    fromNs, toNs, widthNs, nowNs, keptNs: number("kept_ns"), cut: whole["waits_cut"] === true,
    uses: Array.isArray(calls) ? list(calls, CALLS_MAX).map(readUse) : [],
    flows: list(whole["buckets"], BUCKETS_MAX).map((one) => readFlow(one, fromNs, toNs, widthNs)),
    told: Array.isArray(calls),
    requests: readRequests(whole["requests"], { fromNs, toNs, widthNs, nowNs, most: BUCKETS_MAX }),
    unread: readUnread(whole["unread"], nowNs), unreadKnown: whole["unread_known"] === true,
  };
}

/** @param {unknown} value @param {string} name @returns {number} */
function finite(value, name) {
  const number = maybeNumber(value);
  if (number === null) throw new Error(`read a connection: no number in "${name}"`);
  return number;
}

/** @param {unknown} json @returns {Use} */
function readUse(json) {
  const [lane, syscall, kind, start, end, arrived, read, inferred, ret] = list(json, 9);
  const [startNs, endNs] = [finite(start, "start"), finite(end, "end")];
  const [arrivedNs, readNs] = [maybeNumber(arrived), maybeNumber(read)];
  if (kind !== "receive" && kind !== "send" && kind !== "other") throw new Error(`read a connection: a call of kind ${String(kind)}`);
  if (startNs > endNs || (readNs !== null && (readNs < startNs || readNs > endNs || (arrivedNs ?? 0) > readNs))) {
    throw new Error(`read a connection: a call is out of order (${startNs}, ${arrivedNs}, ${readNs}, ${endNs})`);
  }
  return {
    lane: finite(lane, "lane"), syscall: finite(syscall, "nr"), kind, startNs, endNs, arrivedNs: readNs === null ? null : arrivedNs, readNs,
    inferred: inferred === true, ret: maybeNumber(ret),
  };
}

/** @param {unknown} json @param {number} fromNs @param {number} toNs @param {number} widthNs @returns {Flow} */
function readFlow(json, fromNs, toNs, widthNs) {
  const numbers = list(json, 12).map((one) => finite(one, "bucket"));
  const at = (/** @type {number} */ index) => numbers[index] ?? 0;
  const beginNs = fromNs + at(0) * widthNs;
  return {
    fromNs: beginNs, toNs: Math.min(toNs, beginNs + widthNs), arrivals: at(1), receives: at(2), unknown: at(3), empty: at(4), sends: at(5), others: at(6),
    receivedBytes: at(7), sentBytes: at(8), waitingNs: at(9), readingNs: at(10), sendingNs: at(11),
  };
}

/** Since when a call takes of the connection's time: since what it reads came, or it reads. @param {Use} use @returns {number} */
export function beginOf({ arrivedNs, readNs, startNs }) {
  return arrivedNs ?? readNs ?? startNs;
}

/** Bytes that a call moved; null if it moved none, or told of messages. @param {Use} use @returns {number | null} */
export function bytesOf({ ret, kind }) {
  return ret !== null && ret > 0 && kind !== "other" ? ret : null;
}

/**
 * The stretch to ask for, so that a view shows it whole wherever it is moved to next: half a window more on either side, in buckets
 * of a power of two, one or two pixels wide.
 * @param {View} view @param {number} widthPx
 * @returns {{ fromNs: number, toNs: number, buckets: number, widthNs: number }}
 */
export function stretchOf(view, widthPx) {
  const spanNs = view.nsPerPx * widthPx;
  let widthNs = 2 ** Math.max(0, Math.floor(Math.log2(2 * view.nsPerPx)));
  while ((2 * spanNs) / widthNs + 2 > BUCKETS_MAX) widthNs *= 2;
  const first = Math.max(0, Math.floor((view.startNs - spanNs / 2) / widthNs));
  const end = Math.max(first + 1, Math.ceil((view.startNs + 1.5 * spanNs) / widthNs));
  return { fromNs: first * widthNs, toNs: end * widthNs, buckets: end - first, widthNs };
}

/**
 * The call at a time: the one that reads, else the one whose data waits; or else the nearest within reach.
 * @param {Connection} connection @param {number} ns @param {number} reachNs
 * @returns {Use | null}
 */
export function useAt({ uses }, ns, reachNs) {
  const away = (/** @type {Use} */ use) => Math.max(0, beginOf(use) - ns, ns - use.endNs);
  const waits = (/** @type {Use} */ use) => (ns < (use.readNs ?? use.startNs) ? 1 : 0);
  const near = uses.filter((use) => away(use) <= reachNs);
  return near.sort((a, b) => away(a) - away(b) || waits(a) - waits(b) || a.endNs - b.endNs)[0] ?? null;
}

/** The bucket at a time, if there is something in it. @param {Connection} connection @param {number} ns @returns {Flow | null} */
export function flowAt({ flows }, ns) {
  let low = 0;
  let high = flows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((flows[middle]?.fromNs ?? 0) <= ns) low = middle + 1;
    else high = middle;
  }
  const flow = flows[low - 1];
  return flow && ns < flow.toNs ? flow : null;
}

/**
 * What is drawn of a connection in a window, all together: of a bucket that the window's edge cuts, the part that is in it.
 * @param {Connection} connection @param {Range} window
 * @returns {Sums}
 */
export function inWindow({ uses, flows }, { fromNs, toNs }) {
  const sums = { arrivals: 0, receives: 0, unknown: 0, empty: 0, sends: 0, others: 0, receivedBytes: 0, sentBytes: 0, waitingNs: 0, readingNs: 0, sendingNs: 0 };
  const inside = (/** @type {number} */ ns) => ns >= fromNs && ns < toNs;
  const common = (/** @type {number} */ a, /** @type {number} */ b) => Math.max(0, Math.min(b, toNs) - Math.max(a, fromNs));
  for (const use of uses) {
    const { kind, startNs, endNs, readNs, arrivedNs } = use;
    const bytes = bytesOf(use) ?? 0;
    if (kind === "receive" && readNs !== null) {
      if (arrivedNs !== null) {
        sums.waitingNs += common(arrivedNs, readNs);
        if (inside(arrivedNs)) sums.arrivals += 1;
      }
      sums.readingNs += common(readNs, endNs);
      if (!inside(readNs)) continue;
      sums.receives += 1;
      sums.receivedBytes += bytes;
      if (arrivedNs === null) sums.unknown += 1;
    } else {
      if (kind === "send") sums.sendingNs += common(startNs, endNs);
      if (!inside(startNs)) continue;
      if (kind === "receive") sums.empty += 1;
      else if (kind === "send") sums.sends += 1;
      else sums.others += 1;
      if (kind === "send") sums.sentBytes += bytes;
    }
  }
  for (const flow of flows) {
    const part = common(flow.fromNs, flow.toNs) / (flow.toNs - flow.fromNs);
    if (part <= 0) continue;
    const isIn = inside((flow.fromNs + flow.toNs) / 2);
    for (const name of TIMES) sums[name] += flow[name] * part;
    if (isIn) for (const name of COUNTS) sums[name] += flow[name];
  }
  return sums;
}

const TIMES = /** @type {const} */ (["waitingNs", "readingNs", "sendingNs"]);
const COUNTS = /** @type {const} */ (["arrivals", "receives", "unknown", "empty", "sends", "others", "receivedBytes", "sentBytes"]);
