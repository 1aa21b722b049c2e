/**
 * How busy an event loop was over time: the share of work in each bucket of the report.
 *
 * Must never draw a bucket without work or wait as one that was idle: there it is not known.
 *
 * @import { Loop } from "./report.js"
 * @import { Palette } from "./phases.js"
 * @import { Range } from "./view-state.js"
 */

import { bucketChart } from "./bucket-chart.js";
import { formatNs, formatShare, formatTime } from "./format.js";
import { KERNEL } from "./phases.js";
import { say } from "./words.js";

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
 * @returns {HTMLElement}
 */
export function drawBusy(over, palette, onRange) {
  const shares = over.workNs.map((_, bucket) => busyOf(over, bucket));
  const most = shares.reduce((/** @type {number} */ top, share) => Math.max(top, share ?? 0), 0);
  return bucketChart({
    heightPx: HEIGHT_PX, count: shares.length, accent: palette.accent, faint: palette.faint,
    label: say("chart.busy", { share: formatShare(most), time: formatNs(over.bucketNs) }),
    words: (bucket) => {
      const share = shares[bucket] ?? null;
      const from = formatTime(bucket * over.bucketNs, over.bucketNs / 10);
      return share === null ? say("chart.unknown", { from }) : say("chart.share", { share: formatShare(share), from });
    },
    draw: (context, edgeOf) => {
      context.fillStyle = palette.lane;
      context.fillRect(edgeOf(0), 0, context.canvas.width, HEIGHT_PX);
      shares.forEach((share, bucket) => {
        const left = edgeOf(bucket);
        const width = Math.max(1, edgeOf(bucket + 1) - left - 1);
        context.fillStyle = share === null ? palette.unknown : (palette.phases[KERNEL]?.ink ?? palette.text);
        const height = share === null ? HEIGHT_PX : Math.max(share > 0 ? 1 : 0, Math.round(share * HEIGHT_PX));
        context.fillRect(left, HEIGHT_PX - height, width, height);
      });
    },
    heights: () => [{ y: 0, words: formatShare(1) }, { y: HEIGHT_PX, words: formatShare(0) }],
    onBucket: (bucket) => onRange({ fromNs: bucket * over.bucketNs, toNs: (bucket + 1) * over.bucketNs }),
  });
}
