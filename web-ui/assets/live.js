/**
 * The event stream: the latest state, and whether we still hear from the server.
 *
 * The browser's own reconnecting is not used: it hides a refusal, and never tells how long it waits.
 * Must never deliver a state that did not parse.
 *
 * @import { State } from "./messages.js"
 */

import { readState } from "./messages.js";
import { fetchTrace, Refused } from "./server.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

/**
 * @typedef {"connecting" | "connected" | "lost" | "refused"} Link
 * @typedef {{ onState: (state: State) => void, onLink: (link: Link, waitMs: number) => void }} Listener
 */

export class Live {
  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
    this.waitMs = FIRST_WAIT_MS;
    /** @type {EventSource | null} */
    this.source = null;
  }

  /** Opens the stream, and keeps opening it until the server refuses us. */
  open() {
    const source = new EventSource("/api/live");
    this.source = source;
    source.onmessage = (event) => {
      let state;
      try {
        state = readState(JSON.parse(String(event.data)));
      } catch (error) {
        console.warn("read live state:", error);
        return;
      }
      this.waitMs = FIRST_WAIT_MS;
      this.listener.onLink("connected", 0);
      this.listener.onState(state);
    };
    source.onerror = () => {
      source.close();
      if (this.source === source) void this.retry();
    };
  }

  /** An event stream does not tell why it failed: ask for something that does. */
  async retry() {
    try {
      await fetchTrace();
    } catch (error) {
      if (error instanceof Refused && (error.status === 403 || error.status === 421)) {
        this.listener.onLink("refused", 0);
        return;
      }
    }
    this.listener.onLink("lost", this.waitMs);
    setTimeout(() => this.open(), this.waitMs);
    this.waitMs = Math.min(LONGEST_WAIT_MS, this.waitMs * 2);
  }
}
