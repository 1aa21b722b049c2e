/**
 * The summary: what costs the target time, where its threads' time went, and the longest waits with their cause.
 *
 * The numbers are those of the report, of the whole trace; each place in it leads to the timeline. Must never add
 * anything up by itself.
 *
 * @import { CallRow, Finding, Report, ThreadRow, Wait } from "./report.js"
 * @import { Column } from "./table.js"
 * @import { Context } from "./views.js"
 */

import { capturesPart } from "./captures.js";
import { el } from "./dom.js";
import { formatCount, formatExactNs, formatNs, formatShare, formatTime } from "./format.js";
import { BLOCKED, COPYING, KERNEL, OTHER, PHASES, RUNNABLE, USER } from "./phases.js";
import { causeWords, lackWords, laneOf, link, part, scopeWords, threadWords } from "./report-frame.js";
import { bar } from "./swatch.js";
import { numberColumn, Table, textColumn } from "./table.js";
import { say } from "./words.js";

/** Threads with a bar; the others are in the table of `report --json`. */
const THREADS = 100;
const BAR_PX = 320;
/** @type {Readonly<Record<string, string>>} */
const SEVERITIES = { severe: `‼ ${say("severity.severe")}`, notable: `! ${say("severity.notable")}`, hint: `· ${say("severity.hint")}` };

/**
 * On the CPU, of its life; null if records were lost, since then its user time is not known.
 * @param {ThreadRow} thread
 * @returns {number | null}
 */
export function busyShare(thread) {
  if (thread.userNs === null || thread.lifetimeNs <= 0) return null;
  const busy = [USER, KERNEL, COPYING, OTHER].reduce((sum, phase) => sum + (thread.phases[phase] ?? 0), 0);
  return busy / thread.lifetimeNs;
}

/** @param {number} phase @returns {Column<CallRow>} */
const phaseColumn = (phase) => {
  const word = PHASES[phase]?.word ?? "";
  return numberColumn(word, say("col.phase.hint", { phase: word }), (row) => row.phases[phase] ?? 0, formatNs);
};

/** @type {Column<CallRow>[]} */
const CALLS = [
  textColumn(say("col.call"), say("col.call.hint"), (row) => row.call),
  numberColumn(say("col.count"), say("col.count.hint"), (row) => row.count, formatCount),
  numberColumn(say("col.total"), say("col.total.hint"), (row) => row.totalNs, formatNs),
  phaseColumn(KERNEL), phaseColumn(BLOCKED), phaseColumn(RUNNABLE), phaseColumn(COPYING),
  numberColumn("p50", say("col.p50.hint"), (row) => row.p50Ns, formatNs),
  numberColumn("p99", say("col.p99.hint"), (row) => row.p99Ns, formatNs),
  numberColumn(say("col.max"), say("col.max.hint"), (row) => row.maxNs, formatNs),
  textColumn(say("col.errors"), say("col.errors.hint"), (row) => row.errors.map(([name, count]) => `${formatCount(count)} ${name}`).join(", ")),
];

export class SummaryView {
  constructor() {
    this.root = el("div", "summary");
    this.wantsReport = true;
    /** @type {Context | null} */
    this.context = null;
    this.calls = new Table(say("summary.calltable"), CALLS, { column: 2, down: true }, (row) => this.showCalls(row));
    this.drawn = "";
  }

  /** @param {Context} context */
  show(context) {
    this.context = context;
    const { reported, palette, lanes, state, go } = context;
    const report = reported?.report;
    // The report is made anew only if it says something else: what has the focus keeps it.
    const looks = JSON.stringify([reported, palette.background, lanes.length, state.captures]);
    if (looks === this.drawn) return;
    this.drawn = looks;
    if (!report) {
      this.root.replaceChildren(el("p", "lack", lackWords(reported) ?? ""));
      return;
    }
    this.calls.show(report.byCall);
    this.root.replaceChildren(
      ...(state.captures ? [capturesPart(state.captures, (range) => go.range(range, null))] : []),
      part(say("summary.findings"), scopeWords(report), this.findings(report)),
      part(say("summary.threads"), say("summary.threads.says"), this.threads(report)),
      part(say("summary.waits"), say("summary.waits.says"), this.waits(report)),
      ...(report.turns.length > 0 ? [part(say("summary.turns"), say("summary.turns.says"), this.turns(report))] : []),
      part(say("summary.calls"), say("summary.calls.says"), this.calls.root),
    );
  }

  /** @param {Report} report */
  findings(report) {
    if (report.findings.length === 0) return el("p", "", say("summary.nothing"));
    return el("ul", "findings", ...report.findings.map((finding) => this.finding(finding)));
  }

