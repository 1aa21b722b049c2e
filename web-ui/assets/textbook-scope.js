/**
 * What a textbook's picture of a call is of: which model of I/O, and from which call to which.
 *
 * Pure. It goes by what the calls did, and never by what a thread is called.
 *
 * @import { Call, Story } from "./story.js"
 */

export const MULTIPLEXING = "multiplexing";
export const BLOCKING = "blocking";
export const NON_BLOCKING = "non-blocking";
export const SIGNAL = "signal-driven";
export const ASYNCHRONOUS = "asynchronous";
export const PLAIN = "plain";

/**
 * @typedef {"multiplexing" | "blocking" | "non-blocking" | "signal-driven" | "asynchronous" | "plain"} Model
 * @typedef {{
 *   model: Model, calls: Call[], next: Call | null, endNs: number | null, turn: boolean, rest: number, cut: boolean,
 * }} Scope  `rest`: calls of the turn that the server did not list; `cut`: it may have begun earlier
 */

const SIGNAL_WAITS = new Set(["rt_sigtimedwait", "rt_sigsuspend", "pause"]);
const RECEIVES = new Set(["read", "readv", "recvfrom", "recvmsg", "recvmmsg", "accept", "accept4"]);
const TRANSFERS = new Set([...RECEIVES, "write", "writev", "sendto", "sendmsg", "sendmmsg", "sendfile", "splice", "connect", "pread64", "pwrite64", "preadv", "pwritev"]);

/** @param {Call} call */
export const isSignalWait = (call) => SIGNAL_WAITS.has(call.call);

/** @param {Call} call */
const isEmpty = (call) => RECEIVES.has(call.call) && call.error === "EAGAIN" && call.sleeps === 0;

/**
 * From the last call of a kind, at the chosen one or before it, to before the next one of that kind.
 * @param {readonly Call[]} calls @param {number} at @param {(call: Call) => boolean} begins
 * @returns {{ calls: Call[], next: Call | null } | null}
 */
function round(calls, at, begins) {
  const first = calls.findLastIndex((call, index) => index <= at && begins(call));
  if (first < 0) return null;
  const end = calls.findIndex((call, index) => index > first && begins(call));
  return { calls: calls.slice(first, end < 0 ? calls.length : end), next: end < 0 ? null : (calls[end] ?? null) };
}

/**
 * Calls that found nothing on a descriptor, up to the one that found something; or, where that is too far away, calls that
 * found nothing on any, up to one that found something on any.
 * @param {readonly Call[]} calls @param {number} at
 * @returns {{ calls: Call[], next: null, cut: boolean } | null}
 */
function asked(calls, at) {
  const chosen = calls[at];
  if (!chosen) return null;
  if (!RECEIVES.has(chosen.call)) return null;
  const own = (/** @type {Call} */ call) => call.fd === chosen.fd && RECEIVES.has(call.call);
  const found = run(calls, at, own);
  const isAlone = found?.calls.length === 1;
  return isAlone ? run(calls, at, (call) => RECEIVES.has(call.call)) : found;
}

/** @param {readonly Call[]} calls @param {number} at @param {(call: Call) => boolean} same */
function run(calls, at, same) {
  const before = calls.findLastIndex((call, index) => index < at && same(call) && !isEmpty(call));
  const first = calls.findIndex((call, index) => index > before && index <= at && same(call) && isEmpty(call));
  const last = calls.findIndex((call, index) => index >= at && same(call) && !isEmpty(call));
  if (first < 0 || (first === at && last === at)) return null;
  return { calls: calls.slice(first, last < 0 ? at + 1 : last + 1), next: null, cut: before < 0 };
}

/** @param {Story} story @returns {Scope} */
export function scopeOf(story) {
  const { calls, turn, call } = story;
  const at = calls.findIndex((one) => one.startNs === call.startNs);
  const chosen = calls[at] ?? call;
  if (turn && calls[0] && calls[0].endNs === turn.startNs) {
    const work = calls.filter((one) => one.endNs <= turn.workEndNs);
    const last = calls.at(-1);
    const next = turn.ended && last && last.startNs >= turn.workEndNs ? last : null;
    return { model: MULTIPLEXING, calls: work, next, endNs: turn.workEndNs, turn: true, rest: story.rest.calls, cut: false };
  }
  const whole = { turn: false, rest: 0, cut: false };
  /** @param {Model} model @param {{ calls: Call[], next: Call | null } | null} found @returns {Scope | null} */
  const scope = (model, found) => found && { ...whole, ...found, model, endNs: found.next?.startNs ?? null };
  const alone = { calls: [chosen], next: null };
  const model = TRANSFERS.has(chosen.call) ? BLOCKING : PLAIN;
  return (
    scope(ASYNCHRONOUS, round(calls, at, (one) => one.call === "io_uring_enter")) ??
    scope(SIGNAL, round(calls, at, isSignalWait)) ??
    scope(NON_BLOCKING, asked(calls, at)) ??
    { ...whole, ...alone, model, endNs: null }
  );
}
