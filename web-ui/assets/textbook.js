/**
 * The textbook's picture of a call or a turn: application and kernel side by side, step by step, with measured times.
 *
 * Pure: it says what the picture holds, and draws nothing. All its durations add up to its length, or it says of what
 * it can't tell. It must never show a step that was not recorded as if it had been.
 *
 * @import { Call, Story } from "./story.js"
 */

import { formatBytes, formatCount, formatNs } from "./format.js";
import { BLOCKED, COPYING, KERNEL, OTHER, PHASE_COUNT, RUNNABLE, USER } from "./phases.js";
import { nameOf, readyWords } from "./story.js";
import { ASYNCHRONOUS, BLOCKING, isSignalWait, MULTIPLEXING, NON_BLOCKING, PLAIN, SIGNAL, scopeOf } from "./textbook-scope.js";
import { say } from "./words.js";

/** Calls of a picture that are drawn step by step, and data whose arrival is. */
const DRAWN_MAX = 6;
const ASKED_MAX = 3;
const ARRIVALS_MAX = 6;
/** Descriptors that a return names. */
const NAMED_MAX = 8;
/** A wait this much longer than all the rest is marked as long. */
const LONG = 10;

/**
 * @typedef {{ kind: "call" | "return", atNs: number, text: string, more: string }} Arrow
 * @typedef {{ kind: "phase", atNs: number, side: "application" | "kernel", phase: number, ns: number, text: string, more: string, long: boolean }} Phase
 * @typedef {{ kind: "arrival", atNs: number, text: string, more: string }} Arrival
 * @typedef {{ kind: "rest", atNs: number, text: string, amounts: number[] }} Rest
 * @typedef {Arrow | Phase | Arrival | Rest} Step
 * @typedef {{ title: string, subtitle: string, steps: Step[], amounts: number[], lengthNs: number, startNs: number,
 *   notes: string[] }} Picture  amounts: by phase; times of steps count from `startNs`
 */

const TITLES = {
  [BLOCKING]: say("book.blocking"), [NON_BLOCKING]: say("book.nonblocking"),
  [SIGNAL]: say("book.signal"), [ASYNCHRONOUS]: say("book.asynchronous"),
};

/** Builds a picture, letting time pass. */
class Builder {
  /** @param {Story} story @param {number} startNs */
  constructor(story, startNs) {
    this.story = story;
    this.startNs = startNs;
    this.nowNs = startNs;
    /** @type {Step[]} */
    this.steps = [];
    this.amounts = new Array(PHASE_COUNT).fill(0);
  }

  /** @param {"application" | "kernel"} side @param {number} phase @param {number} ns @param {string} text @param {string} [more] */
  phase(side, phase, ns, text, more = "") {
    if (ns <= 0) return;
    this.steps.push({ kind: "phase", atNs: this.nowNs - this.startNs, side, phase, ns, text, more, long: false });
    this.amounts[phase] += ns;
    this.nowNs += ns;
  }

  /** @param {"call" | "return"} kind @param {string} text @param {string} [more] */
  arrow(kind, text, more = "") {
    this.steps.push({ kind, atNs: this.nowNs - this.startNs, text, more });
  }

  /** @param {number} count @param {number[]} amounts @param {string} text */
  rest(count, amounts, text) {
    const ns = amounts.reduce((sum, amount) => sum + amount, 0);
    if (count === 0 && ns === 0) return;
    this.steps.push({ kind: "rest", atNs: this.nowNs - this.startNs, text, amounts });
    amounts.forEach((amount, phase) => { this.amounts[phase] += amount; });
    this.nowNs += ns;
  }

  /** From one call's return to the next one's entry. @param {Call} next @param {number} entryNs */
  between(next, entryNs) {
    const { off, other, user } = gapOf(this.story, this.nowNs, entryNs, next);
    // Where in the gap each was is not told: the sum of each is.
    this.phase("application", OTHER, other, say("book.others", { count: formatCount(next.others) }));
    this.phase("application", BLOCKED, off.blockedNs, say("book.outside"));
    this.phase("application", RUNNABLE, off.runnableNs, say("book.wants"));
    this.phase("application", USER, user, say("book.works"));
  }

