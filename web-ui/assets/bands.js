/**
 * The turns beside the lanes in view: asked for when the view has come to rest, and now and then while it moves on by itself.
 *
 * Must never ask in a frame, nor for more lanes than show; it keeps what was told of few others.
 *
 * @import { Band, Piece } from "./band.js"
 * @import { State } from "./messages.js"
 * @import { Timeline } from "./timeline.js"
 */

import { pieceAt } from "./band.js";
import { BAND_HIT_PX, BAND_TOP_PX, rowTop, visibleRows } from "./layout.js";
import { fetchBand } from "./server.js";

const REST_MS = 150;
/** While a live trace is followed the view never rests: then it is asked for this often. */
const MOVING_MS = 1000;
const KEPT_MAX = 128;

export class Bands {
  /** @param {Timeline} timeline @param {(error: unknown) => void} onRefused */
  constructor(timeline, onRefused) {
    this.timeline = timeline;
    this.onRefused = onRefused;
    this.waiting = false;
    this.asking = false;
    this.seen = "";
    /** The view that was asked for last. */
    this.asked = "";
    this.askedMs = -Infinity;
  }

  /** The view may be another now. Called with every frame. */
  note() {
    if (this.waiting || this.asking) return;
    this.waiting = true;
    setTimeout(() => void this.check(), REST_MS);
  }

  async check() {
    this.waiting = false;
    const { timeline } = this;
    const { state, view } = timeline;
    if (!state || !timeline.shown) return;
    const looks = `${view.startNs}/${view.nsPerPx}/${timeline.frame.scrollPx}`;
    const rested = looks === this.seen;
    this.seen = looks;
    // Of a view that was asked for, as of one that goes on by itself, there is more with every state.
    const isOld = performance.now() - this.askedMs >= MOVING_MS;
    if (rested ? looks === this.asked && !isOld : !timeline.following || !isOld) {
      this.note();
      return;
    }
    this.asked = looks;
    this.askedMs = performance.now();
    this.asking = true;
    try {
      await this.ask(state);
    } catch (error) {
      this.onRefused(error);
    } finally {
      this.asking = false;
    }
  }

  /** One lane after the other: what is asked by hand meanwhile comes first. @param {State} state */
  async ask(state) {
    const { timeline } = this;
    const rows = visibleRows(timeline.frame);
    const fromNs = Math.max(0, Math.floor(timeline.window.fromNs));
    const toNs = Math.min(Math.ceil(timeline.window.toNs), state.nowNs + 1);
    if (toNs <= fromNs) return;
    for (const lane of timeline.lanes.slice(rows.first, rows.end)) {
      if (tellsAll(timeline.bands.get(lane.lane), fromNs, toNs)) continue;
      const band = await fetchBand(lane.lane, fromNs, toNs);
      if (!band) continue;
      timeline.bands.delete(lane.lane);
      timeline.bands.set(lane.lane, band);
      const oldest = timeline.bands.keys().next().value;
      if (timeline.bands.size > KEPT_MAX && oldest !== undefined) timeline.bands.delete(oldest);
      timeline.invalidate();
    }
  }

  /** Another trace answers at the same address. */
  forget() {
    this.timeline.bands.clear();
    this.seen = "";
    this.asked = "";
  }
}

/**
 * Whether there is nothing more to be told of a time.
 * @param {Band | undefined} band @param {number} fromNs @param {number} toNs
 * @returns {boolean}
 */
export function tellsAll(band, fromNs, toNs) {
  if (!band || band.fromNs > fromNs || band.toNs < toNs) return false;
  // What was too much of a longer time may not be of a shorter one; and what went on then has ended by now.
  if (band.turns === null) return band.fromNs === fromNs && band.toNs === toNs;
  return band.nowNs >= toNs - 1;
}

/**
 * What of a band is under a point of the canvas.
 * @param {Timeline} timeline @param {number} xPx @param {number} yPx @param {number} row
 * @returns {Piece | null}
 */
export function pieceUnder(timeline, xPx, yPx, row) {
  const lane = timeline.lanes[row];
  const band = lane && timeline.bands.get(lane.lane);
  const top = rowTop(timeline.frame, row) + BAND_TOP_PX;
  if (!band || yPx < top - 1 || yPx > top + BAND_HIT_PX) return null;
  return pieceAt(band, timeline.view, timeline.frame.widthPx, xPx);
}
