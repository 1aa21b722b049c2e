/**
 * How long an event loop kept others waiting, over time: of the turns that began in each bucket of the report the most lag,
 * and what 99 of 100 did not exceed, on a scale of powers of ten.
 *
 * Must never draw anything where no turn began: there is no lag to know.
 *
 * @import { Axis } from "./heat-grid.js"
 * @import { Lags } from "./report.js"
 * @import { Palette } from "./phases.js"
 * @import { Range } from "./view-state.js"
 */

import { bucketChart } from "./bucket-chart.js";
import { formatCount, formatNs, formatTime } from "./format.js";
import { axisOf, decades, toY } from "./heat-grid.js";
import { RUNNABLE } from "./phases.js";
import { say } from "./words.js";

const HEIGHT_PX = 96;
const CAP_PX = 2;

/** Whole decades that hold all that is known and is not nothing. @param {Lags} lags @returns {Axis} */
export function axisOfLags(lags) {
  const known = [...lags.maxNs, ...lags.p99Ns].filter((ns) => ns !== null && ns > 0).map(Number);
  return axisOf(known.map((ns) => ({ firstNs: ns, lastNs: ns, count: 1 })), HEIGHT_PX);
}

/** The bucket with the most lag. @param {Lags} lags @returns {number} */
export function worstOf(lags) {
  return lags.maxNs.reduce((/** @type {number} */ worst, ns, bucket) => ((ns ?? -1) > (lags.maxNs[worst] ?? -1) ? bucket : worst), 0);
}

/**
 * @param {Lags} lags
 * @param {Palette} palette
 * @param {(range: Range) => void} onRange to the worst turn of a bucket
 * @returns {HTMLElement}
 */
export function drawLags(lags, palette, onRange) {
  const axis = axisOfLags(lags);
  const worst = worstOf(lags);
  const fromOf = (/** @type {number} */ bucket) => formatTime(bucket * lags.bucketNs, lags.bucketNs / 10);
  return bucketChart({
    heightPx: HEIGHT_PX, count: lags.turns.length, accent: palette.accent, faint: palette.faint,
    label: say("lag.label", { max: formatNs(lags.maxNs[worst] ?? 0), from: fromOf(worst), time: formatNs(lags.bucketNs) }),
    words: (bucket) => {
      const max = lags.maxNs[bucket] ?? null;
      if (max === null) return say("lag.none", { from: fromOf(bucket) });
      return say("lag.bucket", { max: formatNs(max), p99: formatNs(lags.p99Ns[bucket] ?? 0), count: formatCount(lags.turns[bucket] ?? 0), from: fromOf(bucket) });
    },
    draw: (context, edgeOf) => paint(context, edgeOf, lags, axis, palette),
    heights: () => decades(axis).map((ns) => ({ y: toY(axis, ns), words: formatNs(ns) })),
    onBucket: (bucket) => {
      const [at, max] = [lags.maxAtNs[bucket] ?? null, lags.maxNs[bucket] ?? null];
      if (at !== null && max !== null) onRange({ fromNs: at, toNs: at + Math.max(1, max) });
    },
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {(bucket: number) => number} edgeOf
 * @param {Lags} lags
 * @param {Axis} axis
 * @param {Palette} palette
 */
function paint(context, edgeOf, lags, axis, palette) {
  const { width } = context.canvas;
  context.fillStyle = palette.lane;
  context.fillRect(edgeOf(0), 0, width, HEIGHT_PX);
  const ink = palette.phases[RUNNABLE]?.ink ?? palette.text;
  lags.maxNs.forEach((max, bucket) => {
    if (max === null) return;
    const left = edgeOf(bucket);
    const wide = Math.max(1, edgeOf(bucket + 1) - left - 1);
    const top = Math.min(HEIGHT_PX - CAP_PX, Math.round(toY(axis, max)));
    const body = HEIGHT_PX - Math.round(toY(axis, lags.p99Ns[bucket] ?? 0));
    // Full up to what 99 of 100 did not exceed; a stem and a cap up to the most.
    context.fillStyle = ink;
    context.fillRect(left, HEIGHT_PX - body, wide, body);
    context.fillRect(left + Math.floor(wide / 2), top, 1, HEIGHT_PX - top);
    context.fillRect(left, top, wide, CAP_PX);
  });
  context.fillStyle = palette.grid;
  for (const ns of decades(axis).slice(1, -1)) context.fillRect(edgeOf(0), Math.round(toY(axis, ns)), width, 1);
}
