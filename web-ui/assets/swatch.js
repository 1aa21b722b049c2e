/**
 * A phase's texture outside the timeline: in the legend, in tooltips and in the panel.
 *
 * @import { Palette } from "./phases.js"
 */

import { inked, PHASES } from "./phases.js";

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Palette} palette
 * @param {number} phase
 * @param {number} left
 * @param {number} width
 * @param {number} height
 */
export function paint(context, palette, phase, left, width, height) {
  const pair = palette.phases[phase];
  const texture = PHASES[phase]?.texture;
  if (!pair || !texture) return;
  context.fillStyle = pair.paper;
  context.fillRect(left, 0, width, height);
  context.fillStyle = pair.ink;
  if (texture === "solid") {
    context.fillRect(left, 0, width, height);
    return;
  }
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) if (inked(texture, x, y)) context.fillRect(left + x, y, 1, 1);
  }
}

/**
 * @param {Palette} palette
 * @param {number} phase
 * @param {number} width
 * @param {number} height
 * @returns {HTMLCanvasElement}
 */
export function swatch(palette, phase, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.setAttribute("aria-hidden", "true");
  const context = canvas.getContext("2d");
  if (context) paint(context, palette, phase, 0, width, height);
  return canvas;
}

/**
 * The phases of something as one bar, in the order of the stack.
 * @param {Palette} palette
 * @param {readonly number[]} amounts by phase
 * @param {number} width
 * @param {number} height
 * @returns {HTMLCanvasElement}
 */
export function bar(palette, amounts, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.className = "bar";
  canvas.setAttribute("aria-hidden", "true");
  const context = canvas.getContext("2d");
  const whole = amounts.reduce((sum, amount) => sum + amount, 0);
  let done = 0;
  amounts.forEach((amount, phase) => {
    const left = Math.round((done / whole) * width);
    done += amount;
    if (context && amount > 0) paint(context, palette, phase, left, Math.round((done / whole) * width) - left, height);
  });
  return canvas;
}
