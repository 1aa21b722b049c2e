/**
 * What changed between two recordings, checked and given types: what `waitscope diff --json` says; and how much that is.
 *
 * Pure. Must never call a difference real, or noise, that the server did not judge so.
 */

import { formatBytes, formatCount, formatNs } from "./format.js";
import { list, maybeNumber, number, object, text } from "./messages.js";
import { say } from "./words.js";

/**
 * @typedef {{ pid: number, command: string, host: string, kernel: string, arch: string, startUnixNs: number, durationNs: number,
 *   calls: number, lost: number, cut: string | null, notGrouped: number }} Side
 * @typedef {{ name: string, a: number | null, b: number | null, changed: boolean | null }} Num  `changed` null: too little was seen to say
 * @typedef {{ of: string, name: string, aCount: number, bCount: number, numbers: Num[] }} Group
 * @typedef {{ a: Side, b: Side, groups: Group[] }} Diff
 * @typedef {{ names: [string, string] | null, diff: Diff | null, reading: { readBytes: number, allBytes: number } | null,
 *   failed: string | null }} Compared  without names there is no second recording
 * @typedef {{ group: Group, number: Num }} Row
 */

/** The server has at most two times 512 groups of each of four kinds. */
const MAX_GROUPS = 4096;
const MAX_NUMBERS = 16;

/** @param {unknown} json @returns {Compared} */
export function readCompared(json) {
  const whole = object(json);
  const reading = whole["reading"] ? object(whole["reading"]) : null;
  const diff = whole["diff"] ? object(whole["diff"]) : null;
  const names = Array.isArray(whole["names"]) ? whole["names"] : null;
  return {
    names: names && [text(names[0]), text(names[1])],
    diff: diff && { a: readSide(diff["a"]), b: readSide(diff["b"]), groups: list(diff["groups"], MAX_GROUPS).map(readGroup) },
    reading: reading && { readBytes: number(reading["read_bytes"]), allBytes: number(reading["all_bytes"]) },
    failed: typeof whole["failed"] === "string" ? whole["failed"] : null,
  };
}

/** @param {unknown} json @returns {Side} */
function readSide(json) {
  const side = object(json);
  return {
    pid: number(side["pid"]), command: text(side["command"]), host: text(side["host"]), kernel: text(side["kernel"]), arch: text(side["arch"]),
    startUnixNs: number(side["start_unix_ns"]), durationNs: number(side["duration_ns"]), calls: number(side["calls"]), lost: number(side["lost"]),
    cut: typeof side["cut"] === "string" ? side["cut"] : null, notGrouped: number(side["not_grouped"]),
  };
}

/** @param {unknown} json @returns {Group} */
function readGroup(json) {
  const group = object(json);
  const numbers = list(group["numbers"], MAX_NUMBERS).map((entry) => {
    const one = object(entry);
    const changed = one["changed"];
    return { name: text(one["name"]), a: maybeNumber(one["a"]), b: maybeNumber(one["b"]), changed: typeof changed === "boolean" ? changed : null };
  });
  return { of: text(group["of"]), name: text(group["name"]), aCount: number(group["a_count"]), bCount: number(group["b_count"]), numbers };
}

/** @param {Diff} diff @returns {Row[]} */
export function rowsOf(diff) {
  return diff.groups.flatMap((group) => group.numbers.map((one) => ({ group, number: one })));
}

/** What changed by more than it wavers, the largest change first. @param {Diff} diff @returns {Row[]} */
export function changesOf(diff) {
  const changes = rowsOf(diff).filter((row) => row.number.changed === true);
  return changes.sort((one, other) => weightOf(other.number) - weightOf(one.number));
}

/** How much it changed, whichever way: twice and half are the same. @param {Num} of @returns {number} */
export function weightOf({ a, b }) {
  const [low, high] = [Math.min(a ?? 0, b ?? 0), Math.max(a ?? 0, b ?? 0)];
  return high === low ? 1 : Math.min(high / Math.max(low, Number.MIN_VALUE), Number.MAX_VALUE);
}

/** Above 0 if it grew, below if it shrank; null if it is not known on either side. @param {Num} of @returns {number | null} */
export function growthOf({ a, b }) {
  if (a === null && b === null) return null;
  const weight = Math.log(weightOf({ name: "", a, b, changed: null }));
  return (b ?? 0) >= (a ?? 0) ? weight : -weight;
}

/** How much it changed, in words. @param {Num} of @returns {string} */
export function changeText({ a, b }) {
  if ((a === null && b === null) || (a === 0 && b === 0)) return "–";
  if (b === null || b === 0) return say("compare.gone");
  if (a === null || a === 0) return say("compare.new");
  if (b / a >= 10) return `${formatCount(b / a)}×`;
  const percent = Math.round((b / a - 1) * 100);
  return `${percent > 0 ? "+" : percent < 0 ? "−" : "±"}${Math.abs(percent)} %`;
}

/** What the server says of a change. @param {Num} of @returns {string} */
export function judgementText({ a, b, changed }) {
  if (changed === null) return say("compare.unsure");
  if (!changed) return say("compare.noise");
  return (b ?? 0) >= (a ?? 0) ? say("compare.more") : say("compare.less");
}

/** @param {string} name of a number @param {number | null} value @returns {string} */
export function valueText(name, value) {
  if (value === null) return "–";
  if (name === "per_second") return value < 100 ? value.toFixed(1) : formatCount(value);
  return name.endsWith("_bytes") ? formatBytes(value) : formatNs(value);
}

/** What is measured, by the server's names. */
const WHAT = {
  duration_ns: say("compare.duration"), kernel_ns: say("phase.kernel"), blocked_ns: say("phase.blocked"), runnable_ns: say("phase.runnable"),
  copying_ns: say("phase.copying"), received_bytes: say("col.received"), sent_bytes: say("col.sent"), ready_delay_ns: say("conn.delay"),
  work_ns: say("turns.work"), wait_ns: say("compare.wait"), lag_ns: say("turns.lag"), off_cpu_ns: say("compare.offcpu"),
};

/** What a number is called. @param {string} name @returns {string} */
export function numberWords(name) {
  if (name === "per_second") return say("compare.rate");
  const [, quantile, rest = name] = /^(p50|p99)_(.*)$/.exec(name) ?? [];
  const what = Object.hasOwn(WHAT, rest) ? WHAT[/** @type {keyof typeof WHAT} */ (rest)] : rest.replaceAll("_", " ");
  return quantile ? `${quantile} ${what}` : say("compare.mean", { what });
}

/** The number of that name in a group, or null. @param {Group} group @param {string} name @returns {Num | null} */
export function numberOf(group, name) {
  return group.numbers.find((one) => one.name === name) ?? null;
}
