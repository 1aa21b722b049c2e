/**
 * What calls of a made-up trace do on one connection, worked out afresh from the protocol's words: by looking at every call, never
 * by sharing code with the page or the server.
 */

import { descriptorOf, fakeDescriptor } from "./fake-answers.mjs";
import { NAMES } from "./synthetic.mjs";

const CALLS_MAX = 4096;
const RECEIVES = new Set(["read", "recvfrom"]);
const SENDS = new Set(["write", "sendto"]);

const isReceive = (call) => RECEIVES.has(call.name);
export const readOf = (call) => (isReceive(call) && !Number.isNaN(call.copyStart) ? call.copyStart : null);

/** How long what a call read had been there; null where that is not known, as of every fifth. */
export function delayOf(call) {
  if (readOf(call) === null || call.start % 5 === 0) return null;
  return Math.min(call.copyStart, (call.start % 7) * 3_001);
}

export const arrivedOf = (call) => (delayOf(call) === null ? null : call.copyStart - delayOf(call));
/** Since when it takes of the connection's time. */
export const beginOf = (call) => arrivedOf(call) ?? readOf(call) ?? call.start;

/** All calls on a connection so far. */
export function usesOf(server, id) {
  return server.shownThreads().flatMap((thread) => thread.calls
    .filter((call) => descriptorOf(call) === id && call.end <= server.nowNs && call.start >= server.keptNs).map((call) => ({ thread, call })));
}

/** Requests on a connection by now, which stand beside the calls: on every fourth one every 3 ms, of each length. */
export function requestsOf(server, id) {
  if (id % 4 !== 1) return [];
  const operations = [["recv", "receive"], ["send", "send"], ["accept", "other"]];
  return Array.from({ length: Math.floor(server.nowNs / 3e6) }, (_, at) => {
    const [operation, kind] = operations[(at + id) % 3];
    const submit = at % 11 === 0 ? null : at * 3e6 + id * 1000;
    const complete = at % 13 === 0 && submit !== null && submit > server.nowNs - 1e8 ? null : at * 3e6 + id * 1000 + (at % 7) ** 3 * 20_000;
    return { lane: 0, operation, kind, submit, complete, shot: at % 17 === 0 ? 1 : 0, ret: complete === null ? null : (at % 9) * 10 - 10 };
  }).filter(({ submit, complete }) => (submit ?? complete) <= server.nowNs && (complete ?? 0) <= server.nowNs && (submit !== null || complete !== null));
}

/** When one is drawn: null if that is never. */
export function underWay(server, { submit, complete, shot }) {
  const since = shot === 0 ? submit : null;
  if (complete === null && since === null) return null;
  const end = complete ?? server.nowNs;
  return [since ?? end, end];
}

/** What some requests do between two times. */
export function asksOf(server, requests, fromNs, toNs) {
  const sums = { complete: 0, receivedBytes: 0, sentBytes: 0, waitingNs: 0, sendingNs: 0 };
  for (const one of requests) {
    const range = underWay(server, one);
    if (!range) continue;
    sums[one.kind === "send" ? "sendingNs" : "waitingNs"] += common(range[0], range[1], fromNs, toNs);
    if (one.complete === null || one.complete < fromNs || one.complete >= toNs) continue;
    sums.complete += 1;
    if (one.kind !== "other") sums[one.kind === "send" ? "sentBytes" : "receivedBytes"] += Math.max(0, one.ret);
  }
  return sums;
}

/** What the server says of requests in a stretch. */
function askedOf(server, id, fromNs, toNs, widthNs) {
  const here = requestsOf(server, id).map((one) => ({ one, range: underWay(server, one) })).filter(({ range }) => range && range[0] < toNs && range[1] >= fromNs);
  const isWide = ({ range }) => range[1] - range[0] >= widthNs;
  const narrow = here.filter((each) => !isWide(each)).map(({ one }) => one);
  const rows = narrow.length === 0 ? [] : Array.from({ length: Math.ceil((toNs - fromNs) / widthNs) }, (_, at) => {
    const beginNs = fromNs + at * widthNs;
    return [at, ...Object.values(asksOf(server, narrow, beginNs, Math.min(toNs, beginNs + widthNs)))];
  });
  return {
    kept_ns: 0,
    requests: here.filter(isWide).map(({ one }) => [one.lane, one.operation, one.kind, one.submit, one.complete, one.shot, one.ret]),
    buckets: rows.filter((row) => row.slice(1).some((value) => value > 0)),
  };
}

