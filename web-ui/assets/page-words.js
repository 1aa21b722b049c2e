/**
 * The texts of the page's own document, which holds keys where they belong, and the switch between languages.
 *
 * Must never change anything but text, labels and hints.
 *
 * @import { Key } from "./words.js"
 */

import { byId } from "./dom.js";
import { keep, LANGUAGE, LANGUAGES, TAGS } from "./language.js";
import { say } from "./words.js";

/** Attributes with keys, and what each key's text becomes. */
const PLACES = /** @type {const} */ ([["data-label", "aria-label"], ["data-hint", "title"], ["data-placeholder", "placeholder"]]);

/** Puts the texts into the document. */
export function showWords() {
  document.documentElement.lang = TAGS[LANGUAGE];
  // The keys stand in our own document, and a test holds them against the texts.
  const text = (/** @type {string | null} */ key) => say(/** @type {Key} */ (key));
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = text(element.getAttribute("data-say"));
  for (const [from, to] of PLACES) {
    for (const element of document.querySelectorAll(`[${from}]`)) element.setAttribute(to, text(element.getAttribute(from)));
  }
}

/** Makes the switch: a choice loads the page again, at its address. @param {() => void} onLeave before that */
export function listenToLanguages(onLeave) {
  for (const language of LANGUAGES) {
    const button = byId(`language-${language}`, HTMLButtonElement);
    button.setAttribute("aria-pressed", String(language === LANGUAGE));
    button.addEventListener("click", () => {
      if (language === LANGUAGE || !keep(language)) return;
      onLeave();
      location.reload();
    });
  }
}
