/**
 * The lanes' pixels as they were last drawn: a lane that is to look the same is not drawn anew, as when the pointer moves, lanes are
 * scrolled, or tiles of others come.
 *
 * Must never show anything else than what would be drawn anew, nor keep lanes that don't show.
 *
 * @import { Grid, LaneLife } from "./columns.js"
 * @import { SceneLane } from "./draw.js"
 * @import { Items } from "./items.js"
 * @import { Palette } from "./phases.js"
 */

import { Columns, fill } from "./columns.js";
import { BODY_PX } from "./layout.js";
import { Raster } from "./raster.js";

/** @typedef {{ image: ImageData, items: Items, grid: Grid, life: LaneLife }} Picture  what it was drawn from */

export class LanePictures {
  /** @param {Palette} palette @param {number} scale device pixels per CSS pixel, whole */
  constructor(palette, scale) {
    this.raster = new Raster(palette, scale);
    this.bodyPx = BODY_PX * scale;
    /** One for all lanes: filled and drawn one after the other. */
    this.columns = new Columns();
    /** @type {Map<number, Picture>} by lane */
    this.made = new Map();
  }

  /** @param {SceneLane} one @param {Grid} grid one column per device pixel @returns {ImageData} */
  of({ lane, items, life }, grid) {
    const before = this.made.get(lane.lane);
    if (before && before.items === items && same(before.grid, grid) && same(before.life, life)) return before.image;
    fill(this.columns, grid, items, life);
    const shiftPx = Math.floor(grid.startNs / grid.columnNs) % this.raster.size;
    const image = this.raster.draw(this.columns, this.bodyPx, shiftPx, before?.image ?? null);
    this.made.set(lane.lane, { image, items, grid, life });
    return image;
  }

  /** @param {{ has: (lane: number) => boolean }} lanes those that show */
  keepOnly(lanes) {
    for (const lane of this.made.keys()) if (!lanes.has(lane)) this.made.delete(lane);
  }
}

/**
 * Whether two have the same values.
 * @template {object} T
 * @param {T} a @param {T} b
 * @returns {boolean}
 */
function same(a, b) {
  for (const key of /** @type {(keyof T)[]} */ (Object.keys(a))) if (!Object.is(a[key], b[key])) return false;
  return true;
}
