/**
 * The summary: what costs the target time, where its threads' time went, and the longest waits with their cause.
 *
 * The numbers are those of the report, of the whole trace; each place in it leads to the timeline.
 *
 * @import { CallRow, Finding, Report, ThreadRow, Wait } from "./report.js"
 * @import { Column } from "./table.js"
 * @import { Context } from "./views.js"
 */

import { el } from "./dom.js";
import { formatCount, formatExactNs, formatNs, formatShare, formatTime } from "./format.js";
import { BLOCKED, COPYING, KERNEL, OTHER, RUNNABLE, USER } from "./phases.js";
import { lackWords, laneOf, link, part, scopeWords, threadWords } from "./report-frame.js";
import { stallWords } from "./report.js";
import { bar } from "./swatch.js";
import { numberColumn, Table, textColumn } from "./table.js";

/** Threads with a bar; the others are in the table of `report --json`. */
const THREADS = 100;
const BAR_PX = 320;
const SIGNS = { severe: "‼", notable: "!", hint: "·" };

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

/** @param {string} name @param {number} phase @returns {Column<CallRow>} */
const phaseColumn = (name, phase) => numberColumn(name, `all time of these calls ${name}`, (row) => row.phases[phase] ?? 0, formatNs);

/** @type {Column<CallRow>[]} */
const CALLS = [
  textColumn("call", "its name; leads to its durations", (row) => row.call),
  numberColumn("count", "how many", (row) => row.count, formatCount),
  numberColumn("total", "from entry to exit, all together", (row) => row.totalNs, formatNs),
  phaseColumn("kernel", KERNEL), phaseColumn("blocked", BLOCKED), phaseColumn("runnable", RUNNABLE), phaseColumn("copying", COPYING),
  numberColumn("p50", "half of them took no longer", (row) => row.p50Ns, formatNs),
  numberColumn("p99", "99 of 100 took no longer", (row) => row.p99Ns, formatNs),
  numberColumn("max", "none took longer", (row) => row.maxNs, formatNs),
  textColumn("errors", "how many failed, by error", (row) => row.errors.map(([name, count]) => `${formatCount(count)} ${name}`).join(", ")),
];

export class SummaryView {
  constructor() {
    this.root = el("div", "summary");
    this.wantsReport = true;
    /** @type {Context | null} */
    this.context = null;
    this.calls = new Table("Where the time of calls went", CALLS, { column: 2, down: true }, (row) => this.showCalls(row));
    this.drawn = "";
  }

  /** @param {Context} context */
  show(context) {
    this.context = context;
    const { reported, palette, lanes } = context;
    const report = reported?.report;
    // The report is made anew only if it says something else: what has the focus keeps it.
    const looks = JSON.stringify([reported, palette.background, lanes.length]);
    if (looks === this.drawn) return;
    this.drawn = looks;
    if (!report) {
      this.root.replaceChildren(el("p", "lack", lackWords(reported) ?? ""));
      return;
    }
    this.calls.show(report.byCall);
    this.root.replaceChildren(
      part("Findings", `of ${scopeWords(report)}`, this.findings(report)),
      part("Threads", "where each one's time went, the one with most calls first", this.threads(report)),
      part("Longest waits", "the calls that were off the CPU longest, and what ended it", this.waits(report)),
      ...(report.turns.length > 0 ? [part("Longest turns", "the turns of event loops with the most time without a look at what is ready", this.turns(report))] : []),
      part("Calls", "by name", this.calls.root),
    );
  }

  /** @param {Report} report */
  findings(report) {
    if (report.findings.length === 0) return el("p", "", "Nothing stands out.");
    return el("ul", "findings", ...report.findings.map((finding) => this.finding(finding)));
  }

