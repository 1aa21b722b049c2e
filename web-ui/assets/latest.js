/**
 * One question in flight, the latest wins: an answer to an earlier one is never shown.
 *
 * Pure of what is asked. Must never let an aborted question look like a failure.
 */

/** @template T */
export class Latest {
  constructor() {
    /** @type {AbortController | null} */
    this.flight = null;
    this.key = "";
  }

  /**
   * Asks, unless this is what was asked last. Calls `done` with the answer, or `failed`.
   * @param {string} key what tells the question from others
   * @param {(signal: AbortSignal) => Promise<T>} ask
   * @param {(answer: T) => void} done
   * @param {(error: unknown) => void} failed
   */
  ask(key, ask, done, failed) {
    if (key === this.key) return;
    this.forget();
    this.key = key;
    const flight = new AbortController();
    this.flight = flight;
    ask(flight.signal).then(
      (answer) => {
        if (this.flight === flight) done(answer);
      },
      (error) => {
        if (this.flight === flight) failed(error);
      },
    );
  }

  /** The next question is asked, whatever it is. */
  forget() {
    this.flight?.abort();
    this.flight = null;
    this.key = "";
  }
}
