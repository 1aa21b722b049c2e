/**
 * The language of the page: what someone chose on it, else the first one of the browser's that there is.
 *
 * A choice is kept in the browser for this page's address, never in the address itself: a link shows each reader their own
 * language. Must never keep anything but the name of a language.
 */

/** The one key under which a choice is kept. */
const KEPT = "waitscope.language";

export const LANGUAGES = /** @type {const} */ (["en", "zh"]);

/** @typedef {(typeof LANGUAGES)[number]} Language */

/** As documents name them. @type {Readonly<Record<Language, string>>} */
export const TAGS = { en: "en", zh: "zh-Hans" };

/**
 * @param {string | null} kept what was chosen
 * @param {readonly string[]} wanted by the browser, the dearest first
 * @returns {Language}
 */
export function languageOf(kept, wanted) {
  const primary = wanted.map((tag) => tag.toLowerCase().split("-")[0]);
  const known = [kept, ...primary].map((name) => LANGUAGES.find((one) => one === name));
  return known.find((one) => one !== undefined) ?? "en";
}

/** A browser may forbid a page to keep anything. @returns {string | null} */
function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** Keeps a choice. @param {Language} language @returns {boolean} whether the browser kept it */
export function keep(language) {
  try {
    localStorage.setItem(KEPT, language);
    return true;
  } catch (error) {
    console.warn("keep the language:", error);
    return false;
  }
}

/** That of this page, for as long as it is open. Where there is no page, as in tests in node, English. */
export const LANGUAGE = typeof document === "undefined" ? "en" : languageOf(kept(), navigator.languages);
