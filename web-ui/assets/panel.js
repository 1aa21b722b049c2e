/**
 * The chosen call with all its numbers, as the server's JSON has them, and its story when that has come.
 *
 * Must never leave out a field because it does not know it: what is new in the export shows as it is.
 *
 * @import { Palette } from "./phases.js"
 * @import { Go } from "./story-sections.js"
 * @import { Story } from "./story.js"
 */

import { byId, el } from "./dom.js";
import { flagsOf, flagWords } from "./flags.js";
import { formatCount, formatExactNs, formatNs, formatTime } from "./format.js";
import { BLOCKED, COPYING, KERNEL, PHASE_COUNT, RUNNABLE } from "./phases.js";
import { phaseRows } from "./phase-rows.js";
import { kindWords } from "./said-words.js";
import { objectOf } from "./story.js";
import { storySections } from "./story-sections.js";
import { bar } from "./swatch.js";
import { say } from "./words.js";

/** More rows than this help nobody. */
const MAX_SPANS = 100;

/** @typedef {Record<string, unknown>} Json */
/**
 * @typedef {{ onClose: () => void, onZoom: () => void, onTextbook: () => void, onBack: () => void, onGo: Go, onConnection: (id: number) => void,
 *   hasLane: (id: number) => boolean }} Actions  `hasLane`: whether a connection has a lane on the timeline
 */

/** Fields that have a place of their own, or that a flag's words already say. */
const PLACED = new Set([
  "call", "tid", "pid", "start_ns", "end_ns", "kernel_ns", "blocked_ns", "runnable_ns", "copying_ns", "sleeps",
  "preemptions", "waker", "fd", "ret", "error", "requested", "timeout", "timeout_ns", "copying", "copy_start_ns",
  "first_sleep_ns", "last_wake_ns", "others", "other_ns", "cpu", "began_before", "killed", "continues", "check",
  "unseen", "interrupted", "nr",
  "descriptor", "ready_delay_ns", "why",
]);

/** @param {Json} from @param {string} name @returns {number | null} */
function numberOf(from, name) {
  const value = from[name];
  return typeof value === "number" ? value : null;
}

/** @param {Json} call @returns {number[]} by phase */
function phasesOf(call) {
  const amounts = new Array(PHASE_COUNT).fill(0);
  amounts[KERNEL] = numberOf(call, "kernel_ns") ?? 0;
  amounts[BLOCKED] = numberOf(call, "blocked_ns") ?? 0;
  amounts[RUNNABLE] = numberOf(call, "runnable_ns") ?? 0;
  amounts[COPYING] = numberOf(call, "copying_ns") ?? 0;
  return amounts;
}

/**
 * Who woke the thread, in words: an interrupt's victim is not blamed.
 * @param {unknown} waker
 * @returns {string}
 */
export function wakerWords(waker) {
  const { tid, name, context } = /** @type {{ tid?: unknown, name?: unknown, context?: unknown }} */ (objectOf(waker));
  if (typeof tid !== "number") return say("waker.unseen");
  const who = tid === 0 ? say("waker.idle") : typeof name === "string" && name ? `${name} ${tid}` : say("thread.number", { tid });
  switch (context) {
    case "task":
      return who;
    case "softirq":
      return say("waker.softirq", { who });
    case "hardirq":
      return say("waker.hardirq", { who });
    case "nmi":
      return say("waker.nmi", { who });
    default:
      return say("waker.other", { who });
  }
}

/** @param {Json} call @returns {string} */
function returned(call) {
  const ret = numberOf(call, "ret");
  if (ret === null) return call["killed"] === true ? say("ret.never") : say("ret.unknown");
  const error = call["error"];
  return typeof error === "string" ? `${formatCount(ret)} ${error}` : formatCount(ret);
}

/** @param {Json} call @returns {string | null} */
function timeoutOf(call) {
  if (call["timeout"] === "infinite") return say("timeout.none");
  const ns = numberOf(call, "timeout_ns");
  if (ns === null) return null;
  return ns === 0 ? say("timeout.zero") : formatNs(ns);
}

/**
 * What stood behind the call's number: its name, or what it is.
 * @param {Json} call
 * @param {Json} descriptor
 * @returns {string | null}
 */
