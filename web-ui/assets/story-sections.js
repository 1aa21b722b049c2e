/**
 * What the panel tells of a call beyond its own numbers: why its wait ended, what led there, what it found, its turn.
 *
 * Every other call that is named here is a button that goes there. Must never say as known what the server left open.
 *
 * @import { At, Call, Story, Turn } from "./story.js"
 */

import { el } from "./dom.js";
import { formatBytes, formatCount, formatNs } from "./format.js";
import { LANGUAGE } from "./language.js";
import { nameOf, readyWords } from "./story.js";
import { say } from "./words.js";

/** Calls of a turn that are listed. */
const LISTED_MAX = 16;

/** @typedef {(lane: number, atNs: number) => void} Go */

const NO_TURN = /** @type {Record<string, string>} */ ({
  no_loop: say("story.noloop"),
  too_far: say("story.toofar"),
  lost: say("story.lost"),
  not_cut: say("story.notcut"),
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
  const title = story.call.sleeps > 0 ? say("story.why") : say("story.whynot");
  // An English sentence begins with a word; a Chinese one may begin with a name.
  const text = LANGUAGE === "en" ? why.text.charAt(0).toUpperCase() + why.text.slice(1) : why.text;
  const parts = [el("p", "says", say("story.sentence", { text }))];
  if (why.inferred) parts.push(el("p", "sub", say("story.inferred")));
  if (story.unsure) parts.push(el("p", "sub", say("story.unsure")));
  return [section(title, ...parts)];
}

/** A thread as it is known here. @param {Story} story @param {number} tid @returns {string} */
function threadWords(story, tid) {
  const known = story.threads.find((thread) => thread.tid === tid);
  return known?.name ? `${known.name} ${tid}` : say("thread.number", { tid });
}

/** @param {At} at @returns {string} */
function atWords(at) {
  const on = at.name ?? (at.fd === null ? "" : `fd ${at.fd}`);
  return on === "" ? at.call : say("story.on", { call: at.call, what: on });
}

/** @param {Story} story @param {Go} go @returns {HTMLElement[]} */
function chainSection(story, go) {
  const chain = story.call.why?.chain ?? [];
  const by = story.call.why?.by ?? null;
  if (chain.length === 0 && !(story.chainCut && by !== null)) return [];
  const items = chain.map((link, index) => {
    const lane = story.threads.find((thread) => thread.tid === link.tid)?.lane;
    const parts = [el("div", "", index === 0 ? say("story.waited.this") : say("story.waited", { who: threadWords(story, link.tid) }))];
    if (link.waitedIn && index > 0 && lane !== undefined) parts.push(to(go, lane, link.waitedIn.startNs, say("story.in", { call: atWords(link.waitedIn) })));
    const told = index === 0 && story.call.why?.text === link.text;
    const woken = { what: link.text, ago: agoWords(story, link.wokenNs) };
    parts.push(el("div", "sub", say(told ? "story.woken" : link.inferred ? "story.untilinferred" : "story.until", woken)));
    const waker = link.by === null ? undefined : story.threads.find((thread) => thread.tid === link.by);
    if (link.wokenIn && link.by !== null) {
      const words = say("story.wokeit", { who: threadWords(story, link.by), call: atWords(link.wokenIn) });
      parts.push(waker ? to(go, waker.lane, link.wokenIn.startNs, words) : el("div", "", words));
    }
    return el("li", "", ...parts);
  });
  const parts = [el("ol", "chain", ...items)];
  if (story.chainCut) parts.push(el("p", "sub", say("story.goeson")));
  return [section(say("story.led"), ...parts)];
}

/** @param {Story} story @param {number} ns @returns {string} */
function agoWords(story, ns) {
  const beforeNs = story.call.endNs - ns;
  return say("story.ago", { time: formatNs(Math.max(0, beforeNs)) });
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
      const after = { call: served.call, time: formatNs(served.startNs - story.call.endNs) };
      const words = served.readyDelayNs === null ? say("story.served", after) : say("story.serveddelay", { ...after, delay: formatNs(served.readyDelayNs) });
      parts.push(to(go, story.lane, served.startNs, words));
    } else if (ready.ledToNs !== null) parts.push(to(go, story.lane, ready.ledToNs, say("story.workedon", { time: formatNs(ready.ledToNs - story.call.endNs) })));
    else if (ready.ready !== 0 && story.turn?.startNs === story.call.endNs && story.rest.calls === 0) parts.push(el("div", "sub", say("story.unworked")));
    return el("li", "", ...parts);
  });
  return [section(say("story.found"), el("ul", "found", ...rows))];
}

/** @param {Story} story @param {Go} go @returns {HTMLElement[]} */
function turnSection(story, go) {
  const { turn } = story;
  if (!turn) {
    const parts = [el("p", "sub", NO_TURN[story.noTurn ?? ""] ?? say("story.noturn"))];
    return [section(say("story.beside"), ...parts, ...neighbours(story, go))];
  }
  /** @type {[string, string][]} */
  const rows = [
    [say("story.ready"), formatCount(turn.events)],
    [say("story.work"), say("story.workof", { time: formatNs(turn.workNs), count: formatCount(turn.calls) })],
    [say("story.waitafter"), turn.ended ? formatNs(turn.waitNs) : say("story.notended")],
    [say("story.lag"), formatNs(turn.lagNs)],
    [say("story.bytes"), say("story.pair", { received: formatBytes(turn.receivedBytes), sent: formatBytes(turn.sentBytes) })],
  ];
  const table = el("table", "", el("tbody", "", ...rows.map(([name, value]) => el("tr", "", el("td", "", name), el("td", "", value)))));
  const listed = listedCalls(story);
  const items = listed.map((call) => el("li", call.startNs === story.call.startNs ? "chosen" : "", callRow(story, go, call)));
  const more = story.calls.length - listed.length + story.rest.calls;
  if (more > 0) items.splice(listed.length - 1, 0, el("li", "sub", say("story.more", { count: formatCount(more) })));
  const beside = [besideTurn(story, go, story.before, say("story.before")), besideTurn(story, go, story.after, say("story.after"))];
  return [section(say("story.turn"), table, el("ol", "calls", ...items), el("div", "actions", ...beside.flat()))];
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
