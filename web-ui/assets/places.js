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
import { flagAt } from "./draw-marks.js";
import { formatNs, formatTime } from "./format.js";
import { markAfter, markNear, MARKS_MAX, withMark, withoutMark } from "./marks.js";
import { timeToX, xToTime } from "./scale.js";
import { SelectionBar } from "./selection-bar.js";
import { withEdge } from "./selection.js";
import { say } from "./words.js";

/** A key this near to a mark means that. */
const MARK_REACH_PX = 4;

/**
 * @typedef {{ state: () => State | null, palette: () => Palette, viewName: () => ViewName, showView: (name: ViewName) => void,
 *   connections: () => readonly number[], showConnections: (ids: readonly number[]) => void,
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
    /** The mark that was gone to last. */
    this.atMarkNs = NaN;
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
      marks: this.timeline.marks,
      connections: this.hooks.connections(),
    };
  }

  /** To where an address leads. @param {ViewState} wanted */
  show(wanted) {
    this.filter = wanted.filter;
    this.timeline.mark(wanted.marks);
    this.hooks.showConnections(wanted.connections);
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
    this.timeline.mark([]);
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
  range() {
    const { pinned } = this.timeline;
    if (pinned) this.select({ fromNs: pinned.startNs, toNs: Math.max(pinned.endNs, pinned.startNs + 1) });
  }

  /** Marks a time, or takes the mark there away: at the pointer, else where the chosen call begins. @param {number | null} xPx */
  mark(xPx) {
    const { marks, view, pinned, frame } = this.timeline;
    const pointedNs = xPx === null ? (pinned?.startNs ?? xToTime(view, frame.widthPx / 2)) : xToTime(view, xPx);
    // The view may reach beyond the trace, where nothing can be marked.
    const atNs = Math.max(0, Math.min(pointedNs, this.hooks.state()?.nowNs ?? 0));
    const there = markNear(marks, atNs, MARK_REACH_PX * view.nsPerPx);
    if (there !== null) {
      this.unmark(there);
      return;
    }
    const after = withMark(marks, atNs);
    const added = after.find((ns) => !marks.includes(ns));
    this.timeline.mark(after);
    if (added === undefined) this.hooks.announce(say("marks.full", { most: MARKS_MAX }));
    else this.hooks.announce(say("marks.added", { number: after.indexOf(added) + 1, time: formatTime(added, view.nsPerPx) }));
  }

  /** @param {number} ns */
  unmark(ns) {
    const { marks, view } = this.timeline;
    this.timeline.mark(withoutMark(marks, ns));
    this.hooks.announce(say("marks.gone", { number: marks.indexOf(ns) + 1, time: formatTime(ns, view.nsPerPx) }));
  }

  /** A click on the axis: the flag there goes. @param {number} xPx @param {number} yPx */
  flag(xPx, yPx) {
    const ns = flagAt(this.timeline.marks, this.timeline.view, xPx, yPx);
    if (ns !== null) this.unmark(ns);
  }

  /** To the mark after the one that was gone to last, while that is in view; else to the first in the window's second half or later. */
  nextMark() {
    const { marks, view, frame } = this.timeline;
    const middleNs = xToTime(view, frame.widthPx / 2);
    const lastX = timeToX(view, this.atMarkNs);
    const to = markAfter(marks, lastX >= 0 && lastX <= frame.widthPx ? this.atMarkNs : middleNs);
    if (to === null) return;
    this.atMarkNs = to;
    const halfNs = (view.nsPerPx * frame.widthPx) / 2;
    this.hooks.showView("timeline");
    this.timeline.showExactly({ fromNs: to - halfNs, toNs: to + halfNs });
    this.hooks.announce(say("marks.at", { number: marks.indexOf(to) + 1, time: formatTime(to, view.nsPerPx) }));
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
