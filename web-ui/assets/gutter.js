/**
 * The threads' names beside their lanes. Only the rows that show exist, however many threads there are.
 *
 * @import { Lane, Open, State } from "./messages.js"
 * @import { Frame } from "./layout.js"
 * @import { Arranged } from "./lane-order.js"
 */

import { byId, el, setText } from "./dom.js";
import { formatCount } from "./format.js";
import { rowTop, visibleRows } from "./layout.js";
import { say } from "./words.js";

/**
 * What a thread is doing, in a few words.
 * @param {Lane} lane
 * @param {Open | undefined} open
 * @returns {string}
 */
export function doing(lane, open) {
  if (lane.endedNs !== null) return say("doing.ended");
  if (!open) return say("doing.calls", { count: formatCount(lane.calls) });
  if (open.offSinceNs !== null && open.wokenNs !== null) return say("doing.runnable");
  const call = open.inCall ? (open.call ?? say("doing.call")) : "";
  if (open.offSinceNs !== null) return call ? say("doing.blockedin", { call }) : say("doing.blocked");
  return call ? say("doing.in", { call }) : say("doing.running");
}

export class Gutter {
  /** @param {(pid: number) => void} onToggle of a process */
  constructor(onToggle) {
    this.root = byId("lanes", HTMLElement);
    /** @type {Arranged["processes"]} */
    this.processes = new Map();
    /** How each thread comes to know that it can go on, by process and thread. @type {ReadonlyMap<string, string>} */
    this.models = new Map();
    /** @type {readonly unknown[]} what the rows were last made of */
    this.shown = [];
    this.root.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      if (button) onToggle(Number(button.dataset["pid"]));
    });
  }

  /** @param {Frame} frame @param {readonly Lane[]} lanes @param {State | null} state @param {number | null} hover */
  show(frame, lanes, state, hover) {
    const looks = [frame.scrollPx, frame.heightPx, lanes, state, hover, this.models, this.processes];
    if (looks.every((one, i) => one === this.shown[i])) return;
    this.shown = looks;
    this.root.style.height = `${frame.heightPx}px`;
    const rows = visibleRows(frame);
    while (this.root.children.length > rows.end - rows.first) this.root.lastElementChild?.remove();
    for (let row = rows.first; row < rows.end; row += 1) {
      const lane = lanes[row];
      if (!lane) continue;
      const there = this.root.children[row - rows.first];
      const entry = there instanceof HTMLElement ? there : this.root.appendChild(makeRow());
      const [name, more, model, toggle] = entry.children;
      if (!(name instanceof HTMLElement) || !(more instanceof HTMLElement) || !(model instanceof HTMLElement)) continue;
      const words = this.models.get(`${lane.pid}/${lane.tid}`) ?? "";
      setText(model, words.split(/[,，]/)[0] ?? "");
      if (toggle instanceof HTMLButtonElement) this.showToggle(toggle, lane);
      setText(name, lane.name || say("thread.none"));
      setText(more, `${lane.tid} · ${doing(lane, state?.open.get(lane.lane))}`);
      entry.style.transform = `translateY(${rowTop(frame, row)}px)`;
      entry.dataset["hover"] = hover === row ? "yes" : "no";
      entry.dataset["gone"] = lane.endedNs === null ? "no" : "yes";
      entry.title = `${lane.name}\n${say("thread.hint", { tid: lane.tid, pid: lane.pid, count: formatCount(lane.calls) })}${words ? `\n${words}` : ""}`;
    }
  }

  /** @param {HTMLButtonElement} toggle @param {Lane} lane */
  showToggle(toggle, lane) {
    const process = this.processes.get(lane.lane);
    toggle.hidden = !process;
    if (!process) return;
    const folded = process.hidden > 0;
    toggle.dataset["pid"] = String(process.pid);
    setText(toggle, folded ? say("lanes.more", { count: formatCount(process.hidden) }) : "▾");
    toggle.title = say(folded ? "lanes.unfold" : "lanes.fold", { pid: process.pid });
    toggle.setAttribute("aria-expanded", String(!folded));
  }
}

/** @returns {HTMLElement} */
function makeRow() {
  const toggle = el("button", "toggle");
  toggle.setAttribute("type", "button");
  const entry = el("div", "lane", el("div", "name"), el("div", "more"), el("div", "model"), toggle);
  entry.setAttribute("role", "listitem");
  return entry;
}
