/**
 * A lane's columns made pixels: one image per lane, so that a frame costs the same however much
 * happened in it.
 *
 * A column is a stack: a phase's height is its share of the column's time. Must never measure time:
 * it gets shares and gives colours. Nor take more than a few steps for a pixel: this runs for all of
 * them in every frame that moves.
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
    /** Of each row of the textures, the pixels of each phase and then of nothing. */
    this.texels = this.makeTexels();
    this.presence = pixel(palette.boxEdge);
    this.background = pixel(palette.background);
    /** Where in a row's texels the pixel of each column is. */
    this.codes = new Uint8Array(0);
    /** Each place where a phase begins: the column, and its code from that row down. There is none at 0. */
    this.begins = new Uint32Array(1);
    /** One of those in each row, and to each the next in its row; 0 if there is none. */
    this.firsts = new Uint32Array(0);
    this.nexts = new Uint32Array(1);
  }

  /** @returns {Uint32Array} */
  makeTexels() {
    const { palette, scale, size } = this;
    const texels = new Uint32Array(size * (PHASE_COUNT + 1) * size).fill(pixel(palette.lane));
    for (const [index, phase] of PHASES.entries()) {
      const pair = palette.phases[index] ?? { ink: "#888888", paper: "#888888" };
      const [ink, paper] = [pixel(pair.ink), pixel(pair.paper)];
      for (let y = 0; y < size; y += 1) {
        for (let x = 0; x < size; x += 1) {
          const has = inked(phase.texture, Math.floor(x / scale), Math.floor(y / scale));
          texels[(y * (PHASE_COUNT + 1) + index) * size + x] = has ? ink : paper;
        }
      }
    }
    return texels;
  }

  /** @param {number} count of columns @param {number} bodyPx */
  resize(count, bodyPx) {
    if (this.codes.length === count && this.firsts.length === bodyPx) return;
    this.codes = new Uint8Array(count);
    this.begins = new Uint32Array(count * PHASE_COUNT + 1);
    this.firsts = new Uint32Array(bodyPx);
    this.nexts = new Uint32Array(count * PHASE_COUNT + 1);
  }

  /**
   * @param {Columns} columns one per device pixel
   * @param {number} bodyPx height of the body in device pixels
   * @param {number} shiftPx where textures begin, so that they move with time
   * @param {ImageData | null} [used] one that is not needed any more, and is drawn into if it fits
   * @returns {ImageData}
   */
  draw(columns, bodyPx, shiftPx, used = null) {
    const { count } = columns;
    const height = bodyPx + PRESENCE_PX * this.scale;
    const image = used?.width === count && used.height === height ? used : new ImageData(count, height);
    const pixels = new Uint32Array(image.data.buffer);
    this.resize(count, bodyPx);
    this.drawPresence(pixels, columns);
    this.stack(columns, bodyPx, shiftPx);
    this.drawBody(pixels, count, bodyPx);
    return image;
  }

  /** @param {Uint32Array} pixels @param {Columns} columns */
  drawPresence(pixels, { count, inCall }) {
    const { background, presence, scale } = this;
    const lineRows = (PRESENCE_PX - 1) * scale;
    for (let x = 0; x < count; x += 1) pixels[x] = inCall[x] ? presence : background;
    for (let row = 1; row < lineRows; row += 1) pixels.copyWithin(row * count, 0, count);
    pixels.fill(background, lineRows * count, (lineRows + scale) * count);
  }

  /**
   * In which row each phase of each column begins.
   * @param {Columns} columns @param {number} bodyPx @param {number} shiftPx
   */
  stack({ count, shares }, bodyPx, shiftPx) {
    const { codes, firsts, nexts, begins, size } = this;
    // A texture's size is a power of two.
    const mask = size - 1;
    firsts.fill(0);
    let made = 0;
    for (let x = 0; x < count; x += 1) {
      const textureX = (x + shiftPx) & mask;
      let sum = 0;
      let below = bodyPx;
      codes[x] = PHASE_COUNT * size + textureX;
      for (let phase = 0; phase < PHASE_COUNT; phase += 1) {
        const share = shares[x * PHASE_COUNT + phase] ?? 0;
        if (share <= 0) continue;
        sum += share;
        const top = Math.max(0, bodyPx - ((sum * bodyPx + 0.5) | 0));
        if (top === below) continue;
        below = top;
        made += 1;
        begins[made] = (x << 8) | (phase * size + textureX);
        nexts[made] = firsts[top] ?? 0;
        firsts[top] = made;
      }
    }
  }

  /**
   * Row by row, as the pixels lie in memory: a row differs from the one above only where a phase begins.
   * @param {Uint32Array} pixels @param {number} count @param {number} bodyPx
   */
  drawBody(pixels, count, bodyPx) {
    const { codes, firsts, nexts, begins, texels, size } = this;
    const above = PRESENCE_PX * this.scale;
    for (let y = 0; y < bodyPx; y += 1) {
      for (let i = firsts[y] ?? 0; i > 0; i = nexts[i] ?? 0) {
        const begin = begins[i] ?? 0;
        codes[begin >> 8] = begin & 0xff;
      }
      const row = (above + y) * count;
      const texel = ((above + y) % size) * (PHASE_COUNT + 1) * size;
      for (let x = 0; x < count; x += 1) pixels[row + x] = /** @type {number} */ (texels[texel + /** @type {number} */ (codes[x])]);
    }
  }
}
