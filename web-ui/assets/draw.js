/**
 * Draws one frame of the timeline: axis, lanes, losses, what is pinned and under the pointer.
 *
 * Must never fetch, keep state between frames or decide what is known: it draws a scene. Counts
 * what it drew, so that the work of a frame can be tested.
 *
 * @import { Band } from "./band.js"
 * @import { Items } from "./items.js"
 * @import { LaneLife } from "./columns.js"
 * @import { LanePictures } from "./lane-pictures.js"
 * @import { Gap, Lane } from "./messages.js"
 * @import { Palette } from "./phases.js"
 * @import { View } from "./scale.js"
 * @import { Frame } from "./layout.js"
 * @import { Range } from "./view-state.js"
 */

import { drawAxis, drawGrid } from "./draw-axis.js";
import { drawBand } from "./draw-band.js";
import { drawCalls, drawOpen } from "./draw-calls.js";
import { drawEdges, drawGaps, drawUnseen } from "./draw-losses.js";
import { drawMarks } from "./draw-marks.js";
import { drawSelection } from "./draw-selection.js";
import { drawWakes } from "./draw-wakes.js";
import { AXIS_PX, BODY_PX, BODY_TOP_PX, BOX_TOP_PX, ROW_PX, rowTop, visibleRows } from "./layout.js";
import { PRESENCE_PX } from "./raster.js";
import { timeToX } from "./scale.js";

/**
 * @typedef {{ lane: Lane, items: Items, life: LaneLife }} SceneLane
 * @typedef {{ fromLane: number, toLane: number, atNs: number }} Wake
 * @typedef {{ lane: number, startNs: number, endNs: number, wakes: readonly Wake[] }} Mark
 * @typedef {{
 *   view: View, frame: Frame, lanes: ReadonlyMap<number, SceneLane>, names: readonly string[], gaps: readonly Gap[],
 *   keptNs: number, nowNs: number, live: boolean, pinned: Mark | null, selection: Range | null, hover: { xPx: number, row: number | null } | null,
 *   palette: Palette, scale: number, pictures: LanePictures, bands: ReadonlyMap<number, Band>, marks: readonly number[],
 * }} Scene  `lanes` by row; `scale` device pixels per CSS pixel
 * @typedef {{ rects: number, labels: number, pixels: number }} Counters
 */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @returns {Counters}
 */
export function draw(context, scene) {
  /** @type {Counters} */
  const counters = { rects: 0, labels: 0, pixels: 0 };
  const { frame, palette, scale } = scene;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.fillStyle = palette.background;
  context.fillRect(0, 0, frame.widthPx, frame.heightPx);
  const rows = visibleRows(frame);
  context.fillStyle = palette.rule;
  for (let row = rows.first; row < rows.end; row += 1) context.fillRect(0, rowTop(frame, row) + ROW_PX - 1, frame.widthPx, 1);
  counters.rects += rows.end - rows.first;
  // One after the other: what was drawn otherwise in between would have to be done first, each time.
  for (let row = rows.first; row < rows.end; row += 1) drawBody(context, scene, row, counters);
  drawGrid(context, scene, counters);
  for (let row = rows.first; row < rows.end; row += 1) {
    const one = scene.lanes.get(row);
    if (!one) continue;
    const top = rowTop(frame, row);
    drawCalls(context, scene, one, top, counters);
    drawOpen(context, scene, one, top, counters);
    drawUnseen(context, scene, one, top, counters);
    drawBand(context, scene, one.lane.lane, top, counters);
  }
  drawGaps(context, scene, counters);
  drawPinned(context, scene, counters);
  drawWakes(context, scene, counters);
  drawEdges(context, scene, counters);
  drawSelection(context, scene, counters);
  drawAxis(context, scene, counters);
  drawMarks(context, scene, counters);
  drawHover(context, scene, counters);
  return counters;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {number} row
 * @param {Counters} counters
 */
function drawBody(context, scene, row, counters) {
  const { frame, view, scale, pictures } = scene;
  const one = scene.lanes.get(row);
  if (!one) return;
  const image = pictures.of(one, { startNs: view.startNs, columnNs: view.nsPerPx / scale, columns: Math.round(frame.widthPx * scale) });
  // putImageData knows no transform: device pixels.
  context.putImageData(image, 0, Math.round((rowTop(frame, row) + BODY_TOP_PX) * scale) - PRESENCE_PX * scale);
  counters.pixels += image.width * image.height;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Counters} counters
 */
function drawPinned(context, scene, counters) {
  const { frame, palette, pinned, view } = scene;
  if (!pinned) return;
  for (const [row, one] of scene.lanes) {
    if (one.lane.lane !== pinned.lane) continue;
    const left = timeToX(view, pinned.startNs);
    const right = Math.max(left + 2, timeToX(view, pinned.endNs));
    const top = rowTop(frame, row) + BOX_TOP_PX - 3;
    context.strokeStyle = palette.accent;
    context.lineWidth = 2;
    context.beginPath();
    // Cut to the window: a stroke millions of pixels long is slow.
    const from = Math.max(-4, left - 1);
    const to = Math.min(frame.widthPx + 4, right + 1);
    context.roundRect(from, top, Math.max(2, to - from), BODY_TOP_PX - BOX_TOP_PX + BODY_PX + 5, 3);
    context.stroke();
    counters.rects += 1;
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Counters} counters
 */
function drawHover(context, scene, counters) {
  if (!scene.hover) return;
  context.fillStyle = scene.palette.faint;
  context.globalAlpha = 0.6;
  context.fillRect(Math.round(scene.hover.xPx), AXIS_PX, 1, scene.frame.heightPx - AXIS_PX);
  context.globalAlpha = 1;
  counters.rects += 1;
}
