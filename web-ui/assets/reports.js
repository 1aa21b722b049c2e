/**
 * What the server makes of the whole trace (the report, the comparison), fetched again while it can change: the progress while
 * a recording is being read, and of a live trace a newer one now and then.
 *
 * Must never ask faster than the server makes them, nor for one that can't change.
 */

import { json } from "./server.js";

const READING_MS = 300;
const LIVE_MS = 2000;
/** While no view shows it: the gutter has a word of it. */
const ASIDE_MS = 15_000;
/** After a failure. */
const AGAIN_MS = 3000;

/** @template {{ reading: unknown, failed: string | null }} T */
export class Reports {
  /** @param {{ path: string, read: (answer: unknown) => T, isWatched: () => boolean, grows: () => boolean, onReport: (made: T) => void }} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    /** @type {T | null} */
    this.latest = null;
    this.asking = false;
    this.resting = 0;
    /** Nothing will change any more. */
    this.final = false;
  }

  /** Another trace answers at the same address. */
  forget() {
    this.latest = null;
    this.final = false;
  }

  /** Asks, unless it is being asked or nothing can be new. */
  want() {
    if (this.asking || this.final) return;
    this.asking = true;
    this.resting = 0;
    // Before the answer: what ends meanwhile may not be in it.
    const grows = this.hooks.grows();
    void json(this.hooks.path).then(
      (answer) => {
        const made = this.hooks.read(answer);
        this.latest = made;
        this.final = made.failed !== null || (!made.reading && !grows);
        this.hooks.onReport(made);
        this.rest(made.reading ? READING_MS : this.hooks.isWatched() ? LIVE_MS : ASIDE_MS);
      },
      (error) => {
        console.warn(`ask for ${this.hooks.path}:`, error);
        this.rest(AGAIN_MS);
      },
    );
  }

  /** Someone looks now: no long rest any more. */
  hurry() {
    if (this.resting === 0) this.want();
    else this.rest(0);
  }

  /** @param {number} ms */
  rest(ms) {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.asking = false;
      this.want();
    }, ms);
  }
}
