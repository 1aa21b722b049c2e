/**
 * What the server found and why waits ended, in the language of the page: made from the kind, the numbers and the names that
 * stand beside the server's own words.
 *
 * Pure. The English ones are those of the server. Of what this page does not know, or what lacks a number, the server's own
 * words are told. Must never say more than they do.
 *
 * @import { Key } from "./words.js"
 */

import { formatCount, formatNs, formatShare } from "./format.js";
import { maybeNumber, object, text } from "./messages.js";
import { say } from "./words.js";

/**
 * @typedef {{ count: (count: number) => string, ns: (ns: number) => string, share: (part: number, whole: number) => string }} Format
 */

/** @type {Format} how numbers are written on the page */
const FORMAT = { count: formatCount, ns: formatNs, share: (part, whole) => formatShare(part / whole) };

/** `poll.h`: what a descriptor is ready for. */
const [ERR, HUP] = [8, 16];

/** A number is missing: the server is another one than this page is made for. */
class Lack extends Error {}

/** A finding's facts, as sentences have them. */
class Facts {
  /** @param {Record<string, unknown>} of @param {Format} format */
  constructor(of, format) {
    this.of = of;
    this.numbers = object(of["numbers"]);
    this.format = format;
  }

  /** @param {unknown} value @returns {number} */
  static needed(value) {
    const number = maybeNumber(value);
    if (number === null) throw new Lack();
    return number;
  }

  /** One of the numbers behind it, as it is. @param {string} name */
  number(name) {
    return Facts.needed(this.numbers[name]);
  }

  /** @param {string} name */
  count(name) {
    return this.format.count(this.number(name));
  }

  /** @param {string} name */
  ns(name) {
    return this.format.ns(this.number(name));
  }

  /** @param {string} part @param {number} whole */
  share(part, whole) {
    return this.format.share(this.number(part), whole);
  }

  get lengthNs() {
    return Math.max(0, Facts.needed(this.of["end_ns"]) - Facts.needed(this.of["start_ns"]));
  }

  get length() {
    return this.format.ns(this.lengthNs);
  }

  get who() {
    return say("finding.who", { name: text(this.of["thread"]) || "?", tid: Facts.needed(this.of["tid"]) });
  }

  get on() {
    return text(this.of["name"]) || say("finding.on");
  }

  get ready() {
    const count = this.count("ready");
    return this.of["at_least"] === true ? say("finding.atleast", { count }) : count;
  }

  /** `never read`, or what else nobody did. */
  get acted() {
    const word = text(this.of["act"]);
    if (!Object.hasOwn(ACTS, word)) throw new Lack();
    const act = say(/** @type {Key} */ (ACTS[word]));
    if (this.of["at_least"] === true) return say("acted.not", { act });
    return this.of["then_acted"] === true ? say("acted.until", { act }) : say("acted.never", { act });
  }

  get hangUp() {
    const bits = this.number("bits");
    if ((bits & ERR) === 0) return say("finding.hangup.alone");
    return (bits & HUP) === 0 ? say("finding.hangup.error") : say("finding.hangup.both");
  }

  /** The call that it is about, and on what. */
  get call() {
    const call = text(this.of["call"]);
    if (call === "") throw new Lack();
    const what = text(this.of["name"]);
    return what === "" ? call : say("story.on", { call, what });
  }
}

/** @type {Readonly<Record<string, Key>>} */
const ACTS = { read: "acted.read", accept: "acted.accept", write: "acted.write", any: "acted.any" };

