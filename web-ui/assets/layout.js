/**
 * Where things stand on the timeline: the axis, the rows of lanes, what lies under a pointer.
 *
 * Pure. CSS pixels. Must never hold state: the scroll position and the sizes are handed in.
 */

/** The axis on top. */
export const AXIS_PX = 30;
/** A lane with all around it. */
export const ROW_PX = 54;
/** Names of calls stand in this strip, below a little air. */
export const BOX_TOP_PX = 7;
export const BOX_PX = 15;
/** The phases stand below the names. */
export const BODY_TOP_PX = 23;
export const BODY_PX = 26;
/** The band of turns stands below them; a pointer need not meet it exactly. */
export const BAND_TOP_PX = 50;
export const BAND_PX = 3;
export const BAND_HIT_PX = 4;

/**
 * @typedef {{ widthPx: number, heightPx: number, scrollPx: number, lanes: number }} Frame
 */

/**
 * Height of all lanes together.
 * @param {number} lanes
 * @returns {number}
 */
export function contentPx(lanes) {
  return AXIS_PX + lanes * ROW_PX;
}

/**
 * The top of a lane's row on the canvas.
 * @param {Frame} frame
 * @param {number} row
 * @returns {number}
 */
export function rowTop(frame, row) {
  return AXIS_PX + row * ROW_PX - frame.scrollPx;
}

/**
 * Rows that show at all, `first` to before `end`.
 * @param {Frame} frame
 * @returns {{ first: number, end: number }}
 */
export function visibleRows(frame) {
  const first = Math.max(0, Math.floor(frame.scrollPx / ROW_PX));
  const end = Math.min(frame.lanes, Math.ceil((frame.scrollPx + frame.heightPx - AXIS_PX) / ROW_PX));
  return { first, end: Math.max(first, end) };
}

/**
 * The row under a point of the canvas, or null on the axis and below the last lane.
 * @param {Frame} frame
 * @param {number} yPx
 * @returns {number | null}
 */
export function rowAt(frame, yPx) {
  if (yPx < AXIS_PX) return null;
  const row = Math.floor((yPx - AXIS_PX + frame.scrollPx) / ROW_PX);
  return row >= 0 && row < frame.lanes ? row : null;
}
