/**
 * What the page's address says of what it shows, after the `#`: the window, the chosen call, the selected
 * range, the lanes of connections, the view and its filter. A link that holds it shows the same.
 *
 * Pure. An address comes from anywhere: what does not make sense in it is left out, and nothing in it throws.
 * Must never hold the secret, nor anything else that is not named here.
 */

import { CONNECTIONS_MAX } from "./connection-lane.js";
import { MARKS_MAX, withMark } from "./marks.js";

/** The views, in the order of their tabs and keys. */
export const VIEWS = /** @type {const} */ (["timeline", "summary", "latency", "connections", "turns", "compare"]);

/**
 * @typedef {(typeof VIEWS)[number]} ViewName
 * @typedef {{ fromNs: number, toNs: number }} Range
 * @typedef {{ lane: number, atNs: number }} Chosen  a call, by its lane and its start
 * @typedef {{ lane: number | null, nr: number | null }} Filter
 * @typedef {{ window: Range | null, call: Chosen | null, selection: Range | null, view: ViewName, filter: Filter,
 *   marks: readonly number[], connections: readonly number[] }} ViewState
 *   `window` is null while a live trace is followed
 */

/** A number of the server is at most so large, which a float holds to the nanosecond. */
const MOST_NS = 2 ** 53;
const MOST_NUMBER = 2 ** 32 - 1;

/**
 * @param {ViewState} state
 * @returns {string} with its `#`; empty if it says nothing
 */
export function writeState({ window, call, selection, view, filter, marks, connections }) {
  const parts = [];
  if (view !== "timeline") parts.push(`view=${view}`);
  if (window) parts.push(`from=${shortest(window.fromNs)}&to=${shortest(window.toNs)}`);
  if (selection) parts.push(`select=${Math.round(selection.fromNs)}-${Math.round(selection.toNs)}`);
  if (call) parts.push(`call=${call.lane}.${Math.round(call.atNs)}`);
  if (filter.lane !== null) parts.push(`lane=${filter.lane}`);
  if (filter.nr !== null) parts.push(`nr=${filter.nr}`);
  if (marks.length > 0) parts.push(`marks=${marks.join(".")}`);
  if (connections.length > 0) parts.push(`connections=${connections.join(".")}`);
  return parts.length > 0 ? `#${parts.join("&")}` : "";
}

/**
 * @param {string} hash as `location.hash` has it
 * @returns {ViewState}
 */
export function readState(hash) {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const get = (/** @type {string} */ name) => said.get(name) ?? "";
  const view = VIEWS.find((name) => name === get("view")) ?? "timeline";
  const [, lane = "", atNs = ""] = /^(\d+)\.(\d+)$/.exec(get("call")) ?? [];
  const [, fromNs = "", toNs = ""] = /^(\d+)-(\d+)$/.exec(get("select")) ?? [];
  const call = { lane: number(lane, MOST_NUMBER), atNs: number(atNs, MOST_NS) };
  return {
    view,
    window: range(number(get("from"), MOST_NS), number(get("to"), MOST_NS)),
    call: call.lane === null || call.atNs === null ? null : { lane: call.lane, atNs: call.atNs },
    selection: range(number(fromNs, MOST_NS), number(toNs, MOST_NS)),
    filter: { lane: number(get("lane"), MOST_NUMBER), nr: number(get("nr"), MOST_NUMBER) },
    marks: marksOf(get("marks")),
    connections: connectionsOf(get("connections")),
  };
}

/** @param {string} text @returns {readonly number[]} in order, as few as may be */
function marksOf(text) {
  if (!/^\d{1,16}(\.\d{1,16}){0,15}$/.test(text)) return [];
  /** @type {readonly number[]} */
  let marks = [];
  for (const one of text.split(".", MARKS_MAX)) {
    const ns = number(one, MOST_NS);
    if (ns !== null) marks = withMark(marks, ns);
  }
  return marks;
}

/** @param {string} text @returns {readonly number[]} each once, as few as may be */
function connectionsOf(text) {
  if (!/^\d{1,10}(\.\d{1,10})*$/.test(text)) return [];
  const ids = text.split(".", CONNECTIONS_MAX).map((one) => number(one, MOST_NUMBER));
  return [...new Set(ids.filter((id) => id !== null))];
}

/**
 * Close up, a nanosecond is several pixels wide: a thousandth is kept.
 * @param {number} ns
 * @returns {string}
 */
function shortest(ns) {
  return String(Math.round(ns * 1000) / 1000);
}

/** @param {string} text @param {number} most @returns {number | null} */
function number(text, most) {
  if (!/^-?\d{1,16}(\.\d{1,3})?$/.test(text)) return null;
  const value = Number(text);
  return Math.abs(value) <= most ? value : null;
}

/** @param {number | null} fromNs @param {number | null} toNs @returns {Range | null} */
function range(fromNs, toNs) {
  return fromNs !== null && toNs !== null && toNs > fromNs ? { fromNs, toNs } : null;
}
