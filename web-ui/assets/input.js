/**
 * What pointer and wheel mean on the timeline, and keys everywhere. The only file that listens to keys of the page.
 *
 * Must never draw or fetch: it tells the timeline, or calls an action.
 *
 * @import { Timeline } from "./timeline.js"
 * @import { Range } from "./view-state.js"
 */

import { AXIS_PX, ROW_PX, rowAt } from "./layout.js";
import { xToTime } from "./scale.js";
import { between } from "./selection.js";
import { VIEWS } from "./view-state.js";

const ZOOM_STEP = 1.5;
/** Wheel pixels for a zoom by e. */
const WHEEL_ZOOM_PX = 320;
const LINE_PX = 18;
const PAN_STEP_PX = 96;
/** A press that moves less than this is a click. */
const CLICK_SLOP_PX = 4;

/**
 * @typedef {{
 *   pick: (xPx: number, row: number) => void, close: () => void, zoomToPinned: () => void, textbook: () => void,
 *   toggleFollow: () => void, follow: () => void, whole: () => void, help: () => void, scrollBy: (px: number) => void,
 *   select: (range: Range | null, done: boolean) => void, setEdge: (edge: "from" | "to", xPx: number) => void,
 *   range: () => void, mark: (xPx: number | null) => void, nextMark: () => void, flag: (xPx: number, yPx: number) => void,
 *   fit: () => void, back: () => void, forth: () => void, find: () => void, exports: () => void,
 *   step: (which: "next" | "previous") => void, view: (index: number) => void,
 * }} Actions
 */

/** @param {Timeline} timeline @param {Actions} actions */
export function listen(timeline, actions) {
  listenToPointer(timeline.canvas, timeline, {
    // On the axis there is nothing to drag but time itself.
    selects: (event) => event.shiftKey || event.offsetY < AXIS_PX,
    select: actions.select,
    point: (event) => timeline.pointAt(event.offsetX, event.offsetY),
    leave: () => timeline.pointNowhere(),
    click: (event) => {
      const row = rowAt(timeline.frame, event.offsetY);
      if (row !== null) actions.pick(event.offsetX, row);
      if (event.offsetY < AXIS_PX) actions.flag(event.offsetX, event.offsetY);
    },
  });
  listenToWheel(timeline.canvas, timeline, actions.scrollBy);
  listenToKeys(timeline, actions);
}

/**
 * A drag moves the timeline or selects; what a click means, and where the pointer is, others say.
 * @param {HTMLCanvasElement} canvas one as wide as the timeline's
 * @param {Timeline} timeline
 * @param {{ selects: (event: PointerEvent) => boolean, select: (range: Range | null, done: boolean) => void,
 *   point: (event: PointerEvent) => void, leave: () => void, click: (event: PointerEvent) => void }} on
 */
export function listenToPointer(canvas, timeline, on) {
  /** @type {{ x: number, y: number, lastX: number, moved: boolean, fromNs: number | null } | null} */
  let press = null;
  const release = () => {
    press = null;
    canvas.dataset["dragging"] = "no";
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const fromNs = on.selects(event) ? xToTime(timeline.view, event.offsetX) : null;
    press = { x: event.offsetX, y: event.offsetY, lastX: event.offsetX, moved: false, fromNs };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (press) {
      press.moved ||= Math.hypot(event.offsetX - press.x, event.offsetY - press.y) > CLICK_SLOP_PX;
      if (press.moved && press.fromNs !== null) {
        on.select(between(press.fromNs, xToTime(timeline.view, event.offsetX)), false);
      } else if (press.moved) {
        canvas.dataset["dragging"] = "yes";
        timeline.panBy(press.lastX - event.offsetX);
        press.lastX = event.offsetX;
      }
    }
    on.point(event);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (press && !press.moved) on.click(event);
    if (press?.moved && press.fromNs !== null) on.select(between(press.fromNs, xToTime(timeline.view, event.offsetX)), true);
    release();
  });
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", on.leave);
}

/** @param {HTMLCanvasElement} canvas @param {Timeline} timeline @param {(px: number) => void} scrollBy */
export function listenToWheel(canvas, timeline, scrollBy) {
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE_PX;
      const dx = event.deltaX * unit;
      const dy = event.deltaY * unit;
      if (event.altKey) scrollBy(dy);
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
  const pan = (/** @type {number} */ px) => () => timeline.panBy(px);
  const closer = () => timeline.zoomAt(ZOOM_STEP, middle());
  const wider = () => timeline.zoomAt(1 / ZOOM_STEP, middle());
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowLeft: pan(-PAN_STEP_PX), a: pan(-PAN_STEP_PX),
    ArrowRight: pan(PAN_STEP_PX), d: pan(PAN_STEP_PX),
    ArrowUp: () => actions.scrollBy(-ROW_PX),
    ArrowDown: () => actions.scrollBy(ROW_PX),
    PageUp: () => actions.scrollBy(-timeline.frame.heightPx * 0.8),
    PageDown: () => actions.scrollBy(timeline.frame.heightPx * 0.8),
    "+": closer, "=": closer, w: closer,
    "-": wider, s: wider,
    " ": actions.toggleFollow,
    Enter: () => {
      const row = timeline.hover?.row ?? Math.floor(timeline.frame.scrollPx / ROW_PX);
      if (timeline.lanes[row]) actions.pick(middle(), row);
    },
    f: actions.fit,
    l: actions.follow,
    r: actions.range,
    m: () => actions.mark(timeline.hover?.xPx ?? null),
    M: actions.nextMark,
    z: actions.zoomToPinned,
    "[": () => actions.setEdge("from", middle()),
    "]": () => actions.setEdge("to", middle()),
    "/": actions.find,
    e: actions.exports,
    n: () => actions.step("next"),
    N: () => actions.step("previous"),
    Backspace: actions.back,
    t: actions.textbook,
    Home: actions.whole,
    "?": actions.help,
    Escape: actions.close,
  };
  for (let index = 0; index < VIEWS.length; index += 1) keys[String(index + 1)] = () => actions.view(index);
  const moves = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "Enter", " "]);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    // A button means its own Space and Enter; an open dialog means everything.
    const { target } = event;
    if (target instanceof Element && target.closest("dialog")) return;
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
    if (target instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter")) return;
    // In another view these are its own: they scroll it, or go from tab to tab.
    if (!timeline.shown && moves.has(event.key)) return;
    const action = event.shiftKey && event.key === "Backspace" ? actions.forth : keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
