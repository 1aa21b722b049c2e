/**
 * What all views of the report share: what to say while there is none, and links from it to the timeline.
 *
 * Must never show a part of a recording as if it were all of it.
 *
 * @import { Lane } from "./messages.js"
 * @import { Report, Reported, Turn } from "./report.js"
 */

import { el } from "./dom.js";
import { formatBytes, formatCount, formatNs, formatShare } from "./format.js";
import { stallWords } from "./report.js";
import { damageWords } from "./said-words.js";
import { say } from "./words.js";

/**
 * The words in place of a report, or of whatever else is made by reading, that is not there; or null.
 * @param {Pick<Reported, "reading" | "failed"> | null} reported
 * @returns {string | null}
 */
export function lackWords(reported) {
  if (!reported) return say("report.asking");
  if (reported.failed !== null) return say("report.failed", { why: damageWords(reported.failed) });
  if (!reported.reading) return null;
  const { readBytes, allBytes } = reported.reading;
  if (allBytes === 0) return say("report.reading");
  return say("report.readingof", { share: formatShare(readBytes / allBytes), bytes: formatBytes(allBytes) });
}

/** What the numbers are of. @param {Report} report @returns {string} */
export function scopeWords(report) {
  const lost = report.lost > 0 ? `; ${say("report.lost", { count: formatCount(report.lost) })}` : "";
  return say(report.ended ? "report.scope" : "report.scopesofar", { time: formatNs(report.durationNs), count: formatCount(report.calls) }) + lost;
}

/**
 * A heading with what it is about.
 * @param {string} title
 * @param {string} about
 * @param {...(Node | string)} rest
 * @returns {HTMLElement}
 */
export function part(title, about, ...rest) {
  return el("section", "part", el("h2", "", title), ...(about ? [el("p", "faint", about)] : []), ...rest);
}

/** @param {string} words @param {string} hint @param {() => void} act @returns {HTMLElement} */
export function link(words, hint, act) {
  const made = el("button", "link", words);
  made.setAttribute("type", "button");
  made.title = hint;
  made.addEventListener("click", act);
  return made;
}

/**
 * The lane of a thread at a time: a number may be used again by a later thread.
 * @param {readonly Lane[]} lanes
 * @param {number} pid
 * @param {number} tid
 * @param {number} atNs
 * @returns {number | null}
 */
export function laneOf(lanes, pid, tid, atNs) {
  const own = lanes.filter((lane) => lane.pid === pid && lane.tid === tid);
  const then = own.find((lane) => (lane.beganNs ?? 0) <= atNs && atNs <= (lane.endedNs ?? Infinity));
  return (then ?? own.at(-1))?.lane ?? null;
}

/** @param {{ name: string, tid: number }} thread @returns {string} */
export function threadWords({ name, tid }) {
  return `${name || say("thread.none")} ${tid}`;
}

/** What took longest in a turn, and whether all of it is known. @param {Turn} turn @returns {string} */
export function causeWords(turn) {
  const more = [turn.ended ? "" : say("turn.underway"), turn.loss ? say("turn.lost") : ""];
  return [stallWords(turn, formatNs), ...more].filter((words) => words !== "").join(", ");
}