  /** @param {Call} call */
  call(call) {
    this.arrow("call", `${call.call}(${call.fd ?? ""})`, handedWords(this.story, call) || peerOf(this.story, call.descriptor));
    const woken = call.sleeps > 0;
    const before = woken && call.firstSleepNs !== null ? Math.min(call.kernelNs, Math.max(0, call.firstSleepNs - call.startNs)) : call.kernelNs;
    this.phase("kernel", KERNEL, before, woken ? beforeSleep(call) : withoutSleep(call));
    this.phase("kernel", BLOCKED, call.blockedNs, woken && call.sleeps > 1 ? say("book.waitstimes", { count: formatCount(call.sleeps) }) : say("book.waits"), whyWords(call));
    this.phase("kernel", RUNNABLE, call.runnableNs, woken ? say("book.awake") : say("book.taken"));
    this.phase("kernel", KERNEL, call.kernelNs - before, say("book.goeson"));
    this.phase("kernel", COPYING, call.copyingNs, copyWords(call));
    if (call.killed) this.arrow("return", say("book.never"));
    else this.arrow("return", returnWords(call), foundWords(this.story, call));
  }
}

/** @param {Call} call @returns {string} */
function copyWords(call) {
  if (call.ret === null || call.ret <= 0) return say(call.copyInferred ? "book.copiesinferred" : "book.copies");
  return say(call.copyInferred ? "book.copiesbytesinferred" : "book.copiesbytes", { bytes: formatBytes(call.ret) });
}

/** Requests that a ring was given in a call. @param {Story} story @param {Call} call @returns {string} */
function handedWords(story, call) {
  if (call.call !== "io_uring_enter" || story.requestsMore > 0) return "";
  const handed = story.requests.filter((request) => request.submitNs !== null && request.submitNs >= call.startNs && request.submitNs <= call.endNs);
  const what = handed.map((request) => `${request.operation}${request.fd === null ? "" : ` fd ${request.fd}`}`).join(", ");
  return what === "" ? "" : say("book.handover", { what });
}

/** @param {Call} call @returns {string} */
function beforeSleep(call) {
  if (isSignalWait(call)) return say("book.nosignal");
  return isReadiness(call) ? say("book.noneready") : say("book.nothingyet");
}

/** @param {Call} call @returns {string} */
function withoutSleep(call) {
  if (call.error === "EAGAIN") return say("book.nothing");
  if (isReadiness(call)) return (call.ret ?? 0) > 0 ? say("book.already") : say("book.noneready");
  return call.copyingNs > 0 && (call.ret ?? 0) > 0 && /^(read|recv)/.test(call.call) ? say("book.finds") : say("book.incall");
}

/** @param {Call} call @returns {boolean} */
function isReadiness(call) {
  return /^(p?select6?|p?poll|epoll_p?wait2?)$/.test(call.call);
}

/** @param {Call} call @returns {string} */
function whyWords(call) {
  if (!call.why || call.why.text === "" || call.sleeps === 0) return "";
  return say(call.why.inferred ? "book.untilinferred" : "book.until", { what: call.why.text });
}

/** @param {Call} call @returns {string} */
function returnWords(call) {
  if (call.ret === null) return say("book.returns");
  if (call.error !== null) return say("book.returnswhat", { what: call.error });
  if (isSignalWait(call)) return say("book.returnssignal", { number: call.ret });
  if (isReadiness(call)) return call.ret === 0 ? say("book.returnsnone") : say("book.returnsready", { count: formatCount(call.ret) });
  return say("book.returnswhat", { what: formatCount(call.ret) });
}

/** What stands behind a number, if that says more than what it is. @param {Story} story @param {number | null} descriptor */
function peerOf(story, descriptor) {
  const known = descriptor === null ? undefined : story.descriptors.get(descriptor);
  return known && known.name !== "" ? nameOf(story, descriptor) : "";
}

/** @param {Story} story @param {Call} call @returns {string} */
function foundWords(story, call) {
  const found = call.ready.filter((ready) => ready.ready !== 0);
  const [first] = found;
  if (!first) return "";
  if (found.length === 1) return `${readyWords(first.ready)}: fd ${first.fd ?? "?"} ${peerOf(story, first.descriptor)}`.trim();
  /** @type {Map<string, string[]>} */
  const byWords = new Map();
  for (const ready of found.slice(0, NAMED_MAX)) {
    const words = readyWords(ready.ready);
    byWords.set(words, [...(byWords.get(words) ?? []), String(ready.fd ?? "?")]);
  }
  const words = [...byWords].map(([what, fds]) => `${what}: fd ${fds.join(", ")}`);
  if (found.length > NAMED_MAX) words.push(say("more", { count: found.length - NAMED_MAX }));
  return words.join("; ");
}

