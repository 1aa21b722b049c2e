/**
 * The event loops: how busy they are, how late they notice what came, and their longest turns with what stalled them.
 *
 * The numbers are those of the report, of the whole trace. Must never tell the lag of a loop that shares its epoll:
 * other threads may notice what it is late for.
 *
 * @import { Loop, Turn } from "./report.js"
 * @import { Column } from "./table.js"
 * @import { Context } from "./views.js"
 */

import { drawBusy } from "./busy-chart.js";
import { el } from "./dom.js";
import { formatBytes, formatCount, formatNs, formatShare, formatTime } from "./format.js";
import { lackWords, laneOf, part, scopeWords, threadWords } from "./report-frame.js";
import { stallWords } from "./report.js";
import { numberColumn, Table, textColumn } from "./table.js";

/** @type {Column<Loop>[]} */
const LOOPS = [
  textColumn("event loop", "its thread; leads to its lane", threadWords),
  numberColumn("turns", "how many ended", (row) => row.turns, formatCount),
  numberColumn("busy", "work, of work and waits", (row) => (row.workNs + row.waitNs > 0 ? row.workNs / (row.workNs + row.waitNs) : null), formatShare),
  numberColumn("events", "descriptors found ready, per turn", (row) => row.events / Math.max(1, row.turns), (value) => value.toFixed(1)),
  numberColumn("ready", "turns that ended with events that were there before it asked", (row) => row.readyBefore / Math.max(1, row.turns), formatShare),
  numberColumn("calls", "calls made in its work, per turn", (row) => row.calls / Math.max(1, row.turns), (value) => value.toFixed(1)),
  numberColumn("received", "bytes", (row) => row.receivedBytes, formatBytes),
  numberColumn("sent", "bytes", (row) => row.sentBytes, formatBytes),
  numberColumn("work p50", "half of the turns had no more work", (row) => row.workP50Ns, formatNs),
  numberColumn("p99", "99 of 100 had no more", (row) => row.workP99Ns, formatNs),
  numberColumn("max", "none had more", (row) => row.workMaxNs, formatNs),
  numberColumn("lag p50", "the longest time in a turn without a look at what is ready; – if others wait on the same epoll", (row) => row.lagP50Ns, formatNs),
  numberColumn("p99", "of the lag", (row) => row.lagP99Ns, formatNs),
  numberColumn("max", "of the lag", (row) => row.lagMaxNs, formatNs),
];

/** @type {Column<Turn>[]} */
const TURNS = [
  textColumn("turn at", "when it began; leads there", (row) => formatTime(row.startNs, 1e3)),
  textColumn("thread", "whose", threadWords),
  numberColumn("lag", "the longest time in it without a look at what is ready", (row) => row.lagNs, formatNs),
  numberColumn("work", "from the return of its readiness call to the next wait", (row) => row.workNs, formatNs),
  numberColumn("blocked", "asleep in its work", (row) => row.blockedNs, formatNs),
  numberColumn("runnable", "wanting the CPU in its work", (row) => row.runnableNs, formatNs),
  numberColumn("events", "descriptors found ready", (row) => row.events, formatCount),
  numberColumn("calls", "made in its work", (row) => row.calls, formatCount),
  textColumn("what took longest", "what the thread was off the CPU in for longest, or that it worked", (row) => `${stallWords(row, formatNs)}${row.ended ? "" : ", under way"}${row.loss ? ", records lost" : ""}`),
];

export class TurnsView {
  constructor() {
    this.wantsReport = true;
    /** @type {Context | null} */
    this.context = null;
    this.root = el("div", "turns");
    this.loops = new Table("Event loops", LOOPS, { column: 1, down: true }, (row) => this.goTo(row, null));
    this.turns = new Table("Longest turns", TURNS, { column: 2, down: true }, (row) => this.goTo(row, row));
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
      report.turnsBroken > 0 ? `${formatCount(report.turnsBroken)} turns with lost records are in no sum` : "",
      report.turnsNotListed > 0 ? `${formatCount(report.turnsNotListed)} turns of yet more threads are not listed` : "",
    ].filter(Boolean).join("; ");
    const charts = report.loops.slice(0, 8).map((loop) => el("figure", "busy-chart",
      el("figcaption", "faint", `${threadWords(loop)}: busy over time, a bar each ${formatNs(loop.overTime.bucketNs)}; click one to select it`),
      drawBusy(loop.overTime, palette, (range) => go.range(range, laneOf(lanes, loop.pid, loop.tid, range.fromNs)))));
    const none = "No thread has an event loop: none has eight turns that more than one descriptor could have ended.";
    this.root.replaceChildren(
      part("Event loops", `of ${scopeWords(report)}${broken ? `; ${broken}` : ""}`, ...(report.loops.length > 0 ? [this.loops.root, ...charts] : [el("p", "", none)])),
      ...(report.turns.length > 0 ? [part("Longest turns", "those with the most lag", this.turns.root)] : []),
    );
  }

  /** @param {{ pid: number, tid: number }} thread @param {Turn | null} turn */
  goTo(thread, turn) {
    const { go, lanes, range } = /** @type {Context} */ (this.context);
    const there = turn ? { fromNs: turn.startNs, toNs: turn.startNs + turn.workNs + turn.waitNs } : range;
    go.range(there, laneOf(lanes, thread.pid, thread.tid, there.fromNs));
  }
}
