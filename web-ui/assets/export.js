/**
 * Exports of the trace, as they are asked for: the formats, the address to get one at, and the command that writes the same.
 *
 * Pure. Must never ask for another range than it says, and never let a file's name be more than one word of a command.
 *
 * @import { Range } from "./view-state.js"
 */

/** As the command line calls them, in the order of the menu. */
export const FORMATS = /** @type {const} */ (["perfetto", "chrome", "json", "ndjson", "csv", "parquet"]);

/** @typedef {(typeof FORMATS)[number]} Format */

/**
 * A range of whole nanoseconds that is not empty.
 * @param {Range} range
 * @returns {Range}
 */
export function wholeNs({ fromNs, toNs }) {
  const from = Math.max(0, Math.round(fromNs));
  return { fromNs: from, toNs: Math.max(from + 1, Math.round(toNs)) };
}

/**
 * @param {Format} format
 * @param {Range | null} range null for all of it
 * @returns {string}
 */
export function exportAddress(format, range) {
  const whole = range && wholeNs(range);
  return `/api/export?format=${format}${whole ? `&from_ns=${whole.fromNs}&to_ns=${whole.toNs}` : ""}`;
}

/**
 * What to type for the same.
 * @param {string} file
 * @param {Format} format
 * @param {Range | null} range
 * @returns {string}
 */
export function exportCommand(file, format, range) {
  const whole = range && wholeNs(range);
  const span = whole ? ` --from ${whole.fromNs}ns --to ${whole.toNs}ns` : "";
  return `waitscope export ${shellWord(file)} --format ${format}${span}${format === "parquet" ? " -o calls.parquet" : ""}`;
}

/** Quoted, if a shell would make anything else of it than this one word. @param {string} text @returns {string} */
export function shellWord(text) {
  if (/^[\w./:=@%+][\w./:=@%+-]*$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
