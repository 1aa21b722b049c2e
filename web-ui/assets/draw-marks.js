/**
 * The marks: a numbered flag on the axis, and a line through the lanes.
 *
 * Must never decide what is marked: it draws a scene.
 *
 * @import { Counters, Scene } from "./draw.js"
 * @import { View } from "./scale.js"
 */

import { FONT } from "./draw-axis.js";
import { AXIS_PX } from "./layout.js";
import { timeToX } from "./scale.js";

const FLAG_TOP_PX = 1;
const FLAG_PX = 18;
const FLAG_HEIGHT_PX = 13;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Counters} counters
 */
export function drawMarks(context, scene, counters) {
  const { frame, palette, view, marks } = scene;
  context.font = FONT;
  context.textBaseline = "middle";
  marks.forEach((ns, i) => {
    const x = Math.round(timeToX(view, ns));
    if (x < -FLAG_PX || x > frame.widthPx) return;
    context.fillStyle = palette.accent;
    context.fillRect(x, FLAG_TOP_PX, 1, frame.heightPx);
    context.beginPath();
    // A pennant: no box of the axis has a point.
    context.moveTo(x, FLAG_TOP_PX);
    context.lineTo(x + FLAG_PX, FLAG_TOP_PX);
    context.lineTo(x + FLAG_PX + 5, FLAG_TOP_PX + FLAG_HEIGHT_PX / 2);
    context.lineTo(x + FLAG_PX, FLAG_TOP_PX + FLAG_HEIGHT_PX);
    context.lineTo(x, FLAG_TOP_PX + FLAG_HEIGHT_PX);
    context.fill();
    context.fillStyle = palette.background;
    context.fillText(String(i + 1), x + 4, FLAG_TOP_PX + FLAG_HEIGHT_PX / 2 + 0.5);
    counters.rects += 2;
    counters.labels += 1;
  });
}

/**
 * The mark whose flag is under a point of the canvas; of several, the one drawn last.
 * @param {readonly number[]} marks @param {View} view @param {number} xPx @param {number} yPx
 * @returns {number | null}
 */
export function flagAt(marks, view, xPx, yPx) {
  if (yPx > Math.min(AXIS_PX, FLAG_TOP_PX + FLAG_HEIGHT_PX)) return null;
  const under = (/** @type {number} */ ns) => {
    const x = Math.round(timeToX(view, ns));
    return xPx >= x && xPx < x + FLAG_PX + 5;
  };
  return marks.findLast(under) ?? null;
}
