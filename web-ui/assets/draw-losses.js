/**
 * Where the picture is not whole: lost records, time no longer kept, lives that began or ended.
 *
 * Must never make a loss too small to see.
 *
 * @import { Counters, Scene, SceneLane } from "./draw.js"
 */

import { FONT } from "./draw-axis.js";
import { formatCount } from "./format.js";
import { AXIS_PX, BODY_PX, BODY_TOP_PX, rowTop } from "./layout.js";
import { timeToX } from "./scale.js";
import { SPAN_UNSEEN } from "./wire.js";
import { say } from "./words.js";

const HATCH_PX = 12;
const GAP_LEAST_PX = 3;

/** @type {Map<string, CanvasPattern | null>} by colour */
const patterns = new Map();

/**
 * Thick slanted lines with air between, unlike any phase.
 * @param {CanvasRenderingContext2D} context
 * @param {string} colour
 * @returns {CanvasPattern | string}
 */
export function hatch(context, colour) {
  let pattern = patterns.get(colour);
  if (pattern === undefined) {
    const tile = document.createElement("canvas");
    tile.width = HATCH_PX;
    tile.height = HATCH_PX;
    const pen = tile.getContext("2d");
    if (!pen) return colour;
    pen.strokeStyle = colour;
    pen.lineWidth = 2.5;
    for (const shift of [-HATCH_PX, 0, HATCH_PX]) {
      pen.moveTo(shift - 2, -2);
      pen.lineTo(shift + HATCH_PX + 2, HATCH_PX + 2);
    }
    pen.stroke();
    pattern = context.createPattern(tile, "repeat");
    patterns.set(colour, pattern);
  }
  return pattern ?? colour;
}

/**
 * Lost records, over all lanes: which thread's they were is not known.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Counters} counters
 */
export function drawGaps(context, scene, counters) {
  const { frame, palette, view } = scene;
  const height = frame.heightPx - AXIS_PX;
  for (const gap of scene.gaps) {
    const left = timeToX(view, gap.startNs);
    const right = Math.max(left + GAP_LEAST_PX, timeToX(view, gap.endNs));
    if (right < 0 || left > frame.widthPx) continue;
    const from = Math.max(0, left);
    const width = Math.min(frame.widthPx, right) - from;
    context.globalAlpha = 0.1;
    context.fillStyle = palette.loss;
    context.fillRect(from, AXIS_PX, width, height);
    context.globalAlpha = 0.6;
    context.fillStyle = hatch(context, palette.loss);
    context.fillRect(from, AXIS_PX, width, height);
    context.globalAlpha = 1;
    counters.rects += 2;
    const label = say("loss.count", { count: formatCount(gap.lost) });
    context.font = FONT;
    const labelWidth = context.measureText(label).width + 12;
    if (width < labelWidth + 8) continue;
    const x = from + (width - labelWidth) / 2;
    context.fillStyle = palette.loss;
    context.beginPath();
    context.roundRect(x, AXIS_PX + 4, labelWidth, 16, 3);
    context.fill();
    context.fillStyle = palette.background;
    context.textBaseline = "middle";
    context.fillText(label, x + 6, AXIS_PX + 12.5);
    counters.labels += 1;
  }
}

/**
 * Times off the CPU of whose switches the kernel told nobody: that they were is known, where is not.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {SceneLane} one
 * @param {number} top of the row
 * @param {Counters} counters
 */
export function drawUnseen(context, scene, one, top, counters) {
  const { frame, palette, view } = scene;
  for (const span of one.items.spans) {
    if (!(span.flags & SPAN_UNSEEN)) continue;
    const left = timeToX(view, span.leftNs);
    const right = timeToX(view, span.backNs);
    if (right < 0 || left > frame.widthPx || right - left < GAP_LEAST_PX) continue;
    const from = Math.max(0, left);
    context.globalAlpha = 0.5;
    context.fillStyle = hatch(context, palette.text);
    context.fillRect(from, top + BODY_TOP_PX, Math.min(frame.widthPx, right) - from, BODY_PX);
    context.globalAlpha = 1;
    counters.rects += 1;
  }
}

/**
 * Before what is kept, and where threads began and ended.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Counters} counters
 */
export function drawEdges(context, scene, counters) {
  const { frame, palette, view } = scene;
  const keptX = Math.min(frame.widthPx, timeToX(view, scene.keptNs));
  if (scene.keptNs > 0 && keptX > 0) {
    const from = Math.max(0, timeToX(view, 0));
    context.fillStyle = palette.unknown;
    context.fillRect(from, AXIS_PX, keptX - from, frame.heightPx - AXIS_PX);
    context.fillStyle = palette.faint;
    context.fillRect(keptX - 1, AXIS_PX, 1, frame.heightPx - AXIS_PX);
    counters.rects += 2;
    context.font = FONT;
    context.textBaseline = "middle";
    const words = say("loss.kept");
    const width = context.measureText(words).width;
    if (keptX - from > width + 16) {
      context.fillText(words, keptX - width - 8, AXIS_PX + 12);
      counters.labels += 1;
    }
  }
  for (const [row, one] of scene.lanes) {
    const top = rowTop(frame, row) + BODY_TOP_PX;
    for (const timeNs of [one.lane.beganNs, one.lane.endedNs]) {
      if (timeNs === null) continue;
      const x = timeToX(view, timeNs);
      if (x < 0 || x > frame.widthPx) continue;
      context.fillStyle = palette.text;
      context.fillRect(x - 0.5, top - 4, 1, BODY_PX + 8);
      counters.rects += 1;
    }
  }
}
