/**
 * The event loops: how busy they are, how late they notice what came, and their longest turns with what stalled them.
 *
 * The numbers are those of the report, of the whole trace. Must never tell the lag of a loop that shares its epoll:
 * other threads may notice what it is late for.
 *
 * @import { Loop, Turn } from "./report.js"
 * @import { Column } from "./table.js"
 * @import { Range } from "./view-state.js"
 * @import { Context } from "./views.js"
 */

import { replaceCharts } from "./bucket-chart.js";
import { drawBusy } from "./busy-chart.js";
import { el } from "./dom.js";
import { formatBytes, formatCount, formatNs, formatShare, formatTime } from "./format.js";
import { drawLags } from "./lag-chart.js";
import { causeWords, lackWords, laneOf, part, scopeWords, threadWords } from "./report-frame.js";
import { numberColumn, Table, textColumn } from "./table.js";
import { say } from "./words.js";

/** @type {Column<Loop>[]} */
const LOOPS = [
  textColumn(say("turns.loop"), say("turns.loop.hint"), threadWords),
  numberColumn(say("turns.turns"), say("turns.turns.hint"), (row) => row.turns, formatCount),
  numberColumn(say("turns.busy"), say("turns.busy.hint"), (row) => (row.workNs + row.waitNs > 0 ? row.workNs / (row.workNs + row.waitNs) : null), formatShare),
  numberColumn(say("turns.events"), say("turns.events.hint"), (row) => row.events / Math.max(1, row.turns), (value) => value.toFixed(1)),
  numberColumn(say("turns.ready"), say("turns.ready.hint"), (row) => row.readyBefore / Math.max(1, row.turns), formatShare),
  numberColumn(say("col.calls"), say("turns.calls.hint"), (row) => row.calls / Math.max(1, row.turns), (value) => value.toFixed(1)),
  numberColumn(say("col.received"), say("col.bytes.hint"), (row) => row.receivedBytes, formatBytes),
  numberColumn(say("col.sent"), say("col.bytes.hint"), (row) => row.sentBytes, formatBytes),
  numberColumn(say("turns.work50"), say("turns.work50.hint"), (row) => row.workP50Ns, formatNs),
  numberColumn("p99", say("turns.work99.hint"), (row) => row.workP99Ns, formatNs),
  numberColumn(say("col.max"), say("turns.workmax.hint"), (row) => row.workMaxNs, formatNs),
  numberColumn(say("turns.lag50"), say("turns.lag50.hint"), (row) => row.lagP50Ns, formatNs),
  numberColumn("p99", say("turns.lagof.hint"), (row) => row.lagP99Ns, formatNs),
  numberColumn(say("col.max"), say("turns.lagof.hint"), (row) => row.lagMaxNs, formatNs),
];

/** @type {Column<Turn>[]} */
const TURNS = [
  textColumn(say("turns.at"), say("turns.at.hint"), (row) => formatTime(row.startNs, 1e3)),
  textColumn(say("col.thread"), say("col.thread.hint"), threadWords),
  numberColumn(say("turns.lag"), say("turns.lag.hint"), (row) => row.lagNs, formatNs),
  numberColumn(say("turns.work"), say("turns.work.hint"), (row) => row.workNs, formatNs),
  numberColumn(say("phase.blocked"), say("turns.blocked.hint"), (row) => row.blockedNs, formatNs),
  numberColumn(say("phase.runnable"), say("turns.runnable.hint"), (row) => row.runnableNs, formatNs),
  numberColumn(say("turns.events"), say("turns.eventsof.hint"), (row) => row.events, formatCount),
  numberColumn(say("col.calls"), say("turns.callsof.hint"), (row) => row.calls, formatCount),
  textColumn(say("turns.cause"), say("turns.cause.hint"), causeWords),
];

/** Loops that are drawn: those with the most turns. */
const CHARTS = 8;

/** @param {string} words @param {HTMLElement} drawn @returns {HTMLElement} */
function chart(words, drawn) {
  return el("figure", "busy-chart", el("figcaption", "faint", words), drawn);
}

export class TurnsView {
  constructor() {
    this.wantsReport = true;
    /** @type {Context | null} */
    this.context = null;
    this.root = el("div", "turns");
    this.loops = new Table(say("turns.loops"), LOOPS, { column: 1, down: true }, (row) => this.goTo(row, null));
    this.turns = new Table(say("turns.longest"), TURNS, { column: 2, down: true }, (row) => this.goTo(row, row));
    this.drawn = "";
  }

  /** @param {Context} context */
  show(context) {
    this.context = context;
    const { reported, palette, go, lanes } = context;
    const looks = JSON.stringify([reported, palette.background, lanes.length]);
    if (looks === this.drawn) return;
    this.drawn = looks;
    const report = reported?.report;
    if (!report) {
      this.root.replaceChildren(el("p", "lack", lackWords(reported) ?? ""));
      return;
    }
    this.loops.show(report.loops);
    this.turns.show(report.turns);
    const broken = [
      report.turnsBroken > 0 ? say("turns.broken", { count: formatCount(report.turnsBroken) }) : "",
      report.turnsNotListed > 0 ? say("turns.unlisted", { count: formatCount(report.turnsNotListed) }) : "",
    ].filter(Boolean).join("; ");
    const charts = report.loops.slice(0, CHARTS).map((loop) => {
      const goTo = (/** @type {Range} */ range) => go.range(range, laneOf(lanes, loop.pid, loop.tid, range.fromNs));
      const thread = threadWords(loop);
      const lags = loop.lagOverTime;
      return el("div", "loop-charts",
        chart(say("turns.chart", { thread, time: formatNs(loop.overTime.bucketNs) }), drawBusy(loop.overTime, palette, goTo)),
        lags ? chart(say("turns.lags", { thread, time: formatNs(lags.bucketNs) }), drawLags(lags, palette, goTo)) : el("p", "faint", say("turns.nolags", { thread })));
    });
    replaceCharts(this.root, [
      part(say("turns.loops"), `${scopeWords(report)}${broken ? `; ${broken}` : ""}`, ...(report.loops.length > 0 ? [this.loops.root, ...charts] : [el("p", "", say("turns.none"))])),
      ...(report.turns.length > 0 ? [part(say("turns.longest"), say("turns.longest.says"), this.turns.root)] : []),
    ]);
  }

  /** @param {{ pid: number, tid: number }} thread @param {Turn | null} turn */
  goTo(thread, turn) {
    const { go, lanes, range } = /** @type {Context} */ (this.context);
    const there = turn ? { fromNs: turn.startNs, toNs: turn.startNs + turn.workNs + turn.waitNs } : range;
    go.range(there, laneOf(lanes, thread.pid, thread.tid, there.fromNs));
  }
}