function descriptorOf(call, descriptor) {
  const fd = maybe(call, "fd", String);
  const { name, kind } = /** @type {{ name?: unknown, kind?: unknown }} */ (descriptor);
  const words = [typeof kind === "string" ? kindWords(kind) : "", name].filter((word) => typeof word === "string" && word !== "");
  return fd === null || words.length === 0 ? fd : `${fd}: ${words.join(" ")}`;
}

/**
 * The rows of the table of facts.
 * @param {Json} call
 * @param {Json} [descriptor] what stood behind its number, if that is known
 * @returns {[string, string][]}
 */
export function factsOf(call, descriptor = {}) {
  const startNs = numberOf(call, "start_ns") ?? 0;
  const endNs = numberOf(call, "end_ns") ?? 0;
  /** @type {[string, string | null][]} */
  const rows = [
    [say("fact.start"), formatTime(startNs, 1)],
    [say("fact.end"), formatTime(endNs, 1)],
    [say("fact.duration"), formatExactNs(endNs - startNs)],
    [say("fact.returned"), returned(call)],
    [say("fact.descriptor"), descriptorOf(call, descriptor)],
    [say("fact.delay"), maybe(call, "ready_delay_ns", formatNs)],
    [say("fact.requested"), maybe(call, "requested", formatCount)],
    [say("fact.timeout"), timeoutOf(call)],
    [say("fact.sleeps"), maybe(call, "sleeps", formatCount)],
    [say("fact.preemptions"), maybe(call, "preemptions", formatCount)],
    [say("fact.firstsleep"), after(call, "first_sleep_ns", startNs)],
    [say("fact.lastwake"), after(call, "last_wake_ns", startNs)],
    [say("fact.waker"), call["waker"] === undefined ? null : wakerWords(call["waker"])],
    [say("fact.copystart"), after(call, "copy_start_ns", startNs)],
    [say("fact.lastcpu"), maybe(call, "cpu", String)],
    [say("fact.others"), othersOf(call)],
  ];
  for (const [name, value] of Object.entries(call)) {
    if (!PLACED.has(name)) rows.push([name.replaceAll("_", " "), typeof value === "string" ? value : JSON.stringify(value)]);
  }
  return rows.flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
}

/** @param {Json} call @param {string} name @param {(value: number) => string} format @returns {string | null} */
function maybe(call, name, format) {
  const value = numberOf(call, name);
  return value === null ? null : format(value);
}

/** @param {Json} call @param {string} name @param {number} startNs @returns {string | null} */
function after(call, name, startNs) {
  return maybe(call, name, (ns) => say("fact.after", { time: formatNs(ns - startNs) }));
}

/** @param {Json} call @returns {string | null} */
function othersOf(call) {
  const others = numberOf(call, "others") ?? 0;
  return others > 0 ? say("fact.othersof", { count: formatCount(others), time: formatNs(numberOf(call, "other_ns") ?? 0) }) : null;
}

/** @param {string} words @param {string} key @param {() => void} act */
function button(words, key, act) {
  const button = el("button", "", words);
  if (key !== "") button.title = say("panel.key", { key });
  button.addEventListener("click", act);
  return button;
}

/** Gives a connection a lane on the timeline, or takes it away. @param {boolean} hasLane @param {() => void} act @returns {HTMLElement} */
export function laneButton(hasLane, act) {
  const toggle = button(say("strip.lane"), "", act);
  toggle.setAttribute("type", "button");
  toggle.setAttribute("aria-pressed", String(hasLane));
  toggle.title = say(hasLane ? "strip.lane.away" : "strip.lane.show");
  toggle.dataset["toggles"] = "lane";
  return toggle;
}

export class Panel {
  /** @param {Actions} actions */
  constructor(actions) {
    this.root = byId("panel", HTMLElement);
    this.actions = actions;
    /** What is told of a call that goes on. @type {HTMLElement | null} */
    this.told = null;
  }

  close() {
    this.root.hidden = true;
    this.root.replaceChildren();
  }

  /** @param {string} title @param {string} words */
  say(title, words) {
    this.root.hidden = false;
    this.root.replaceChildren(this.top(title), el("p", "sub", words));
  }

