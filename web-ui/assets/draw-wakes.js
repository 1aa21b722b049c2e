/**
 * Draws wake-ups of one thread by another that led to the end of the chosen call's wait: an arrow from waker to woken.
 *
 * Must never draw one whose two lanes are not both in view, nor one outside the window.
 *
 * @import { Counters, Scene } from "./draw.js"
 */

import { BODY_PX, BODY_TOP_PX, rowTop } from "./layout.js";
import { timeToX } from "./scale.js";

const HEAD_PX = 6;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Counters} counters
 */
export function drawWakes(context, scene, counters) {
  const wakes = scene.pinned?.wakes ?? [];
  if (wakes.length === 0) return;
  const { frame, palette, view } = scene;
  /** @type {Map<number, number>} */
  const tops = new Map();
  for (const [row, one] of scene.lanes) tops.set(one.lane.lane, rowTop(frame, row) + BODY_TOP_PX);
  context.strokeStyle = palette.accent;
  context.fillStyle = palette.accent;
  context.lineWidth = 2;
  for (const wake of wakes) {
    const from = tops.get(wake.fromLane);
    const to = tops.get(wake.toLane);
    const x = timeToX(view, wake.atNs);
    if (from === undefined || to === undefined || from === to || x < 0 || x > frame.widthPx) continue;
    const down = to > from;
    const startY = from + (down ? BODY_PX : 0);
    const endY = to + (down ? 0 : BODY_PX);
    const head = down ? -HEAD_PX : HEAD_PX;
    context.beginPath();
    context.arc(x, startY, 3, 0, 2 * Math.PI);
    context.moveTo(x, endY);
    context.lineTo(x - HEAD_PX, endY + head);
    context.lineTo(x + HEAD_PX, endY + head);
    context.fill();
    context.beginPath();
    context.moveTo(x, startY);
    context.lineTo(x, endY + head);
    context.stroke();
    counters.rects += 1;
  }
}
