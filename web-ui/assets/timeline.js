/**
 * The timeline: what is shown, and the only owner of animation frames.
 *
 * Whatever changes, changes a field here and asks for a frame; a frame reads all of it, draws, and
 * says which tiles it lacks. Must never draw outside a frame, nor keep what can be computed.
 *
 * @import { Band } from "./band.js"
 * @import { Counters, Mark, Scene, SceneLane } from "./draw.js"
 * @import { Gathered } from "./items.js"
 * @import { Lane, State } from "./messages.js"
 * @import { Fetch, Wish } from "./fetcher.js"
 * @import { Frame } from "./layout.js"
 * @import { Piece } from "./tiles.js"
 * @import { Range } from "./view-state.js"
 * @import { View } from "./scale.js"
 * @import { Bounds } from "./viewport.js"
 * @import { Palette } from "./phases.js"
 */

import { draw } from "./draw.js";
import { Fetcher } from "./fetcher.js";
import { gatherAnew } from "./items.js";
import { LanePictures } from "./lane-pictures.js";
import { contentPx, rowAt, visibleRows } from "./layout.js";
import { xToTime } from "./scale.js";
import { levelFor, needed, samePiece, TileCache } from "./tiles.js";
import { clamp, fit, follow, pan, reveal, zoom } from "./viewport.js";

const CACHE_BYTES = 64 << 20;
/** Following shows the trace this late: the tiles of the very last moment are still on their way. */
const FOLLOW_LAG_NS = 300e6;
/** What following begins with. */
const FOLLOW_SPAN_NS = 4e9;
/** Between two states the clock runs on by itself, but no longer than this. */
const EXTRAPOLATE_MS = 400;
/** Requests that one frame may begin while the view moves: each takes half a millisecond, and brings the tiles of all lanes in view. */
const STARTS_MOVING = 1;
/** Sharper than this costs pixels that nobody sees. */
const MAX_SCALE = 2;

/**
 * @typedef {{ onFrame: (timeline: Timeline) => void, onRefused: (error: unknown) => void, fetch: Fetch,
 *   ground: (timeline: Timeline, state: State, lanes?: readonly Lane[]) => Wish[] }} Hooks
 *   `ground`: the tiles of the whole trace, of some lanes or of those that others show
 * @typedef {Counters & { ms: number, frames: number, level: number, tiles: number, requests: number, bytes: number, used: number }} Stats
 *   `tiles` at hand, `used` of them in this frame; `requests` and `bytes` of tiles since the page was opened
 */

