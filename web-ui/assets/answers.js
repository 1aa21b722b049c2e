/**
 * The server's answers to questions about calls, checked and given types.
 *
 * Pure. Must never pass on a field of the wrong type, nor more rows than the protocol allows.
 */

import { list, maybeNumber, needed, number, object, text } from "./messages.js";
import { BLOCKED, COPYING, KERNEL, PHASE_COUNT, RUNNABLE } from "./phases.js";

/**
 * @typedef {{ calls: number, kernelNs: number, blockedNs: number, runnableNs: number, copyingNs: number, otherNs: number }} CallSum
 * @typedef {{ id: number | null, name: string, kind: string, fd: number | null, sum: CallSum }} DescriptorSum
 * @typedef {{ all: CallSum, lanes: Map<number, CallSum>, descriptors: DescriptorSum[], keptNs: number }} Totals
 * @typedef {{ firstNs: number, lastNs: number, count: number }} Slot  durations from `firstNs` to `lastNs`, both in it
 * @typedef {{ slots: Slot[], keptNs: number }} Latency
 * @typedef {Slot & { column: number }} Cell
 * @typedef {{ fromNs: number, widthNs: number, cells: Cell[], keptNs: number }} Heatmap
 * @typedef {{ lane: number, call: string, tid: number, startNs: number, endNs: number, kernelNs: number, blockedNs: number,
 *   runnableNs: number, copyingNs: number, ret: number | null, error: string }} FoundCall
 */

const MAX_ROWS = 65536;

/** @param {unknown} value @returns {CallSum} */
function readSum(value) {
  const sum = object(value);
  return {
    calls: number(sum["calls"]),
    kernelNs: number(sum["kernel_ns"]),
    blockedNs: number(sum["blocked_ns"]),
    runnableNs: number(sum["runnable_ns"]),
    copyingNs: number(sum["copying_ns"]),
    otherNs: number(sum["other_ns"]),
  };
}

/**
 * The parts of a sum by phase: those of its calls, which add up to their durations. Calls that are not recorded lie
 * between them, and time outside calls is in no such sum.
 * @param {CallSum} sum
 * @returns {number[]}
 */
export function phasesOf(sum) {
  const amounts = new Array(PHASE_COUNT).fill(0);
  amounts[KERNEL] = sum.kernelNs;
  amounts[BLOCKED] = sum.blockedNs;
  amounts[RUNNABLE] = sum.runnableNs;
  amounts[COPYING] = sum.copyingNs;
  return amounts;
}

/** @param {unknown} json @returns {Totals} */
export function readTotals(json) {
  const whole = object(json);
  /** @type {Map<number, CallSum>} */
  const lanes = new Map();
  for (const entry of list(whole["lanes"], MAX_ROWS)) {
    const one = object(entry);
    lanes.set(needed(one, "lane", "totals"), readSum(one["sum"]));
  }
  const descriptors = list(whole["descriptors"], MAX_ROWS).map((entry) => {
    const one = object(entry);
    const descriptor = object(one["descriptor"]);
    return {
      id: maybeNumber(one["id"]),
      name: text(descriptor["name"]),
      kind: text(descriptor["kind"]),
      fd: maybeNumber(descriptor["fd"]),
      sum: readSum(one["sum"]),
    };
  });
  return { all: readSum(whole["all"]), lanes, descriptors, keptNs: number(whole["kept_ns"]) };
}

/** @param {unknown} json @returns {Latency} */
export function readLatency(json) {
  const whole = object(json);
  const slots = list(whole["slots"], MAX_ROWS).map((entry) => {
    const [firstNs, lastNs, count] = list(entry, 3);
    return { firstNs: number(firstNs), lastNs: number(lastNs), count: number(count) };
  });
  return { slots, keptNs: number(whole["kept_ns"]) };
}

/** @param {unknown} json @returns {Heatmap} */
export function readHeatmap(json) {
  const whole = object(json);
  const cells = list(whole["cells"], MAX_ROWS * 4).map((entry) => {
    const [column, firstNs, lastNs, count] = list(entry, 4);
    return { column: number(column), firstNs: number(firstNs), lastNs: number(lastNs), count: number(count) };
  });
  return { fromNs: number(whole["from_ns"]), widthNs: Math.max(1, needed(whole, "width_ns", "heatmap")), cells, keptNs: number(whole["kept_ns"]) };
}

/** @param {unknown} json @returns {FoundCall} */
export function readFound(json) {
  const whole = object(json);
  const call = object(whole["call"]);
  return {
    lane: needed(whole, "lane", "call"),
    call: text(call["call"]),
    tid: number(call["tid"]),
    startNs: needed(call, "start_ns", "call"),
    endNs: needed(call, "end_ns", "call"),
    kernelNs: number(call["kernel_ns"]),
    blockedNs: number(call["blocked_ns"]),
    runnableNs: number(call["runnable_ns"]),
    copyingNs: number(call["copying_ns"]),
    ret: maybeNumber(call["ret"]),
    error: text(call["error"]),
  };
}

/** @param {unknown} json @returns {FoundCall[]} */
export function readLongest(json) {
  return list(object(json)["calls"], 1000).map(readFound);
}
