/**
 * The windows that were looked at, to go back and forth between them.
 *
 * Pure. A window counts once the view has come to rest in it: a turn of the wheel is one step, not forty.
 * Must never grow without a bound.
 *
 * @import { Range } from "./view-state.js"
 */

const KEPT = 100;

export class ZoomHistory {
  constructor() {
    /** @type {Range[]} the last one is where the view rests */
    this.past = [];
    /** @type {Range[]} the last one is the next to come */
    this.future = [];
  }

  /** The view has come to rest here. @param {Range} at */
  rest(at) {
    const last = this.past.at(-1);
    if (last && same(last, at)) return;
    this.past.push(at);
    if (this.past.length > KEPT) this.past.shift();
    this.future = [];
  }

  /** Where to go back to from a window, or null if there is nothing before it. @param {Range} from @returns {Range | null} */
  back(from) {
    this.rest(from);
    if (this.past.length < 2) return null;
    const left = this.past.pop();
    if (left) this.future.push(left);
    return this.past.at(-1) ?? null;
  }

  /** Where to go forth again, or null. @param {Range} from @returns {Range | null} */
  forth(from) {
    this.rest(from);
    const next = this.future.pop();
    if (!next) return null;
    this.past.push(next);
    return next;
  }

  forget() {
    this.past = [];
    this.future = [];
  }

  canGoBack() {
    return this.past.length > 1;
  }

  canGoForth() {
    return this.future.length > 0;
  }
}

/**
 * Rounding on the way to a view and back makes no other window.
 * @param {Range} a
 * @param {Range} b
 * @returns {boolean}
 */
function same(a, b) {
  const slack = (b.toNs - b.fromNs) * 1e-6;
  return Math.abs(a.fromNs - b.fromNs) <= slack && Math.abs(a.toNs - b.toNs) <= slack;
}