/** What nobody reads any more: of one connection of five it is not known, of two there is something. */
export function unreadOf(server, id) {
  if (id % 5 === 0) return { unread_known: false, unread: null };
  const sinceNs = 6e8 + id * 1e6;
  if (id % 5 > 2 || sinceNs > server.nowNs) return { unread_known: true, unread: null };
  return { unread_known: true, unread: [0, sinceNs - 1000, sinceNs, id % 5 === 1 ? Math.min(server.nowNs, 12e8) : null] };
}

const common = (a, b, c, d) => Math.max(0, Math.min(b, d) - Math.max(a, c));

/** What some calls do between two times. */
export function flowOf(uses, fromNs, toNs) {
  const inside = (ns) => (ns !== null && ns >= fromNs && ns < toNs ? 1 : 0);
  const sums = { arrivals: 0, receives: 0, unknown: 0, empty: 0, sends: 0, others: 0, receivedBytes: 0, sentBytes: 0, waitingNs: 0, readingNs: 0, sendingNs: 0 };
  for (const { call } of uses) {
    const [read, arrived, bytes] = [readOf(call), arrivedOf(call), Math.max(0, call.ret ?? 0)];
    if (read !== null) {
      sums.receives += inside(read);
      sums.receivedBytes += inside(read) * bytes;
      sums.readingNs += common(read, call.end, fromNs, toNs);
      sums.arrivals += inside(arrived);
      if (arrived === null) sums.unknown += inside(read);
      else sums.waitingNs += common(arrived, read, fromNs, toNs);
    } else if (isReceive(call)) sums.empty += inside(call.start);
    else if (SENDS.has(call.name)) {
      sums.sends += inside(call.start);
      sums.sentBytes += inside(call.start) * bytes;
      sums.sendingNs += common(call.start, call.end, fromNs, toNs);
    } else sums.others += inside(call.start);
  }
  return sums;
}

/** What the server says of a stretch. */
export function connectionOf(server, id, fromNs, toNs, buckets) {
  const uses = usesOf(server, id);
  const widthNs = Math.max(1, Math.ceil((toNs - fromNs) / buckets));
  const touches = ({ call }) => beginOf(call) < toNs && (call.end > fromNs || beginOf(call) === fromNs);
  const here = uses.filter(touches).sort((a, b) => a.call.start - b.call.start || a.thread.lane - b.thread.lane);
  const wide = here.filter(({ call }) => call.end - beginOf(call) >= widthNs);
  const told = wide.length <= CALLS_MAX;
  /** @type {Map<number, object[]>} by bucket: those that may have something in it */
  const byBucket = new Map();
  for (const one of told ? here.filter((use) => !wide.includes(use)) : here) {
    const last = Math.floor((Math.min(one.call.end, toNs - 1) - fromNs) / widthNs);
    for (let at = Math.max(0, Math.floor((beginOf(one.call) - fromNs) / widthNs)); at <= last; at += 1) byBucket.set(at, [...(byBucket.get(at) ?? []), one]);
  }
  const rows = [...byBucket].sort(([a], [b]) => a - b).map(([at, ones]) => {
    const beginNs = fromNs + at * widthNs;
    return [at, ...Object.values(flowOf(ones, beginNs, Math.min(toNs, beginNs + widthNs)))];
  });
  const [first] = uses;
  return {
    id, descriptor: first ? fakeDescriptor(first.thread, first.call) : null, from_ns: fromNs, to_ns: toNs, width_ns: widthNs,
    now_ns: server.nowNs, kept_ns: server.keptNs, waits_cut: false,
    calls: told ? wide.map(({ thread, call }) => [
      thread.lane, NAMES.indexOf(call.name), isReceive(call) ? "receive" : SENDS.has(call.name) ? "send" : "other", call.start, call.end,
      arrivedOf(call), readOf(call), (call.flags & 4) !== 0, call.ret]) : null,
    buckets: rows.filter((row) => row.slice(1).some((value) => value > 0)),
    requests: askedOf(server, id, fromNs, toNs, widthNs),
    ...unreadOf(server, id),
  };
}