export class Timeline {
  /** @param {HTMLCanvasElement} canvas @param {Palette} palette @param {Hooks} hooks */
  constructor(canvas, palette, hooks) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("draw the timeline: the browser gives no 2D canvas");
    this.canvas = canvas;
    this.context = context;
    this.palette = palette;
    this.hooks = hooks;
    this.cache = new TileCache(CACHE_BYTES);
    this.fetcher = new Fetcher(this.cache, hooks.fetch, {
      onTile: () => this.invalidate(),
      onRefused: hooks.onRefused,
    });
    /** @type {View} */
    this.view = { startNs: 0, nsPerPx: 1e6 };
    /** @type {Frame} */
    this.frame = { widthPx: 1, heightPx: 1, scrollPx: 0, lanes: 0 };
    /** Where the view was when tiles were last asked for. @type {View} */
    this.wantedAt = { startNs: NaN, nsPerPx: NaN };
    this.scale = 1;
    /** @type {State | null} */
    this.state = null;
    this.stateAtMs = 0;
    this.live = false;
    this.following = false;
    this.placed = false;
    /** Whether its canvas shows: beside it other views may stand in its place. */
    this.shown = true;
    /** @type {Range | null} the first window, if an address asks for one */
    this.wanted = null;
    /** @type {Range | null} */
    this.selection = null;
    /** @type {readonly Lane[]} in the order of rows */
    this.lanes = [];
    /** @type {readonly Lane[]} in the order of appearance, whether they show or not */
    this.allLanes = [];
    /** @type {readonly string[]} */
    this.names = [];
    /** @type {Mark | null} */
    this.pinned = null;
    /** @type {{ xPx: number, row: number | null } | null} */
    this.hover = null;
    this.pointerY = 0;
    /** @type {Map<number, Gathered>} by lane, of the last frame */
    this.gathered = new Map();
    /** @type {Map<number, Band>} by lane: its turns, as far as others have found out */
    this.bands = new Map();
    /** Times that someone marked, in order. @type {readonly number[]} */
    this.marks = [];
    /** @type {LanePictures | null} */
    this.pictures = null;
    this.asked = false;
    /** @type {Stats} */
    this.stats = { rects: 0, labels: 0, pixels: 0, ms: 0, frames: 0, level: 0, tiles: 0, requests: 0, bytes: 0, used: 0 };
  }

  /** Asks for a frame; many askers get one. */
  invalidate() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame((nowMs) => this.onFrame(nowMs));
  }

  /** @returns {Bounds} */
  bounds() {
    return { widthPx: this.frame.widthPx, beginNs: 0, endNs: this.nowNs(performance.now()) };
  }

  /**
   * How far the trace has come, gliding between the states of the server.
   * @param {number} nowMs
   * @returns {number}
   */
  nowNs(nowMs) {
    const { state } = this;
    if (!state) return 0;
    if (!this.live || state.ended) return state.nowNs;
    return state.nowNs + Math.min(EXTRAPOLATE_MS, Math.max(0, nowMs - this.stateAtMs)) * 1e6;
  }

  /** @param {State} state */
  setState(state) {
    this.state = state;
    this.stateAtMs = performance.now();
    if (!this.live || state.ended) this.following = false;
    if (!this.placed) this.place(state);
    this.invalidate();
  }

  /** The first view: the whole of what is over, the last moments of what goes on. @param {State} state */
  place(state) {
    if (this.frame.widthPx <= 1) return;
    this.placed = true;
    if (this.wanted) {
      this.showExactly(this.wanted);
    } else if (this.live && !state.ended) {
      this.following = true;
      this.view = { startNs: 0, nsPerPx: FOLLOW_SPAN_NS / this.frame.widthPx };
    } else this.view = fit(0, state.nowNs, this.bounds());
  }

  /** @param {readonly Lane[]} lanes in the order of rows @param {readonly Lane[]} [all] those that do not show among them */
  setLanes(lanes, all = lanes) {
    this.lanes = lanes;
    this.allLanes = all;
    this.frame.lanes = lanes.length;
    this.invalidate();
  }

  /** @param {Palette} palette */
  setPalette(palette) {
    this.palette = palette;
    this.pictures = null;
    this.invalidate();
  }

  /** @param {number} widthPx @param {number} heightPx @param {number} scale */
  resize(widthPx, heightPx, scale) {
    // The left edge stays, and so does the zoom: a resize must not look like a move.
    this.scale = Math.min(MAX_SCALE, Math.max(1, Math.round(scale)));
    this.frame.widthPx = Math.max(1, Math.floor(widthPx));
    this.frame.heightPx = Math.max(1, Math.floor(heightPx));
    this.canvas.width = this.frame.widthPx * this.scale;
    this.canvas.height = this.frame.heightPx * this.scale;
    this.pictures = null;
    if (this.state && !this.placed) this.place(this.state);
    this.invalidate();
  }

  /** @param {number} scrollPx */
  scrollTo(scrollPx) {
    this.frame.scrollPx = Math.max(0, Math.min(scrollPx, contentPx(this.frame.lanes) - this.frame.heightPx));
    this.invalidate();
  }

  /** @param {number} factor @param {number} xPx */
  zoomAt(factor, xPx) {
    // Who zooms in has seen something, and it must not run away; who zooms out still follows.
    if (factor > 1) this.following = false;
    this.view = zoom(this.view, factor, this.following ? this.frame.widthPx : xPx, this.bounds());
    this.invalidate();
  }

  /** @param {number} byPx */
  panBy(byPx) {
    this.following = false;
    this.view = pan(this.view, byPx, this.bounds());
    this.invalidate();
  }

  /** @param {number} fromNs @param {number} toNs */
  show(fromNs, toNs) {
    this.following = false;
    this.view = fit(fromNs, toNs, this.bounds());
    this.invalidate();
  }

  /** Without a margin. @param {Range} range */
  showExactly({ fromNs, toNs }) {
    this.following = false;
    this.view = clamp({ startNs: fromNs, nsPerPx: (toNs - fromNs) / this.frame.widthPx }, this.bounds());
    this.invalidate();
  }

  /** Moves only as far as it must. @param {number} startNs @param {number} endNs */
  reveal(startNs, endNs) {
    this.following = false;
    this.view = reveal(this.view, startNs, endNs, this.bounds());
    this.invalidate();
  }

  /** What part of time is in view. @returns {Range} */
  get window() {
    const { startNs, nsPerPx } = this.view;
    return { fromNs: startNs, toNs: startNs + nsPerPx * this.frame.widthPx };
  }

  /** @param {Range | null} range */
  select(range) {
    this.selection = range;
    this.invalidate();
  }

  /** @param {readonly number[]} marks */
  mark(marks) {
    this.marks = marks;
    this.invalidate();
  }

  /** @param {boolean} shown */
  setShown(shown) {
    this.shown = shown;
    this.invalidate();
  }

  /** @param {number} xPx @param {number} yPx */
  pointAt(xPx, yPx) {
    this.hover = { xPx, row: rowAt(this.frame, yPx) };
    this.pointerY = yPx;
    this.invalidate();
  }

  pointNowhere() {
    this.hover = null;
    this.invalidate();
  }

  /** @param {Mark | null} mark */
  pin(mark) {
    this.pinned = mark;
    this.invalidate();
  }

  /** @param {boolean} following */
  setFollowing(following) {
    this.following = following && this.live && !this.state?.ended;
    this.invalidate();
  }

  /** @param {number} nowMs */
  onFrame(nowMs) {
    this.asked = false;
    const began = performance.now();
    const { state } = this;
    if (state) {
      if (this.following) {
        // A window much shorter than the lag would never show anything but what was.
        const lagNs = Math.min(FOLLOW_LAG_NS, (this.view.nsPerPx * this.frame.widthPx) / 4);
        this.view = follow(this.view, Math.max(0, this.nowNs(nowMs) - lagNs), this.frame.widthPx);
      } else this.view = clamp(this.view, this.bounds());
      this.pictures ??= new LanePictures(this.palette, this.scale);
      const counters = this.shown ? draw(this.context, this.scene(state, this.pictures)) : { rects: 0, labels: 0, pixels: 0 };
      this.want(state, nowMs);
      this.stats = {
        ...counters,
        ms: performance.now() - began,
        frames: this.stats.frames + 1,
        level: this.level(),
        tiles: this.cache.entries.size,
        requests: this.fetcher.requests,
        bytes: this.fetcher.bytes,
        used: [...this.gathered.values()].reduce((sum, { pieces }) => sum + pieces.length, 0),
      };
      // Out of sight, it goes on with the states of the server.
      if (this.following && this.shown) this.invalidate();
    }
    this.hooks.onFrame(this);
  }

  /** @returns {number} */
  level() {
    return levelFor(this.view.nsPerPx / this.scale);
  }

  /** @param {State} state @param {LanePictures} pictures @returns {Scene} */
  scene(state, pictures) {
    const rows = visibleRows(this.frame);
    /** @type {Map<number, SceneLane>} */
    const lanes = new Map();
    /** @type {typeof this.gathered} */
    const gathered = new Map();
    for (let row = rows.first; row < rows.end; row += 1) {
      const lane = this.lanes[row];
      if (!lane) continue;
      const kept = this.gather(lane, state);
      gathered.set(lane.lane, kept);
      lanes.set(row, { lane, items: kept.items, life: lifeOf(lane, state) });
    }
    this.gathered = gathered;
    pictures.keepOnly(gathered);
    const { view, frame, names, palette, scale, pinned, hover, selection, bands, marks } = this;
    const live = this.live && !state.ended;
    return {
      view, frame, lanes, names, palette, scale, pinned, hover, selection, pictures, live, bands, marks,
      gaps: state.gaps, keptNs: state.keptNs, nowNs: state.nowNs,
    };
  }

  /**
   * What is at hand for a lane, gathered anew only if it is not what it was in the last frame.
   * @param {Lane} lane
   * @param {State} state
   */
  gather(lane, state) {
    const fromNs = this.view.startNs;
    const toNs = Math.min(xToTime(this.view, this.frame.widthPx), state.nowNs);
    const pieces = this.cache.cover(lane.lane, this.level(), fromNs, toNs);
    const before = this.gathered.get(lane.lane) ?? null;
    return before && samePieces(before.pieces, pieces) ? before : gatherAnew(pieces, before);
  }

  /** @param {State} state @param {number} nowMs */
  want(state, nowMs) {
    const rows = visibleRows(this.frame);
    const level = this.level();
    const toNs = xToTime(this.view, this.frame.widthPx);
    const { visible, nearby } = needed(level, this.view.startNs, toNs, state.nowNs);
    const { ground } = this.hooks;
    const shown = this.shown ? this.lanes.slice(rows.first, rows.end) : [];
    // What a lane can fall back to comes first: coarse is better than nothing, wherever the view goes next.
    const near = this.shown ? this.lanes.slice(Math.max(0, 2 * rows.first - rows.end), 2 * rows.end - rows.first) : [];
    const { startNs, nsPerPx } = this.view;
    const zooms = nsPerPx !== this.wantedAt.nsPerPx;
    const moves = zooms || startNs !== this.wantedAt.startNs;
    // A zoom leaves a level behind within some frames: what would be beside it will not be looked at.
    const exact = shown.map((lane) => ({ lane, level, visible, nearby: zooms ? [] : nearby }));
    const beside = ground(this, state, near).map((wish) => ({ ...wish, restMs: Infinity }));
    const wishes = [...ground(this, state, shown), ...beside, ...exact, ...ground(this, state)];
    this.wantedAt = this.view;
    this.fetcher.want(wishes, state, nowMs, moves ? STARTS_MOVING : Infinity);
  }
}

/** @param {readonly Piece[]} a @param {readonly Piece[]} b @returns {boolean} */
function samePieces(a, b) {
  return a.length === b.length && a.every((piece, i) => {
    const other = b[i];
    return other !== undefined && samePiece(piece, other);
  });
}

/** @param {Lane} lane @param {State} state */
export function lifeOf(lane, state) {
  return {
    beganNs: lane.beganNs ?? 0,
    endedNs: lane.endedNs ?? Infinity,
    keptNs: state.keptNs,
    lastNs: lane.lastNs,
    sealedNs: state.sealedNs,
    open: state.open.get(lane.lane) ?? null,
  };
}
