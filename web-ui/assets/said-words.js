/**
 * What the server says in words alone, in the language of the page: what is missing of a recording, kinds of descriptors, and groups of
 * connections.
 *
 * Pure. A sentence is found again by the server's own English, with what stands in it. Of what this page does not know, the
 * server's words are told. Must never leave out a part of a sentence, nor take one for another.
 *
 * @import { Key } from "./words.js"
 */

import { SERVER_EN } from "./server-words-en.js";
import { say } from "./words.js";

/** @type {readonly (keyof typeof SERVER_EN)[]} in which there are others: these come last */
const WHOLES = ["damage.lost", "damage.whole"];
/** @type {readonly (keyof typeof SERVER_EN)[]} */
const SENTENCES = [
  "damage.within.batch", "damage.within.message", "damage.nomessage", "damage.message", "damage.follows", "damage.stopped", "damage.kind",
  "damage.dictionary", "damage.undecodable", "damage.row", "damage.unread", "damage.differ",
];

/** @param {keyof typeof SERVER_EN} key @returns {{ key: Key, pattern: RegExp, names: string[] }} */
function patternOf(key) {
  const text = SERVER_EN[key];
  const names = [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
  const source = text.split(/\{\w+\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("([^]+?)");
  return { key, pattern: new RegExp(`^${source}$`), names };
}

const PATTERNS = [...SENTENCES, ...WHOLES].map(patternOf);

/** @typedef {Readonly<Record<string, (words: string) => string>>} Parts  of places that have words in them, who knows those */

/**
 * @param {string} said @param {readonly ReturnType<typeof patternOf>[]} patterns @param {Parts} parts
 * @returns {string}
 */
function wordsOf(said, patterns, parts) {
  for (const { key, pattern, names } of patterns) {
    const found = pattern.exec(said);
    if (!found) continue;
    return say(key, Object.fromEntries(names.map((name, i) => {
      const value = found[i + 1] ?? "";
      return [name, parts[name]?.(value) ?? value];
    })));
  }
  return said;
}

/** What is missing of a recording, or why it can't be read. @param {string} said @returns {string} */
export function damageWords(said) {
  return wordsOf(said, PATTERNS, { reason: damageWords });
}

/** @type {Readonly<Record<string, Key>>} */
const KINDS = {
  unknown: "kind.unknown", tcp: "kind.tcp", udp: "kind.udp", unix: "kind.unix", netlink: "kind.netlink", socket: "kind.socket", pipe: "kind.pipe",
  eventfd: "kind.eventfd", timerfd: "kind.timerfd", signalfd: "kind.signalfd", epoll: "kind.epoll", inotify: "kind.inotify", io_uring: "kind.uring",
  pidfd: "kind.pidfd", file: "kind.file", directory: "kind.directory", device: "kind.device",
};

/** What a descriptor is. @param {string} said @returns {string} */
export function kindWords(said) {
  const key = Object.hasOwn(KINDS, said) ? KINDS[said] : undefined;
  return key ? say(key) : said;
}

const GROUPS = /** @type {const} */ (["group.to", "group.accepted", "group.at"]).map(patternOf);

/** What connections of a group have in common. @param {string} said @returns {string} */
export function groupWords(said) {
  const [kind] = said.split(" ", 1);
  if (kind === undefined || !Object.hasOwn(KINDS, kind)) return said;
  return kind === said ? kindWords(said) : wordsOf(said, GROUPS, { kind: kindWords });
}
