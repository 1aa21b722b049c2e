/**
 * Everything the page asks the server, but for the event stream.
 *
 * Must never ask for anything that changes what is traced (there is nothing of the kind), nor retry on
 * its own: whoever asks knows whether the answer is still wanted.
 *
 * @import { Band } from "./band.js"
 * @import { Connection } from "./connection-lane.js"
 * @import { Tile } from "./wire.js"
 * @import { Lanes, Trace } from "./messages.js"
 * @import { Story } from "./story.js"
 */

import { readBand } from "./band.js";
import { readConnection } from "./connection-lane.js";
import { readLanes, readNames, readTrace } from "./messages.js";
import { readStory } from "./story.js";
import { decodeTiles } from "./wire.js";

/** The server's "no", with what it was asked. */
export class Refused extends Error {
  /** @param {string} path @param {number} status */
  constructor(path, status) {
    super(`ask ${path}: status ${status}`);
    this.status = status;
  }
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<Response>} */
async function get(path, signal) {
  const response = await fetch(path, { credentials: "same-origin", ...(signal ? { signal } : {}) });
  if (!response.ok) throw new Refused(path, response.status);
  return response;
}

/** The status that an answer would have, without its body; 0 if there is no answer. @param {string} path @returns {Promise<number>} */
export async function statusOf(path) {
  try {
    return (await fetch(path, { method: "HEAD", credentials: "same-origin" })).status;
  } catch {
    return 0;
  }
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<unknown>} */
export async function json(path, signal) {
  return (await get(path, signal)).json();
}

/** Has the flight recorder write what it keeps: the only thing the page can ask to be done. */
export async function askCapture() {
  const path = "/api/capture";
  const response = await fetch(path, { method: "POST", credentials: "same-origin" });
  if (!response.ok) throw new Refused(path, response.status);
}

/** @returns {Promise<Trace>} */
export async function fetchTrace() {
  return readTrace(await json("/api/trace"));
}

/** @returns {Promise<Lanes>} */
export async function fetchLanes() {
  return readLanes(await json("/api/lanes"));
}

/** @returns {Promise<string[]>} */
export async function fetchNames() {
  return readNames(await json("/api/names"));
}

/**
 * Tiles of one stretch of time, in the order of the lanes.
 * @param {number} level @param {number} index @param {readonly number[]} lanes @param {AbortSignal} signal
 * @returns {Promise<Tile[]>}
 */
export async function fetchTiles(level, index, lanes, signal) {
  const response = await get(`/api/tiles/${level}/${index}/${lanes.join(",")}`, signal);
  return decodeTiles(await response.arrayBuffer(), level, index, lanes);
}

/**
 * The call at a time, as the JSON export has it, or null if there is none.
 * @param {number} lane
 * @param {number} atNs
 * @returns {Promise<Record<string, unknown> | null>}
 */
export function fetchCall(lane, atNs) {
  return found("call", lane, atNs);
}

/**
 * The story of that call, likewise.
 * @param {number} lane
 * @param {number} atNs
 * @returns {Promise<Story | null>}
 */
export async function fetchStory(lane, atNs) {
  const answer = await found("story", lane, atNs);
  return answer && readStory(answer);
}

/**
 * The turns of a lane in a time, or null if there is no such lane.
 * @param {number} lane @param {number} fromNs @param {number} toNs
 * @returns {Promise<Band | null>}
 */
export async function fetchBand(lane, fromNs, toNs) {
  try {
    return readBand(await json(`/api/turns/${lane}/${fromNs}/${toNs}`));
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/**
 * What was done on a connection in a stretch of time, in so many buckets.
 * @param {number} id @param {number} fromNs @param {number} toNs @param {number} buckets
 * @returns {Promise<Connection>}
 */
export async function fetchConnection(id, fromNs, toNs, buckets) {
  return readConnection(await json(`/api/connection/${id}/${fromNs}/${toNs}/${buckets}`));
}

/** @param {"call" | "story"} what @param {number} lane @param {number} atNs @returns {Promise<Record<string, unknown> | null>} */
async function found(what, lane, atNs) {
  try {
    const answer = await json(`/api/${what}/${lane}/${Math.max(0, Math.round(atNs))}`);
    return typeof answer === "object" && answer !== null ? /** @type {Record<string, unknown>} */ (answer) : null;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}
