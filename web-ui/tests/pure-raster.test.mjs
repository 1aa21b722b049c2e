/**
 * A lane's pixels, in node: each is what the shares of its column say, looked up one by one, and a picture that is kept is the one that
 * would be drawn anew.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Columns } from "../assets/columns.js";
import { gatherAnew } from "../assets/items.js";
import { LanePictures } from "../assets/lane-pictures.js";
import { DARK, inked, LIGHT, PHASE_COUNT, PHASES } from "../assets/phases.js";
import { pixel, PRESENCE_PX, Raster } from "../assets/raster.js";
import { indices, levelFor, TileCache } from "../assets/tiles.js";
import { decodeTile } from "../assets/wire.js";
import { generator, makeTrace, NAMES } from "./synthetic.mjs";
import { makeTile } from "./tile.mjs";

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

test("a lane is drawn anew only if it is to look otherwise, and always looks as if it had been", () => {
  const trace = makeTrace({ seconds: 2, lanes: 6 });
  const pick = generator(11);
  const cache = new TileCache(1e9);
  const kept = new LanePictures(LIGHT, 1);
  let drawn = 0;
  const { raster } = kept;
  const draw = raster.draw.bind(raster);
  raster.draw = (...all) => {
    drawn += 1;
    return draw(...all);
  };
  /** @type {Map<number, import("../assets/items.js").Gathered>} */
  const gathered = new Map();
  let view = { startNs: 0, nsPerPx: trace.endNs / 200 };
  let life = { beganNs: 0, endedNs: Infinity, lastNs: trace.endNs, keptNs: 0, sealedNs: trace.endNs, open: null };
  let asked = 0;
  for (let step = 0; step < 300; step += 1) {
    const act = pick(0, 7);
    if (act === 0) view = { ...view, nsPerPx: Math.min(trace.endNs / 150, Math.max(200, view.nsPerPx * 2 ** ((pick(0, 200) - 100) / 50))) };
    else if (act === 1) view = { ...view, startNs: view.startNs + pick(-80, 80) * view.nsPerPx };
    else if (act === 2) view = { ...view, startNs: pick(0, trace.endNs) };
    else if (act === 3) life = { ...life, sealedNs: life.sealedNs + 1 };
    const level = levelFor(view.nsPerPx);
    const toNs = view.startNs + 200 * view.nsPerPx;
    if (act === 4) {
      for (const index of indices(level, view.startNs, Math.min(toNs, trace.endNs))) {
        const lane = pick(0, 2);
        cache.put(lane, { tile: decodeTile(makeTile(trace.threads[lane], level, index, { sealed: true, nowNs: 9e9, names: NAMES }), level, index), asOfNs: Infinity, takenNs: 0, settledNs: Infinity, refreshAtMs: 0, openKey: "" });
      }
    }
    const shown = act === 5 ? [2, 1] : [0, 1, 2];
    kept.keepOnly(new Set(shown));
    assert.ok(kept.made.size <= shown.length);
    for (const lane of shown) {
      const pieces = cache.cover(lane, level, view.startNs, Math.min(toNs, trace.endNs));
      const before = gathered.get(lane);
      const same = before && before.pieces.length === pieces.length && pieces.every((piece, i) => piece.entry === before.pieces[i].entry && piece.fromNs === before.pieces[i].fromNs && piece.toNs === before.pieces[i].toNs);
      const one = same ? before : gatherAnew(pieces, before ?? null);
      gathered.set(lane, one);
      const scene = { lane: { lane }, items: one.items, life: { ...life } };
      const grid = { startNs: view.startNs, columnNs: view.nsPerPx, columns: 200 };
      asked += 1;
      assert.deepEqual(kept.of(scene, grid).data, new LanePictures(LIGHT, 1).of(scene, grid).data, `step ${step}, lane ${lane}`);
    }
  }
  assert.ok(drawn > 300 && drawn < asked * 0.75, `${drawn} of ${asked} drawn`);
});
