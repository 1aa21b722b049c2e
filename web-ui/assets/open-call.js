/**
 * The call that a thread is still in, as far as it is known: what the panel says of it.
 *
 * Must never say of a call that it goes on when what is drawn has its end, nor how long it will be.
 *
 * @import { Open } from "./messages.js"
 * @import { Timeline } from "./timeline.js"
 */

import { openEnd } from "./columns.js";
import { el } from "./dom.js";
import { formatExactNs, formatNs, formatTime } from "./format.js";
import { BLOCKED, KERNEL, PHASES, RUNNABLE } from "./phases.js";
import { lifeOf } from "./timeline.js";
import { say } from "./words.js";

/**
 * The call that a lane is in at a time: it began before it, and has not ended.
 * @param {Timeline} timeline @param {number} lane @param {number} atNs
 * @returns {Open | null}
 */
export function openAt(timeline, lane, atNs) {
  const { state } = timeline;
  const found = timeline.allLanes.find((one) => one.lane === lane);
  if (!state || !found || found.endedNs !== null) return null;
  const items = timeline.gathered.get(lane)?.items;
  const open = items ? openEnd(items, lifeOf(found, state)) : (state.open.get(lane) ?? null);
  return open?.inCall && atNs >= open.sinceNs ? open : null;
}

/** What the thread is doing in it. @param {Open} open @returns {number} a phase */
export function phaseOf({ offSinceNs, wokenNs }) {
  if (offSinceNs === null) return KERNEL;
  return wokenNs === null ? BLOCKED : RUNNABLE;
}

/** @param {Open} open @returns {number} since when */
function phaseSinceNs(open) {
  return open.wokenNs ?? open.offSinceNs ?? open.sinceNs;
}

/**
 * @param {Open} open
 * @param {string} thread
 * @param {boolean} live false where the trace is over: it had not ended by then
 * @returns {HTMLElement[]}
 */
export function openWords(open, thread, live) {
  const phase = phaseOf(open);
  const inPhase = PHASES[phase]?.word ?? "";
  const sinceNs = phaseSinceNs(open);
  // On the CPU it may have slept before: since when it is there now is not known.
  const known = phase !== KERNEL;
  /** @type {[string, string][]} */
  const rows = [
    [say("fact.start"), open.beganBefore ? say("open.before") : formatTime(open.sinceNs, 1)],
    [say("open.sofar"), formatExactNs(open.atNs - open.sinceNs)],
    [say("open.phase"), known ? say("open.for", { phase: inPhase, time: formatNs(open.atNs - sinceNs) }) : inPhase],
  ];
  if (open.fd !== null) rows.push([say("fact.descriptor"), String(open.fd)]);
  return [
    el("p", "sub", thread),
    el("div", "duration", say("call.sofar", { time: formatNs(open.atNs - open.sinceNs) })),
    el("p", "says", say(live ? "open.live" : "open.over")),
    el("table", "", el("tbody", "", ...rows.map(([name, value]) => el("tr", "", el("td", "", name), el("td", "", value))))),
  ];
}
