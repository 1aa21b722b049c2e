/**
 * A small chart over buckets of time: one is under the pointer, or stepped to with the arrow keys, and leads somewhere.
 *
 * Must never be the only place where what it draws is told: its words are read out with each step.
 */

import { setText } from "./dom.js";
import { FONT } from "./draw-axis.js";

const WIDTH_PX = 840;
/** Left of the buckets, for what heights mean. */
const MARGIN_PX = 58;

/**
 * @typedef {{ heightPx: number, count: number, label: string, accent: string, words: (bucket: number) => string,
 *   draw: (context: CanvasRenderingContext2D, edgeOf: (bucket: number) => number) => void, heights: () => Height[], faint: string,
 *   onBucket: (bucket: number) => void }} Chart  `edgeOf`: where a bucket begins, in pixels; `heights`: what some mean
 * @typedef {{ y: number, words: string }} Height
 */

/** @param {Chart} chart @returns {HTMLElement} the canvas, and below it what the bucket says that is looked at */
export function bucketChart({ heightPx, count, label, accent, faint, words, draw, heights, onBucket }) {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH_PX;
  canvas.height = heightPx;
  canvas.style.height = `${heightPx}px`;
  const context = canvas.getContext("2d");
  const last = Math.max(0, count - 1);
  const edgeOf = (/** @type {number} */ bucket) => Math.round(MARGIN_PX + (bucket / Math.max(1, count)) * (WIDTH_PX - MARGIN_PX));
  // Where it is stands in the canvas itself: one that takes its place can be told to begin there.
  const at = () => Number(canvas.getAttribute("aria-valuenow"));
  const said = document.createElement("p");
  said.className = "faint";
  // A line of its own from the beginning: nothing below it moves when there is something to say.
  said.textContent = "\u00a0";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "slider");
  canvas.setAttribute("aria-label", label);
  canvas.setAttribute("aria-valuemin", "0");
  canvas.setAttribute("aria-valuemax", String(last));
  const paint = (/** @type {boolean} */ marks) => {
    if (!context) return;
    context.clearRect(0, 0, WIDTH_PX, heightPx);
    draw(context, edgeOf);
    context.font = FONT;
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.fillStyle = faint;
    for (const { y, words: meaning } of heights()) context.fillText(meaning, MARGIN_PX - 5, Math.min(heightPx - 7, Math.max(7, y)));
    if (!marks) return;
    context.strokeStyle = accent;
    context.lineWidth = 2;
    const left = edgeOf(at());
    context.strokeRect(left + 1, 1, Math.max(2, edgeOf(at() + 1) - left - 2), heightPx - 2);
  };
  const place = (/** @type {number} */ bucket) => {
    canvas.setAttribute("aria-valuenow", String(bucket));
    canvas.setAttribute("aria-valuetext", words(bucket));
  };
  const look = (/** @type {number} */ bucket) => {
    place(Math.min(last, Math.max(0, bucket)));
    setText(said, words(at()));
    paint(true);
  };
  const leave = () => {
    setText(said, "\u00a0");
    paint(false);
  };
  place(last);
  paint(false);
  const under = (/** @type {number} */ x) => Math.floor((((x / Math.max(1, canvas.clientWidth)) * WIDTH_PX - MARGIN_PX) / (WIDTH_PX - MARGIN_PX)) * count);
  canvas.addEventListener("pointermove", (event) => look(under(event.offsetX)));
  canvas.addEventListener("pointerleave", () => (document.activeElement === canvas ? look(at()) : leave()));
  canvas.addEventListener("focus", () => look(at()));
  canvas.addEventListener("blur", leave);
  canvas.addEventListener("click", (event) => onBucket(Math.min(last, Math.max(0, under(event.offsetX)))));
  canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: at() - 1, ArrowRight: at() + 1, Home: 0, End: last };
    const to = Object.entries(steps).find(([key]) => key === event.key);
    if (to) look(to[1]);
    else if (event.key === "Enter") onBucket(at());
    else return;
    event.preventDefault();
  });
  const frame = document.createElement("div");
  frame.append(canvas, said);
  return frame;
}

/** Puts something else in place of what is in an element, and the focus into the same chart at the same place. @param {HTMLElement} root @param {readonly Node[]} parts */
export function replaceCharts(root, parts) {
  const charts = () => [...root.querySelectorAll("canvas[role=slider]")];
  const before = charts().findIndex((canvas) => canvas === document.activeElement);
  const at = charts()[before]?.getAttribute("aria-valuenow");
  root.replaceChildren(...parts);
  const after = charts()[before];
  if (!(after instanceof HTMLCanvasElement) || at == null) return;
  after.setAttribute("aria-valuenow", at);
  after.focus({ preventScroll: true });
}
