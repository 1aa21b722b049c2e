/**
 * What the panel tells of a call beyond its own numbers: why its wait ended, what led there, what it found, its turn.
 *
 * Every other call that is named here is a button that goes there. Must never say as known what the server left open.
 *
 * @import { At, Call, Story, Turn } from "./story.js"
 */

import { el } from "./dom.js";
import { formatBytes, formatCount, formatNs } from "./format.js";
import { nameOf, readyWords } from "./story.js";

/** Calls of a turn that are listed. */
const LISTED_MAX = 16;

/** @typedef {(lane: number, atNs: number) => void} Go */

const NO_TURN = /** @type {Record<string, string>} */ ({
  no_loop: "It belongs to no turn of an event loop: there is no readiness call among the calls around it.",
  too_far: "Its turn begins or ends too far away to be told: more than 1 000 calls.",
  lost: "Records were lost around it, so its turn can't be told.",
  not_cut: "It belongs to no turn that began and ended in this trace.",
});

/** @param {string} title @param {...(Node | string)} parts */
function section(title, ...parts) {
  return el("section", "story", el("h3", "", title), ...parts);
}

/** A button that goes to a call. @param {Go} go @param {number} lane @param {number} atNs @param {...(Node | string)} words */
function to(go, lane, atNs, ...words) {
  const button = el("button", "go", ...words);
  button.setAttribute("type", "button");
  button.dataset["lane"] = String(lane);
  button.dataset["at"] = String(atNs);
  button.addEventListener("click", () => go(lane, atNs));
  return button;
}

/** @param {Story} story @param {Go} go @returns {HTMLElement[]} */
export function storySections(story, go) {
  return [whySection(story), chainSection(story, go), foundSection(story, go), turnSection(story, go)].flat();
}

/** @param {Story} story @returns {HTMLElement[]} */
function whySection(story) {
  const { why } = story.call;
  if (!why || why.text === "") return [];
  const title = story.call.sleeps > 0 ? "Why the wait ended" : "Why it did not wait";
  const text = why.text.charAt(0).toUpperCase() + why.text.slice(1);
  const parts = [el("p", "says", `${text}.`)];
  if (why.inferred) parts.push(el("p", "sub", "Inferred from what else was seen."));
  if (story.unsure) parts.push(el("p", "sub", "Whether a connection was ever accepted from a descriptor here was not found out: “data” may be a connection."));
  return [section(title, ...parts)];
}

/** A thread as it is known here. @param {Story} story @param {number} tid @returns {string} */
function threadWords(story, tid) {
  const known = story.threads.find((thread) => thread.tid === tid);
  return known?.name ? `${known.name} ${tid}` : `thread ${tid}`;
}

/** @param {At} at @returns {string} */
function atWords(at) {
  const on = at.name ?? (at.fd === null ? "" : `fd ${at.fd}`);
  return on === "" ? at.call : `${at.call} on ${on}`;
}

/** @param {Story} story @param {Go} go @returns {HTMLElement[]} */
function chainSection(story, go) {
  const chain = story.call.why?.chain ?? [];
  const by = story.call.why?.by ?? null;
  if (chain.length === 0 && !(story.chainCut && by !== null)) return [];
  const items = chain.map((link, index) => {
    const lane = story.threads.find((thread) => thread.tid === link.tid)?.lane;
    const parts = [el("div", "", index === 0 ? "this thread" : threadWords(story, link.tid), " waited")];
    if (link.waitedIn && index > 0 && lane !== undefined) parts.push(to(go, lane, link.waitedIn.startNs, `in ${atWords(link.waitedIn)}`));
    parts.push(el("div", "sub", `${index === 0 && story.call.why?.text === link.text ? "" : `until: ${link.text}${link.inferred ? " (inferred)" : ""}, `}woken ${agoWords(story, link.wokenNs)}`));
    const waker = link.by === null ? undefined : story.threads.find((thread) => thread.tid === link.by);
    if (link.wokenIn && link.by !== null) {
      const words = `${threadWords(story, link.by)} woke it in ${atWords(link.wokenIn)}`;
      parts.push(waker ? to(go, waker.lane, link.wokenIn.startNs, words) : el("div", "", words));
    }
    return el("li", "", ...parts);
  });
  const parts = [el("ol", "chain", ...items)];
  if (story.chainCut) parts.push(el("p", "sub", "It may go on: too much happened around it to look farther."));
  return [section("What led there", ...parts)];
}

/** @param {Story} story @param {number} ns @returns {string} */
function agoWords(story, ns) {
  const beforeNs = story.call.endNs - ns;
  return `${formatNs(Math.max(0, beforeNs))} before this call's end`;
}