  /** @param {Finding} finding */
  finding(finding) {
    // One that this page does not know is told in the server's word.
    const severity = Object.hasOwn(SEVERITIES, finding.severity) ? (SEVERITIES[finding.severity] ?? "") : finding.severity;
    const entry = el("li", "",
      el("span", "severity", severity), el("span", "", `${finding.text} `),
      link(say("summary.show"), say("go.timeline"), () => this.goTo(finding.pid, finding.tid, finding.startNs, finding.endNs)));
    entry.dataset["severity"] = finding.severity;
    return entry;
  }

  /** @param {Report} report */
  threads(report) {
    const rows = report.threads.slice(0, THREADS).map((thread) => this.thread(thread));
    const more = report.threads.length + report.threadsMore - THREADS;
    const note = more > 0 ? [el("p", "faint", say("table.more", { count: formatCount(more) }))] : [];
    return el("div", "threads", ...rows, ...note);
  }

  /** @param {ThreadRow} thread */
  thread(thread) {
    const { palette } = /** @type {Context} */ (this.context);
    const share = busyShare(thread);
    const busy = el("span", "busy", share === null ? say("summary.busyunknown") : say("summary.busy", { share: formatShare(share) }));
    busy.title = share === null ? say("summary.busyunknown.says") : say("summary.busy.says");
    const parts = thread.phases.flatMap((ns, phase) => (ns > 0 ? [{ ns, words: PHASES[phase]?.word ?? "" }] : []));
    if (thread.unknownNs > 0) parts.push({ ns: thread.unknownNs, words: say("phase.unknown") });
    parts.sort((a, b) => b.ns - a.ns);
    const numbers = parts.map(({ ns, words }) => {
      const one = el("span", "", `${words} `, el("b", "", formatShare(ns / Math.max(1, thread.lifetimeNs))));
      one.title = formatExactNs(ns);
      return one;
    });
    const known = thread.phases.reduce((sum, ns) => sum + ns, 0);
    const width = Math.round((BAR_PX * known) / Math.max(1, thread.lifetimeNs));
    const picture = el("span", "stack", ...(width > 0 ? [bar(palette, thread.phases, width, 14)] : []));
    const name = link(threadWords(thread), say("go.timeline"), () => this.goTo(thread.pid, thread.tid, 0, thread.lifetimeNs));
    const model = thread.model === "unknown" ? say("summary.nomodel") : thread.model;
    return el("div", "thread",
      el("div", "who", name, el("div", "faint", say("summary.thread", { model, count: formatCount(thread.calls) }))),
      busy, picture, el("div", "shares", ...numbers));
  }

  /** @param {Report} report */
  waits(report) {
    if (report.waits.length === 0) return el("p", "", say("summary.nowaits"));
    return el("ol", "waits", ...report.waits.map((wait) => this.wait(wait)));
  }

  /** @param {Wait} wait */
  wait(wait) {
    const { lanes, go } = /** @type {Context} */ (this.context);
    const lane = laneOf(lanes, wait.pid, wait.tid, wait.startNs);
    const call = `${wait.call}${wait.fd === null ? "" : ` fd ${wait.fd}`}`;
    const what = say("summary.wait", { call, tid: wait.tid, time: formatTime(wait.startNs, 1e3) });
    return el("li", "",
      lane === null ? what : link(what, say("go.call"), () => go.call(lane, wait.startNs)),
      el("span", "", ` ${say("summary.waited", { blocked: formatNs(wait.blockedNs), runnable: formatNs(wait.runnableNs) })}`),
      el("div", "faint", wait.why || say("summary.nowhy")));
  }

  /** @param {Report} report */
  turns(report) {
    return el("ol", "waits", ...report.turns.map((turn) => el("li", "",
      link(say("summary.turn", { work: formatNs(turn.workNs), thread: threadWords(turn), time: formatTime(turn.startNs, 1e3) }), say("go.timeline"),
        () => this.goTo(turn.pid, turn.tid, turn.startNs, turn.startNs + turn.workNs + turn.waitNs)),
      el("div", "faint", causeWords(turn)))));
  }

  /** @param {CallRow} row */
  showCalls(row) {
    const { names, filter, go } = /** @type {Context} */ (this.context);
    const nr = names.indexOf(row.call);
    go.filter({ ...filter, nr: nr < 0 ? null : nr });
    go.view("latency");
  }

  /** @param {number} pid @param {number} tid @param {number} fromNs @param {number} toNs */
  goTo(pid, tid, fromNs, toNs) {
    const { lanes, go } = /** @type {Context} */ (this.context);
    go.range({ fromNs, toNs: Math.max(toNs, fromNs + 1) }, laneOf(lanes, pid, tid, fromNs));
  }
}
