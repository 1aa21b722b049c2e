/**
 * Two recordings side by side: what changed and is more than noise first, in words; then every group and every number.
 *
 * The numbers and what is said of them are those of `waitscope diff`. Must never tell a change by colour alone.
 *
 * @import { Diff, Group, Num, Row, Side } from "./compare.js"
 * @import { Column } from "./table.js"
 * @import { Context } from "./views.js"
 */

import { changesOf, changeText, growthOf, judgementText, numberOf, numberWords, rowsOf, valueText, weightOf } from "./compare.js";
import { el } from "./dom.js";
import { shellWord } from "./export.js";
import { formatCount, formatNs } from "./format.js";
import { phasePair, plainPair } from "./pair-bars.js";
import { BLOCKED, COPYING, KERNEL, PHASE_COUNT, RUNNABLE } from "./phases.js";
import { lackWords, part } from "./report-frame.js";
import { damageWords, groupWords } from "./said-words.js";
import { numberColumn, Table, textColumn } from "./table.js";
import { say } from "./words.js";

/** What a recording may be called that there is not yet. */
const LATER = "after.waitscope";
/** Changes told in words, the largest. */
const CHANGES = 12;

/** The kinds of groups, what each is measured by first of all, and in words. */
const KINDS = [
  { of: "call", main: "duration_ns", title: say("compare.calls"), says: say("compare.calls.says") },
  { of: "connection", main: "duration_ns", title: say("compare.connections"), says: say("compare.connections.says") },
  { of: "ready_delay", main: "ready_delay_ns", title: say("compare.delays"), says: say("compare.delays.says") },
  { of: "turn", main: "lag_ns", title: say("compare.turns"), says: say("compare.turns.says") },
];

/** Those of calls and of threads are names. @param {Group} group @returns {string} */
const nameOf = ({ of, name }) => (of === "connection" || of === "ready_delay" ? groupWords(name) : name);

/** @param {string} of @returns {string} */
const kindTitle = (of) => KINDS.find((kind) => kind.of === of)?.title ?? of;

export class CompareView {
  constructor() {
    this.wantsReport = false;
    this.wantsDiff = true;
    /** @type {Context | null} */
    this.context = null;
    this.root = el("div", "compare");
    this.tables = KINDS.map(({ of, main, title }) => {
      const open = of === "call" ? (/** @type {Group} */ group) => this.open(group) : null;
      return { of, table: new Table(title, this.groupColumns(main, of), { column: 1, down: true }, open) };
    });
    this.all = new Table(say("compare.all"), this.numberColumns(), { column: 7, down: true }, null);
    this.field = /** @type {HTMLInputElement} */ (el("input", ""));
    this.field.type = "search";
    this.field.placeholder = say("conn.filter");
    this.field.setAttribute("aria-label", say("compare.filter"));
    this.field.addEventListener("input", () => this.all.filter(this.field.value));
    this.drawn = "";
  }

  /** @param {string} main @param {string} of @returns {Column<Group>[]} */
  groupColumns(main, of) {
    const number = (/** @type {Group} */ group) => numberOf(group, main) ?? { name: main, a: null, b: null, changed: null };
    return [
      textColumn(say("compare.group"), say(of === "call" ? "compare.call.hint" : "compare.group.hint"), nameOf),
      numberColumn(say("compare.count.a"), say("compare.count.hint"), (group) => group.aCount, formatCount),
      numberColumn(say("compare.count.b"), say("compare.count.hint"), (group) => group.bCount, formatCount),
      numberColumn(`${numberWords(main)} A`, say("compare.mean.hint"), (group) => number(group).a, formatNs),
      numberColumn(`${numberWords(main)} B`, say("compare.mean.hint"), (group) => number(group).b, formatNs),
      { ...textColumn(say("compare.bars"), say(of === "call" || of === "connection" ? "compare.phases.hint" : "compare.bars.hint"), () => ""), value: (group) => number(group).b, draw: (group) => this.bars(group, number(group)) },
      changeColumn(number),
      judgementColumn(number),
      numberColumn(say("compare.changed"), say("compare.changed.hint"), (group) => group.numbers.filter(({ changed }) => changed === true).length, formatCount),
    ];
  }

