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
import { laneButton } from "./panel.js";
import { formatBytes, formatCount, formatNs } from "./format.js";
import { askFound } from "./questions.js";
import { lackWords, part, scopeWords } from "./report-frame.js";
import { kindWords } from "./said-words.js";
import { numberColumn, Table, textColumn } from "./table.js";
import { say } from "./words.js";

/** How long data lay unread on average; null if that is known of no receive. @param {DescriptorRow} row @returns {number | null} */
export function meanDelayNs(row) {
  return row.delays > 0 ? row.delayNs / row.delays : null;
}

/** @type {Column<DescriptorRow>[]} */
const COLUMNS = [
  textColumn(say("conn.col"), say("conn.col.hint"), (row) => row.name || say("conn.noname", { kind: kindWords(row.kind) })),
  textColumn(say("conn.kind"), say("conn.kind.hint"), (row) => kindWords(row.kind)),
  numberColumn("fd", say("conn.fd.hint"), (row) => row.fd, String),
  numberColumn(say("col.calls"), say("conn.calls.hint"), (row) => row.calls, formatCount),
  numberColumn(say("conn.waits"), say("conn.waits.hint"), (row) => row.waits, formatCount),
  numberColumn(say("conn.again"), say("conn.again.hint"), (row) => row.again, formatCount),
  numberColumn(say("col.received"), say("col.bytes.hint"), (row) => row.receivedBytes, formatBytes),
  numberColumn(say("col.sent"), say("col.bytes.hint"), (row) => row.sentBytes, formatBytes),
  numberColumn(say("phase.blocked"), say("conn.blocked.hint"), (row) => row.blockedNs, formatNs),
  numberColumn(say("phase.runnable"), say("conn.runnable.hint"), (row) => row.runnableNs, formatNs),
  numberColumn(say("phase.copying"), say("conn.copying.hint"), (row) => row.copyingNs, formatNs),
  numberColumn(say("conn.delay"), say("conn.delay.hint"), meanDelayNs, formatNs),
  numberColumn(say("conn.longest"), say("conn.longest.hint"), (row) => (row.delays > 0 ? row.delayMaxNs : null), formatNs),
  numberColumn(say("conn.requests"), say("conn.requests.hint"), (row) => row.requests, formatCount),
];

export class ConnectionsView {
  constructor() {
    this.wantsReport = true;
    /** @type {Context | null} */
    this.context = null;
    /** @type {Column<DescriptorRow>} */
    const lane = {
      name: say("strip.lane.col"), hint: say("strip.lane.show"), right: false, text: () => "",
      value: ({ id }) => (this.context?.connections.includes(id) ? 1 : 0),
      draw: ({ id }) => laneButton(this.context?.connections.includes(id) === true, () => this.context?.go.connection(id)),
    };
    this.table = new Table(say("conn.table"), [...COLUMNS, lane], { column: 3, down: true }, (row) => void this.open(row));
    this.field = /** @type {HTMLInputElement} */ (el("input", ""));
    this.field.type = "search";
    this.field.placeholder = say("conn.filter");
    this.field.setAttribute("aria-label", say("conn.filter.label"));
    this.field.addEventListener("input", () => this.table.filter(this.field.value));
    this.about = el("p", "faint");
    this.delay = el("p", "");
    this.body = el("div", "", this.delay, this.field, this.table.root);
    this.root = el("div", "connections", part(say("tab.connections"), "", this.about, this.body));
    this.drawn = "";
    /** The connection whose row is to be shown when there are rows. @type {number | null} */
    this.sought = null;
  }

  /** @param {Context} context */
  show(context) {
    this.context = context;
    const { reported } = context;
    const looks = JSON.stringify([reported, context.connections]);
    if (looks === this.drawn) return;
    this.drawn = looks;
    const report = reported?.report;
    this.body.hidden = !report;
    if (!report) {
      this.about.textContent = lackWords(reported);
      return;
    }
    const more = report.callsNotListed > 0 ? `; ${say("conn.unlisted", { count: formatCount(report.callsNotListed) })}` : "";
    this.about.textContent = `${scopeWords(report)}${more}`;
    const { delay } = report;
    this.delay.textContent = delay
      ? say("conn.delays", { p50: formatNs(delay.p50Ns), p99: formatNs(delay.p99Ns), max: formatNs(delay.maxNs), count: formatCount(delay.count) })
      : say("conn.nodelays");
    this.table.show(report.descriptors);
    if (this.sought !== null) this.seek(this.sought);
  }

  /** Shows the row of a connection, and of those alone that have its name. @param {number} id */
  seek(id) {
    const report = this.context?.reported?.report;
    this.sought = report ? null : id;
    this.field.value = report?.descriptors.find((one) => one.id === id)?.name ?? "";
    this.table.filter(this.field.value);
    this.table.focus((one) => one.id === id);
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