/** @param {Story} story @param {Go} go @returns {HTMLElement[]} */
function foundSection(story, go) {
  const found = story.call.ready;
  if (found.length === 0) return [];
  const rows = found.map((ready) => {
    const name = nameOf(story, ready.descriptor) || ready.name || "";
    const head = el("div", "", el("b", "", `fd ${ready.fd ?? "?"}`), ` ${readyWords(ready.ready)}`);
    const parts = [head];
    if (name !== "") parts.push(el("div", "sub", name));
    const served = story.calls.find((call) => call.startNs === ready.ledToNs);
    if (served) {
      const delay = served.readyDelayNs === null ? "" : `, data had been there ${formatNs(served.readyDelayNs)}`;
      parts.push(to(go, story.lane, served.startNs, `${served.call} after ${formatNs(served.startNs - story.call.endNs)}${delay}`));
    } else if (ready.ledToNs !== null) parts.push(to(go, story.lane, ready.ledToNs, `worked on after ${formatNs(ready.ledToNs - story.call.endNs)}`));
    else if (ready.ready !== 0 && story.turn?.startNs === story.call.endNs && story.rest.calls === 0) parts.push(el("div", "sub", "no recorded call of this turn worked on it"));
    return el("li", "", ...parts);
  });
  return [section("What it found", el("ul", "found", ...rows))];
}

/** @param {Story} story @param {Go} go @returns {HTMLElement[]} */
function turnSection(story, go) {
  const { turn } = story;
  if (!turn) {
    const parts = [el("p", "sub", NO_TURN[story.noTurn ?? ""] ?? "Its turn is not known.")];
    return [section("Beside it", ...parts, ...neighbours(story, go))];
  }
  /** @type {[string, string][]} */
  const rows = [
    ["found ready", formatCount(turn.events)],
    ["work", `${formatNs(turn.workNs)} in ${formatCount(turn.calls)} ${turn.calls === 1 ? "call" : "calls"}`],
    ["waited after it", turn.ended ? formatNs(turn.waitNs) : "not ended"],
    ["longest without a look", formatNs(turn.lagNs)],
    ["received, sent", `${formatBytes(turn.receivedBytes)}, ${formatBytes(turn.sentBytes)}`],
  ];
  const table = el("table", "", el("tbody", "", ...rows.map(([name, value]) => el("tr", "", el("td", "", name), el("td", "", value)))));
  const listed = listedCalls(story);
  const items = listed.map((call) => el("li", call.startNs === story.call.startNs ? "chosen" : "", callRow(story, go, call)));
  const more = story.calls.length - listed.length + story.rest.calls;
  if (more > 0) items.splice(listed.length - 1, 0, el("li", "sub", `… and ${formatCount(more)} more`));
  const beside = [besideTurn(story, go, story.before, "Turn before"), besideTurn(story, go, story.after, "What it did next")];
  return [section("Its turn", table, el("ol", "calls", ...items), el("div", "actions", ...beside.flat()))];
}

/** The first calls of the turn, the chosen one, and the last. @param {Story} story @returns {Call[]} */
function listedCalls(story) {
  const { calls } = story;
  if (calls.length <= LISTED_MAX) return calls;
  const last = calls.length - 1;
  return calls.filter((call, index) => index < LISTED_MAX - 2 || index === last || call.startNs === story.call.startNs);
}

/** @param {Story} story @param {Go} go @param {Turn | null} turn @param {string} words @returns {HTMLElement[]} */
function besideTurn(story, go, turn, words) {
  // The call that began it ended as it began.
  return turn ? [to(go, story.lane, turn.startNs - 1, `${words} (${formatNs(turn.workNs)})`)] : [];
}

/** @param {Story} story @param {Go} go @param {Call} call */
function callRow(story, go, call) {
  const name = nameOf(story, call.descriptor);
  const words = el("span", "name", `${call.call}${call.fd === null ? "" : ` fd ${call.fd}`}`);
  const result = call.error ?? (call.ret === null ? "" : `= ${formatCount(call.ret)}`);
  const button = to(go, story.lane, call.startNs, words, el("span", "result", result), el("span", "number", formatNs(call.endNs - call.startNs)));
  if (name !== "") button.title = name;
  return button;
}

/** @param {Story} story @param {Go} go @returns {HTMLElement[]} */
function neighbours(story, go) {
  const at = story.calls.findIndex((call) => call.startNs === story.call.startNs);
  if (at < 0) return [];
  const near = story.calls.slice(Math.max(0, at - 3), at + 4);
  const items = near.map((call) => el("li", call.startNs === story.call.startNs ? "chosen" : "", callRow(story, go, call)));
  return items.length > 1 ? [el("ol", "calls", ...items)] : [];
}
