/**
 * The selected range over the lanes: what is outside of it is dimmed, and its edges stand out.
 *
 * Must never decide what is selected: it draws a scene.
 *
 * @import { Counters, Scene } from "./draw.js"
 */

import { AXIS_PX } from "./layout.js";
import { timeToX } from "./scale.js";

const EDGE_PX = 2;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Counters} counters
 */
export function drawSelection(context, scene, counters) {
  const { frame, palette, selection, view } = scene;
  if (!selection) return;
  const clip = (/** @type {number} */ x) => Math.min(frame.widthPx + EDGE_PX, Math.max(-EDGE_PX, x));
  const left = clip(timeToX(view, selection.fromNs));
  const right = Math.max(left + 1, clip(timeToX(view, selection.toNs)));
  const height = frame.heightPx - AXIS_PX;
  context.fillStyle = palette.background;
  context.globalAlpha = 0.55;
  context.fillRect(0, AXIS_PX, Math.max(0, left), height);
  context.fillRect(right, AXIS_PX, Math.max(0, frame.widthPx - right), height);
  context.globalAlpha = 1;
  context.fillStyle = palette.accent;
  context.fillRect(left - EDGE_PX, AXIS_PX, EDGE_PX, height);
  context.fillRect(right, AXIS_PX, EDGE_PX, height);
  counters.rects += 4;
}
