/**
 * The menu of exports: a dialog in which a format and a range are chosen, with the way to a file and to a link.
 *
 * Must never begin a download that the server would refuse without saying so, and never put the secret into a link.
 *
 * @import { Format } from "./export.js"
 * @import { State, Trace } from "./messages.js"
 * @import { Range } from "./view-state.js"
 */

import { byId, el, setText } from "./dom.js";
import { exportAddress, exportCommand, FORMATS } from "./export.js";
import { formatNs, formatTime } from "./format.js";
import { statusOf } from "./server.js";
import { say } from "./words.js";

/**
 * @typedef {"whole" | "selected" | "window"} Which
 * @typedef {{ trace: Trace | null, state: State | null, selection: Range | null, window: Range, link: string }} Shown
 */

/** @type {Readonly<Record<Format, string>>} */
const ABOUT = {
  perfetto: say("export.perfetto"), chrome: say("export.chrome"), json: say("export.json"), ndjson: say("export.ndjson"),
  csv: say("export.csv"), parquet: say("export.parquet"),
};

export class ExportMenu {
  /** @param {() => Shown} shown what the page shows when the menu is opened */
  constructor(shown) {
    this.shown = shown;
    this.dialog = byId("export", HTMLDialogElement);
    this.body = byId("export-body", HTMLElement);
    this.lack = byId("export-lack", HTMLElement);
    this.ranges = byId("export-ranges", HTMLElement);
    this.command = byId("export-command", HTMLElement);
    this.typed = byId("export-typed", HTMLElement);
    this.about = byId("export-about", HTMLElement);
    this.said = byId("export-said", HTMLElement);
    this.link = byId("export-link", HTMLInputElement);
    /** @type {Format} */
    this.format = "perfetto";
    /** @type {Which} */
    this.which = "whole";
    /** @type {Map<Which, Range | null>} what can be chosen now */
    this.choices = new Map();
    byId("export-formats", HTMLElement).append(...FORMATS.map((format) => choice("export-format", format, ABOUT[format], format === this.format,
      () => { this.format = format; this.tell(); })));
    byId("export-open", HTMLButtonElement).addEventListener("click", () => this.open());
    byId("export-save", HTMLButtonElement).addEventListener("click", () => void this.save());
    byId("export-copy", HTMLButtonElement).addEventListener("click", () => void this.copy());
    byId("export-close", HTMLButtonElement).addEventListener("click", () => this.dialog.close());
  }

  open() {
    const { trace, state, selection, window, link } = this.shown();
    const nowNs = state?.nowNs ?? 0;
    const seen = { fromNs: Math.max(0, window.fromNs), toNs: Math.min(window.toNs, nowNs + 1) };
    this.choices = new Map([["whole", null]]);
    if (selection) this.choices.set("selected", selection);
    if (seen.toNs > seen.fromNs) this.choices.set("window", seen);
    this.which = selection ? "selected" : "whole";
    this.ranges.replaceChildren(...[...this.choices].map(([which, range]) => choice("export-range", which, rangeWords(which, range, nowNs), which === this.which,
      () => { this.which = which; this.tell(); })));
    const lack = trace ? "" : say("empty.connecting.says");
    setText(this.lack, lack);
    this.lack.hidden = lack === "";
    this.body.hidden = lack !== "";
    // What is in no file has no command.
    this.typed.hidden = trace?.exports.file == null;
    this.link.value = link;
    setText(this.said, "");
    this.tell();
    this.dialog.showModal();
  }

  range() {
    return this.choices.get(this.which) ?? null;
  }

  /** What the chosen one is. */
  tell() {
    const { trace, state } = this.shown();
    setText(this.command, trace?.exports.file == null ? "" : exportCommand(trace.exports.file, this.format, this.range()));
    const grows = trace?.exports.grows === true && state?.ended !== true ? say("export.grows") : "";
    setText(this.about, [this.range() ? say("export.holds") : "", grows, ...heldWords(trace, state)].filter(Boolean).join(" "));
  }

  async save() {
    const address = exportAddress(this.format, this.range());
    setText(this.said, say("export.asking"));
    const status = await statusOf(address);
    if (status !== 200) {
      setText(this.said, refusalWords(status));
      return;
    }
    const link = document.createElement("a");
    link.href = address;
    // The server says what it is called.
    link.download = "";
    link.click();
    setText(this.said, say("export.begun"));
  }

  async copy() {
    this.link.select();
    try {
      await navigator.clipboard.writeText(this.link.value);
      setText(this.said, say("export.copied"));
    } catch (error) {
      console.info("copy the link:", error);
      setText(this.said, say("export.notcopied"));
    }
  }
}

/** @param {string} group @param {string} value @param {string} words @param {boolean} chosen @param {() => void} choose @returns {HTMLElement} */
function choice(group, value, words, chosen, choose) {
  const input = document.createElement("input");
  input.type = "radio";
  input.name = group;
  input.value = value;
  input.checked = chosen;
  input.addEventListener("change", choose);
  return el("label", "", input, el("span", "", words));
}

/** @param {Which} which @param {Range | null} range @param {number} nowNs @returns {string} */
function rangeWords(which, range, nowNs) {
  if (!range) return say("export.whole", { time: formatNs(nowNs) });
  const places = { time: formatNs(range.toNs - range.fromNs), from: formatTime(range.fromNs, (range.toNs - range.fromNs) / 100) };
  return which === "selected" ? say("export.selected", places) : say("export.window", places);
}

/** Of a trace that is in no one file: that what is in memory is exported, since when that is, and why. @param {Trace | null} trace @param {State | null} state @returns {string[]} */
function heldWords(trace, state) {
  if (!trace || trace.exports.file !== null) return [];
  const { pid, exports: { whyNot } } = trace;
  const why = whyNot === "rotated" ? say("export.rotated") : whyNot === "flown" ? say("export.flown") : say("export.unrecorded", { pid });
  const heldNs = state?.heldNs ?? 0;
  return [heldNs > 0 ? say("export.held.from", { from: formatTime(heldNs, 1e6) }) : say("export.held"), why];
}

/** @param {number} status 0 without an answer @returns {string} */
function refusalWords(status) {
  if (status === 429) return say("export.busy");
  if (status === 409) return say("export.gone");
  return status === 0 ? say("export.noanswer") : say("export.refused", { status });
}
