/**
 * A call's flags in words, from a tile's bits or from the fields of the JSON.
 *
 * Pure.
 */

import { BEGAN_BEFORE, CHECK, CONTINUES, FAILED, INFERRED, KILLED, UNSEEN } from "./wire.js";
import { say } from "./words.js";

const WORDS = /** @type {const} */ ([
  [BEGAN_BEFORE, say("flag.before")],
  [KILLED, say("flag.killed")],
  [INFERRED, say("flag.inferred")],
  [CONTINUES, say("flag.continues")],
  [CHECK, say("flag.check")],
  [FAILED, say("flag.failed")],
  [UNSEEN, say("flag.unseen")],
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
