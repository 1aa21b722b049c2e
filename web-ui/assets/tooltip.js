/**
 * What is under the pointer, in short: the call with its phases, the calls too narrow to tell apart, or what a connection did.
 *
 * @import { Piece } from "./band.js"
 * @import { ConnectionStrip } from "./connection-strip.js"
 * @import { View } from "./scale.js"
 * @import { Timeline } from "./timeline.js"
 */

import { openEnd } from "./columns.js";
import { byId, el } from "./dom.js";
import { flagWords } from "./flags.js";
import { formatCount, formatNs } from "./format.js";
import { pieceUnder } from "./bands.js";
import { callAt, sumAt } from "./items.js";
import { BLOCKED, COPYING, KERNEL, OTHER, PHASE_COUNT, RUNNABLE } from "./phases.js";
import { phaseRows } from "./phase-rows.js";
import { xToTime } from "./scale.js";
import { lifeOf } from "./timeline.js";
import { say } from "./words.js";

/** How near the pointer must be to a call. */
const REACH_PX = 2;
const AWAY_PX = 16;
/** While the view moves there is nothing under the pointer for long enough to be read. */
const REST_MS = 100;

/**
 * @param {Timeline} timeline
 * @param {number} xPx
 * @param {number} row
 * @returns {HTMLElement[]} nothing if there is nothing to say
 */
export function describe(timeline, xPx, row) {
  const lane = timeline.lanes[row];
  const items = lane && timeline.gathered.get(lane.lane)?.items;
  if (!lane || !items || !timeline.state) return [];
  const piece = pieceUnder(timeline, xPx, timeline.pointerY, row);
  if (piece) return turnWords(piece);
  const timeNs = xToTime(timeline.view, xPx);
  const { palette } = timeline;
  const call = callAt(items, timeNs, 0) ?? (sumAt(items, timeNs) ? null : callAt(items, timeNs, REACH_PX * timeline.view.nsPerPx));
  if (call) {
    const amounts = new Float64Array(PHASE_COUNT);
    amounts[KERNEL] = call.kernelNs;
    amounts[BLOCKED] = call.blockedNs;
    amounts[RUNNABLE] = call.runnableNs;
    amounts[COPYING] = call.copyingNs;
    const lengthNs = call.endNs - call.startNs;
    const words = flagWords(call.flags).map((text) => el("div", "says", text));
    return [title(timeline.names[call.syscall] ?? `syscall_${call.syscall}`, formatNs(lengthNs)), phaseRows(palette, amounts, lengthNs), ...words];
  }
  const open = openEnd(items, lifeOf(lane, timeline.state));
  if (open?.inCall && timeNs >= open.sinceNs && timeNs <= open.atNs) {
    return [title(open.call ?? say("call.unknown"), say("call.sofar", { time: formatNs(open.atNs - open.sinceNs) })), el("div", "says", say("call.open"))];
  }
  const sum = sumAt(items, timeNs);
  if (sum) {
    const lengthNs = sum.toNs - sum.fromNs;
    return [
      title(sum.calls > 0 ? say("calls.count", { count: formatCount(sum.calls) }) : say("tip.off"), say("tip.in", { time: formatNs(lengthNs) })),
      phaseRows(palette, sum.amounts, lengthNs),
      el("div", "says", say("tip.narrow")),
    ];
  }
  const span = items.spans.find((one) => one.leftNs <= timeNs && timeNs < one.backNs);
  if (!span) return [];
  const amounts = new Float64Array(PHASE_COUNT);
  amounts[BLOCKED] = span.wokenNs - span.leftNs;
  amounts[RUNNABLE] = span.backNs - span.wokenNs;
  amounts[OTHER] = 0;
  const lengthNs = span.backNs - span.leftNs;
  return [title(say("tip.outside"), formatNs(lengthNs)), phaseRows(palette, amounts, lengthNs)];
}

/** @param {Piece} piece @returns {HTMLElement[]} */
function turnWords({ turns, longest, startNs, endNs }) {
  const { lagNs, calls, events } = longest;
  const lengthNs = longest.endNs - longest.startNs;
  const work = el("div", "says", say("turn.parts", { work: formatNs(longest.workEndNs - longest.startNs), wait: formatNs(longest.endNs - longest.workEndNs), lag: formatNs(lagNs) }));
  const did = el("div", "says", say("turn.did", { calls: formatCount(calls), events: formatCount(events) }));
  if (turns > 1) {
    return [title(say("turn.many", { count: formatCount(turns) }), say("tip.in", { time: formatNs(endNs - startNs) })), el("div", "says", say("turn.longest", { time: formatNs(lengthNs) })), work, did];
  }
  const open = longest.ended ? [] : [el("div", "says", say("turn.open"))];
  return [title(say("turn.one"), formatNs(lengthNs)), work, did, ...open];
}

/** @param {string} left @param {string} right */
function title(left, right) {
  return el("div", "title", el("span", "", left), el("span", "", right));
}

export class Tooltip {
  constructor() {
    this.root = byId("tooltip", HTMLElement);
    /** Where the view and the lanes were when it was last looked at. @type {View} */
    this.view = { startNs: NaN, nsPerPx: NaN };
    this.scrollPx = 0;
    this.movedMs = -Infinity;
    /** Whether a frame is to come when the view may rest. */
    this.waiting = false;
  }

  /** Whether the view or the lanes have just moved, by someone's hand. @param {Timeline} timeline @returns {boolean} */
  moves(timeline) {
    const { view, frame, following } = timeline;
    const same = view.startNs === this.view.startNs && view.nsPerPx === this.view.nsPerPx && frame.scrollPx === this.scrollPx;
    this.view = view;
    this.scrollPx = frame.scrollPx;
    if (following) return false;
    if (!same) this.movedMs = performance.now();
    const restMs = this.movedMs + REST_MS - performance.now();
    if (restMs > 0) this.lookAgain(timeline, restMs);
    return restMs > 0;
  }

  /** @param {Timeline} timeline @param {number} restMs */
  lookAgain(timeline, restMs) {
    if (this.waiting) return;
    this.waiting = true;
    setTimeout(() => {
      this.waiting = false;
      timeline.invalidate();
    }, restMs);
  }

  /** @param {Timeline} timeline @param {ConnectionStrip} strip */
  show(timeline, strip) {
    const { hover } = timeline;
    const isOver = hover !== null && (hover.row !== null || strip.hover !== null) && !this.moves(timeline);
    const parts = !isOver ? [] : hover.row === null ? strip.describe() : describe(timeline, hover.xPx, hover.row);
    this.root.hidden = parts.length === 0;
    if (!hover || parts.length === 0) return;
    this.root.replaceChildren(...parts);
    const [canvas, yPx] = strip.hover ? [strip.canvas, strip.hover.yPx] : [timeline.canvas, timeline.pointerY];
    const box = canvas.getBoundingClientRect();
    const own = this.root.getBoundingClientRect();
    const x = box.left + hover.xPx + AWAY_PX;
    const y = box.top + yPx + AWAY_PX;
    const left = x + own.width > innerWidth - 8 ? x - own.width - 2 * AWAY_PX : x;
    const top = y + own.height > innerHeight - 8 ? y - own.height - 2 * AWAY_PX : y;
    this.root.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }
}
