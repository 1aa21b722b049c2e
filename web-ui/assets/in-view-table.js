/**
 * Tables of what is in view, for those who hear the page: they say of each lane, of threads and of connections, what the picture shows.
 *
 * They are made anew when the view has come to rest, and now and then while it moves on by itself. Must never do anything in a
 * frame but look whether a clock is set, nor hold more rows than it says.
 *
 * @import { ConnectionLanes } from "./connection-lanes.js"
 * @import { Lane, State } from "./messages.js"
 * @import { Timeline } from "./timeline.js"
 */

import { connectionTable } from "./connection-words.js";
import { byId, el } from "./dom.js";
import { formatCount, formatNs, formatShare, formatTime } from "./format.js";
import { inTrace, inView } from "./in-view.js";
import { visibleRows } from "./layout.js";
import { PHASES } from "./phases.js";
import { missing } from "./selection.js";
import { lifeOf } from "./timeline.js";
import { say } from "./words.js";

/** A view that has not changed for so long has come to rest. */
const REST_MS = 400;
/** One that never rests, as while a live trace is followed, is told this often. */
const MOVING_MS = 5000;
/** More rows than this nobody listens to; the lanes scroll. */
const ROWS_MAX = 64;

export class InViewTable {
  /** @param {ConnectionLanes} connections */
  constructor(connections) {
    this.connections = connections;
    this.root = byId("in-view", HTMLElement);
    this.waiting = false;
    /** What was in view when the clock was set, and when the table was made. */
    this.seen = "";
    this.told = "";
    this.toldMs = -Infinity;
  }

  /** What is in view may be something else now. Called with every frame. @param {Timeline} timeline */
  note(timeline) {
    if (this.waiting) return;
    this.waiting = true;
    setTimeout(() => this.check(timeline), REST_MS);
  }

  /** @param {Timeline} timeline */
  check(timeline) {
    this.waiting = false;
    const { state } = timeline;
    this.root.hidden = !timeline.shown;
    if (!state || !timeline.shown) return;
    const looks = looksOf(timeline, state, this.connections.version);
    if (looks === this.told) return;
    const rested = looks === this.seen;
    this.seen = looks;
    if (!rested && performance.now() - this.toldMs < MOVING_MS) {
      this.note(timeline);
      return;
    }
    this.told = looks;
    this.toldMs = performance.now();
    this.show(timeline, state);
  }

  /** @param {Timeline} timeline @param {State} state */
  show(timeline, state) {
    const { first, end } = visibleRows(timeline.frame);
    const lanes = timeline.lanes.slice(first, Math.min(end, first + ROWS_MAX));
    const { window } = timeline;
    const inside = inTrace(window, state.nowNs);
    const wholeNs = inside.toNs - inside.fromNs;
    const from = formatTime(inside.fromNs, wholeNs / 1000);
    const [one, last, all] = [lanes.length === 0 ? 0 : first + 1, first + lanes.length, timeline.lanes.length];
    const words = [
      say("view.caption", { span: formatNs(wholeNs), from, first: one, last, all }), say("view.of", { time: formatNs(wholeNs) }),
      ...missing(inside, state, state.keptNs).map((lack) => say("view.lack", { words: lack })),
    ];
    const names = [say("col.thread"), ...PHASES.map(({ word }) => word), say("view.absent"), say("view.calls"), say("view.longest")];
    const heads = names.map((name) => withScope("col", name));
    const rows = lanes.flatMap((lane) => this.row(timeline, state, lane, wholeNs));
    const table = el("table", "", el("caption", "", words.join(" ")), el("thead", "", el("tr", "", ...heads)), el("tbody", "", ...rows));
    table.setAttribute("role", "table");
    const { ids, answers } = this.connections;
    this.root.replaceChildren(table, ...connectionTable(ids.map((id) => ({ id, connection: answers.get(id) })), inside));
  }

  /** @param {Timeline} timeline @param {State} state @param {Lane} lane @param {number} wholeNs @returns {HTMLElement[]} */
  row(timeline, state, lane, wholeNs) {
    const items = timeline.gathered.get(lane.lane)?.items;
    if (!items) return [];
    const count = Math.round(timeline.frame.widthPx * timeline.scale);
    const { amounts, absentNs, calls, longest } = inView(items, lifeOf(lane, state), timeline.window, count, state.nowNs, timeline.names);
    const share = (/** @type {number} */ ns) => el("td", "", formatShare(wholeNs > 0 ? ns / wholeNs : 0));
    const name = `${lane.name || say("thread.none")} ${lane.tid}`;
    const row = el("tr", "", withScope("row", name), ...amounts.map(share), share(absentNs),
      el("td", "", formatCount(calls)), el("td", "", longestWords(longest, calls)));
    row.dataset["lane"] = String(lane.lane);
    return [row];
  }
}

/** @param {import("./in-view.js").Longest | null} longest @param {number} calls @returns {string} */
function longestWords(longest, calls) {
  if (!longest) return calls > 0 ? say("view.narrow") : say("view.none");
  const time = longest.ended ? formatNs(longest.ns) : say("call.sofar", { time: formatNs(longest.ns) });
  return say("view.call", { call: longest.call ?? say("call.unknown"), time });
}

/** @param {"col" | "row"} scope @param {string} words @returns {HTMLElement} */
function withScope(scope, words) {
  const cell = el("th", "", words);
  cell.setAttribute("scope", scope);
  return cell;
}

/**
 * All that the tables hang on, in short: the window, the lanes and how much of them is at hand.
 * @param {Timeline} timeline @param {State} state @param {number} connections their version @returns {string}
 */
function looksOf(timeline, state, connections) {
  const { window, frame, cache } = timeline;
  const { first, end } = visibleRows(frame);
  const lanes = timeline.lanes.slice(first, Math.min(end, first + ROWS_MAX)).map(({ lane }) => lane);
  return JSON.stringify([window, frame, lanes, cache.version, state.nowNs, connections]);
}
