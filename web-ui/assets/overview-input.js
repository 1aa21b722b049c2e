/**
 * What pointer and wheel mean on the overview: a click goes there, an edge resizes the window, its middle moves it, and
 * a drag outside draws a new one. Keys mean the same there as everywhere.
 *
 * Must never draw: it tells the timeline.
 *
 * @import { Part } from "./bracket.js"
 * @import { Overview } from "./overview.js"
 * @import { Timeline } from "./timeline.js"
 * @import { Range } from "./view-state.js"
 */

import { bracketOf, centred, dragged, partAt } from "./bracket.js";

/** A press that moves less than this is a click. */
const CLICK_SLOP_PX = 3;
const WHEEL_ZOOM_PX = 320;
const LINE_PX = 18;

/** @param {Overview} overview @param {Timeline} timeline */
export function listenToOverview(overview, timeline) {
  const { canvas } = overview;
  /** @type {{ part: Part, window: Range, heldPx: number, moved: boolean } | null} */
  let press = null;
  const timeAt = (/** @type {number} */ xPx) => (xPx / overview.widthPx) * overview.picture.extentNs;
  const part = (/** @type {number} */ xPx) => partAt(bracketOf(timeline.window, overview.picture.extentNs, overview.widthPx), xPx);
  const release = () => {
    press = null;
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    press = { part: part(event.offsetX), window: timeline.window, heldPx: event.offsetX, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    canvas.dataset["part"] = press ? press.part : part(event.offsetX);
    if (!press) return;
    press.moved ||= Math.abs(event.offsetX - press.heldPx) > CLICK_SLOP_PX;
    if (!press.moved) return;
    timeline.showExactly(dragged(press.part, press.window, timeAt(press.heldPx), timeAt(event.offsetX), overview.picture.extentNs));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (press && !press.moved && press.part === "outside") {
      timeline.showExactly(centred(press.window, timeAt(event.offsetX), overview.picture.extentNs));
    }
    release();
  });
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE_PX;
    const xPx = (timeAt(event.offsetX) - timeline.view.startNs) / timeline.view.nsPerPx;
    timeline.zoomAt(Math.exp((-event.deltaY * unit) / WHEEL_ZOOM_PX), xPx);
  }, { passive: false });
}
