/**
 * What a text may mean when someone looks for calls: those of a name, of a thread, on a descriptor.
 *
 * Pure. Must never look at the calls themselves: the server does.
 *
 * @import { DescriptorSum } from "./answers.js"
 * @import { Lane } from "./messages.js"
 * @import { Question } from "./questions.js"
 */

import { kindWords } from "./said-words.js";
import { say } from "./words.js";

/** @typedef {{ kind: "call" | "thread" | "descriptor", label: string, question: Question }} Meaning */

/** More than these help nobody. */
const MOST = 10;

/**
 * The meanings of a text, those that match best first: what begins with it before what holds it.
 * @param {string} typed
 * @param {readonly string[]} names of syscalls, by number
 * @param {readonly Lane[]} lanes
 * @param {readonly DescriptorSum[]} descriptors
 * @returns {Meaning[]}
 */
export function meanings(typed, names, lanes, descriptors) {
  const sought = typed.trim().toLowerCase();
  if (sought === "") return [];
  /** @type {{ rank: number, meaning: Meaning }[]} */
  const found = [];
  const offer = (/** @type {string} */ text, /** @type {Meaning} */ meaning) => {
    const at = text.toLowerCase().indexOf(sought);
    if (at < 0) return;
    const whole = text.length === sought.length;
    found.push({ rank: whole ? 0 : at === 0 ? 1 : 2, meaning });
  };
  names.forEach((name, nr) => {
    // A number without a name is found by its number only.
    if (!name.startsWith("syscall_") || sought.startsWith("syscall_")) offer(name, { kind: "call", label: name, question: { nr } });
  });
  for (const lane of lanes) offer(`${lane.name} ${lane.tid}`, { kind: "thread", label: `${lane.name || say("thread.none")} ${lane.tid}`, question: { lane: lane.lane } });
  for (const { id, name, kind, fd } of descriptors) {
    if (id === null) continue;
    const label = `${name || kindWords(kind)}${fd === null ? "" : ` (fd ${fd})`}`;
    offer(label, { kind: "descriptor", label, question: { descriptor: id } });
  }
  return found.sort((a, b) => a.rank - b.rank).slice(0, MOST).map(({ meaning }) => meaning);
}
