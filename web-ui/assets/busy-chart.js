/**
 * How busy an event loop was over time: the share of work in each bucket of the report.
 *
 * Must never draw a bucket without work or wait as one that was idle: there it is not known.
 *
 * @import { Loop } from "./report.js"
 * @import { Palette } from "./phases.js"
 * @import { Range } from "./view-state.js"
 */

import { formatNs, formatShare, formatTime } from "./format.js";
import { KERNEL } from "./phases.js";
import { say } from "./words.js";

const WIDTH_PX = 840;
const HEIGHT_PX = 64;

/**
 * The share of work of a bucket, or null where no turn was.
 * @param {Loop["overTime"]} over
 * @param {number} bucket
 * @returns {number | null}
 */
export function busyOf(over, bucket) {
  const work = over.workNs[bucket] ?? 0;
  const all = work + (over.waitNs[bucket] ?? 0);
  return all > 0 ? work / all : null;
}

/**
 * @param {Loop["overTime"]} over
 * @param {Palette} palette
 * @param {(range: Range) => void} onRange
 * @returns {HTMLCanvasElement}
 */
export function drawBusy(over, palette, onRange) {
  const canvas = document.createElement("canvas");
  const buckets = over.workNs.length;
  canvas.width = WIDTH_PX;
  canvas.height = HEIGHT_PX;
  const context = canvas.getContext("2d");
  const bucketPx = WIDTH_PX / Math.max(1, buckets);
  const shares = over.workNs.map((_, bucket) => busyOf(over, bucket));
  const most = shares.reduce((/** @type {number} */ top, share) => Math.max(top, share ?? 0), 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", say("chart.busy", { share: formatShare(most), time: formatNs(over.bucketNs) }));
  if (context) {
    context.fillStyle = palette.lane;
    context.fillRect(0, 0, WIDTH_PX, HEIGHT_PX);
    shares.forEach((share, bucket) => {
      const left = Math.round(bucket * bucketPx);
      const width = Math.max(1, Math.round((bucket + 1) * bucketPx) - left - 1);
      context.fillStyle = share === null ? palette.unknown : (palette.phases[KERNEL]?.ink ?? palette.text);
      const height = share === null ? HEIGHT_PX : Math.max(share > 0 ? 1 : 0, Math.round(share * HEIGHT_PX));
      context.fillRect(left, HEIGHT_PX - height, width, height);
    });
  }
  const bucketAt = (/** @type {number} */ x) => Math.min(buckets - 1, Math.max(0, Math.floor((x / canvas.clientWidth) * buckets)));
  canvas.addEventListener("pointermove", (event) => {
    const bucket = bucketAt(event.offsetX);
    const share = busyOf(over, bucket);
    const from = formatTime(bucket * over.bucketNs, over.bucketNs / 10);
    canvas.title = share === null ? say("chart.unknown", { from }) : say("chart.share", { share: formatShare(share), from });
  });
  canvas.addEventListener("click", (event) => {
    const bucket = bucketAt(event.offsetX);
    onRange({ fromNs: bucket * over.bucketNs, toNs: (bucket + 1) * over.bucketNs });
  });
  return canvas;
}
