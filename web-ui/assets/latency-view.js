/**
 * How long calls took: over time as a heatmap, all together as a histogram, by kind of call and thread; a region of it
 * shows its calls.
 *
 * Must never tell a duration more exactly than the server's slots do, nor mix answers to different questions.
 *
 * @import { FoundCall, Heatmap, Latency } from "./answers.js"
 * @import { Region } from "./draw-heat.js"
 * @import { Axis } from "./heat-grid.js"
 * @import { Context } from "./views.js"
 */

import { byCallsFirst, LatencyControls } from "./latency-controls.js";
import { el } from "./dom.js";
import { BELOW_PX, drawHeatmap, drawHistogram, LEFT_PX, prepare } from "./draw-heat.js";
import { formatCount, formatNs, formatTime } from "./format.js";
import { axisOf, slotAt, toNs } from "./heat-grid.js";
import { Latest } from "./latest.js";
import { askHeatmap, askLatency, askLongest } from "./questions.js";
import { part } from "./report-frame.js";
import { missing } from "./selection.js";
import { numberColumn, Table, textColumn } from "./table.js";
import { say } from "./words.js";

const HEIGHT_PX = 280;
const HISTOGRAM_PX = 190;
/** A column of the heatmap is at least so wide. */
const COLUMN_PX = 4;
const LISTED = 50;
const QUANTILES = /** @type {const} */ ([["p50", 0.5], ["p90", 0.9], ["p99", 0.99], ["p99.9", 0.999], [say("col.max"), 1]]);

/** @type {import("./table.js").Column<FoundCall>[]} */
const COLUMNS = [
  textColumn(say("col.call"), say("lat.call.hint"), (row) => row.call),
  numberColumn(say("lat.took"), say("lat.took.hint"), (row) => row.endNs - row.startNs, formatNs),
  numberColumn(say("lat.at"), say("lat.at.hint"), (row) => row.startNs, (ns) => formatTime(ns, 1e3)),
  numberColumn(say("col.thread"), say("col.thread.hint"), (row) => row.tid, String),
  numberColumn(say("phase.kernel"), say("phase.kernel.says"), (row) => row.kernelNs, formatNs),
  numberColumn(say("phase.blocked"), say("phase.blocked.says"), (row) => row.blockedNs, formatNs),
  numberColumn(say("phase.runnable"), say("phase.runnable.says"), (row) => row.runnableNs, formatNs),
  numberColumn(say("phase.copying"), say("phase.copying.says"), (row) => row.copyingNs, formatNs),
  textColumn(say("lat.ret"), "", (row) => `${row.ret === null ? "–" : formatCount(row.ret)} ${row.error}`.trim()),
];

