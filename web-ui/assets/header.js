/**
 * The head of the page: what is traced, how it goes, what was lost, what the tool itself costs.
 *
 * Must never hide a loss: whatever is missing from the picture is said here, loudly.
 *
 * @import { State, Trace } from "./messages.js"
 * @import { Link } from "./live.js"
 */

import { byId, el, setText } from "./dom.js";
import { formatBytes, formatCount, formatNs, formatShare, formatTime } from "./format.js";

/** @typedef {{ name: string, value: string, hint: string, loud: boolean, own: boolean }} Fact */

/**
 * @param {Trace | null} trace
 * @param {State | null} state
 * @param {Link} link
 * @returns {{ kind: string, text: string }}
 */
export function badgeOf(trace, state, link) {
  if (link === "refused") return { kind: "refused", text: "not authorised" };
  if (link === "lost") return { kind: "lost", text: "disconnected" };
  if (!trace || !state) return { kind: "connecting", text: "connecting" };
  if (!trace.live) return { kind: "recording", text: `recording ${trace.source}` };
  return state.ended ? { kind: "ended", text: "ended" } : { kind: "live", text: "live" };
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
    fact("time", formatTime(state.nowNs, 1e8), "how far the trace has come"),
    fact("calls", formatCount(state.calls), `${formatCount(state.offcpu)} times off the CPU`),
    fact("lost", lostText(state), "records that the kernel made and we did not get", state.lost > 0),
  ];
  if (state.untracked > 0) {
    facts.push(fact("untracked", formatCount(state.untracked), "times that a thread found no room to be tracked", true));
  }
  if (state.compat > 0) facts.push(fact("32-bit calls", formatCount(state.compat), "not recorded", true));
  if (state.unseen > 0) {
    facts.push(fact("inferred", formatCount(state.unseen), "times off the CPU of whose switches the kernel told nobody: their place in time is a guess"));
  }
  if (cost.cpuFraction !== null) facts.push(own("own CPU", formatShare(cost.cpuFraction), "waitscope's own, of one CPU"));
  if (cost.rssBytes !== null) facts.push(own("own memory", formatBytes(cost.rssBytes), storeHint(state)));
  if (cost.probeNsPerCall !== null) {
    facts.push(own("probe per call", formatNs(cost.probeNsPerCall), "what tracing adds to each call of the target"));
  }
  if (cost.recordedBytes !== null) facts.push(own("recorded", formatBytes(cost.recordedBytes), "written to the file"));
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
  return storeBytes === null ? "waitscope's own" : `waitscope's own, ${formatBytes(storeBytes)} of it the trace`;
}

export class Header {
  constructor() {
    this.badge = byId("badge", HTMLElement);
    this.command = byId("command", HTMLElement);
    this.facts = byId("facts", HTMLElement);
    this.banner = byId("banner", HTMLElement);
  }

  /** @param {Trace | null} trace @param {State | null} state @param {Link} link @param {number} waitMs */
  show(trace, state, link, waitMs) {
    const badge = badgeOf(trace, state, link);
    this.badge.dataset["kind"] = badge.kind;
    setText(this.badge, badge.text);
    if (trace) {
      setText(this.command, `${trace.command} · pid ${trace.pid}${trace.follow ? " and children" : ""}`);
      this.command.title = `${trace.command}\non ${trace.host}, Linux ${trace.kernel} ${trace.arch}, ${trace.backend}`;
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
  if (link === "refused") return "Not authorised: open the address that waitscope printed, with its token, once more.";
  if (link === "lost") return `No word from waitscope; trying again in ${formatNs(waitMs * 1e6)}. What is shown stays.`;
  if (state?.cut) return `The recording is damaged: ${state.cut}`;
  return "";
}
