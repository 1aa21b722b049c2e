/**
 * Which calls the latency view is about: their kind, their thread, how long they last at least.
 *
 * Must never offer a kind of call that was not made, once it is known which were.
 *
 * @import { Lane } from "./messages.js"
 * @import { Reported } from "./report.js"
 * @import { Filter } from "./view-state.js"
 */

import { el } from "./dom.js";
import { formatNs } from "./format.js";
import { say } from "./words.js";

const LEAST_NS = [0, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/** More threads than this make no list to choose from. */
const THREADS = 500;

/** @typedef {{ value: string, words: string }} Choice */

/**
 * The kinds of calls that were made, those that took most time first; all that have a name while that is not known.
 * @param {Reported | null} reported
 * @param {readonly string[]} names
 * @returns {{ nr: number, name: string }[]}
 */
export function byCallsFirst(reported, names) {
  const made = reported?.report?.byCall.map(({ call }) => ({ nr: names.indexOf(call), name: call })).filter(({ nr }) => nr >= 0);
  return made ?? names.map((name, nr) => ({ nr, name })).filter(({ name }) => !name.startsWith("syscall_"));
}

export class LatencyControls {
  /** @param {(filter: Filter) => void} onFilter @param {(leastNs: number) => void} onLeast */
  constructor(onFilter, onLeast) {
    /** @type {Filter} */
    this.filter = { lane: null, nr: null };
    const number = (/** @type {string} */ value) => (value === "" ? null : Number(value));
    this.calls = choice((value) => onFilter({ ...this.filter, nr: number(value) }));
    this.threads = choice((value) => onFilter({ ...this.filter, lane: number(value) }));
    this.least = choice((value) => onLeast(Number(value)));
    offer(this.least, LEAST_NS.map((ns) => ({ value: String(ns), words: ns === 0 ? say("lat.any") : formatNs(ns).replace(".00", "") })), "0");
    this.root = el("div", "controls", el("label", "", `${say("lat.calls")} `, this.calls), el("label", "", `${say("lat.of")} `, this.threads), el("label", "", `${say("lat.least")} `, this.least));
  }

  /** @param {{ nr: number, name: string }[]} kinds @param {readonly Lane[]} lanes @param {Filter} filter */
  show(kinds, lanes, filter) {
    this.filter = filter;
    offer(this.calls, [{ value: "", words: say("lat.allcalls") }, ...kinds.map(({ nr, name }) => ({ value: String(nr), words: name }))], filter.nr === null ? "" : String(filter.nr));
    const threads = lanes.slice(0, THREADS).map(({ lane, name, tid }) => ({ value: String(lane), words: `${name || say("thread.none")} ${tid}` }));
    offer(this.threads, [{ value: "", words: say("lat.allthreads") }, ...threads], filter.lane === null ? "" : String(filter.lane));
  }

  /** @param {number} ns */
  showLeast(ns) {
    this.least.value = String(ns);
  }
}

/** @param {(value: string) => void} onChange @returns {HTMLSelectElement} */
function choice(onChange) {
  const made = document.createElement("select");
  made.addEventListener("change", () => onChange(made.value));
  return made;
}

/** Only what differs is made anew: a list that is open must not close. @param {HTMLSelectElement} select @param {Choice[]} choices @param {string} chosen */
function offer(select, choices, chosen) {
  // What an address asks for can be chosen even if no such call was made.
  const all = choices.some(({ value }) => value === chosen) ? choices : [...choices, { value: chosen, words: say("lat.number", { number: chosen }) }];
  const same = select.options.length === all.length && all.every(({ value, words }, i) => select.options[i]?.value === value && select.options[i]?.text === words);
  if (!same) {
    select.replaceChildren(...all.map(({ value, words }) => {
      const option = document.createElement("option");
      option.value = value;
      option.text = words;
      return option;
    }));
  }
  if (select.value !== chosen) select.value = chosen;
}
