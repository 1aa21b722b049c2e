/**
 * The report of the trace, fetched again while it can change: the progress while a recording is being read, and of a
 * live trace a newer one now and then.
 *
 * Must never ask faster than the server makes them, nor for a report that can't change.
 *
 * @import { Reported } from "./report.js"
 */

import { readReported } from "./report.js";
import { json } from "./server.js";

const READING_MS = 300;
const LIVE_MS = 2000;
/** While no view shows it: the gutter has a word of it. */
const ASIDE_MS = 15_000;
/** After a failure. */
const AGAIN_MS = 3000;

export class Reports {
  /** @param {{ isWatched: () => boolean, grows: () => boolean, onReport: (reported: Reported) => void }} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    /** @type {Reported | null} */
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
    void json("/api/report").then(
      (answer) => {
        this.latest = readReported(answer);
        this.final = this.latest.failed !== null || (this.latest.report !== null && !grows);
        this.hooks.onReport(this.latest);
        this.rest(this.latest.reading ? READING_MS : this.hooks.isWatched() ? LIVE_MS : ASIDE_MS);
      },
      (error) => {
        console.warn("ask for the report:", error);
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
