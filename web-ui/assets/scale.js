/**
 * Time to pixels and back, and where the axis has its ticks.
 *
 * Pure. Times are nanoseconds since the start of the trace, pixels are CSS pixels from the left
 * edge of the timeline. Must never round: whoever draws decides where a pixel ends.
 */

/**
 * @typedef {{ startNs: number, nsPerPx: number }} View  what part of time is shown
 */

/**
 * @param {View} view
 * @param {number} timeNs
 * @returns {number} pixels
 */
export function timeToX(view, timeNs) {
  return (timeNs - view.startNs) / view.nsPerPx;
}

/**
 * @param {View} view
 * @param {number} xPx
 * @returns {number} nanoseconds
 */
export function xToTime(view, xPx) {
  return view.startNs + xPx * view.nsPerPx;
}

/**
 * A step of 1, 2 or 5 times a power of ten nanoseconds, at least `minPx` wide; beyond a minute,
 * steps that divide minutes and hours.
 * @param {number} nsPerPx
 * @param {number} minPx
 * @returns {number} nanoseconds, at least 1
 */
export function tickStep(nsPerPx, minPx) {
  const least = nsPerPx * minPx;
  if (least <= 1) return 1;
  if (least > 50e9) {
    for (const seconds of [60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 43200]) {
      if (seconds * 1e9 >= least) return seconds * 1e9;
    }
    return 86400e9 * Math.ceil(least / 86400e9);
  }
  const power = 10 ** Math.floor(Math.log10(least));
  for (const factor of [1, 2, 5]) {
    // A hair of slack: log10 of an exact power may fall just short of it.
    if (power * factor >= least * (1 - 1e-9)) return power * factor;
  }
  return power * 10;
}

/**
 * The ticks in view: multiples of the step, so they keep their places as the view moves.
 * @param {View} view
 * @param {number} widthPx
 * @param {number} minPx least distance of two ticks
 * @returns {{ stepNs: number, timesNs: number[] }}
 */
export function ticks(view, widthPx, minPx) {
  const stepNs = tickStep(view.nsPerPx, minPx);
  const timesNs = [];
  const endNs = xToTime(view, widthPx);
  const limit = Math.ceil(widthPx / Math.max(1, minPx)) + 2;
  for (let index = Math.ceil(view.startNs / stepNs); timesNs.length < limit; index += 1) {
    const timeNs = index * stepNs;
    if (timeNs > endNs) break;
    timesNs.push(timeNs);
  }
  return { stepNs, timesNs };
}
