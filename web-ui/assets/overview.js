/**
 * The strip above the lanes: the whole trace, the window in it as a bracket, the selected range, and what was lost.
 *
 * Drawn within the timeline's frame, and only if something in it is not as it was. Must never ask for a frame of its
 * own while nothing changes.
 *
 * @import { Range } from "./view-state.js"
 * @import { Wish } from "./fetcher.js"
 * @import { Lane, State } from "./messages.js"
 * @import { Palette } from "./phases.js"
 * @import { Timeline } from "./timeline.js"
 */

import { bracketOf, extentOf } from "./bracket.js";
import { drawCaptures } from "./captures.js";
import { byId, setText } from "./dom.js";
import { FONT } from "./draw-axis.js";
import { hatch } from "./draw-losses.js";
import { formatTime } from "./format.js";
import { LANES_MOST, OverviewPicture, shownLanes } from "./overview-picture.js";
import { PRESENCE_PX, Raster } from "./raster.js";
import { ticks } from "./scale.js";
import { say } from "./words.js";

/** The picture of phases, below the times. */
const TIMES_PX = 15;
const PICTURE_PX = 26;
const HEIGHT_PX = TIMES_PX + PICTURE_PX + 5;
const TICK_PX = 110;
const LOSS_LEAST_PX = 2;

export class Overview {
  constructor() {
    this.canvas = byId("overview", HTMLCanvasElement);
    const context = this.canvas.getContext("2d", { alpha: false });
    const strip = document.createElement("canvas");
    const pen = strip.getContext("2d", { alpha: false });
    if (!context || !pen) throw new Error("draw the overview: the browser gives no 2D canvas");
    this.context = context;
    /** Picture and times alone: the bracket moves over them. */
    this.strip = strip;
    this.pen = pen;
    this.picture = new OverviewPicture();
    /** All lanes as they were last, and those of them that are shown. @type {{ all: readonly Lane[], shown: readonly Lane[] }} */
    this.lanes = { all: [], shown: [] };
    this.widthPx = 1;
    this.scale = 1;
    /** @type {Raster | null} */
    this.raster = null;
    this.painted = -1;
    /** What was drawn last. */
    this.drawn = "";
    /** How often it was drawn, for tests. */
    this.draws = 0;
  }

  /** @param {number} widthPx @param {number} scale */
  resize(widthPx, scale) {
    this.widthPx = Math.max(1, Math.floor(widthPx));
    this.scale = scale;
    this.canvas.width = this.widthPx * scale;
    this.canvas.height = HEIGHT_PX * scale;
    this.canvas.style.width = `${this.widthPx}px`;
    this.canvas.style.height = `${HEIGHT_PX}px`;
    this.raster = null;
    this.drawn = "";
  }

  /** The lanes that it is made of, the same ones while the timeline has the same. @param {Timeline} timeline @returns {readonly Lane[]} */
  shown({ allLanes }) {
    if (this.lanes.all !== allLanes) this.lanes = { all: allLanes, shown: shownLanes(allLanes) };
    return this.lanes.shown;
  }

  /** Before tiles are asked for, since their level hangs on it. @param {Timeline} timeline @param {State} state */
  measure(timeline, state) {
    this.picture.reset(extentOf(state.nowNs, timeline.live && !state.ended), Math.round(this.widthPx * this.scale));
  }

  /**
   * The tiles of the whole trace: of what the strip shows, or of other lanes, which then have something to fall back to.
   * @param {Timeline} timeline @param {State} state @param {readonly Lane[]} [lanes]
   * @returns {Wish[]}
   */
  wishes(timeline, state, lanes = this.shown(timeline)) {
    this.measure(timeline, state);
    return this.picture.wishes(lanes, state);
  }

  /** @param {Timeline} timeline */
  show(timeline) {
    const { state, palette } = timeline;
    if (!state) return;
    const lanes = this.shown(timeline);
    this.measure(timeline, state);
    if (this.picture.update(lanes, timeline.cache, state)) timeline.invalidate();
    if (this.raster?.palette !== palette) {
      this.raster = new Raster(palette, this.scale);
      this.painted = -1;
    }
    const { selection } = timeline;
    const bracket = this.bracket(timeline.window);
    const looks = JSON.stringify([bracket, selection, this.picture.version, state.gaps.length, state.keptNs, state.captures?.list.length, state.captures?.underWay?.atNs, palette.background]);
    if (looks === this.drawn) return;
    this.drawn = looks;
    this.draws += 1;
    if (this.painted !== this.picture.version) this.paint(this.raster, palette);
    this.draw(timeline, state, bracket);
    setText(byId("overview-of", HTMLElement), lanes.length < timeline.allLanes.length ? say("overview.busiest", { most: LANES_MOST, all: timeline.allLanes.length }) : say("overview.sum", { count: lanes.length }));
  }

