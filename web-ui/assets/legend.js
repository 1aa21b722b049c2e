/**
 * The legend: each phase with its texture and its words.
 *
 * @import { Palette } from "./phases.js"
 */

import { byId, el } from "./dom.js";
import { BLOCKED, COPYING, KERNEL, OTHER, PHASES, RUNNABLE, USER } from "./phases.js";
import { swatch } from "./swatch.js";

const ORDER = [BLOCKED, RUNNABLE, KERNEL, COPYING, USER, OTHER];

/** @param {Palette} palette */
export function showLegend(palette) {
  const entries = ORDER.map((phase) => {
    const entry = el("span", "", swatch(palette, phase, 26, 14), PHASES[phase]?.word ?? "");
    entry.title = PHASES[phase]?.says ?? "";
    return entry;
  });
  byId("legend", HTMLElement).replaceChildren(...entries);
}