/** By kind. @type {Readonly<Record<string, (of: Facts) => string>>} */
const FINDINGS = {
  hang_up_ignored: (of) => say("finding.hangup", { who: of.who, what: of.hangUp, on: of.on, times: of.ready, length: of.length, acted: of.acted }),
  spin: (of) => say("finding.spin", { who: of.who, on: of.on, times: of.ready, length: of.length, acted: of.acted }),
  never_read: (of) => say("finding.unread", { who: of.who, on: of.on, times: of.ready, length: of.length, acted: of.acted }),
  blocking_in_loop: (of) => of.number("calls") === 1
    ? say("finding.blocking.once", { who: of.who, call: of.call, longest: of.ns("longest_ns") })
    : say("finding.blocking", { who: of.who, call: of.call, times: of.count("calls"), time: of.ns("blocked_ns"), longest: of.ns("longest_ns") }),
  again_storm: (of) => say("finding.storm", { who: of.who, on: of.on, times: of.count("again"), length: of.length }),
  mostly_again: (of) => say("finding.mostly", { who: of.who, again: of.count("again"), receives: of.count("receives"), share: of.share("again", of.number("receives")) }),
  herd: (of) => say("finding.herd", { pid: Facts.needed(of.of["pid"]), on: of.on, times: of.count("herds"), length: of.length, nothing: of.count("nothing"), woken: of.count("woken") }),
  busy_polling: (of) => say("finding.polling", { who: of.who, times: of.count("checks"), length: of.length, share: of.share("polling_ns", of.lengthNs) }),
  run_queue: (of) => say("finding.runqueue", { who: of.who, calls: of.count("calls"), runnable: of.ns("runnable_ns"), blocked: of.ns("blocked_ns") }),
  late_reading: (of) => say("finding.late", { who: of.who, reads: of.count("reads"), delay: of.ns("p99_ns"), work: of.ns("work_ns") }),
  tiny_reads: (of) => say("finding.tiny", { who: of.who, on: of.on, reads: of.count("reads"), buffer: of.number("buffer_bytes") }),
  small_batches: (of) => say("finding.batches", { who: of.who, on: of.on, asked: of.number("asked"), times: of.count("cut"), calls: of.count("calls") }),
};

/**
 * A finding, as a sentence.
 * @param {Record<string, unknown>} of as the server's JSON has it
 * @param {Format} [format]
 * @returns {string}
 */
export function findingWords(of, format = FORMAT) {
  const kind = text(of["kind"]);
  const sentence = Object.hasOwn(FINDINGS, kind) ? FINDINGS[kind] : undefined;
  try {
    if (!sentence) throw new Lack();
    let words = sentence(new Facts(of, format));
    const times = Facts.needed(of["times"]);
    if (times > 1) words = say("finding.times", { text: words, count: format.count(times) });
    return of["inferred"] === true ? say("finding.inferred", { text: words }) : words;
  } catch (error) {
    if (error instanceof Lack) return text(of["text"]);
    throw error;
  }
}

/** With the descriptor that had to do with it, and without one. @type {Readonly<Record<string, { on: Key | null, alone: Key }>>} */
const CAUSES = {
  never_slept: { on: "why.ready.on", alone: "why.ready" },
  data: { on: "why.data.on", alone: "why.data" },
  accept: { on: "why.accept.on", alone: "why.accept" },
  room: { on: "why.room.on", alone: "why.room" },
  connected: { on: "why.connected.on", alone: "why.connected" },
  eventfd: { on: "why.eventfd.on", alone: "why.eventfd" },
  timer: { on: "why.timer.on", alone: "why.timer" },
  hang_up: { on: "why.hangup.on", alone: "why.hangup" },
  completion: { on: "why.completion.on", alone: "why.completion" },
  timeout: { on: null, alone: "why.timeout" },
  signal: { on: null, alone: "why.signal" },
  child: { on: null, alone: "why.child" },
  thread: { on: null, alone: "why.thread" },
  interrupt: { on: null, alone: "why.interrupt" },
  killed: { on: null, alone: "why.killed" },
  unknown: { on: null, alone: "why.unknown" },
};

/** Causes of which it is told which thread made them. */
const BY = new Set(["eventfd", "data", "child", "thread"]);

/**
 * Why a wait ended.
 * @param {Record<string, unknown>} of as the server's JSON has it
 * @returns {string} empty if nothing is told
 */
export function whyWords(of) {
  const cause = text(of["cause"]);
  const keys = Object.hasOwn(CAUSES, cause) ? CAUSES[cause] : undefined;
  if (!keys) return text(of["text"]);
  const fd = maybeNumber(of["fd"]);
  const on = text(of["name"]) || (fd === null ? "" : `fd ${fd}`);
  let words = keys.on !== null && on !== "" ? say(keys.on, { on }) : say(keys.alone);
  const more = maybeNumber(of["more"]) ?? 0;
  if (more > 0 && keys.on !== null) words = say("why.more", { text: words, count: more });
  const by = maybeNumber(of["by"]);
  if (by !== null && BY.has(cause)) return say("why.by", { text: words, tid: by });
  return of["network"] === true ? say("why.network", { text: words }) : words;
}