  /** @returns {Column<Row>[]} */
  numberColumns() {
    return [
      textColumn(say("compare.kind"), say("compare.kind.hint"), ({ group }) => kindTitle(group.of)),
      textColumn(say("compare.group"), say("compare.group.hint"), ({ group }) => nameOf(group)),
      textColumn(say("compare.number"), say("compare.number.hint"), ({ number }) => numberWords(number.name)),
      { ...numberColumn("A", say("compare.a.hint"), (/** @type {Row} */ { number }) => number.a, String), text: ({ number }) => valueText(number.name, number.a) },
      { ...numberColumn("B", say("compare.b.hint"), (/** @type {Row} */ { number }) => number.b, String), text: ({ number }) => valueText(number.name, number.b) },
      { ...textColumn(say("compare.bars"), say("compare.bars.hint"), () => ""), draw: ({ number }) => plainPair(number.a, number.b) },
      changeColumn(({ number }) => number),
      judgementColumn(({ number }) => number),
    ];
  }

  /** @param {Group} group @param {Num} main @returns {HTMLElement} */
  bars(group, main) {
    const palette = this.context?.palette;
    if (!palette || (group.of !== "call" && group.of !== "connection")) return plainPair(main.a, main.b);
    return phasePair(palette, [phasesOf(group, "a"), phasesOf(group, "b")]);
  }

  /** @param {Context} context */
  show(context) {
    this.context = context;
    const { compared, palette, trace } = context;
    const looks = JSON.stringify([compared, palette.background, trace?.source, context.state.ended]);
    if (looks === this.drawn) return;
    this.drawn = looks;
    if (compared && !compared.names) {
      this.root.replaceChildren(...noneOf(context));
      return;
    }
    if (compared?.failed != null) {
      this.root.replaceChildren(el("p", "lack", say("compare.failed", { why: damageWords(compared.failed) })));
      return;
    }
    const diff = compared?.diff;
    if (!diff || !compared.names) {
      this.root.replaceChildren(el("p", "lack", lackWords(compared) ?? ""));
      return;
    }
    this.root.replaceChildren(part(say("tab.compare"), say("compare.says"), sidesOf(diff, compared.names)), changesPart(diff), ...this.parts(diff));
  }

  /** @param {Diff} diff @returns {HTMLElement[]} */
  parts(diff) {
    const parts = [];
    for (const { of, table } of this.tables) {
      const groups = diff.groups.filter((group) => group.of === of);
      if (groups.length === 0) continue;
      table.show(groups);
      parts.push(part(kindTitle(of), KINDS.find((kind) => kind.of === of)?.says ?? "", table.root));
    }
    this.all.show(rowsOf(diff));
    return [...parts, part(say("compare.all"), say("compare.all.says"), this.field, this.all.root)];
  }

  /** To the durations of a call in the recording that is shown. @param {Group} group */
  open(group) {
    const { go, names } = /** @type {Context} */ (this.context);
    const nr = names.indexOf(group.name);
    if (nr < 0) return;
    go.filter({ lane: null, nr });
    go.view("latency");
  }
}

/** @template T @param {(row: T) => Num} number @returns {Column<T>} */
function changeColumn(number) {
  return { name: say("compare.change"), hint: say("compare.change.hint"), right: true, text: (row) => changeText(number(row)), value: (row) => growthOf(number(row)) };
}

/** Changes first, by how large they are; then what is noise. @template T @param {(row: T) => Num} number @returns {Column<T>} */
function judgementColumn(number) {
  return {
    name: say("compare.judgement"), hint: say("compare.judgement.hint"), right: false, text: (row) => judgementText(number(row)),
    value: (row) => (number(row).changed === null ? null : number(row).changed ? weightOf(number(row)) : 0),
  };
}

