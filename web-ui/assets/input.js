/**
 * What pointer, wheel and keys mean. The only file that listens to them.
 *
 * Must never draw or fetch: it tells the timeline, or calls an action.
 *
 * @import { Timeline } from "./timeline.js"
 */

import { ROW_PX, rowAt } from "./layout.js";

const ZOOM_STEP = 1.5;
/** Wheel pixels for a zoom by e. */
const WHEEL_ZOOM_PX = 320;
const LINE_PX = 18;
const PAN_STEP_PX = 96;
/** A press that moves less than this is a click. */
const CLICK_SLOP_PX = 4;

/**
 * @typedef {{
 *   pick: (xPx: number, row: number) => void, close: () => void, zoomToPinned: () => void,
 *   toggleFollow: () => void, follow: () => void, whole: () => void, help: () => void, scrollBy: (px: number) => void,
 * }} Actions
 */

/** @param {Timeline} timeline @param {Actions} actions */
export function listen(timeline, actions) {
  listenToPointer(timeline, actions);
  listenToWheel(timeline, actions);
  listenToKeys(timeline, actions);
}

/** @param {Timeline} timeline @param {Actions} actions */
function listenToPointer(timeline, actions) {
  const { canvas } = timeline;
  /** @type {{ x: number, y: number, lastX: number, moved: boolean } | null} */
  let press = null;
  const release = () => {
    press = null;
    canvas.dataset["dragging"] = "no";
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    press = { x: event.offsetX, y: event.offsetY, lastX: event.offsetX, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (press) {
      press.moved ||= Math.hypot(event.offsetX - press.x, event.offsetY - press.y) > CLICK_SLOP_PX;
      if (press.moved) {
        canvas.dataset["dragging"] = "yes";
        timeline.panBy(press.lastX - event.offsetX);
        press.lastX = event.offsetX;
      }
    }
    timeline.pointAt(event.offsetX, event.offsetY);
  });
  canvas.addEventListener("pointerup", (event) => {
    const row = rowAt(timeline.frame, event.offsetY);
    if (press && !press.moved && row !== null) actions.pick(event.offsetX, row);
    release();
  });
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => timeline.pointNowhere());
}

/** @param {Timeline} timeline @param {Actions} actions */
function listenToWheel(timeline, actions) {
  timeline.canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE_PX;
      const dx = event.deltaX * unit;
      const dy = event.deltaY * unit;
      if (event.altKey) actions.scrollBy(dy);
      else if (event.shiftKey) timeline.panBy(dx || dy);
      else if (Math.abs(dx) > Math.abs(dy)) timeline.panBy(dx);
      else timeline.zoomAt(Math.exp(-dy / WHEEL_ZOOM_PX), event.offsetX);
    },
    { passive: false },
  );
}

/** @param {Timeline} timeline @param {Actions} actions */
function listenToKeys(timeline, actions) {
  const middle = () => timeline.hover?.xPx ?? timeline.frame.widthPx / 2;
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowLeft: () => timeline.panBy(-PAN_STEP_PX),
    ArrowRight: () => timeline.panBy(PAN_STEP_PX),
    ArrowUp: () => actions.scrollBy(-ROW_PX),
    ArrowDown: () => actions.scrollBy(ROW_PX),
    PageUp: () => actions.scrollBy(-timeline.frame.heightPx * 0.8),
    PageDown: () => actions.scrollBy(timeline.frame.heightPx * 0.8),
    "+": () => timeline.zoomAt(ZOOM_STEP, middle()),
    "=": () => timeline.zoomAt(ZOOM_STEP, middle()),
    "-": () => timeline.zoomAt(1 / ZOOM_STEP, middle()),
    " ": actions.toggleFollow,
    Enter: () => {
      const row = timeline.hover?.row ?? Math.floor(timeline.frame.scrollPx / ROW_PX);
      if (timeline.lanes[row]) actions.pick(middle(), row);
    },
    f: actions.follow,
    z: actions.zoomToPinned,
    Home: actions.whole,
    "?": actions.help,
    Escape: actions.close,
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    // A button means its own Space and Enter; an open dialog means everything.
    const { target } = event;
    if (target instanceof Element && target.closest("dialog")) return;
    if (target instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter")) return;
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
