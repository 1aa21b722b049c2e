/**
 * What is said of a connection's lane: of a call, of a bucket, and of all that is in view as a table for those who hear the page.
 *
 * Must never say when data arrived where that is not known, nor anything else than the lane shows.
 *
 * @import { Connection, Flow, Use } from "./connection-lane.js"
 * @import { Asks, Request } from "./connection-requests.js"
 * @import { Unread } from "./connection-unread.js"
 * @import { Lane } from "./messages.js"
 * @import { Range } from "./view-state.js"
 */

import { bytesOf, inWindow } from "./connection-lane.js";
import { movedBy, requestsIn } from "./connection-requests.js";
import { unreadIn } from "./connection-unread.js";
import { el } from "./dom.js";
import { formatBytes, formatCount, formatNs, formatShare, formatTime } from "./format.js";
import { kindWords } from "./said-words.js";
import { say } from "./words.js";

/** Times are told to so many nanoseconds. */
const EXACT_NS = 1;

/** What a person would call it. @param {number} id @param {Connection | undefined} connection @returns {string} */
export function nameOf(id, connection) {
  if (!connection) return say("strip.asking", { id });
  return connection.name || (connection.kind ? say("conn.noname", { kind: kindWords(connection.kind) }) : say("strip.noname", { id }));
}

/** @param {readonly Lane[]} lanes @param {number} number @returns {string} */
export function threadOf(lanes, number) {
  const lane = lanes.find((one) => one.lane === number);
  return lane ? `${lane.name || say("thread.none")} ${lane.tid}` : "";
}

/** @param {Use} use @returns {string} */
function bytesWords(use) {
  const bytes = bytesOf(use);
  return bytes === null ? "" : formatBytes(bytes);
}

/**
 * What stands above a bar: the thread, and what it read or sent.
 * @param {Use} use @param {readonly Lane[]} lanes @param {readonly string[]} names
 * @returns {{ name: string, detail: string }}
 */
export function labelOf(use, lanes, names) {
  const { kind, readNs, arrivedNs, syscall } = use;
  const thread = threadOf(lanes, use.lane);
  if (kind === "other" || (kind === "receive" && readNs === null)) return { name: thread, detail: names[syscall] ?? `syscall_${syscall}` };
  const waited = readNs === null ? "" : arrivedNs === null ? say("use.unknown") : say("use.waited", { time: formatNs(readNs - arrivedNs) });
  return { name: thread, detail: [bytesWords(use), waited].filter(Boolean).join(" · ") };
}

/** @param {string} left @param {string} right @returns {HTMLElement} */
function title(left, right) {
  return el("div", "title", el("span", "", left), el("span", "", right));
}

/** @param {string} words @returns {HTMLElement} */
function says(words) {
  return el("div", "says", words);
}

/**
 * @param {Use} use @param {readonly Lane[]} lanes @param {readonly string[]} names
 * @returns {HTMLElement[]}
 */
export function useWords(use, lanes, names) {
  const { kind, startNs, endNs, readNs, arrivedNs, syscall, inferred } = use;
  const parts = [title(names[syscall] ?? `syscall_${syscall}`, formatNs(endNs - startNs)), says(threadOf(lanes, use.lane))];
  const bytes = bytesWords(use);
  if (kind === "receive" && readNs !== null) {
    parts.push(says(arrivedNs === null ? say("use.unknown.says") : say("use.arrived", { time: formatTime(arrivedNs, EXACT_NS), waited: formatNs(readNs - arrivedNs) })));
    parts.push(says(say("use.read", { time: formatNs(endNs - readNs), bytes: bytes || "–" })));
    if (inferred) parts.push(says(say("flag.inferred")));
  } else if (kind === "receive") parts.push(says(say("use.empty")));
  else if (kind === "send") parts.push(says(say("use.sent", { bytes: bytes || "–" })));
  return parts;
}

/** @param {Flow} flow @returns {HTMLElement[]} */
export function flowWords(flow) {
  const ns = flow.toNs - flow.fromNs;
  const calls = flow.receives + flow.empty + flow.sends + flow.others;
  const parts = [title(say("calls.count", { count: formatCount(calls) }), say("tip.in", { time: formatNs(ns) }))];
  const share = (/** @type {number} */ part) => formatShare(part / ns);
  if (flow.waitingNs > 0) parts.push(says(say("flow.waiting", { time: formatNs(flow.waitingNs), share: share(flow.waitingNs) })));
  if (flow.readingNs > 0) parts.push(says(say("flow.reading", { time: formatNs(flow.readingNs), share: share(flow.readingNs) })));
  if (flow.receives > 0) parts.push(says(say("flow.receives", { count: formatCount(flow.receives), bytes: formatBytes(flow.receivedBytes) })));
  if (flow.unknown > 0) parts.push(says(say("flow.unknown", { count: formatCount(flow.unknown) })));
  if (flow.sends > 0) parts.push(says(say("flow.sends", { count: formatCount(flow.sends), bytes: formatBytes(flow.sentBytes) })));
  if (flow.empty > 0) parts.push(says(say("flow.empty", { count: formatCount(flow.empty) })));
  if (flow.others > 0) parts.push(says(say("flow.others", { count: formatCount(flow.others) })));
  return parts;
}

