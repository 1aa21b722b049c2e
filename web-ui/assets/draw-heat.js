/**
 * Draws durations: over time as a heatmap, and all of a stretch as a histogram on the same axis.
 *
 * Must never draw a cell too pale to see, nor one that has no call.
 *
 * @import { Heatmap, Slot } from "./answers.js"
 * @import { Axis } from "./heat-grid.js"
 * @import { Palette } from "./phases.js"
 * @import { Range } from "./view-state.js"
 */

import { FONT } from "./draw-axis.js";
import { formatCount, formatNs, formatTime } from "./format.js";
import { decades, shade, toY } from "./heat-grid.js";
import { KERNEL } from "./phases.js";
import { ticks } from "./scale.js";
import { say } from "./words.js";

/** The durations' names stand to the left, times below. */
export const LEFT_PX = 62;
export const BELOW_PX = 20;

/** @typedef {{ fromNs: number, toNs: number, leastNs: number, mostNs: number }} Region */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} widthPx
 * @param {number} heightPx
 * @returns {CanvasRenderingContext2D | null}
 */
export function prepare(canvas, widthPx, heightPx) {
  const scale = Math.min(2, Math.max(1, Math.round(devicePixelRatio)));
  canvas.width = Math.max(1, Math.floor(widthPx)) * scale;
  canvas.height = heightPx * scale;
  const context = canvas.getContext("2d");
  context?.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}

/** @param {CanvasRenderingContext2D} context @param {Axis} axis @param {Palette} palette @param {number} leftPx @param {number} widthPx @param {boolean} named */
function drawDecades(context, axis, palette, leftPx, widthPx, named) {
  context.font = FONT;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const ns of decades(axis)) {
    const y = Math.round(toY(axis, ns));
    context.fillStyle = palette.rule;
    context.fillRect(leftPx, Math.min(axis.heightPx - 1, y), widthPx, 1);
    context.fillStyle = palette.faint;
    if (named) context.fillText(formatNs(ns).replace(".00", ""), leftPx - 8, Math.min(axis.heightPx - 6, Math.max(6, y)));
  }
  context.textAlign = "left";
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Heatmap} heatmap
 * @param {Axis} axis
 * @param {Range} range
 * @param {number} widthPx of the cells
 * @param {Palette} palette
 * @param {Region | null} region
 */
export function drawHeatmap(context, heatmap, axis, range, widthPx, palette, region) {
  const nsPerPx = (range.toNs - range.fromNs) / widthPx;
  const x = (/** @type {number} */ ns) => LEFT_PX + (ns - range.fromNs) / nsPerPx;
  context.fillStyle = palette.background;
  context.fillRect(0, 0, LEFT_PX + widthPx, axis.heightPx + BELOW_PX);
  context.fillStyle = palette.lane;
  context.fillRect(LEFT_PX, 0, widthPx, axis.heightPx);
  drawDecades(context, axis, palette, LEFT_PX, widthPx, true);
  const most = heatmap.cells.reduce((top, cell) => Math.max(top, cell.count), 0);
  context.fillStyle = palette.phases[KERNEL]?.ink ?? palette.text;
  for (const cell of heatmap.cells) {
    const left = x(heatmap.fromNs + cell.column * heatmap.widthNs);
    const right = Math.min(LEFT_PX + widthPx, x(heatmap.fromNs + (cell.column + 1) * heatmap.widthNs));
    const top = toY(axis, cell.lastNs + 1);
    context.globalAlpha = shade(cell.count, most);
    context.fillRect(left, top, Math.max(1.5, right - left - 0.5), Math.max(2, toY(axis, cell.firstNs) - top - 0.5));
  }
  context.globalAlpha = 1;
  const { stepNs, timesNs } = ticks({ startNs: range.fromNs, nsPerPx }, widthPx, nsPerPx < 1000 ? 170 : 110);
  context.fillStyle = palette.faint;
  for (const ns of timesNs) {
    context.fillRect(x(ns), axis.heightPx, 1, 4);
    const text = formatTime(ns, stepNs);
    if (x(ns) + 4 + context.measureText(text).width < LEFT_PX + widthPx) context.fillText(text, x(ns) + 4, axis.heightPx + 11);
  }
  if (!region) return;
  context.strokeStyle = palette.accent;
  context.lineWidth = 2;
  const [left, right] = [Math.max(LEFT_PX, x(region.fromNs)), Math.min(LEFT_PX + widthPx, x(region.toNs))];
  const [top, bottom] = [toY(axis, region.mostNs), toY(axis, region.leastNs)];
  context.strokeRect(left + 1, top + 1, Math.max(1, right - left - 2), Math.max(1, bottom - top - 2));
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {readonly Slot[]} slots
 * @param {Axis} axis
 * @param {number} widthPx
 * @param {Palette} palette
 */
export function drawHistogram(context, slots, axis, widthPx, palette) {
  context.fillStyle = palette.background;
  context.fillRect(0, 0, widthPx, axis.heightPx + BELOW_PX);
  context.fillStyle = palette.lane;
  context.fillRect(0, 0, widthPx, axis.heightPx);
  drawDecades(context, axis, palette, 0, widthPx, false);
  // Slots are narrower than a pixel at places: those of a row of pixels are one bar.
  const rows = new Float64Array(axis.heightPx + 1);
  for (const slot of slots) {
    const row = Math.min(axis.heightPx - 1, Math.floor(toY(axis, (slot.firstNs + slot.lastNs) / 2) / 2) * 2);
    rows[row] = (rows[row] ?? 0) + slot.count;
  }
  const most = rows.reduce((top, count) => Math.max(top, count), 0);
  context.fillStyle = palette.phases[KERNEL]?.ink ?? palette.text;
  rows.forEach((count, row) => {
    if (count > 0) context.fillRect(0, row, Math.max(1.5, (count / most) * (widthPx - 4)), 2);
  });
  context.fillStyle = palette.faint;
  context.font = FONT;
  context.textBaseline = "middle";
  if (most > 0) context.fillText(say("lat.bar", { count: formatCount(most) }), 0, axis.heightPx + 11);
}
