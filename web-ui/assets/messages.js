/**
 * The server's JSON, checked and given types.
 *
 * Pure. Must never pass on a field of the wrong type: what is missing becomes its empty value or,
 * where nothing can be shown without it, an error that names it. Text stays text.
 */

/**
 * @typedef {{ pid: number, command: string, host: string, kernel: string, arch: string, startUnixNs: number,
 *   backend: string, follow: boolean, live: boolean, source: string,
 *   exports: { file: string | null, grows: boolean, whyNot: string } }} Trace
 * @typedef {{ lane: number, pid: number, tid: number, name: string, beganNs: number | null, endedNs: number | null, lastNs: number,
 *   calls: number }} Lane
 * @typedef {{ version: number, lanes: Lane[], more: number }} Lanes
 * @typedef {{ lane: number, call: string | null, inCall: boolean, sinceNs: number, atNs: number,
 *   beganBefore: boolean, offSinceNs: number | null, wokenNs: number | null, fd: number | null }} Open
 * @typedef {{ startNs: number, endNs: number, lost: number }} Gap
 * @typedef {{ cpuFraction: number | null, rssBytes: number | null, storeBytes: number | null,
 *   recordedBytes: number | null, probeNsPerCall: number | null }} Cost
 * @typedef {{ nowNs: number, sealedNs: number, keptNs: number, heldNs: number, ended: boolean, cut: string | null, calls: number,
 *   offcpu: number, made: number, lost: number, untracked: number, compat: number, unseen: number, lanes: number,
 *   lanesVersion: number, gaps: Gap[], open: Map<number, Open>, cost: Cost, captures: Captures | null }} State
 * @typedef {{ trigger: string, atNs: number, file: string, bytes: number, fromNs: number, toNs: number, removed: boolean }} Capture
 * @typedef {{ list: Capture[], more: number, passedOver: number, byPage: boolean, underWay: { trigger: string, atNs: number } | null }} Captures
 *   null without a flight recorder
 */

/** More than the server may send is cut off, not drawn. */
const MAX_GAPS = 1000;
const MAX_OPEN = 512;
const MAX_LANES = 4096;
const MAX_CAPTURES = 100;

/** @param {unknown} value @returns {Record<string, unknown>} */
export function object(value) {
  return typeof value === "object" && value !== null ? /** @type {Record<string, unknown>} */ (value) : {};
}

