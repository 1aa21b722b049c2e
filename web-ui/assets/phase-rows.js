/**
 * The phases of something as rows: texture, name, time, share.
 *
 * @import { Palette } from "./phases.js"
 */

import { el } from "./dom.js";
import { PHASES } from "./phases.js";
import { formatNs, formatShare } from "./format.js";
import { swatch } from "./swatch.js";

/**
 * @param {Palette} palette
 * @param {ArrayLike<number>} amounts nanoseconds by phase; those of nothing are left out
 * @param {number} wholeNs
 * @param {(ns: number) => string} [format]
 * @returns {HTMLElement}
 */
export function phaseRows(palette, amounts, wholeNs, format = formatNs) {
  const rows = [];
  for (let phase = PHASES.length - 1; phase >= 0; phase -= 1) {
    const amount = amounts[phase] ?? 0;
    if (amount <= 0) continue;
    rows.push(
      el("div", "phase",
        swatch(palette, phase, 18, 12),
        el("span", "", PHASES[phase]?.word ?? ""),
        el("span", "number", format(amount)),
        el("span", "part", formatShare(wholeNs > 0 ? amount / wholeNs : 0))),
    );
  }
  return el("div", "phases", ...rows);
}
