/**
 * The views and their tabs: one shows, in the place of the timeline or beside the overview.
 *
 * Must never ask anything of the server for a view that does not show.
 *
 * @import { Compared } from "./compare.js"
 * @import { Lane, State, Trace } from "./messages.js"
 * @import { Palette } from "./phases.js"
 * @import { Reported } from "./report.js"
 * @import { Filter, Range, ViewName } from "./view-state.js"
 */

import { byId, el } from "./dom.js";
import { VIEWS } from "./view-state.js";
import { say } from "./words.js";

/**
 * @typedef {{ call: (lane: number, atNs: number) => void, range: (range: Range, lane: number | null) => void,
 *   filter: (filter: Filter) => void, view: (name: ViewName) => void, connection: (id: number) => void }} Go
 *   where a view leads; `connection`: gives one a lane on the timeline, or takes it away
 * @typedef {{ palette: Palette, names: readonly string[], lanes: readonly Lane[], trace: Trace | null, state: State, range: Range, of: string,
 *   filter: Filter, reported: Reported | null, compared: Compared | null, connections: readonly number[], go: Go }} Context
 *   `of`: what the range is, in words; `connections`: those that have a lane
 * @typedef {{ root: HTMLElement, wantsReport: boolean, wantsDiff?: boolean, show: (context: Context) => void }} View
 */

const WORDS = {
  timeline: say("tab.timeline"), summary: say("tab.summary"), latency: say("tab.latency"), connections: say("tab.connections"), turns: say("tab.turns"),
  compare: say("tab.compare"),
};

export class Views {
  /** @param {Record<Exclude<ViewName, "timeline">, View>} views @param {(name: ViewName) => void} onChosen */
  constructor(views, onChosen) {
    this.views = views;
    this.root = byId("view", HTMLElement);
    /** @type {ViewName} */
    this.name = "timeline";
    this.tabs = VIEWS.map((name, index) => {
      const tab = el("button", "tab", WORDS[name]);
      tab.setAttribute("type", "button");
      tab.setAttribute("role", "tab");
      tab.id = `tab-${name}`;
      tab.title = String(index + 1);
      tab.addEventListener("click", () => onChosen(name));
      tab.addEventListener("keydown", (event) => {
        const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
        if (by === 0) return;
        event.preventDefault();
        const next = VIEWS[(index + by + VIEWS.length) % VIEWS.length] ?? "timeline";
        onChosen(next);
        document.getElementById(`tab-${next}`)?.focus();
      });
      return tab;
    });
    byId("tabs", HTMLElement).append(...this.tabs);
    this.choose("timeline");
  }

  /** The view that shows, or null for the timeline. @returns {View | null} */
  current() {
    return this.name === "timeline" ? null : this.views[this.name];
  }

  /** @param {ViewName} name */
  choose(name) {
    this.name = name;
    VIEWS.forEach((one, i) => {
      this.tabs[i]?.setAttribute("aria-selected", String(one === name));
      this.tabs[i]?.setAttribute("aria-controls", one === "timeline" ? "scroller" : "view");
      this.tabs[i]?.setAttribute("tabindex", one === name ? "0" : "-1");
    });
    const view = this.current();
    this.root.hidden = view === null;
    this.root.setAttribute("aria-labelledby", `tab-${name}`);
    this.root.replaceChildren(...(view ? [view.root] : []));
    byId("scroller", HTMLElement).hidden = view !== null;
  }
}
