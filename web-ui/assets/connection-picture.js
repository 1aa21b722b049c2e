/**
 * The bars of all lanes of connections, drawn when the view has come to rest: a frame moves and stretches the picture, and so costs
 * the same however much happened. What is known of connections comes one after the other, and only its lane is drawn anew.
 *
 * Must never be drawn in a frame that only moves.
 *
 * @import { Connection } from "./connection-lane.js"
 * @import { Ground } from "./draw-connection.js"
 * @import { View } from "./scale.js"
 */

import { CONNECTION_ROW_PX, drawConnection } from "./draw-connection.js";
import { drawRequests } from "./draw-requests.js";
import { timeToX } from "./scale.js";

export class ConnectionPicture {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.widthPx = 0;
    this.heightPx = 0;
    /** Of its left edge. @type {View | null} null: there is none */
    this.view = null;
    /** How often it was drawn. */
    this.draws = 0;
    /** What all lanes were drawn with, and each from. @type {readonly unknown[]} */
    this.ground = [];
    /** @type {readonly (Connection | undefined)[]} */
    this.drawn = [];
  }

  /**
   * Half a window more on either side, so that it can be moved.
   * @param {readonly (Connection | undefined)[]} rows
   * @param {Ground} ground of the window
   */
  draw(rows, ground) {
    const { view, widthPx, scale } = ground;
    const beforePx = Math.round(widthPx / 2);
    this.view = { startNs: view.startNs - beforePx * view.nsPerPx, nsPerPx: view.nsPerPx };
    this.widthPx = widthPx + 2 * beforePx;
    this.heightPx = rows.length * CONNECTION_ROW_PX;
    const looks = [this.view.startNs, this.view.nsPerPx, widthPx, scale, rows.length, ground.palette, ground.nowNs];
    if (looks.length !== this.ground.length || looks.some((one, i) => one !== this.ground[i])) {
      this.ground = looks;
      this.drawn = [];
      // It is made empty by being given a size.
      this.canvas.width = this.widthPx * scale;
      this.canvas.height = this.heightPx * scale;
    }
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const whole = { ...ground, view: this.view, widthPx: this.widthPx };
    rows.forEach((connection, row) => {
      if (connection === this.drawn[row]) return;
      const top = row * CONNECTION_ROW_PX;
      context.clearRect(0, top, this.widthPx, CONNECTION_ROW_PX);
      if (!connection) return;
      drawConnection(context, whole, connection, top);
      const { requests } = connection;
      if (requests) drawRequests(context, whole, requests.requests, requests.asks, top);
    });
    this.drawn = [...rows];
    this.draws += 1;
  }

  /** Where it belongs in a view. @param {CanvasRenderingContext2D} context @param {View} view */
  show(context, view) {
    if (!this.view || this.heightPx === 0) return;
    const left = timeToX(view, this.view.startNs);
    const width = (this.widthPx * this.view.nsPerPx) / view.nsPerPx;
    context.imageSmoothingEnabled = false;
    context.drawImage(this.canvas, left, 0, width, this.heightPx);
  }
}
