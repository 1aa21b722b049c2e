/**
 * The head of the page: what is traced, how it goes, what was lost, what the tool itself costs.
 *
 * Must never hide a loss: whatever is missing from the picture is said here, loudly.
 *
 * @import { State, Trace } from "./messages.js"
 * @import { Link } from "./live.js"
 */

import { countWords } from "./captures.js";
import { byId, el, setText } from "./dom.js";
import { formatBytes, formatCount, formatNs, formatShare, formatTime } from "./format.js";
import { damageWords } from "./said-words.js";
import { say } from "./words.js";

/** @typedef {{ name: string, value: string, hint: string, loud: boolean, own: boolean }} Fact */

/**
 * @param {Trace | null} trace
 * @param {State | null} state
 * @param {Link} link
 * @returns {{ kind: string, text: string }}
 */
export function badgeOf(trace, state, link) {
  if (link === "refused") return { kind: "refused", text: say("badge.refused") };
  if (link === "lost") return { kind: "lost", text: say("badge.lost") };
  if (!trace || !state) return { kind: "connecting", text: say("badge.connecting") };
  if (!trace.live) return { kind: "recording", text: say("badge.recording", { name: trace.source }) };
  return state.ended ? { kind: "ended", text: say("badge.ended") } : { kind: "live", text: say("badge.live") };
}

/**
 * @param {State} state
 * @returns {Fact[]}
 */
export function factsOf(state) {
  const { cost } = state;
  /** @param {string} name @param {string} value @param {string} hint @param {boolean} [loud] @returns {Fact} */
  const fact = (name, value, hint, loud = false) => ({ name, value, hint, loud, own: false });
  /** @param {string} name @param {string} value @param {string} hint @returns {Fact} */
  const own = (name, value, hint) => ({ name, value, hint, loud: false, own: true });
  const facts = [
    fact(say("fact.time"), formatTime(state.nowNs, 1e8), say("fact.time.hint")),
    fact(say("col.calls"), formatCount(state.calls), say("fact.calls.hint", { count: formatCount(state.offcpu) })),
    fact(say("fact.lost"), lostText(state), say("fact.lost.hint"), state.lost > 0),
  ];
  if (state.untracked > 0) {
    facts.push(fact(say("fact.untracked"), formatCount(state.untracked), say("fact.untracked.hint"), true));
  }
  if (state.compat > 0) facts.push(fact(say("fact.compat"), formatCount(state.compat), say("fact.compat.hint"), true));
  if (state.unseen > 0) {
    facts.push(fact(say("fact.inferred"), formatCount(state.unseen), say("fact.inferred.hint")));
  }
  if (state.captures) facts.push(fact(say("captures.fact"), countWords(state.captures), say("captures.hint")));
  if (cost.cpuFraction !== null) facts.push(own(say("fact.cpu"), formatShare(cost.cpuFraction), say("fact.cpu.hint")));
  if (cost.rssBytes !== null) facts.push(own(say("fact.memory"), formatBytes(cost.rssBytes), storeHint(state)));
  if (cost.probeNsPerCall !== null) {
    facts.push(own(say("fact.probe"), formatNs(cost.probeNsPerCall), say("fact.probe.hint")));
  }
  if (cost.recordedBytes !== null) facts.push(own(say("fact.recorded"), formatBytes(cost.recordedBytes), say("fact.recorded.hint")));
  return facts;
}

/** @param {State} state @returns {string} */
function lostText(state) {
  if (state.lost === 0 || state.made === 0) return formatCount(state.lost);
  return `${formatCount(state.lost)} (${formatShare(state.lost / state.made)})`;
}

/** @param {State} state @returns {string} */
function storeHint(state) {
  const { storeBytes } = state.cost;
  return storeBytes === null ? say("fact.memory.hint") : say("fact.memory.store", { bytes: formatBytes(storeBytes) });
}

export class Header {
  constructor() {
    this.badge = byId("badge", HTMLElement);
    this.command = byId("command", HTMLElement);
    this.facts = byId("facts", HTMLElement);
    this.banner = byId("banner", HTMLElement);
    /** @type {readonly unknown[]} what was last shown */
    this.shown = [];
  }

  /** @param {Trace | null} trace @param {State | null} state @param {Link} link @param {number} waitMs */
  show(trace, state, link, waitMs) {
    const looks = [trace, state, link, waitMs];
    if (looks.every((one, i) => one === this.shown[i])) return;
    this.shown = looks;
    const badge = badgeOf(trace, state, link);
    this.badge.dataset["kind"] = badge.kind;
    setText(this.badge, badge.text);
    // Where there is no room for all of it.
    this.badge.title = badge.text;
    if (trace) {
      setText(this.command, say(trace.follow ? "head.children" : "head.command", { command: trace.command, pid: trace.pid }));
      this.command.title = `${trace.command}\n${say("head.where", { host: trace.host, kernel: trace.kernel, arch: trace.arch, backend: trace.backend })}`;
      document.title = `${trace.command.split("/").at(-1) ?? ""} · waitscope`;
    }
    this.showFacts(state ? factsOf(state) : []);
    const warning = warningOf(state, link, waitMs);
    this.banner.hidden = warning === "";
    setText(this.banner, warning);
  }

  /** @param {Fact[]} facts */
  showFacts(facts) {
    while (this.facts.children.length > facts.length) this.facts.lastElementChild?.remove();
    facts.forEach((fact, i) => {
      const there = this.facts.children[i];
      const entry = there instanceof HTMLElement ? there : this.facts.appendChild(el("div", "", el("dt", ""), el("dd", "")));
      entry.className = fact.loud ? "loud" : fact.own ? "own" : "";
      entry.title = fact.hint;
      const [name, value] = entry.children;
      if (name instanceof HTMLElement) setText(name, fact.name);
      if (value instanceof HTMLElement) setText(value, fact.value);
    });
  }
}

/** @param {State | null} state @param {Link} link @param {number} waitMs @returns {string} */
function warningOf(state, link, waitMs) {
  if (link === "refused") return say("warning.refused");
  if (link === "lost") return say("warning.lost", { time: formatNs(waitMs * 1e6) });
  if (state?.cut) return say("warning.cut", { what: damageWords(state.cut) });
  return "";
}
