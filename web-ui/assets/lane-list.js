/**
 * The lanes: fetched when the server has others, and put into rows in the order and with the processes collapsed that
 * someone asked for.
 *
 * Must never lose a lane: those that do not show are counted beside the one that does.
 *
 * @import { Order } from "./lane-order.js"
 * @import { Lane, State } from "./messages.js"
 * @import { Timeline } from "./timeline.js"
 */

import { byId, el } from "./dom.js";
import { arranged, ORDERS } from "./lane-order.js";
import { contentPx } from "./layout.js";
import { askTotals } from "./questions.js";
import { fetchLanes } from "./server.js";
import { say } from "./words.js";

/** @type {Readonly<Record<Order, string>>} */
const WORDS = { appearance: say("order.appearance"), name: say("order.name"), calls: say("order.calls"), blocked: say("order.blocked") };

/** @typedef {{ onArranged: () => void, onFetched: () => void, onRefused: (error: unknown) => void }} Hooks */

export class LaneList {
  /** @param {Timeline} timeline @param {Hooks} hooks */
  constructor(timeline, hooks) {
    this.timeline = timeline;
    this.hooks = hooks;
    this.version = -1;
    this.count = -1;
    this.fetching = false;
    /** @type {State | null} the latest */
    this.state = null;
    /** @type {Order} */
    this.order = "appearance";
    /** @type {Map<number, number>} by lane, when it was asked for */
    this.blockedNs = new Map();
    /** @type {Set<number>} processes */
    this.collapsed = new Set();
    this.processes = arranged([], this.order, this.blockedNs, this.collapsed).processes;
    const select = byId("lane-order", HTMLSelectElement);
    select.append(...ORDERS.map((name) => {
      const option = el("option", "", WORDS[name]);
      option.setAttribute("value", name);
      return option;
    }));
    select.addEventListener("change", () => void this.orderBy(ORDERS.find((name) => name === select.value) ?? "appearance"));
  }

  /** Another trace answers at the same address. */
  forget() {
    this.version = -1;
  }

  /** Fetches the lanes if the server has others. @param {State} state */
  refresh(state) {
    this.state = state;
    // Not the number of lanes at hand: the server sends 4096 at most, and there may be more.
    if (state.lanesVersion !== this.version || state.lanes !== this.count) void this.update(state);
  }

  /** @param {State} state */
  async update(state) {
    if (this.fetching) return;
    this.fetching = true;
    try {
      const { lanes } = await fetchLanes();
      this.arrange(lanes);
      // The state's version, not the answer's: a newer answer is fetched again, an older one never kept.
      this.version = state.lanesVersion;
      this.count = state.lanes;
      this.hooks.onFetched();
    } catch (error) {
      this.hooks.onRefused(error);
    } finally {
      this.fetching = false;
    }
    // A state that came meanwhile may be the last one for a long time.
    if (this.state && this.state !== state) this.refresh(this.state);
  }

  /** Puts lanes into their rows. @param {readonly Lane[]} lanes all of them */
  arrange(lanes) {
    const shown = arranged(lanes, this.order, this.blockedNs, this.collapsed);
    this.processes = shown.processes;
    this.timeline.setLanes(shown.lanes, lanes);
    byId("stage", HTMLElement).style.height = `${contentPx(shown.lanes.length)}px`;
    this.hooks.onArranged();
  }

  /** @param {Order} order */
  async orderBy(order) {
    this.order = order;
    try {
      if (order === "blocked") this.blockedNs = new Map([...(await askTotals({})).lanes].map(([lane, sum]) => [lane, sum.blockedNs]));
    } catch (error) {
      this.hooks.onRefused(error);
    }
    this.arrange(this.timeline.allLanes);
  }

  /** Shows or hides all threads of a process but one. @param {number} pid */
  toggle(pid) {
    if (!this.collapsed.delete(pid)) this.collapsed.add(pid);
    this.arrange(this.timeline.allLanes);
  }

  /** The row of a lane, which is shown if it was not; -1 if there is no such lane. @param {number | null} number @returns {number} */
  rowOf(number) {
    const lane = this.timeline.allLanes.find((one) => one.lane === number);
    if (lane && !this.timeline.lanes.includes(lane)) this.toggle(lane.pid);
    return this.timeline.lanes.findIndex((one) => one.lane === number);
  }
}
