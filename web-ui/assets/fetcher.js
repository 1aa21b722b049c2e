/**
 * Gets tiles: one request in flight per lane, the latest wish wins, what shows comes first.
 *
 * Must never ask again for a tile that cannot have changed, nor flood the server: the browser has
 * six connections, one is the event stream's.
 *
 * @import { Entry, TileCache } from "./tiles.js"
 * @import { State, Lane } from "./messages.js"
 * @import { Tile } from "./wire.js"
 */

const MAX_IN_FLIGHT = 4;
/** A tile that still grows is fetched again at most this often. */
const REFRESH_MS = 250;
/** After a failure the lane rests. */
const RETRY_MS = 2000;

/**
 * @typedef {{ lane: Lane, level: number, visible: number[], nearby: number[], restMs?: number }} Wish
 *   `restMs`: how much longer than others its tiles may stay as they are
 * @typedef {(lane: number, level: number, index: number, signal: AbortSignal) => Promise<Tile>} Fetch
 * @typedef {{ level: number, index: number, abort: AbortController }} Flight
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
    /** @type {Map<number, Flight>} */
    this.flights = new Map();
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
      for (const wish of wishes) {
        if (this.flights.size >= MAX_IN_FLIGHT || this.requests >= until) return;
        if (this.flights.has(wish.lane.lane) || (this.restUntilMs.get(wish.lane.lane) ?? 0) > nowMs) continue;
        const index = wish[which].find((one) => this.isDue(wish, one, which === "visible", state, nowMs));
        if (index !== undefined) void this.start(wish.lane, wish.level, index, state);
      }
    }
  }

  /** @param {readonly Wish[]} wishes */
  cancelUnwanted(wishes) {
    for (const [lane, flight] of this.flights) {
      const { level, index } = flight;
      const wanted = wishes.some((wish) => wish.lane.lane === lane && wish.level === level && (wish.visible.includes(index) || wish.nearby.includes(index)));
      if (!wanted) flight.abort.abort();
    }
  }

  /**
   * @param {Wish} wish
   * @param {number} index
   * @param {boolean} visible
   * @param {State} state
   * @param {number} nowMs
   * @returns {boolean}
   */
  isDue(wish, index, visible, state, nowMs) {
    const entry = this.cache.get(wish.lane.lane, wish.level, index);
    if (!entry) return true;
    return visible && nowMs >= entry.refreshAtMs + (wish.restMs ?? 0) && mayChange(entry, wish.lane, state);
  }

  /** @param {Lane} lane @param {number} level @param {number} index @param {State} state */
  async start(lane, level, index, state) {
    const abort = new AbortController();
    const flight = { level, index, abort };
    this.flights.set(lane.lane, flight);
    this.requests += 1;
    try {
      const tile = await this.fetch(lane.lane, level, index, abort.signal);
      this.bytes += tile.bytes;
      this.cache.put(lane.lane, entryOf(tile, lane, state, performance.now()));
    } catch (error) {
      if (!abort.signal.aborted) {
        this.failures += 1;
        this.restUntilMs.set(lane.lane, performance.now() + RETRY_MS);
        this.listener.onRefused(error);
      }
    } finally {
      this.flights.delete(lane.lane);
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
