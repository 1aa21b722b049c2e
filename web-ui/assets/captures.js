/**
 * The captures of a flight recorder: a list of them, each with a way to the moment that caused it, and marks on the overview.
 *
 * Must never tell of a capture that was removed as if it could still be opened, nor of one that is not whole.
 *
 * @import { Capture, Captures } from "./messages.js"
 * @import { Palette } from "./phases.js"
 * @import { Range } from "./view-state.js"
 */

import { el } from "./dom.js";
import { shellWord } from "./export.js";
import { formatBytes, formatCount, formatNs, formatTime } from "./format.js";
import { link, part } from "./report-frame.js";
import { say } from "./words.js";

const MARK_PX = 5;

/** How many there are by now. @param {Captures | null} captures @returns {number} */
export function countOf(captures) {
  return captures ? captures.list.length + captures.more : 0;
}

/** The same in a word or two. @param {Captures} captures @returns {string} */
export function countWords(captures) {
  const count = formatCount(countOf(captures));
  return captures.underWay ? say("captures.andone", { count }) : count;
}

/**
 * The newest first.
 * @param {Captures} captures
 * @param {(range: Range) => void} onRange
 * @returns {HTMLElement}
 */
export function capturesPart(captures, onRange) {
  const { list, more, passedOver, underWay } = captures;
  const rest = [
    underWay ? el("p", "", say("captures.underway", { trigger: underWay.trigger, at: formatTime(underWay.atNs, 1e6) })) : null,
    list.length === 0 && !underWay ? el("p", "", say("captures.none")) : null,
    el("ol", "waits captures", ...[...list].reverse().map((one) => entry(one, onRange))),
    more > 0 ? el("p", "faint", say("table.more", { count: formatCount(more) })) : null,
    passedOver > 0 ? el("p", "faint", say("captures.passed", { count: formatCount(passedOver) })) : null,
  ];
  return part(say("captures.title"), say("captures.says"), ...rest.filter((one) => one !== null));
}

/** @param {Capture} capture @param {(range: Range) => void} onRange @returns {HTMLElement} */
function entry({ trigger, atNs, file, bytes, fromNs, toNs, removed }, onRange) {
  const words = say("captures.one", { trigger, at: formatTime(atNs, 1e6) });
  const holds = say("captures.holds", { time: formatNs(toNs - fromNs), from: formatTime(fromNs, 1e6), bytes: formatBytes(bytes) });
  return el("li", "",
    link(words, say("go.timeline"), () => onRange({ fromNs, toNs: Math.max(toNs, fromNs + 1) })), ` · ${holds}`,
    removed ? el("div", "faint", say("captures.removed", { file })) : el("code", "command-line", `waitscope open ${shellWord(file)}`));
}

/**
 * A triangle at the moment of each trigger, below the times of an axis.
 * @param {CanvasRenderingContext2D} context
 * @param {Captures | null} captures
 * @param {(ns: number) => number} xOf
 * @param {number} bottomPx
 * @param {Palette} palette
 */
export function drawCaptures(context, captures, xOf, bottomPx, palette) {
  if (!captures) return;
  context.fillStyle = palette.text;
  const moments = [...captures.list.map(({ atNs }) => atNs), ...(captures.underWay ? [captures.underWay.atNs] : [])];
  for (const atNs of moments) {
    const x = Math.round(xOf(atNs));
    context.beginPath();
    context.moveTo(x - MARK_PX, bottomPx - MARK_PX * 1.4);
    context.lineTo(x + MARK_PX, bottomPx - MARK_PX * 1.4);
    context.lineTo(x, bottomPx);
    context.fill();
  }
}