/** @param {Request} request @param {readonly Lane[]} lanes @returns {HTMLElement[]} */
export function requestWords(request, lanes) {
  const { operation, fromNs, toNs, sinceKnown, complete, shot, ret, lane } = request;
  const thread = lane === null ? "" : threadOf(lanes, lane);
  const parts = [title(say("request.title", { operation }), sinceKnown ? formatNs(toNs - fromNs) : "")];
  if (thread) parts.push(says(say("request.by", { thread })));
  const bytes = movedBy(request);
  if (!complete) parts.push(says(say("request.open")));
  else if (bytes !== null) parts.push(says(say("request.moved", { bytes: formatBytes(bytes) })));
  else if (ret !== null) parts.push(says(say("request.ret", { ret: String(ret) })));
  if (!sinceKnown) parts.push(says(say(shot > 0 ? "request.again" : "request.unseen")));
  return parts;
}

/** @param {Asks} asks @returns {HTMLElement[]} */
export function asksWords(asks) {
  const parts = [title(say("asks.count", { count: formatCount(asks.complete) }), say("tip.in", { time: formatNs(asks.toNs - asks.fromNs) }))];
  if (asks.waitingNs > 0) parts.push(says(say("asks.waiting", { time: formatNs(asks.waitingNs), bytes: formatBytes(asks.receivedBytes) })));
  if (asks.sendingNs > 0) parts.push(says(say("asks.sending", { time: formatNs(asks.sendingNs), bytes: formatBytes(asks.sentBytes) })));
  return parts;
}

/** @param {Unread} unread @param {readonly Lane[]} lanes @returns {HTMLElement[]} */
export function unreadWords({ lane, sinceNs, untilNs, closed }, lanes) {
  return [
    title(say("left.title"), formatNs(untilNs - sinceNs)),
    says(say("left.since", { thread: threadOf(lanes, lane), time: formatTime(sinceNs, EXACT_NS) })),
    says(say(closed ? "left.closed" : "left.open")),
  ];
}

/** What is not sure of a lane, in words; empty if all is. @param {Connection} connection @returns {string[]} */
export function doubts({ told, cut, requests, fromNs }) {
  const all = [
    ...(told ? [] : [say("strip.summed")]), ...(cut ? [say("strip.cut")] : []), ...(requests === null ? [say("strip.reading.requests")] : []),
    ...(requests?.told === false ? [say("strip.summed.requests")] : []),
  ];
  return requests && requests.keptNs > fromNs ? [...all, say("strip.kept.requests", { time: formatTime(requests.keptNs, EXACT_NS) })] : all;
}

/** What is known of what nobody read, in words. @param {Connection} connection @returns {string[]} */
export function leftWords({ unread, unreadKnown }) {
  if (!unreadKnown) return [say("strip.unread")];
  return unread ? [say("left.title")] : [];
}

/** Beside a lane's name: how much of the window data waited, and was read. @param {Connection} connection @param {Range} inside @returns {string} */
export function shareWords(connection, inside) {
  const { waitingNs, readingNs } = inWindow(connection, inside);
  const wholeNs = Math.max(1, inside.toNs - inside.fromNs);
  return say("strip.shares", { waiting: formatShare(waitingNs / wholeNs), reading: formatShare(readingNs / wholeNs) });
}

/**
 * All lanes in a window.
 * @param {readonly { id: number, connection: Connection | undefined }[]} rows @param {Range} inside
 * @returns {HTMLElement[]} nothing if there are none
 */
export function connectionTable(rows, inside) {
  if (rows.length === 0) return [];
  const wholeNs = Math.max(1, inside.toNs - inside.fromNs);
  const heads = [say("conn.col"), say("flow.col.arrivals"), say("flow.col.waiting"), say("flow.col.reading"), say("flow.col.receives"), say("col.received"),
    say("flow.col.unknown"), say("flow.col.sends"), say("col.sent"), say("flow.col.empty"), say("flow.col.others"), say("asks.col.complete"), say("asks.col.received"), say("asks.col.sent"), say("left.col"), say("flow.col.doubts")];
  const body = rows.map(({ id, connection }) => {
    const name = el("th", "", nameOf(id, connection));
    name.setAttribute("scope", "row");
    const row = el("tr", "", name);
    row.dataset["connection"] = String(id);
    if (!connection) return row;
    const sums = inWindow(connection, inside);
    const asked = connection.requests && requestsIn(connection.requests, inside);
    const asks = asked ? [formatCount(asked.complete), formatBytes(asked.receivedBytes), formatBytes(asked.sentBytes)] : ["–", "–", "–"];
    const left = connection.unreadKnown ? formatShare(unreadIn(connection.unread, inside) / wholeNs) : "–";
    const cells = [formatCount(sums.arrivals), formatShare(sums.waitingNs / wholeNs), formatShare(sums.readingNs / wholeNs), formatCount(sums.receives),
      formatBytes(sums.receivedBytes), formatCount(sums.unknown), formatCount(sums.sends), formatBytes(sums.sentBytes), formatCount(sums.empty),
      formatCount(sums.others), ...asks, left, doubts(connection).join(" ") || say("view.none")];
    row.append(...cells.map((words) => el("td", "", words)));
    return row;
  });
  const head = el("tr", "", ...heads.map((words) => {
    const cell = el("th", "", words);
    cell.setAttribute("scope", "col");
    return cell;
  }));
  const caption = el("caption", "", say("strip.table", { time: formatNs(wholeNs) }));
  const table = el("table", "", caption, el("thead", "", head), el("tbody", "", ...body));
  table.setAttribute("role", "table");
  return [table];
}
