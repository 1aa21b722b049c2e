/**
 * A lane's pixels, in node: each is what the shares of its column say, looked up one by one.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Columns } from "../assets/columns.js";
import { DARK, inked, LIGHT, PHASE_COUNT, PHASES } from "../assets/phases.js";
import { pixel, PRESENCE_PX, Raster } from "../assets/raster.js";
import { generator } from "./synthetic.mjs";

/** Node has none. */
globalThis.ImageData ??= class {
  constructor(width, height) {
    Object.assign(this, { width, height, data: new Uint8ClampedArray(width * height * 4) });
  }
};

/** Stacks of all kinds: none, whole ones, slivers, and such as reach one only nearly. */
function stacks(count, next) {
  const columns = new Columns();
  columns.reset(count);
  for (let column = 0; column < count; column += 1) {
    const amounts = Array.from({ length: PHASE_COUNT }, () => (next() < 0.5 ? 0 : next() ** 4));
    const sum = amounts.reduce((a, b) => a + b, 0);
    const known = [0, 1, 1, next()][Math.floor(next() * 4)];
    if (sum > 0) amounts.forEach((amount, phase) => { columns.shares[column * PHASE_COUNT + phase] = (amount / sum) * known; });
    columns.inCall[column] = next() < 0.5 ? 1 : 0;
  }
  return columns;
}

/** The phase at a height above the ground, in pixels; undefined where nothing is known. */
function phaseAt(columns, column, bodyPx, height) {
  let sum = 0;
  return PHASES.find((_, phase) => {
    sum += columns.share(phase, column);
    return height < Math.round(sum * bodyPx);
  });
}

for (const [palette, scale] of [[LIGHT, 1], [DARK, 2]]) {
  test(`every pixel of a lane is that of the phase at its height, at ${scale} device pixels`, () => {
    const pick = generator(5 + scale);
    const next = () => pick(0, 999_999) / 1e6;
    const raster = new Raster(palette, scale);
    const bodyPx = 26 * scale;
    const above = PRESENCE_PX * scale;
    for (let round = 0; round < 20; round += 1) {
      const count = 1 + Math.floor(next() * 90);
      const columns = stacks(count, next);
      const shiftPx = Math.floor((next() - 0.5) * 64);
      const image = raster.draw(columns, bodyPx, shiftPx);
      assert.deepEqual([image.width, image.height], [count, bodyPx + above]);
      const pixels = new Uint32Array(image.data.buffer);
      for (let y = 0; y < image.height; y += 1) {
        for (let x = 0; x < count; x += 1) {
          const phase = phaseAt(columns, x, bodyPx, image.height - 1 - y);
          const textureX = Math.floor((((x + shiftPx) % raster.size) + raster.size) % raster.size / scale);
          const ink = () => palette.phases[PHASES.indexOf(phase)][inked(phase.texture, textureX, Math.floor((y % raster.size) / scale)) ? "ink" : "paper"];
          const line = columns.inCall[x] && y < above - scale ? palette.boxEdge : palette.background;
          const colour = y < above ? line : phase ? ink() : palette.lane;
          assert.equal(pixels[y * count + x], pixel(colour), `round ${round}, ${x}/${y}`);
        }
      }
    }
  });
}