  /** Where the bracket stands, on whole pixels: in the depth of a long trace it moves far less often than the window. @param {Range} window */
  bracket(window) {
    const { leftPx, rightPx } = bracketOf(window, this.picture.extentNs, this.widthPx);
    return { leftPx: Math.round(leftPx * this.scale) / this.scale, rightPx: Math.round(rightPx * this.scale) / this.scale };
  }

  /** @param {Raster} raster @param {Palette} palette */
  paint(raster, palette) {
    const { pen, scale, strip, widthPx } = this;
    this.painted = this.picture.version;
    // Which makes it empty, and its transform none.
    strip.width = widthPx * scale;
    strip.height = HEIGHT_PX * scale;
    pen.scale(scale, scale);
    pen.fillStyle = palette.background;
    pen.fillRect(0, 0, widthPx, HEIGHT_PX);
    pen.putImageData(raster.draw(this.picture.columns, Math.round(PICTURE_PX * scale), 0), 0, (TIMES_PX - PRESENCE_PX) * scale);
    this.paintTimes(palette);
  }

  /** @param {Palette} palette */
  paintTimes(palette) {
    const { pen, widthPx } = this;
    const { extentNs } = this.picture;
    const { stepNs, timesNs } = ticks({ startNs: 0, nsPerPx: extentNs / widthPx }, widthPx, TICK_PX);
    pen.font = FONT;
    pen.textBaseline = "middle";
    pen.fillStyle = palette.faint;
    for (const ns of timesNs) {
      const left = (ns / extentNs) * widthPx + 3;
      const text = formatTime(ns, stepNs);
      // Measuring text is slow, and only the last may have no room.
      if (left + TICK_PX < widthPx || left + pen.measureText(text).width < widthPx) pen.fillText(text, left, TIMES_PX / 2);
    }
  }

  /** @param {Timeline} timeline @param {State} state @param {{ leftPx: number, rightPx: number }} bracket */
  draw(timeline, state, bracket) {
    const { context, widthPx, scale } = this;
    const { palette, selection } = timeline;
    const { extentNs } = this.picture;
    const x = (/** @type {number} */ ns) => (ns / extentNs) * widthPx;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.drawImage(this.strip, 0, 0, widthPx, HEIGHT_PX);
    for (const gap of state.gaps) {
      context.fillStyle = hatch(context, palette.loss);
      context.fillRect(x(gap.startNs), TIMES_PX, Math.max(LOSS_LEAST_PX, x(gap.endNs) - x(gap.startNs)), PICTURE_PX);
    }
    if (selection) {
      context.fillStyle = palette.accent;
      context.globalAlpha = 0.25;
      context.fillRect(x(selection.fromNs), TIMES_PX, Math.max(2, x(selection.toNs) - x(selection.fromNs)), PICTURE_PX);
      context.globalAlpha = 1;
    }
    this.drawBracket(bracket, palette);
    drawCaptures(context, state.captures, x, TIMES_PX + 1, palette);
  }

  /** @param {{ leftPx: number, rightPx: number }} bracket @param {Palette} palette */
  drawBracket({ leftPx, rightPx }, palette) {
    const { context, widthPx } = this;
    const height = HEIGHT_PX - TIMES_PX;
    context.fillStyle = palette.background;
    context.globalAlpha = 0.62;
    context.fillRect(0, TIMES_PX - PRESENCE_PX, leftPx, height);
    context.fillRect(rightPx, TIMES_PX - PRESENCE_PX, widthPx - rightPx, height);
    context.globalAlpha = 1;
    context.strokeStyle = palette.accent;
    context.lineWidth = 2;
    context.strokeRect(leftPx + 1, TIMES_PX - 2, Math.max(1, rightPx - leftPx - 2), PICTURE_PX + 4);
    context.fillStyle = palette.accent;
    for (const edge of [leftPx - 1, rightPx - 4]) {
      context.beginPath();
      context.roundRect(edge, TIMES_PX + PICTURE_PX / 2 - 8, 5, 16, 2);
      context.fill();
    }
  }
}