/**
 * What happened between two calls: off the CPU, in calls not recorded, and the rest.
 * @param {Story} story @param {number} fromNs @param {number} toNs @param {Call} next
 */
function gapOf(story, fromNs, toNs, next) {
  const gapNs = Math.max(0, toNs - fromNs);
  const off = { blockedNs: 0, runnableNs: 0 };
  for (const span of story.outside) {
    if (span.startNs < fromNs || span.endNs > toNs) continue;
    off.blockedNs += span.blockedNs;
    off.runnableNs += span.runnableNs;
  }
  const awakeNs = Math.max(0, gapNs - off.blockedNs - off.runnableNs);
  const other = Math.min(next.otherNs, awakeNs);
  return { off, other, user: awakeNs - other };
}

/** When the data that a call read had come, if that is known. @param {Call} call @returns {number | null} */
export function arrivedNs(call) {
  if (call.readyDelayNs === null || call.readyDelayNs === 0) return null;
  const began = call.copyStartNs !== null && !call.copyInferred ? call.copyStartNs : call.startNs;
  return began - call.readyDelayNs;
}

/** @param {Story} story @param {readonly Call[]} calls @returns {Arrival[]} with times of the trace */
function arrivalsOf(story, calls) {
  const seen = new Set();
  /** @type {Arrival[]} */
  const all = [];
  for (const call of calls) {
    const atNs = arrivedNs(call);
    const key = `${call.fd} ${atNs}`;
    if (atNs === null || seen.has(key)) continue;
    seen.add(key);
    all.push({ kind: "arrival", atNs, text: say("book.arrives", { fd: call.fd ?? "?" }), more: peerOf(story, call.descriptor) });
  }
  const startNs = calls[0]?.startNs ?? 0;
  for (const request of story.requests) {
    if (request.completeNs === null || request.completeNs < startNs) continue;
    const result = request.error ?? (request.ret === null ? "" : say("book.result", { count: formatCount(request.ret) }));
    const took = request.submitNs === null ? "" : `, ${say("book.aftersubmit", { time: formatNs(request.completeNs - request.submitNs) })}`;
    all.push({
      kind: "arrival", atNs: request.completeNs, text: say("book.complete", { what: `${request.operation}${request.fd === null ? "" : ` fd ${request.fd}`}` }),
      more: `${result}${took}`,
    });
  }
  return all.sort((a, b) => a.atNs - b.atNs);
}

/**
 * Puts arrivals behind the steps in which they came.
 * @param {Step[]} steps @param {Arrival[]} arrivals @param {number} startNs @param {number} endNs
 * @returns {Step[]}
 */
function withArrivals(steps, arrivals, startNs, endNs) {
  const inside = arrivals.filter((arrival) => arrival.atNs <= endNs);
  const shown = inside.slice(0, ARRIVALS_MAX);
  /** @type {Step[]} */
  const all = [];
  let next = 0;
  const put = (/** @type {number} */ beforeNs) => {
    for (let arrival = shown[next]; arrival && arrival.atNs - startNs < beforeNs; arrival = shown[next]) {
      const atNs = arrival.atNs - startNs;
      const last = next === shown.length - 1 && inside.length > shown.length ? `; ${say("book.notdrawn", { count: inside.length - shown.length })}` : "";
      all.push({ ...arrival, atNs, more: arrival.more + last });
      next += 1;
    }
  };
  for (const step of steps) {
    put(step.kind === "phase" || step.kind === "rest" ? step.atNs : step.atNs + 1);
    all.push(step);
  }
  put(Infinity);
  return all;
}

/**
 * The picture of the call, or of the turn that it belongs to.
 * @param {Story} story
 * @param {string} thread its name
 * @returns {Picture}
 */