export class LatencyView {
  constructor() {
    this.wantsReport = true;
    /** @type {Context | null} */
    this.context = null;
    /** @type {Latest<[Heatmap, Latency]>} */
    this.latest = new Latest();
    /** @type {Latest<FoundCall[]>} */
    this.latestCalls = new Latest();
    /** @type {Region | null} */
    this.region = null;
    /** @type {{ heatmap: Heatmap, latency: Latency, range: import("./view-state.js").Range, axis: Axis } | null} what is drawn */
    this.drawn = null;
    this.controls = new LatencyControls((filter) => this.context?.go.filter(filter), (leastNs) => this.setLeast(leastNs));
    this.about = el("p", "faint");
    this.heat = document.createElement("canvas");
    this.histogram = document.createElement("canvas");
    this.heat.setAttribute("role", "img");
    this.histogram.setAttribute("role", "img");
    this.numbers = el("dl", "quantiles");
    this.table = new Table(say("lat.table"), COLUMNS, { column: 1, down: true }, (row) => this.context?.go.call(row.lane, row.startNs));
    this.listed = el("p", "faint");
    this.root = el("div", "latency",
      part(say("lat.part"), "", this.about, this.controls.root, el("div", "charts", this.heat, this.histogram), this.numbers),
      part(say("lat.list"), "", this.listed, this.table.root));
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.root);
  }

  /** @param {Context} context */
  show(context) {
    this.context = context;
    const { range, filter, reported, names, lanes } = context;
    this.controls.show(byCallsFirst(reported, names), lanes, filter);
    const question = { ...range, ...filter };
    const columns = Math.min(512, Math.max(1, Math.floor(this.cellsPx() / COLUMN_PX)));
    const key = JSON.stringify([question, columns]);
    if (this.region && (this.region.toNs <= range.fromNs || this.region.fromNs >= range.toNs)) this.region = null;
    this.latest.ask(key, (signal) => Promise.all([askHeatmap({ ...question, columns }, signal), askLatency(question, signal)]),
      ([heatmap, latency]) => {
        this.drawn = { heatmap, latency, range, axis: axisOf(latency.slots, HEIGHT_PX) };
        this.draw();
      },
      (error) => this.failed(error));
    this.askCalls();
    if (this.drawn) this.draw();
  }

  /** @param {unknown} error */
  failed(error) {
    console.warn("ask how long calls took:", error);
    this.about.textContent = say("lat.failed");
  }

  askCalls() {
    const { context, region } = this;
    if (!context) return;
    const question = { ...context.range, ...context.filter, ...(region ?? {}), count: LISTED };
    const what = region
      ? say("lat.region", { from: formatTime(region.fromNs, 1e3), to: formatTime(region.toNs, 1e3), least: formatNs(region.leastNs), most: formatNs(region.mostNs) })
      : say("lat.drag", { of: context.of });
    this.latestCalls.ask(JSON.stringify(question), (signal) => askLongest(question, signal),
      (calls) => {
        this.listed.textContent = say("lat.longest", { count: formatCount(calls.length), what });
        this.table.show(calls);
      },
      (error) => this.failed(error));
  }

  cellsPx() {
    return Math.max(1, Math.floor(this.root.clientWidth - HISTOGRAM_PX - 16 - LEFT_PX));
  }

  draw() {
    const { context, drawn } = this;
    if (!context || !drawn || this.root.clientWidth === 0) return;
    const widthPx = this.cellsPx();
    const heat = prepare(this.heat, LEFT_PX + widthPx, HEIGHT_PX + BELOW_PX);
    const histogram = prepare(this.histogram, HISTOGRAM_PX, HEIGHT_PX + BELOW_PX);
    if (heat) drawHeatmap(heat, drawn.heatmap, drawn.axis, drawn.range, widthPx, context.palette, this.region);
    if (histogram) drawHistogram(histogram, drawn.latency.slots, drawn.axis, HISTOGRAM_PX, context.palette);
    this.tell(context, drawn.latency);
  }

  /** @param {Context} context @param {Latency} latency */
  tell(context, latency) {
    const count = latency.slots.reduce((sum, slot) => sum + slot.count, 0);
    const lack = missing(context.range, context.state, latency.keptNs).map((words) => ` ⚠ ${words}.`).join("");
    this.about.textContent = say("lat.about", { count: formatCount(count), of: context.of }) + lack;
    this.numbers.replaceChildren(...QUANTILES.map(([name, quantile]) => {
      const slot = slotAt(latency.slots, quantile);
      const words = slot ? (slot.firstNs === slot.lastNs ? formatNs(slot.firstNs) : `${formatNs(slot.firstNs)} … ${formatNs(slot.lastNs)}`) : "–";
      return el("div", "", el("dt", "", name), el("dd", "", words));
    }));
    this.heat.setAttribute("aria-label", say("lat.heat", { count: formatCount(count) }));
    this.histogram.setAttribute("aria-label", say("lat.histogram"));
  }

  /** Calls that last at least so long, anywhere in the range. @param {number} leastNs */
  setLeast(leastNs) {
    if (!this.context) return;
    const { range } = this.context;
    this.region = leastNs > 0 ? { ...range, leastNs, mostNs: this.drawn?.axis.highNs ?? Number.MAX_SAFE_INTEGER } : null;
    this.draw();
    this.askCalls();
  }

  listen() {
    /** @type {{ x: number, y: number } | null} */
    let press = null;
    this.heat.addEventListener("pointerdown", (event) => {
      press = { x: event.offsetX, y: event.offsetY };
      this.heat.setPointerCapture(event.pointerId);
    });
    this.heat.addEventListener("pointermove", (event) => {
      if (!press) return;
      this.region = this.regionOf(press.x, press.y, event.offsetX, event.offsetY);
      this.draw();
    });
    this.heat.addEventListener("pointerup", () => {
      press = null;
      this.controls.showLeast(0);
      this.askCalls();
    });
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} toX
   * @param {number} toY
   * @returns {Region | null} null for a click, which clears it
   */
  regionOf(x, y, toX, toY) {
    const { drawn } = this;
    if (!drawn || Math.hypot(toX - x, toY - y) < 4) return null;
    const { range, axis } = drawn;
    const timeAt = (/** @type {number} */ px) => {
      const part = Math.min(1, Math.max(0, (px - LEFT_PX) / this.cellsPx()));
      return Math.round(range.fromNs + part * (range.toNs - range.fromNs));
    };
    const [least, most] = [toNs(axis, Math.max(y, toY)), toNs(axis, Math.min(y, toY))];
    // At the bottom of the axis is all that is shorter.
    const leastNs = least <= axis.lowNs ? 0 : Math.round(least);
    return { fromNs: timeAt(Math.min(x, toX)), toNs: Math.max(timeAt(Math.max(x, toX)), timeAt(Math.min(x, toX)) + 1), leastNs, mostNs: Math.round(most) };
  }
}
