/**
 * Which connections have a lane on the timeline, and what is known of them: asked for when the view has come to rest, and now and
 * then while it moves on by itself.
 *
 * Must never ask in a frame, nor hold more lanes than it says, nor draw: the strip does.
 *
 * @import { Connection } from "./connection-lane.js"
 * @import { State } from "./messages.js"
 * @import { View } from "./scale.js"
 * @import { Timeline } from "./timeline.js"
 * @import { Range } from "./view-state.js"
 */

import { CONNECTIONS_MAX, stretchOf } from "./connection-lane.js";
import { fetchConnection } from "./server.js";

const REST_MS = 150;
/** While a live trace goes on, what is in view is asked for again this often. */
const MOVING_MS = 1000;
/** In a live trace, what came in view may be read this much later, and its wait is known then. */
const LATE_NS = 2e9;

/** @typedef {{ onChanged: () => void, onFull: () => void, onRefused: (error: unknown) => void }} Hooks */

export class ConnectionLanes {
  /** @param {Timeline} timeline @param {Hooks} hooks */
  constructor(timeline, hooks) {
    this.timeline = timeline;
    this.hooks = hooks;
    /** By their numbers in the trace, in the order of lanes. @type {readonly number[]} */
    this.ids = [];
    /** @type {Map<number, Connection>} by that number */
    this.answers = new Map();
    /** Goes up with every change, so that others know when to look again. */
    this.version = 0;
    this.waiting = false;
    this.asking = false;
    this.seen = "";
    this.rested = "";
    this.askedMs = -Infinity;
  }

  /** @param {number} id @returns {boolean} */
  has(id) {
    return this.ids.includes(id);
  }

  /** Adds a lane, or takes it away. @param {number} id */
  toggle(id) {
    if (!this.has(id) && this.ids.length >= CONNECTIONS_MAX) {
      this.hooks.onFull();
      return;
    }
    this.set(this.has(id) ? this.ids.filter((one) => one !== id) : [...this.ids, id]);
  }

  /** @param {readonly number[]} ids */
  set(ids) {
    if (ids.length === this.ids.length && ids.every((id, i) => id === this.ids[i])) return;
    this.ids = [...new Set(ids)].slice(0, CONNECTIONS_MAX);
    for (const id of [...this.answers.keys()]) if (!this.has(id)) this.answers.delete(id);
    this.askedMs = -Infinity;
    this.changed();
    this.hooks.onChanged();
  }

  /** Another trace answers at the same address: its connections have other numbers. */
  forget() {
    this.answers.clear();
    this.set([]);
  }

  changed() {
    this.version += 1;
    this.timeline.invalidate();
  }

  /** The view may be another now. Called with every frame. */
  note() {
    if (this.waiting || this.asking || this.ids.length === 0) return;
    this.waiting = true;
    setTimeout(() => void this.check(), REST_MS);
  }

  async check() {
    this.waiting = false;
    const { timeline } = this;
    const { state, view, frame } = timeline;
    if (!state || !timeline.shown) return;
    const looks = looksOf(view, frame.widthPx);
    const rested = looks === this.seen;
    this.seen = looks;
    const isOld = performance.now() - this.askedMs >= MOVING_MS;
    if (!rested && !(timeline.following && isOld)) {
      this.note();
      return;
    }
    if (this.rested !== looks) {
      this.rested = looks;
      timeline.invalidate();
    }
    this.asking = true;
    try {
      await this.ask(state, isOld);
    } catch (error) {
      this.hooks.onRefused(error);
    } finally {
      this.asking = false;
    }
  }

  /** One after the other: what is asked by hand meanwhile comes first. @param {State} state @param {boolean} isOld */
  async ask(state, isOld) {
    const { timeline } = this;
    for (const id of this.ids) {
      const { view, frame, window } = timeline;
      const { fromNs, toNs, buckets, widthNs } = stretchOf(view, frame.widthPx);
      const known = this.answers.get(id);
      // Of a recording that is still being read, requests come later.
      const grows = known?.requests === null || (timeline.live && mayGrow(known, window, state));
      if (tellsAll(known, window, widthNs, state.nowNs) && !(isOld && grows)) continue;
      this.askedMs = performance.now();
      const connection = await fetchConnection(id, fromNs, toNs, buckets);
      if (!this.has(id)) continue;
      this.answers.set(id, connection);
      this.changed();
    }
  }
}

/** A view in short. @param {View} view @param {number} widthPx @returns {string} */
export function looksOf(view, widthPx) {
  return `${view.startNs}/${view.nsPerPx}/${widthPx}`;
}

/**
 * Whether there is nothing more to be told of a window, in buckets of this width.
 * @param {Connection | undefined} known @param {Range} window @param {number} widthNs @param {number} nowNs
 * @returns {boolean}
 */
export function tellsAll(known, window, widthNs, nowNs) {
  if (!known || known.widthNs !== widthNs) return false;
  return known.fromNs <= Math.max(0, window.fromNs) && known.toNs >= Math.min(window.toNs, nowNs);
}

/**
 * Whether a live trace may have more to say of a window by now.
 * @param {Connection | undefined} known @param {Range} window @param {State} state
 * @returns {boolean}
 */
export function mayGrow(known, window, state) {
  return known !== undefined && known.nowNs < state.nowNs && window.toNs > known.nowNs - LATE_NS;
}
