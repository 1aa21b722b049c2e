/**
 * Answers to questions about the calls of a made-up trace, worked out afresh from the protocol's words: by looking at
 * every call, never by sharing code with the page or the server.
 */

import { NAMES } from "./synthetic.mjs";

const KNOWN = new Set(["from_ns", "to_ns", "least_ns", "most_ns", "lane", "nr", "descriptor", "failed", "columns", "count", "at_ns"]);

/** What an address asks, or null if it makes no sense. @param {URLSearchParams} search */
function readAsked(search) {
  const asked = { from_ns: 0, to_ns: Infinity, least_ns: 0, most_ns: Infinity };
  for (const [name, value] of search) {
    if (!KNOWN.has(name) || (name !== "failed" && !/^\d+$/.test(value))) return null;
    asked[name] = name === "failed" ? value === "true" : Number(value);
  }
  return asked;
}

/** A call's descriptor in the made-up trace: one for each fd of the process. */
export const descriptorOf = (call) => (call.fd === null ? null : 100 + call.fd);

/** The calls that a question is about, in the order of time. */
export function matching(server, asked) {
  const found = [];
  for (const thread of server.shownThreads()) {
    for (const call of thread.calls) {
      const length = call.end - call.start;
      if (call.end > server.nowNs || call.start < Math.max(asked.from_ns, server.keptNs) || call.start >= asked.to_ns) continue;
      if (length < asked.least_ns || length > asked.most_ns) continue;
      if (asked.lane !== undefined && asked.lane !== thread.lane) continue;
      if (asked.nr !== undefined && asked.nr !== NAMES.indexOf(call.name)) continue;
      if (asked.descriptor !== undefined && asked.descriptor !== descriptorOf(call)) continue;
      found.push({ thread, call });
    }
  }
  return found.sort((a, b) => a.call.start - b.call.start || a.thread.lane - b.thread.lane);
}

/** @param {{ call: any }[]} found */
export function sumOf(found) {
  const add = (field) => found.reduce((sum, { call }) => sum + call[field], 0);
  return { calls: found.length, kernel_ns: add("kernel"), blocked_ns: add("blocked"), runnable_ns: add("runnable"), copying_ns: add("copying"), other_ns: add("other") };
}

/** What has the same key together. @returns {[any, any[]][]} */
export function groups(found, keyOf) {
  const all = new Map();
  for (const one of found) {
    const key = keyOf(one);
    if (all.has(key)) all.get(key).push(one);
    else all.set(key, [one]);
  }
  return [...all];
}

/** Slots that tell a duration to one part in `2^bits`. */
function slotOf(ns, bits) {
  const shift = Math.max(0, Math.floor(Math.log2(Math.max(1, ns))) - bits);
  const first = Math.floor(ns / 2 ** shift) * 2 ** shift;
  return [first, first + 2 ** shift - 1];
}

function counted(found, keyOf) {
  return groups(found, (one) => keyOf(one.call).join()).map(([, ones]) => [...keyOf(ones[0].call), ones.length]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

export function fakeDescriptor(thread, call) {
  return { id: descriptorOf(call), pid: thread.pid, fd: call.fd, kind: call.fd === 5 ? "epoll" : "tcp", name: call.fd === 5 ? "epoll" : `127.0.0.1:7000 ← 127.0.0.1:${40000 + call.fd}` };
}

/**
 * @param {string} what
 * @param {URLSearchParams} search
 * @param {import("./fake-server.mjs").FakeServer} server
 * @param {(thread: any, call: any) => object} callJson
 * @returns {number | object} a status, or the answer
 */
export function answer(what, search, server, callJson) {
  const asked = readAsked(search);
  if (!asked) return 400;
  const found = matching(server, asked);
  const kept_ns = server.keptNs;
  const one = ({ thread, call }) => ({ lane: thread.lane, call: callJson(thread, call) });
  switch (what) {
    case "totals":
      return {
        all: sumOf(found),
        lanes: groups(found, ({ thread }) => thread.lane).sort(([a], [b]) => a - b).map(([lane, ones]) => ({ lane, sum: sumOf(ones) })),
        descriptors: groups(found, ({ call }) => descriptorOf(call)).map(([id, ones]) => ({ id, descriptor: id === null ? null : fakeDescriptor(ones[0].thread, ones[0].call), sum: sumOf(ones) })),
        other_descriptors: sumOf([]),
        kept_ns,
      };
    case "latency":
      return { slots: counted(found, (call) => slotOf(call.end - call.start, 5)), kept_ns };
    case "heatmap": {
      const columns = asked.columns ?? 512;
      if (columns < 1 || columns > 512) return 400;
      const width_ns = Math.max(1, Math.ceil((Math.min(asked.to_ns, server.nowNs + 1) - asked.from_ns) / columns));
      const cells = counted(found, (call) => [Math.floor((call.start - asked.from_ns) / width_ns), ...slotOf(call.end - call.start, 2)]);
      return { from_ns: asked.from_ns, width_ns, cells, kept_ns };
    }
    case "longest": {
      const count = asked.count ?? 100;
      if (count < 1 || count > 1000) return 400;
      const longest = [...found].sort((a, b) => b.call.end - b.call.start - (a.call.end - a.call.start) || a.call.start - b.call.start);
      return { calls: longest.slice(0, count).map(one), kept_ns };
    }
    default: {
      if (asked.at_ns === undefined) return 400;
      const next = what === "next" ? found.find(({ call }) => call.start > asked.at_ns) : found.findLast(({ call }) => call.start < asked.at_ns);
      return next ? one(next) : 404;
    }
  }
}