export function pictureOf(story, thread) {
  const scope = scopeOf(story);
  const { calls, next, model } = scope;
  const first = calls[0] ?? story.call;
  const builder = new Builder(story, first.startNs);
  const many = calls.length > DRAWN_MAX + 2 || scope.rest > 0;
  // Of calls that find nothing, the one that finds something is what they are about.
  const last = many && model === NON_BLOCKING ? calls.at(-1) : undefined;
  const drawn = many ? calls.slice(0, last ? ASKED_MAX : DRAWN_MAX) : calls;
  for (const call of drawn) {
    if (call !== first) builder.between(call, call.startNs);
    builder.call(call);
  }
  const endNs = scope.endNs ?? builder.nowNs;
  rest(builder, scope, calls.slice(drawn.length, last ? -1 : undefined), endNs);
  if (last) {
    builder.between(last, last.startNs);
    builder.call(last);
  }
  const end = builder.nowNs;
  if (next) builder.arrow("call", `${next.call}(${next.fd ?? ""})`, say("book.andso"));
  const steps = withArrivals(builder.steps, arrivalsOf(story, calls), first.startNs, end);
  markLong(steps);
  const lengthNs = end - first.startNs;
  return {
    title: model === MULTIPLEXING ? say("book.multiplexingof", { call: first.call }) : model === PLAIN ? first.call : TITLES[model],
    subtitle: say(story.turn && scope.turn ? "book.subtitleturn" : "book.subtitle", { thread, time: formatNs(lengthNs) }),
    steps, amounts: builder.amounts, lengthNs, startNs: first.startNs, notes: notesOf(story, calls, scope),
  };
}

/**
 * What is not drawn call by call: a sum, and the time to the end.
 * @param {Builder} builder @param {import("./textbook-scope.js").Scope} scope @param {readonly Call[]} undrawn @param {number} endNs
 */
function rest(builder, scope, undrawn, endNs) {
  const { story } = builder;
  const { sum } = story;
  const { next } = scope;
  if (undrawn.length === 0 && !scope.rest) {
    if (next) builder.between(next, endNs);
    return;
  }
  const count = undrawn.length + scope.rest;
  const amounts = new Array(PHASE_COUNT).fill(0);
  if (scope.turn && sum && sum.userNs !== null) {
    // The server summed the whole turn: what is drawn already is not in the rest.
    const whole = [sum.copyingNs, sum.kernelNs, sum.otherNs, sum.userNs, sum.runnableNs + sum.outsideRunnableNs, sum.blockedNs + sum.outsideBlockedNs];
    whole.forEach((amount, phase) => { amounts[phase] = Math.max(0, amount - (builder.amounts[phase] ?? 0)); });
  } else {
    let nowNs = builder.nowNs;
    const add = (/** @type {Call} */ call) => {
      const { off, other, user } = gapOf(story, nowNs, call.startNs, call);
      for (const [phase, ns] of /** @type {[number, number][]} */ ([[OTHER, other], [BLOCKED, off.blockedNs], [RUNNABLE, off.runnableNs], [USER, user]])) amounts[phase] += ns;
    };
    for (const call of undrawn) {
      add(call);
      for (const [phase, ns] of /** @type {[number, number][]} */ ([[KERNEL, call.kernelNs], [BLOCKED, call.blockedNs], [RUNNABLE, call.runnableNs], [COPYING, call.copyingNs]])) amounts[phase] += ns;
      nowNs = call.endNs;
    }
    if (next) add(next);
  }
  builder.rest(count, amounts, say("book.rest", { count: formatCount(count) }));
}

/** @param {readonly Step[]} steps */
function markLong(steps) {
  const phases = steps.filter((step) => step.kind === "phase");
  for (const step of phases) {
    if (step.phase !== BLOCKED && step.phase !== RUNNABLE) continue;
    const others = phases.reduce((sum, one) => sum + (one === step ? 0 : one.ns), 0);
    step.long = step.ns > LONG * Math.max(1, others);
  }
}

/** @param {Story} story @param {readonly Call[]} calls @param {import("./textbook-scope.js").Scope} scope @returns {string[]} */
function notesOf(story, calls, scope) {
  const notes = [say("book.note.scale")];
  if (calls.some((call) => call.sleeps > 1 || call.preemptions > 0)) notes.push(say("book.note.sums"));
  if (calls.some((call) => call.beganBefore)) notes.push(say("book.note.before"));
  if (scope.turn && story.sum && story.sum.userNs === null) notes.push(say("book.note.outside"));
  if (story.outsideMore > 0) notes.push(say("book.note.more", { count: formatCount(story.outsideMore) }));
  if (scope.cut) notes.push(say("book.note.cut"));
  return notes;
}
