/**
 * Gets tiles: those of several lanes in one request, the latest wish wins, what shows comes first.
 *
 * Must never ask again for a tile that cannot have changed, nor flood the server: the browser has
 * six connections, one is the event stream's.
 *
 * @import { Entry } from "./tiles.js"
 * @import { State, Lane } from "./messages.js"
 * @import { Tile } from "./wire.js"
 */

import { TileCache } from "./tiles.js";

const MAX_IN_FLIGHT = 4;
/** The protocol's bound of one request. */
const LANES_MAX = 16;
/** A tile that still grows is fetched again at most this often. */
const REFRESH_MS = 250;
/** After a failure the lane rests. */
const RETRY_MS = 2000;

/**
 * @typedef {{ lane: Lane, level: number, visible: number[], nearby: number[], restMs?: number }} Wish
 *   `restMs`: how much longer than others its tiles may stay as they are
 * @typedef {(level: number, index: number, lanes: readonly number[], signal: AbortSignal) => Promise<Tile[]>} Fetch
 *   the tiles are in the order of the lanes
 * @typedef {"visible" | "nearby"} Which
 * @typedef {{ level: number, index: number, lanes: Lane[], abort: AbortController }} Flight
 */

export class Fetcher {
  /**
   * @param {TileCache} cache
   * @param {Fetch} fetch
   * @param {{ onTile: () => void, onRefused: (error: unknown) => void }} listener
   */
  constructor(cache, fetch, listener) {
    this.cache = cache;
    this.fetch = fetch;
    this.listener = listener;
    /** @type {Set<Flight>} */
    this.flights = new Set();
    /** Keys of the tiles in flight. @type {Set<string>} */
    this.asked = new Set();
    /** @type {Map<number, number>} by lane: no request before this time */
    this.restUntilMs = new Map();
    this.requests = 0;
    this.bytes = 0;
    this.failures = 0;
  }

  /**
   * Starts what is wanted and not there. Called with every frame: cheap if there is nothing to do.
   * @param {readonly Wish[]} wishes
   * @param {State} state
   * @param {number} nowMs
   * @param {number} [most] requests to begin
   */
  want(wishes, state, nowMs, most = Infinity) {
    this.cancelUnwanted(wishes);
    const until = this.requests + most;
    for (const which of /** @type {const} */ (["visible", "nearby"])) {
      for (const [i, wish] of wishes.entries()) {
        for (const index of wish[which]) {
          if (this.flights.size >= MAX_IN_FLIGHT || this.requests >= until) return;
          if (!this.isDue(wish, which, index, state, nowMs)) continue;
          void this.start(wish.level, index, this.together(wishes.slice(i), which, index, state, nowMs), state);
        }
      }
    }
  }

  /**
   * The lanes that lack the tile that the first of these wishes lacks.
   * @param {readonly Wish[]} wishes @param {Which} which @param {number} index @param {State} state @param {number} nowMs
   * @returns {Lane[]}
   */
  together(wishes, which, index, state, nowMs) {
    /** @type {Map<number, Lane>} */
    const lanes = new Map();
    for (const wish of wishes) {
      if (lanes.size === LANES_MAX) break;
      if (wish.level !== wishes[0]?.level || !wish[which].includes(index)) continue;
      if (this.isDue(wish, which, index, state, nowMs)) lanes.set(wish.lane.lane, wish.lane);
    }
    return [...lanes.values()];
  }

  /** What nobody wants any more of is given up. @param {readonly Wish[]} wishes */
  cancelUnwanted(wishes) {
    for (const { level, index, lanes, abort } of this.flights) {
      const isWanted = (/** @type {Wish} */ wish) => wish.level === level && (wish.visible.includes(index) || wish.nearby.includes(index)) && lanes.some(({ lane }) => lane === wish.lane.lane);
      if (!wishes.some(isWanted)) abort.abort();
    }
  }

  /**
   * @param {Wish} wish
   * @param {Which} which
   * @param {number} index
   * @param {State} state
   * @param {number} nowMs
   * @returns {boolean}
   */
  isDue(wish, which, index, state, nowMs) {
    const { lane, level } = wish;
    if ((this.restUntilMs.get(lane.lane) ?? 0) > nowMs || this.asked.has(TileCache.key(lane.lane, level, index))) return false;
    const entry = this.cache.get(lane.lane, level, index);
    if (!entry) return true;
    return which === "visible" && nowMs >= entry.refreshAtMs + (wish.restMs ?? 0) && mayChange(entry, lane, state);
  }

  /** @param {number} level @param {number} index @param {Lane[]} lanes @param {State} state */
  async start(level, index, lanes, state) {
    const abort = new AbortController();
    const flight = { level, index, lanes, abort };
    const keys = lanes.map(({ lane }) => TileCache.key(lane, level, index));
    this.flights.add(flight);
    for (const key of keys) this.asked.add(key);
    this.requests += 1;
    try {
      const tiles = await this.fetch(level, index, lanes.map(({ lane }) => lane), abort.signal);
      const nowMs = performance.now();
      lanes.forEach((lane, i) => {
        const tile = tiles[i];
        if (!tile) return;
        this.bytes += tile.bytes;
        this.cache.put(lane.lane, entryOf(tile, lane, state, nowMs));
      });
    } catch (error) {
      if (!abort.signal.aborted) {
        this.failures += 1;
        for (const { lane } of lanes) this.restUntilMs.set(lane, performance.now() + RETRY_MS);
        this.listener.onRefused(error);
      }
    } finally {
      this.flights.delete(flight);
      for (const key of keys) this.asked.delete(key);
      this.listener.onTile();
    }
  }
}

/**
 * @param {Tile} tile
 * @param {Lane} lane
 * @param {State} state as it was when the tile was asked for
 * @param {number} nowMs
 * @returns {Entry}
 */
export function entryOf(tile, lane, state, nowMs) {
  const open = state.open.get(lane.lane);
  return {
    tile,
    // A thread's calls come in the order in which they ended: a newer one vouches for all before it.
    asOfNs: tile.sealed ? Infinity : Math.max(state.nowNs, tile.calls.endNs.at(-1) ?? 0),
    takenNs: state.nowNs,
    settledNs: Math.min(state.nowNs, open ? open.sinceNs : state.sealedNs),
    refreshAtMs: nowMs + REFRESH_MS,
    openKey: openKey(lane.lane, state),
  };
}

/**
 * While a thread sleeps the same sleep, nothing of it ends, and so no tile of it changes.
 * @param {number} lane
 * @param {State} state
 * @returns {string} empty if the thread is not known to be off the CPU
 */
function openKey(lane, state) {
  const open = state.open.get(lane);
  return open && open.offSinceNs !== null ? `${open.sinceNs}/${open.offSinceNs}` : "";
}

/**
 * Whether the server may have something for this tile that it had not when it was asked.
 * @param {Entry} entry
 * @param {Lane} lane
 * @param {State} state
 * @returns {boolean}
 */
export function mayChange(entry, lane, state) {
  if (entry.tile.sealed || entry.takenNs >= state.nowNs) return false;
  if (lane.endedNs !== null && lane.endedNs <= entry.takenNs) return false;
  if (entry.tile.toNs <= entry.settledNs) return false;
  return entry.openKey === "" || entry.openKey !== openKey(lane.lane, state);
}
