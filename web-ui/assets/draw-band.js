/**
 * The band under a lane's phases: turns of its event loop. Of each, work is thick and the wait that ends it is thin; of several
 * in one piece the height says how long the longest was.
 *
 * Must never decide what a turn is, nor draw more pieces than the band's module makes.
 *
 * @import { Counters, Scene } from "./draw.js"
 */

import { pieces, TURN_LEAST_PX } from "./band.js";
import { BAND_PX, BAND_TOP_PX } from "./layout.js";
import { timeToX } from "./scale.js";

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {number} lane
 * @param {number} top of the row
 * @param {Counters} counters
 */
export function drawBand(context, scene, lane, top, counters) {
  const { frame, palette, view } = scene;
  const band = scene.bands.get(lane);
  if (!band) return;
  const bottom = top + BAND_TOP_PX + BAND_PX;
  const clip = (/** @type {number} */ x) => Math.min(frame.widthPx + 1, Math.max(-1, x));
  context.fillStyle = palette.classes[1] ?? palette.boxEdge;
  for (const { startNs, endNs, turns, longest } of pieces(band, view, frame.widthPx)) {
    const left = clip(timeToX(view, startNs));
    const right = Math.max(left + 1, clip(timeToX(view, endNs)) - 1);
    if (turns > 1) {
      const height = 1 + Math.round(((longest.endNs - longest.startNs) / (TURN_LEAST_PX * view.nsPerPx)) * (BAND_PX - 1));
      context.fillRect(left, bottom - height, right - left, height);
      counters.rects += 1;
      continue;
    }
    const workRight = Math.max(left + 1, Math.min(right, clip(timeToX(view, longest.workEndNs))));
    context.fillRect(left, bottom - BAND_PX, workRight - left, BAND_PX);
    context.fillRect(workRight, bottom - 1, right - workRight, 1);
    counters.rects += 2;
  }
}