/** The mean of each phase; what is no other phase is of the kernel. @param {Group} group @param {"a" | "b"} side @returns {number[]} */
export function phasesOf(group, side) {
  const mean = (/** @type {string} */ name) => numberOf(group, name)?.[side] ?? 0;
  const amounts = new Array(PHASE_COUNT).fill(0);
  const [blocked, runnable, copying] = [mean("blocked_ns"), mean("runnable_ns"), mean("copying_ns")];
  amounts[BLOCKED] = blocked;
  amounts[RUNNABLE] = runnable;
  amounts[COPYING] = copying;
  amounts[KERNEL] = Math.max(0, mean("duration_ns") - blocked - runnable - copying);
  return amounts;
}

/** The two recordings. @param {Diff} diff @param {[string, string]} names @returns {HTMLElement} */
function sidesOf(diff, names) {
  const facts = (/** @type {Side} */ side) => [
    say("compare.length", { time: formatNs(side.durationNs), count: formatCount(side.calls) }),
    say("compare.where", { host: side.host, kernel: side.kernel, arch: side.arch }),
    new Date(side.startUnixNs / 1e6).toLocaleString(document.documentElement.lang),
  ];
  const warnings = (/** @type {Side} */ side) => [
    side.lost > 0 ? say("report.lost", { count: formatCount(side.lost) }) : "",
    side.cut === null ? "" : say("warning.cut", { what: damageWords(side.cut) }),
    side.notGrouped > 0 ? say("compare.notgrouped", { count: formatCount(side.notGrouped) }) : "",
  ].filter(Boolean);
  const sides = /** @type {const} */ ([["A", names[0], diff.a], ["B", names[1], diff.b]]);
  return el("div", "recordings", ...sides.map(([word, name, side]) => el("div", "recording",
    el("strong", "", `${word} · ${name}`), el("div", "command", side.command), ...facts(side).map((words) => el("div", "faint", words)),
    ...warnings(side).map((words) => el("div", "unknown", `⚠ ${words}`)))));
}

/** @param {Diff} diff @returns {HTMLElement} */
function changesPart(diff) {
  const changes = changesOf(diff);
  const all = rowsOf(diff);
  const unsure = all.filter(({ number }) => number.changed === null).length;
  const about = unsure > 0 ? say("compare.unsureof", { count: formatCount(unsure), all: formatCount(all.length) }) : "";
  if (changes.length === 0) return part(say("compare.what"), about, el("p", "nothing", say("compare.nothing")));
  const items = changes.slice(0, CHANGES).map(({ group, number }) => el("li", "",
    el("span", "severity", `${judgementText(number)} ${changeText(number)}`), " ",
    say("compare.sentence", { kind: kindTitle(group.of), name: nameOf(group), number: numberWords(number.name), a: valueText(number.name, number.a), b: valueText(number.name, number.b) })));
  const more = changes.length > CHANGES ? [el("p", "faint", say("table.more", { count: formatCount(changes.length - CHANGES) }))] : [];
  return part(say("compare.what"), about, el("ul", "findings", ...items), ...more);
}

/** What to type for a second recording. @param {Context} context @returns {HTMLElement[]} */
function noneOf({ trace }) {
  const file = trace?.exports.file ?? null;
  const shown = file === null ? LATER : shellWord(file);
  const steps = trace?.live === true
    ? [say("compare.record"), `waitscope attach ${trace.pid} --record ${shown}`, say("compare.then"), `waitscope open ${shown} --against before.waitscope`]
    : [say("compare.then"), `waitscope open ${shown} --against before.waitscope`];
  const words = steps.map((words, i) => (i % 2 === 0 ? el("p", "", words) : el("code", "command-line", words)));
  return [part(say("compare.none"), say("compare.none.says"), ...words)];
}