  /**
   * Of a call that goes on. What is told changes ten times a second: the buttons stay as they are meanwhile, or nobody could press one.
   * @param {string} title @param {HTMLElement[]} words
   */
  showOpen(title, words) {
    if (this.told && this.root.contains(this.told) && this.root.querySelector("h2")?.textContent === title) {
      this.told.replaceChildren(...words);
      return;
    }
    const hadFocus = this.root.contains(document.activeElement);
    this.root.hidden = false;
    this.told = el("div", "", ...words);
    this.root.replaceChildren(this.top(title), this.told, el("div", "actions", button(say("panel.zoom"), "z", this.actions.onZoom)));
    if (hadFocus) this.root.querySelector("button")?.focus();
  }

  /**
   * @param {Json} answer of `/api/call` @param {string} thread @param {Palette} palette
   * @param {Story | null} story as far as it is there @param {boolean} back whether there is a call to go back to
   */
  show(answer, thread, palette, story, back) {
    const call = objectOf(answer["call"]);
    const startNs = numberOf(call, "start_ns") ?? 0;
    const lengthNs = (numberOf(call, "end_ns") ?? 0) - startNs;
    const amounts = phasesOf(call);
    const rows = factsOf(call, objectOf(answer["descriptor"])).map(([name, value]) => el("tr", "", el("td", "", name), el("td", "", value)));
    const words = flagWords(flagsOf(call));
    if (call["interrupted"] === true) words.push(say("flag.interrupted"));
    const actions = [button(say("panel.zoom"), "z", this.actions.onZoom)];
    if (story) actions.unshift(button(say("panel.textbook"), "t", this.actions.onTextbook));
    if (back) actions.push(button(say("panel.back"), "", this.actions.onBack));
    const id = numberOf(call, "descriptor");
    if (id !== null) actions.push(laneButton(this.actions.hasLane(id), () => this.actions.onConnection(id)));
    // What had the focus is about to go.
    const hadFocus = this.root.contains(document.activeElement);
    const onLane = document.activeElement instanceof HTMLElement && document.activeElement.dataset["toggles"] === "lane";
    this.root.hidden = false;
    this.root.replaceChildren(
      this.top(String(call["call"] ?? say("call.unknown"))),
      el("p", "sub", thread),
      el("div", "duration", formatNs(lengthNs)),
      bar(palette, amounts, 316, 22),
      phaseRows(palette, amounts, lengthNs, formatExactNs),
      ...(words.length > 0 ? [el("ul", "", ...words.map((text) => el("li", "", text)))] : []),
      el("div", "actions", ...actions),
      ...(story ? storySections(story, this.actions.onGo) : []),
      el("h3", "", say("panel.facts")),
      el("table", "", el("tbody", "", ...rows)),
      ...this.spans(answer, startNs),
    );
    if (hadFocus) /** @type {HTMLElement | null} */ (this.root.querySelector(onLane ? "[data-toggles]" : "button"))?.focus();
  }

  /** Says that something of the call is missing. @param {string} words */
  lack(words) {
    this.root.append(el("p", "sub", words));
  }

  /** @param {string} title @returns {HTMLElement} */
  top(title) {
    const close = el("button", "", "✕");
    close.setAttribute("aria-label", say("close"));
    close.addEventListener("click", this.actions.onClose);
    return el("div", "top", el("h2", "", title), close);
  }

  /** @param {Json} answer @param {number} startNs @returns {HTMLElement[]} */
  spans(answer, startNs) {
    const all = Array.isArray(answer["offcpu"]) ? answer["offcpu"].map(objectOf) : [];
    if (all.length === 0) return [];
    const more = all.length - Math.min(MAX_SPANS, all.length) + (numberOf(answer, "offcpu_more") ?? 0);
    const rows = all.slice(0, MAX_SPANS).map((span) => {
      const preempted = span["woken_ns"] === undefined || span["woken_ns"] === null;
      const row = el("tr", "",
        el("td", "", `+${formatNs((numberOf(span, "start_ns") ?? 0) - startNs)}`),
        el("td", "", preempted ? say("panel.preempted") : say("panel.asleep", { time: formatNs(numberOf(span, "blocked_ns") ?? 0) })),
        el("td", "", say("panel.toget", { time: formatNs(numberOf(span, "runnable_ns") ?? 0) })));
      row.title = preempted ? say("panel.taken") : say("panel.wokenby", { who: wakerWords(span["waker"]) });
      return row;
    });
    const parts = [el("h3", "", say("panel.offs")), el("table", "spans", el("tbody", "", ...rows))];
    if (more > 0) parts.push(el("p", "sub", say("more", { count: formatCount(more) })));
    return parts;
  }
}
