/**
 * Where one is in the trace, and the ways elsewhere: window, selected range, chosen call, view and filter, as the address
 * holds them.
 *
 * Must never draw, nor ask the server: the page and its parts do.
 *
 * @import { State } from "./messages.js"
 * @import { Palette } from "./phases.js"
 * @import { Timeline } from "./timeline.js"
 * @import { Range, ViewName, ViewState } from "./view-state.js"
 */

import { Address } from "./address.js";
import { byId } from "./dom.js";
import { formatNs } from "./format.js";
import { SelectionBar } from "./selection-bar.js";
import { withEdge } from "./selection.js";
import { say } from "./words.js";

/**
 * @typedef {{ state: () => State | null, palette: () => Palette, viewName: () => ViewName, showView: (name: ViewName) => void,
 *   choose: (lane: number, atNs: number) => Promise<boolean>, resize: () => void, onRest: () => void, onSelected: () => void,
 *   announce: (text: string) => void }} Hooks
 */

export class Places {
  /** @param {Timeline} timeline @param {Hooks} hooks */
  constructor(timeline, hooks) {
    this.timeline = timeline;
    this.hooks = hooks;
    this.bar = new SelectionBar({ onZoom: () => this.fit(), onClear: () => this.select(null) });
    /** @type {ViewState["filter"]} */
    this.filter = { lane: null, nr: null };
    /** @type {ViewState["call"]} that an address asks for, until its lane is known */
    this.wantedCall = null;
    this.address = new Address({ state: () => this.state(), show: (state) => this.show(state), onRest: () => this.rest() });
  }

  /** To where the address led when the page was opened. */
  open() {
    this.show(this.address.opened());
  }

  /** What the address says. @returns {ViewState} */
  state() {
    const { pinned, selection, following, placed, window } = this.timeline;
    return {
      window: following || !placed ? null : window,
      call: pinned ? { lane: pinned.lane, atNs: pinned.startNs } : this.wantedCall,
      selection,
      view: this.hooks.viewName(),
      filter: this.filter,
    };
  }

  /** To where an address leads. @param {ViewState} wanted */
  show(wanted) {
    this.filter = wanted.filter;
    if (wanted.window && this.timeline.placed) this.timeline.showExactly(wanted.window);
    else this.timeline.wanted = wanted.window;
    this.select(wanted.selection);
    this.wantedCall = wanted.call;
    this.hooks.showView(wanted.view);
    this.refresh();
  }

  /** What an address asked for could not be shown before there were lanes; or the colours are others now. */
  refresh() {
    this.select(this.timeline.selection);
    const call = this.wantedCall;
    if (!call || !this.timeline.allLanes.some(({ lane }) => lane === call.lane)) return;
    this.wantedCall = null;
    const { window, following } = this.timeline;
    void this.hooks.choose(call.lane, call.atNs).then(() => {
      // The panel has taken room: what the address asks for is a window, not a zoom.
      this.hooks.resize();
      if (!following) this.timeline.showExactly(window);
    });
  }

  /** Another trace answers at the same address: no place in it is known. */
  forget() {
    this.address.history.forget();
    this.select(null);
  }

  /** @param {Range | null} range @param {boolean} [done] whether it is not being drawn out any more */
  select(range, done = true) {
    const was = this.timeline.selection;
    this.timeline.select(range);
    this.bar.show(range, done, this.timeline.allLanes, this.hooks.state(), this.hooks.palette());
    if ((was === null) !== (range === null)) this.hooks.resize();
    if (!done) return;
    this.hooks.onSelected();
    if (range) this.hooks.announce(say("announce.selected", { time: formatNs(range.toNs - range.fromNs) }));
  }

  /** @param {"from" | "to"} edge @param {number} atNs */
  setEdge(edge, atNs) {
    this.select(withEdge(this.timeline.selection, edge, atNs, this.timeline.window));
  }

  /** Selects the time of the chosen call. */
  mark() {
    const { pinned } = this.timeline;
    if (pinned) this.select({ fromNs: pinned.startNs, toNs: Math.max(pinned.endNs, pinned.startNs + 1) });
  }

  /** To the selected range, or the whole trace. */
  fit() {
    const { selection } = this.timeline;
    if (selection) this.timeline.show(selection.fromNs, selection.toNs);
    else this.whole();
  }

  whole() {
    const state = this.hooks.state();
    this.timeline.show(state?.keptNs ?? 0, state?.nowNs ?? 1);
  }

  /** To the window before, or the one after. @param {"back" | "forth"} which */
  travel(which) {
    const to = this.address[which](this.timeline.window);
    if (to) this.timeline.showExactly(to);
    this.rest();
  }

  /** The view has come to rest. */
  rest() {
    byId("back", HTMLButtonElement).disabled = !this.address.history.canGoBack();
    byId("forth", HTMLButtonElement).disabled = !this.address.history.canGoForth();
    this.hooks.onRest();
  }
}
