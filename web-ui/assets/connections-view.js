/**
 * The connections, and whatever else calls were made on: what was moved, waited and delayed on each.
 *
 * The numbers are those of the report, of the whole trace. Must never hide that there are more than it lists.
 *
 * @import { DescriptorRow } from "./report.js"
 * @import { Column } from "./table.js"
 * @import { Context } from "./views.js"
 */

import { el } from "./dom.js";
import { formatBytes, formatCount, formatNs } from "./format.js";
import { askFound } from "./questions.js";
import { lackWords, part, scopeWords } from "./report-frame.js";
import { numberColumn, Table, textColumn } from "./table.js";

/** How long data lay unread on average; null if that is known of no receive. @param {DescriptorRow} row @returns {number | null} */
export function meanDelayNs(row) {
  return row.delays > 0 ? row.delayNs / row.delays : null;
}

/** @type {Column<DescriptorRow>[]} */
const COLUMNS = [
  textColumn("connection", "what a person would call it; leads to the first call on it", (row) => row.name || `(${row.kind}, no name)`),
  textColumn("kind", "what it is", (row) => row.kind),
  numberColumn("fd", "its number in the process", (row) => row.fd, String),
  numberColumn("calls", "calls on it", (row) => row.calls, formatCount),
  numberColumn("waits", "of these, how many slept", (row) => row.waits, formatCount),
  numberColumn("again", "of these, how many found nothing, or no room", (row) => row.again, formatCount),
  numberColumn("received", "bytes", (row) => row.receivedBytes, formatBytes),
  numberColumn("sent", "bytes", (row) => row.sentBytes, formatBytes),
  numberColumn("blocked", "asleep in these calls", (row) => row.blockedNs, formatNs),
  numberColumn("runnable", "wanting the CPU in them", (row) => row.runnableNs, formatNs),
  numberColumn("copying", "copying in them", (row) => row.copyingNs, formatNs),
  numberColumn("ready delay", "how long data lay unread, on average over the receives of which it is known", meanDelayNs, formatNs),
  numberColumn("longest", "the longest ready delay", (row) => (row.delays > 0 ? row.delayMaxNs : null), formatNs),
];

export class ConnectionsView {
  constructor() {
    this.wantsReport = true;
    /** @type {Context | null} */
    this.context = null;
    this.table = new Table("Connections and other descriptors", COLUMNS, { column: 3, down: true }, (row) => void this.open(row));
    this.field = /** @type {HTMLInputElement} */ (el("input", ""));
    this.field.type = "search";
    this.field.placeholder = "only those with…";
    this.field.setAttribute("aria-label", "Only connections with this text");
    this.field.addEventListener("input", () => this.table.filter(this.field.value));
    this.about = el("p", "faint");
    this.delay = el("p", "");
    this.body = el("div", "", this.delay, this.field, this.table.root);
    this.root = el("div", "connections", part("Connections", "", this.about, this.body));
    this.drawn = "";
  }

  /** @param {Context} context */
  show(context) {
    this.context = context;
    const { reported } = context;
    const looks = JSON.stringify(reported);
    if (looks === this.drawn) return;
    this.drawn = looks;
    const report = reported?.report;
    this.body.hidden = !report;
    if (!report) {
      this.about.textContent = lackWords(reported);
      return;
    }
    const more = report.callsNotListed > 0 ? `; ${formatCount(report.callsNotListed)} calls were made on yet more, which are not listed` : "";
    this.about.textContent = `of ${scopeWords(report)}${more}`;
    const { delay } = report;
    this.delay.textContent = delay
      ? `Data lay unread p50 ${formatNs(delay.p50Ns)}, p99 ${formatNs(delay.p99Ns)}, at most ${formatNs(delay.maxNs)} (${formatCount(delay.count)} receives).`
      : "How long data lay unread is not known of any receive.";
    this.table.show(report.descriptors);
  }

  /** To the first call on it. @param {DescriptorRow} row */
  async open(row) {
    const { go, range } = /** @type {Context} */ (this.context);
    try {
      const from = await askFound("next", { descriptor: row.id, atNs: range.fromNs });
      const found = from ?? (await askFound("previous", { descriptor: row.id, atNs: range.fromNs }));
      if (found) go.call(found.lane, found.startNs);
    } catch (error) {
      console.warn("look for a call on a descriptor:", error);
    }
  }
}