/** @param {unknown} value @returns {number | null} */
export function maybeNumber(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** @param {unknown} value @returns {number} */
export function number(value) {
  return maybeNumber(value) ?? 0;
}

/** @param {unknown} value @returns {string} */
export function text(value) {
  return typeof value === "string" ? value : "";
}

/** @param {unknown} value @param {number} most @returns {unknown[]} */
export function list(value, most) {
  return Array.isArray(value) ? value.slice(0, most) : [];
}

/** @param {Record<string, unknown>} from @param {string} name @param {string} what @returns {number} */
export function needed(from, name, what) {
  const value = maybeNumber(from[name]);
  if (value === null) throw new Error(`read ${what}: no number in "${name}"`);
  return value;
}

/** @param {unknown} json @returns {Trace} */
export function readTrace(json) {
  const whole = object(json);
  const trace = object(whole["trace"]);
  const exports = object(whole["export"]);
  return {
    pid: number(trace["pid"]),
    command: text(trace["command"]),
    host: text(trace["host"]),
    kernel: text(trace["kernel"]),
    arch: text(trace["arch"]),
    startUnixNs: number(trace["start_unix_ns"]),
    backend: text(trace["backend"]),
    follow: trace["follow"] === true,
    live: whole["live"] === true,
    source: text(whole["source"]),
    exports: { file: typeof exports["file"] === "string" ? exports["file"] : null, grows: exports["grows"] === true, whyNot: text(exports["why_not"]) },
  };
}

/** @param {unknown} json @returns {Lanes} */
export function readLanes(json) {
  const whole = object(json);
  /** @type {Lane[]} */
  const lanes = [];
  for (const entry of list(whole["lanes"], MAX_LANES)) {
    const lane = object(entry);
    lanes.push({
      lane: needed(lane, "lane", "lanes"),
      pid: number(lane["pid"]),
      tid: number(lane["tid"]),
      name: text(lane["name"]),
      beganNs: maybeNumber(lane["began_ns"]),
      endedNs: maybeNumber(lane["ended_ns"]),
      lastNs: number(lane["last_ns"]),
      calls: number(lane["calls"]),
    });
  }
  return { version: number(whole["version"]), lanes, more: number(whole["more"]) };
}

/** @param {unknown} json @returns {string[]} */
export function readNames(json) {
  return list(json, 65536).map(text);
}

/** @param {unknown} json @returns {State} */
export function readState(json) {
  const state = object(json);
  const cost = object(state["cost"]);
  /** @type {Gap[]} */
  const gaps = [];
  for (const entry of list(state["gaps"], MAX_GAPS)) {
    const [startNs, endNs, lost] = list(entry, 3);
    gaps.push({ startNs: number(startNs), endNs: number(endNs), lost: number(lost) });
  }
  /** @type {Map<number, Open>} */
  const open = new Map();
  for (const entry of list(state["open"], MAX_OPEN)) {
    const one = object(entry);
    const lane = number(one["lane"]);
    open.set(lane, {
      lane,
      call: typeof one["call"] === "string" ? one["call"] : null,
      inCall: one["in_call"] === true,
      sinceNs: number(one["since_ns"]),
      atNs: number(one["at_ns"]),
      beganBefore: one["began_before"] === true,
      offSinceNs: maybeNumber(one["off_since_ns"]),
      wokenNs: maybeNumber(one["woken_ns"]),
      fd: maybeNumber(one["fd"]),
    });
  }
  return {
    nowNs: needed(state, "now_ns", "live"),
    sealedNs: needed(state, "sealed_ns", "live"),
    keptNs: number(state["kept_ns"]), heldNs: number(state["held_ns"]),
    ended: state["ended"] === true,
    cut: typeof state["cut"] === "string" ? state["cut"] : null,
    calls: number(state["calls"]),
    offcpu: number(state["offcpu"]),
    made: number(state["made"]),
    lost: number(state["lost"]),
    untracked: number(state["untracked"]),
    compat: number(state["compat"]),
    unseen: number(state["unseen"]),
    lanes: number(state["lanes"]),
    lanesVersion: number(state["lanes_version"]),
    gaps,
    open,
    captures: readCaptures(state["captures"]),
    cost: {
      cpuFraction: maybeNumber(cost["cpu_fraction"]),
      rssBytes: maybeNumber(cost["rss_bytes"]),
      storeBytes: maybeNumber(cost["store_bytes"]),
      recordedBytes: maybeNumber(cost["recorded_bytes"]),
      probeNsPerCall: maybeNumber(cost["probe_ns_per_call"]),
    },
  };
}

/** @param {unknown} json @returns {Captures | null} */
function readCaptures(json) {
  if (!json) return null;
  const captures = object(json);
  const underWay = captures["under_way"] ? object(captures["under_way"]) : null;
  return {
    list: list(captures["list"], MAX_CAPTURES).map((entry) => {
      const one = object(entry);
      return {
        trigger: text(one["trigger"]), atNs: number(one["at_ns"]), file: text(one["file"]), bytes: number(one["bytes"]),
        fromNs: number(one["from_ns"]), toNs: number(one["to_ns"]), removed: one["removed"] === true,
      };
    }),
    more: number(captures["more"]),
    passedOver: number(captures["passed_over"]),
    byPage: captures["by_page"] === true,
    underWay: underWay && { trigger: text(underWay["trigger"]), atNs: number(underWay["at_ns"]) },
  };
}
