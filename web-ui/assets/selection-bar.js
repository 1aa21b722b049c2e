/**
 * The bar of the selected range: how long it is, what its calls add up to, and what of that is not known.
 *
 * Must never show sums of another range than the one it names.
 *
 * @import { Totals } from "./answers.js"
 * @import { Lane, State } from "./messages.js"
 * @import { Palette } from "./phases.js"
 * @import { Range } from "./view-state.js"
 */

import { phasesOf } from "./answers.js";
import { byId, el } from "./dom.js";
import { formatCount, formatExactNs, formatNs, formatTime } from "./format.js";
import { Latest } from "./latest.js";
import { phaseRows } from "./phase-rows.js";
import { askTotals } from "./questions.js";
import { missing } from "./selection.js";
import { bar } from "./swatch.js";
import { say } from "./words.js";

/** Threads told one by one: those with the most time in calls. */
const THREADS = 8;
const BAR_PX = 240;

/** @typedef {{ onZoom: () => void, onClear: () => void }} Actions */

export class SelectionBar {
  /** @param {Actions} actions */
  constructor(actions) {
    this.root = byId("selection", HTMLElement);
    /** @type {Latest<Totals>} */
    this.latest = new Latest();
    this.zoom = button(say("selection.zoom"), "f", actions.onZoom);
    this.clear = button(say("selection.clear"), "Esc", actions.onClear);
  }

  /**
   * Shows a range, and asks for its sums. While it is being drawn out, only its length is told.
   * @param {Range | null} range
   * @param {boolean} done
   * @param {readonly Lane[]} lanes
   * @param {State | null} state
   * @param {Palette} palette
   */
  show(range, done, lanes, state, palette) {
    this.root.hidden = range === null;
    if (!range || !state) {
      this.latest.forget();
      this.root.replaceChildren();
      return;
    }
    if (!done) {
      this.latest.forget();
      this.fill(range, el("span", "faint", "…"));
      return;
    }
    const key = `${range.fromNs}-${range.toNs}`;
    if (key !== this.latest.key) this.fill(range, el("span", "faint", say("selection.adding")));
    this.latest.ask(key, (signal) => askTotals(range, signal),
      (totals) => this.fill(range, sums(range, totals, lanes, state, palette)),
      (error) => {
        console.warn("ask for sums:", error);
        this.fill(range, el("span", "faint", say("selection.failed")));
      });
  }

  /** @param {Range} range @param {HTMLElement} rest */
  fill(range, rest) {
    const lengthNs = range.toNs - range.fromNs;
    const length = el("strong", "", formatNs(lengthNs));
    length.title = formatExactNs(lengthNs);
    const head = el("div", "head", el("span", "", `${say("selection.head")} `, length, say("selection.from", { time: formatTime(range.fromNs, lengthNs / 100) })), this.zoom, this.clear);
    this.root.replaceChildren(head, rest);
  }
}

/** @param {string} words @param {string} key @param {() => void} act @returns {HTMLElement} */
function button(words, key, act) {
  const made = el("button", "", words);
  made.setAttribute("type", "button");
  made.title = key;
  made.addEventListener("click", act);
  return made;
}

/**
 * @param {Range} range
 * @param {Totals} totals
 * @param {readonly Lane[]} lanes
 * @param {State} state
 * @param {Palette} palette
 * @returns {HTMLElement}
 */
function sums(range, totals, lanes, state, palette) {
  const wholeNs = phasesOf(totals.all).reduce((sum, ns) => sum + ns, 0);
  const threads = [...totals.lanes].map(([lane, sum]) => ({ lane: lanes.find((one) => one.lane === lane), number: lane, sum, amounts: phasesOf(sum) }));
  const timeOf = (/** @type {readonly number[]} */ amounts) => amounts.reduce((sum, ns) => sum + ns, 0);
  threads.sort((a, b) => timeOf(b.amounts) - timeOf(a.amounts) || a.number - b.number);
  const rows = threads.slice(0, THREADS).map(({ lane, number, sum, amounts }) => el("div", "thread",
    el("span", "name", lane ? `${lane.name || say("thread.none")} ${lane.tid}` : say("selection.lane", { number })),
    el("span", "number", say("calls.count", { count: formatCount(sum.calls) })),
    timeOf(amounts) > 0 ? bar(palette, amounts, BAR_PX, 12) : el("span", ""),
    el("span", "number", formatNs(timeOf(amounts)))));
  if (threads.length > THREADS) rows.push(el("div", "faint", say("selection.threads", { count: formatCount(threads.length - THREADS) })));
  const unknown = missing(range, state, totals.keptNs).map((words) => el("div", "unknown", `⚠ ${words}`));
  const all = el("div", "all",
    el("div", "", say("selection.sums", { count: formatCount(totals.all.calls), time: formatNs(wholeNs) })),
    phaseRows(palette, phasesOf(totals.all), wholeNs), ...unknown);
  return el("div", "sums", all, el("div", "threads", ...rows));
}
