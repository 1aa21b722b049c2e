/**
 * Questions about calls, put to the server: totals, durations, the longest, the next.
 *
 * Must never retry on its own: whoever asks knows whether the answer is still wanted.
 *
 * @import { FoundCall, Heatmap, Latency, Totals } from "./answers.js"
 */

import { readFound, readHeatmap, readLatency, readLongest, readTotals } from "./answers.js";
import { json, Refused } from "./server.js";

/**
 * @typedef {{ fromNs?: number, toNs?: number, leastNs?: number, mostNs?: number, lane?: number | null, nr?: number | null,
 *   descriptor?: number | null }} Question  which calls it is about; of what is left out or null, all
 */

/**
 * The question as the address has it. Calls that begin in a range: times are whole there.
 * @param {string} path
 * @param {Question & Record<string, unknown>} question
 * @returns {string}
 */
export function addressOf(path, question) {
  /** @type {Record<string, string>} */
  const names = { fromNs: "from_ns", toNs: "to_ns", leastNs: "least_ns", mostNs: "most_ns", atNs: "at_ns" };
  const parts = [];
  for (const [name, value] of Object.entries(question)) {
    if (typeof value !== "number" || !Number.isFinite(value)) continue;
    parts.push(`${names[name] ?? name}=${Math.max(0, Math.round(value))}`);
  }
  return parts.length > 0 ? `${path}?${parts.join("&")}` : path;
}

/** @param {Question} question @param {AbortSignal} [signal] @returns {Promise<Totals>} */
export async function askTotals(question, signal) {
  return readTotals(await json(addressOf("/api/totals", question), signal));
}

/** @param {Question} question @param {AbortSignal} [signal] @returns {Promise<Latency>} */
export async function askLatency(question, signal) {
  return readLatency(await json(addressOf("/api/latency", question), signal));
}

/** @param {Question & { columns: number }} question @param {AbortSignal} [signal] @returns {Promise<Heatmap>} */
export async function askHeatmap(question, signal) {
  return readHeatmap(await json(addressOf("/api/heatmap", question), signal));
}

/** @param {Question & { count: number }} question @param {AbortSignal} [signal] @returns {Promise<FoundCall[]>} */
export async function askLongest(question, signal) {
  return readLongest(await json(addressOf("/api/longest", question), signal));
}

/**
 * The first call that begins after a time, or the last before it; null if there is none.
 * @param {"next" | "previous"} which
 * @param {Question & { atNs: number }} question
 * @returns {Promise<FoundCall | null>}
 */
export async function askFound(which, question) {
  try {
    return readFound(await json(addressOf(`/api/${which}`, question)));
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}
