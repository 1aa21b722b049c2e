/**
 * The page's texts in the language of the page, with what differs filled in.
 *
 * What the server says in words and this page does not know (names of fields, rare damage of a recording) stays in English, as do messages for
 * developers on the console. Must never take markup: what comes out is text.
 */

import { LANGUAGE } from "./language.js";
import { EN } from "./words-en.js";
import { ZH } from "./words-zh.js";

/** @typedef {keyof typeof EN} Key */
/** @typedef {Readonly<Record<string, string | number>>} Places  what stands in each place, by its name */

const TEXTS = { en: EN, zh: ZH };

/**
 * A text with its places filled in. What is filled in is not looked at again: a brace in a name is a brace.
 * @param {string} text
 * @param {Places} places
 * @returns {string}
 */
export function filled(text, places) {
  return text.replace(/\{(\w+)\}/g, (place, name) => (Object.hasOwn(places, name) ? String(places[name]) : place));
}

/** @param {Key} key @param {Places} [places] @returns {string} */
export function say(key, places = {}) {
  return filled(TEXTS[LANGUAGE][key], places);
}
