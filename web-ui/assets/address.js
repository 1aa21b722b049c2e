/**
 * The page's address, which follows what is shown, and leads there: with the history of windows.
 *
 * Must never be written faster than browsers allow, and must never make entries in the browser's own history:
 * its back button leaves the page.
 *
 * @import { Range, ViewState } from "./view-state.js"
 */

import { readState, writeState } from "./view-state.js";
import { ZoomHistory } from "./zoom-history.js";

/** A view that has not moved for so long has come to rest. */
const REST_MS = 300;

/** @typedef {{ state: () => ViewState, show: (state: ViewState) => void, onRest: () => void }} Shown */

export class Address {
  /** @param {Shown} shown */
  constructor(shown) {
    this.shown = shown;
    this.history = new ZoomHistory();
    this.written = location.hash;
    /** @type {string | null} what it was when the clock was set */
    this.waiting = null;
    addEventListener("hashchange", () => {
      // Our own writing makes no event: this is someone's hand, or a link.
      this.written = location.hash;
      this.shown.show(readState(location.hash));
    });
  }

  /** What it said when the page was opened. @returns {ViewState} */
  opened() {
    return readState(this.written);
  }

  /** What is shown may be something else now. Called with every frame: cheap if it is not. */
  note() {
    if (this.waiting !== null) return;
    const text = writeState(this.shown.state());
    if (text === this.written) return;
    this.waiting = text;
    setTimeout(() => this.check(), REST_MS);
  }

  check() {
    const state = this.shown.state();
    const text = writeState(state);
    const rested = text === this.waiting;
    this.waiting = null;
    if (!rested) {
      this.note();
      return;
    }
    this.write();
    if (state.window) this.history.rest(state.window);
    this.shown.onRest();
  }

  /** Makes the address say what is shown now. */
  write() {
    const text = writeState(this.shown.state());
    this.written = text;
    // Path and hash only: whatever the address came with, the secret among it, is not kept in it.
    history.replaceState(null, "", `${location.pathname}${text}`);
  }

  /** The window before this one. @param {Range} from @returns {Range | null} */
  back(from) {
    return this.history.back(from);
  }

  /** The window after this one. @param {Range} from @returns {Range | null} */
  forth(from) {
    return this.history.forth(from);
  }
}