  /** @param {Finding} finding */
  finding(finding) {
    const sign = Object.entries(SIGNS).find(([name]) => name === finding.severity)?.[1] ?? "";
    const times = finding.times > 1 ? ` (${formatCount(finding.times)} times; this is the worst)` : "";
    const entry = el("li", "",
      el("span", "severity", `${sign} ${finding.severity}`), el("span", "", `${finding.text}${times}${finding.inferred ? " · inferred" : ""} `),
      link("show", "on the timeline", () => this.goTo(finding.pid, finding.tid, finding.startNs, finding.endNs)));
    entry.dataset["severity"] = finding.severity;
    return entry;
  }

  /** @param {Report} report */
  threads(report) {
    const rows = report.threads.slice(0, THREADS).map((thread) => this.thread(thread));
    const more = report.threads.length + report.threadsMore - THREADS;
    const note = more > 0 ? [el("p", "faint", `${formatCount(more)} more not listed`)] : [];
    return el("div", "threads", ...rows, ...note);
  }

  /** @param {ThreadRow} thread */
  thread(thread) {
    const { palette } = /** @type {Context} */ (this.context);
    const share = busyShare(thread);
    const busy = el("span", "busy", share === null ? "busy: unknown" : `${formatShare(share)} busy`);
    busy.title = share === null
      ? "records were lost, or the trace goes on: what is not known can't be told from time outside calls"
      : "on the CPU, of its life within the trace";
    const names = ["copying", "kernel", "other calls", "user", "runnable", "blocked"];
    const parts = thread.phases.flatMap((ns, phase) => (ns > 0 ? [{ ns, words: names[phase] ?? "" }] : []));
    if (thread.unknownNs > 0) parts.push({ ns: thread.unknownNs, words: "unknown" });
    parts.sort((a, b) => b.ns - a.ns);
    const numbers = parts.map(({ ns, words }) => {
      const one = el("span", "", `${words} `, el("b", "", formatShare(ns / Math.max(1, thread.lifetimeNs))));
      one.title = formatExactNs(ns);
      return one;
    });
    const known = thread.phases.reduce((sum, ns) => sum + ns, 0);
    const width = Math.round((BAR_PX * known) / Math.max(1, thread.lifetimeNs));
    const picture = el("span", "stack", ...(width > 0 ? [bar(palette, thread.phases, width, 14)] : []));
    const name = link(threadWords(thread), "on the timeline", () => this.goTo(thread.pid, thread.tid, 0, thread.lifetimeNs));
    return el("div", "thread",
      el("div", "who", name, el("div", "faint", `${thread.model === "unknown" ? "I/O model unknown" : thread.model} · ${formatCount(thread.calls)} calls`)),
      busy, picture, el("div", "shares", ...numbers));
  }

  /** @param {Report} report */
  waits(report) {
    if (report.waits.length === 0) return el("p", "", "No call was off the CPU.");
    return el("ol", "waits", ...report.waits.map((wait) => this.wait(wait)));
  }

  /** @param {Wait} wait */
  wait(wait) {
    const { lanes, go } = /** @type {Context} */ (this.context);
    const lane = laneOf(lanes, wait.pid, wait.tid, wait.startNs);
    const what = `${wait.call}${wait.fd === null ? "" : ` fd ${wait.fd}`} of thread ${wait.tid} at ${formatTime(wait.startNs, 1e3)}`;
    return el("li", "",
      lane === null ? what : link(what, "this call", () => go.call(lane, wait.startNs)),
      el("span", "", ` blocked ${formatNs(wait.blockedNs)}, runnable ${formatNs(wait.runnableNs)}`),
      el("div", "faint", wait.why || "what ended it is not known"));
  }

  /** @param {Report} report */
  turns(report) {
    return el("ol", "waits", ...report.turns.map((turn) => el("li", "",
      link(`turn of ${formatNs(turn.workNs)} of ${threadWords(turn)} at ${formatTime(turn.startNs, 1e3)}`, "on the timeline",
        () => this.goTo(turn.pid, turn.tid, turn.startNs, turn.startNs + turn.workNs + turn.waitNs)),
      el("div", "faint", `${stallWords(turn, formatNs)}${turn.ended ? "" : ", under way"}${turn.loss ? ", records lost" : ""}`))));
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
