/**
 * Two amounts side by side as bars, A above B: one in all, or cut into phases.
 *
 * Must never tell anything that the numbers beside it do not: it is for eyes alone.
 *
 * @import { Palette } from "./phases.js"
 */

import { el } from "./dom.js";
import { bar } from "./swatch.js";

const WIDTH_PX = 140;
const HEIGHT_PX = 8;

/**
 * @param {Palette} palette
 * @param {readonly [readonly number[], readonly number[]]} sides by phase
 * @returns {HTMLElement}
 */
export function phasePair(palette, sides) {
  const sums = sides.map((amounts) => amounts.reduce((sum, amount) => sum + amount, 0));
  return pair(sides.map((amounts, i) => {
    const width = widthOf(sums[i] ?? 0, sums);
    return width > 0 ? bar(palette, amounts, width, HEIGHT_PX) : el("span", "");
  }));
}

/** @param {number | null} a @param {number | null} b @returns {HTMLElement} */
export function plainPair(a, b) {
  const sums = [a ?? 0, b ?? 0];
  return pair(sums.map((sum) => {
    const made = el("span", "plain");
    made.style.width = `${widthOf(sum, sums)}px`;
    return made;
  }));
}

/** @param {number} amount @param {readonly number[]} all @returns {number} */
function widthOf(amount, all) {
  const most = Math.max(...all);
  return most > 0 && amount > 0 ? Math.max(1, Math.round((amount / most) * WIDTH_PX)) : 0;
}

/** @param {readonly HTMLElement[]} bars @returns {HTMLElement} */
function pair(bars) {
  const rows = bars.map((one, i) => el("span", i === 0 ? "side a" : "side b", el("i", "", i === 0 ? "A" : "B"), one));
  const made = el("span", "pair", ...rows);
  made.setAttribute("aria-hidden", "true");
  return made;
}
