/**
 * Stretches of time of a lane, each with a phase and with how much of it that phase is: what calls and times off the CPU come to.
 *
 * Pure. A call's phases are exact where the tile says so; what lay in pieces narrower than a bucket is spread evenly over the parts
 * of the call that it can have been in. Must never let a stretch hold more time than it is long. In columns, not as things of their
 * own: there are thousands, made anew with every tile that comes, and what lives for a moment is what has to be cleared away.
 *
 * @import { Call, Span } from "./items.js"
 */

import { BLOCKED, COPYING, KERNEL, OTHER, RUNNABLE } from "./phases.js";

/** @typedef {{ fromNs: number, toNs: number, asOfNs: number }} Known  a time of which there are tiles */

export class Stretches {
  /** @param {number} room for how many to begin with */
  constructor(room) {
    this.count = 0;
    this.fromNs = new Float64Array(room);
    this.toNs = new Float64Array(room);
    /** Parts of one. */
    this.shares = new Float64Array(room);
    this.phases = new Uint8Array(room);
  }

  /** @param {number} fromNs @param {number} toNs @param {number} phase @param {number} share */
  push(fromNs, toNs, phase, share) {
    if (!(toNs > fromNs && share > 0)) return;
    if (this.count === this.phases.length) this.grow();
    this.fromNs[this.count] = fromNs;
    this.toNs[this.count] = toNs;
    this.shares[this.count] = share;
    this.phases[this.count] = phase;
    this.count += 1;
  }

  grow() {
    const { fromNs, toNs, shares, phases } = this;
    const room = 2 * this.count + 16;
    this.fromNs = new Float64Array(room);
    this.toNs = new Float64Array(room);
    this.shares = new Float64Array(room);
    this.phases = new Uint8Array(room);
    this.fromNs.set(fromNs);
    this.toNs.set(toNs);
    this.shares.set(shares);
    this.phases.set(phases);
  }
}

/** The parts of a call on the CPU, before it begins to copy and after: where each begins and ends, in turn. Made for one call at a time. */
const early = /** @type {number[]} */ ([]);
const late = /** @type {number[]} */ ([]);

/**
 * Times off the CPU are stretches of their own, inside calls and outside; the rest of a call is
 * on-CPU time, copying from `copyStartNs` on.
 *
 *     call   ├──────────────────────────────────────────┤
 *     span          ├ blocked ┤ runnable ┤
 *     gives  kernel  blocked    runnable   kernel copying
 *
 * @param {readonly Call[]} calls @param {readonly Span[]} spans @param {readonly Known[]} known all of them in order of time
 * @returns {Stretches}
 */
export function stretchesOf(calls, spans, known) {
  const out = new Stretches(2 * spans.length + 2 * calls.length);
  for (const span of spans) {
    out.push(span.leftNs, span.wokenNs, BLOCKED, 1);
    out.push(span.wokenNs, span.backNs, RUNNABLE, 1);
  }
  let first = 0;
  for (const call of calls) {
    while (first < spans.length && (spans[first]?.backNs ?? 0) <= call.startNs) first += 1;
    const copyNs = Number.isNaN(call.copyStartNs) ? Infinity : call.copyStartNs;
    early.length = 0;
    late.length = 0;
    let cursorNs = call.startNs;
    let blockedNs = 0;
    let runnableNs = 0;
    for (let i = first; i < spans.length; i += 1) {
      const span = spans[i];
      if (!span || span.leftNs >= call.endNs) break;
      addOnCpu(cursorNs, span.leftNs, copyNs);
      cursorNs = Math.max(cursorNs, span.backNs);
      blockedNs += span.wokenNs - span.leftNs;
      runnableNs += span.backNs - span.wokenNs;
    }
    addOnCpu(cursorNs, call.endNs, copyNs);
    // What lay in pieces too narrow to be told.
    const covered = covers(known, call.startNs, call.endNs);
    const restBlockedNs = covered ? Math.max(0, call.blockedNs - blockedNs) : 0;
    const restRunnableNs = covered ? Math.max(0, call.runnableNs - runnableNs) : 0;
    mix(out, early, KERNEL, call.kernelNs, restBlockedNs, restRunnableNs);
    mix(out, late, COPYING, call.copyingNs, restBlockedNs, restRunnableNs);
  }
  return out;
}

/** @param {number} fromNs @param {number} toNs @param {number} copyNs */
function addOnCpu(fromNs, toNs, copyNs) {
  if (toNs <= fromNs) return;
  if (fromNs < copyNs) early.push(fromNs, Math.min(toNs, copyNs));
  if (toNs > copyNs) late.push(Math.max(fromNs, copyNs), toNs);
}

/** @param {readonly Known[]} known @param {number} fromNs @param {number} toNs @returns {boolean} */
function covers(known, fromNs, toNs) {
  let reachNs = fromNs;
  for (const part of known) {
    if (part.fromNs > reachNs) break;
    reachNs = Math.max(reachNs, part.toNs);
  }
  return reachNs >= toNs;
}

/**
 * @param {Stretches} out
 * @param {readonly number[]} parts
 * @param {number} phase
 * @param {number} phaseNs how much of them is the phase itself
 * @param {number} restBlockedNs off-CPU time still to be placed, in these parts and elsewhere
 * @param {number} restRunnableNs
 */
function mix(out, parts, phase, phaseNs, restBlockedNs, restRunnableNs) {
  let lengthNs = 0;
  for (let i = 0; i < parts.length; i += 2) lengthNs += (parts[i + 1] ?? 0) - (parts[i] ?? 0);
  if (lengthNs <= 0) return;
  const restNs = restBlockedNs + restRunnableNs;
  const share = restNs > 0 && phaseNs < lengthNs ? phaseNs / lengthNs : 1;
  for (let i = 0; i < parts.length; i += 2) {
    const [fromNs = 0, toNs = 0] = [parts[i], parts[i + 1]];
    out.push(fromNs, toNs, phase, share);
    if (share === 1) continue;
    out.push(fromNs, toNs, BLOCKED, (1 - share) * (restBlockedNs / restNs));
    out.push(fromNs, toNs, RUNNABLE, (1 - share) * (restRunnableNs / restNs));
  }
}

/**
 * Unrecorded calls lie somewhere between a call and the one before: they are spread over that gap.
 * @param {readonly Call[]} calls @param {number} fromNs since when there are tiles
 * @returns {Stretches}
 */
export function othersOf(calls, fromNs) {
  const out = new Stretches(0);
  let beforeNs = fromNs;
  for (const call of calls) {
    const gapNs = call.startNs - beforeNs;
    if (gapNs > 0) out.push(beforeNs, call.startNs, OTHER, Math.min(call.otherNs, gapNs) / gapNs);
    beforeNs = Math.max(beforeNs, call.endNs);
  }
  return out;
}
