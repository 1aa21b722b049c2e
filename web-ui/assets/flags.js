/**
 * A call's flags in words, from a tile's bits or from the fields of the JSON.
 *
 * Pure.
 */

import { BEGAN_BEFORE, CHECK, CONTINUES, FAILED, INFERRED, KILLED, UNSEEN } from "./wire.js";

const WORDS = /** @type {const} */ ([
  [BEGAN_BEFORE, "It began before the trace: its times count from the trace's start."],
  [KILLED, "The thread died in it."],
  [INFERRED, "Copying is inferred: the time on the CPU after the last wake-up."],
  [CONTINUES, "It goes on with the call before it, which a signal interrupted."],
  [CHECK, "A check: it was told not to wait, and did not."],
  [FAILED, "It returned an error."],
  [UNSEEN, "The kernel told nobody of a switch: where in it the thread was off the CPU is inferred."],
]);

/** @param {number} flags @returns {string[]} */
export function flagWords(flags) {
  return WORDS.filter(([flag]) => (flags & flag) !== 0).map(([, words]) => words);
}

/** @param {Record<string, unknown>} call @returns {number} */
export function flagsOf(call) {
  const ret = call["ret"];
  return (
    (call["began_before"] === true ? BEGAN_BEFORE : 0) |
    (call["killed"] === true ? KILLED : 0) |
    (call["copying"] === "inferred" ? INFERRED : 0) |
    (call["continues"] === true ? CONTINUES : 0) |
    (call["check"] === true ? CHECK : 0) |
    (typeof ret === "number" && ret < 0 ? FAILED : 0) |
    (call["unseen"] === true ? UNSEEN : 0)
  );
}
