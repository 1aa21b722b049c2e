/**
 * A lane's columns made pixels: one image per lane, so that a frame costs the same however much
 * happened in it.
 *
 * A column is a stack: a phase's height is its share of the column's time. Must never measure time:
 * it gets shares and gives colours.
 *
 * @import { Columns } from "./columns.js"
 * @import { Palette } from "./phases.js"
 */

import { inked, PHASE_COUNT, PHASES, TEXTURE_PX } from "./phases.js";

/** Rows above the body: a line wherever the thread is in a call, and a row of air. */
export const PRESENCE_PX = 3;

/**
 * `#rrggbb` as a pixel of an image, which is little-endian RGBA.
 * @param {string} colour
 * @returns {number}
 */
export function pixel(colour) {
  const rgb = Number.parseInt(colour.slice(1, 7), 16);
  return (0xff000000 | ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
}

export class Raster {
  /** @param {Palette} palette @param {number} scale device pixels per CSS pixel, whole */
  constructor(palette, scale) {
    this.palette = palette;
    this.scale = scale;
    this.size = TEXTURE_PX * scale;
    this.textures = PHASES.map((phase, index) => {
      const pair = palette.phases[index] ?? { ink: "#888888", paper: "#888888" };
      const [ink, paper] = [pixel(pair.ink), pixel(pair.paper)];
      const texture = new Uint32Array(this.size * this.size);
      for (let y = 0; y < this.size; y += 1) {
        for (let x = 0; x < this.size; x += 1) {
          const has = inked(phase.texture, Math.floor(x / scale), Math.floor(y / scale));
          texture[y * this.size + x] = has ? ink : paper;
        }
      }
      return texture;
    });
    this.empty = pixel(palette.lane);
    this.presence = pixel(palette.boxEdge);
    this.background = pixel(palette.background);
    this.image = new ImageData(1, 1);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /**
   * @param {Columns} columns one per device pixel
   * @param {number} bodyPx height of the body in device pixels
   * @param {number} shiftPx where textures begin, so that they move with time
   * @returns {ImageData} valid until the next call
   */
  draw(columns, bodyPx, shiftPx) {
    const { count, exact } = columns;
    const above = PRESENCE_PX * this.scale;
    const height = bodyPx + above;
    if (this.image.width !== count || this.image.height !== height) {
      this.image = new ImageData(count, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const { pixels, size, textures } = this;
    pixels.fill(this.background, 0, above * count);
    pixels.fill(this.empty, above * count);
    const lineRows = above - this.scale;
    // A texture's size is a power of two: this loop runs for every pixel of every frame.
    const mask = size - 1;
    const shift = Math.log2(size);
    for (let x = 0; x < count; x += 1) {
      if (columns.inCall[x]) for (let y = 0, at = x; y < lineRows; y += 1, at += count) pixels[at] = this.presence;
      const textureX = (x + shiftPx) & mask;
      let sum = 0;
      let below = height;
      for (let phase = 0; phase < PHASE_COUNT; phase += 1) {
        const share = exact[phase * count + x] ?? 0;
        if (share <= 0) continue;
        sum += share;
        const top = Math.max(above, height - Math.round(sum * bodyPx));
        const texture = textures[phase];
        if (!texture) continue;
        for (let y = top, at = top * count + x; y < below; y += 1, at += count) {
          pixels[at] = /** @type {number} */ (texture[((y & mask) << shift) | textureX]);
        }
        below = top;
      }
    }
    return this.image;
  }
}
