/**
 * What tests see of the timeline: read-only, and computed as the drawing computes it.
 *
 * Must never be used by the page itself.
 *
 * @import { ConnectionStrip } from "./connection-strip.js"
 * @import { Overview } from "./overview.js"
 * @import { Timeline } from "./timeline.js"
 */

import { pieces } from "./band.js";
import { Columns, fill } from "./columns.js";
import { inWindow } from "./connection-lane.js";
import { BODY_PX, BODY_TOP_PX, rowTop } from "./layout.js";
import { shownLanes } from "./overview-picture.js";
import { PHASES } from "./phases.js";
import { timeToX, xToTime } from "./scale.js";
import { hasHole, indices } from "./tiles.js";
import { lifeOf } from "./timeline.js";

/** @param {Timeline} timeline @param {Overview} overview @param {ConnectionStrip} strip */
export function probe(timeline, overview, strip) {
  /** @param {number} lane @returns {Columns | null} */
  const columnsOf = (lane) => {
    const row = timeline.lanes.findIndex((one) => one.lane === lane);
    const found = timeline.lanes[row];
    const items = timeline.gathered.get(lane)?.items;
    if (!found || !items || !timeline.state) return null;
    const columns = new Columns();
    const columnNs = timeline.view.nsPerPx / timeline.scale;
    const count = Math.round(timeline.frame.widthPx * timeline.scale);
    fill(columns, { startNs: timeline.view.startNs, columnNs, columns: count }, items, lifeOf(found, timeline.state));
    return columns;
  };
  /** @param {Columns} columns @param {number} column @returns {Record<string, number>} */
  const shares = (columns, column) =>
    Object.fromEntries(PHASES.map((phase, index) => [phase.name, columns.share(index, column)]));
  return Object.freeze({
    /** Where the view is. */
    view: () => ({
      ...timeline.view,
      widthPx: timeline.frame.widthPx,
      scrollPx: timeline.frame.scrollPx,
      scale: timeline.scale,
      following: timeline.following,
      lanes: timeline.lanes.length,
      nowNs: timeline.state?.nowNs ?? 0,
    }),
    /** The call that is chosen. */
    pinned: () => (timeline.pinned ? { ...timeline.pinned } : null),
    /** The times that are marked. */
    marks: () => [...timeline.marks],
    /** What of a lane's turns is drawn; null where nothing of them is known, or they are too many. */
    turns: (/** @type {number} */ lane) => {
      const band = timeline.bands.get(lane);
      if (!band?.turns) return null;
      return { fromNs: band.fromNs, toNs: band.toNs, pieces: pieces(band, timeline.view, timeline.frame.widthPx) };
    },
    /** The lane of a connection, with its sums in the window; null if it has none, or its picture is not yet of this window. */
    connection: (/** @type {number} */ id) => {
      const row = strip.lanes.ids.indexOf(id);
      const known = strip.lanes.answers.get(id);
      if (row < 0 || !known || !strip.isSettled()) return null;
      return { row, known, sums: inWindow(known, timeline.window), draws: strip.picture.draws };
    },
    /** The last frame's work. */
    stats: () => ({ ...timeline.stats }),
    /** All that shows is drawn from tiles of its own level, and no change waits to be drawn. */
    settled: () => {
      const level = timeline.level();
      const toNs = Math.min(xToTime(timeline.view, timeline.frame.widthPx), timeline.state?.nowNs ?? 0);
      const count = indices(level, timeline.view.startNs, toNs).length;
      const own = [...timeline.gathered.values()].every(
        ({ pieces }) => pieces.length === count && pieces.every((piece) => piece.entry.tile.level === level),
      );
      return own && (timeline.following || !timeline.asked);
    },
    /** Lanes in view whose picture has a hole, for want of any tile. */
    bare: () => {
      // Of the frame that was drawn: the view may have moved since.
      const { wantedAt: view, frame, state, gathered } = timeline;
      const fromNs = Math.max(0, view.startNs);
      const toNs = Math.min(xToTime(view, frame.widthPx), state?.nowNs ?? 0);
      return [...gathered].filter(([, { pieces }]) => hasHole(pieces, fromNs, toNs)).map(([lane]) => lane);
    },
    /** The shares of the pixel column at a time, and where its body is on the canvas. */
    at: (/** @type {number} */ lane, /** @type {number} */ timeNs) => {
      const columns = columnsOf(lane);
      const xPx = timeToX(timeline.view, timeNs);
      const column = Math.floor(xPx * timeline.scale);
      if (!columns || column < 0 || column >= columns.count) return null;
      const row = timeline.lanes.findIndex((one) => one.lane === lane);
      const topPx = rowTop(timeline.frame, row) + BODY_TOP_PX;
      return { shares: shares(columns, column), xPx, topPx, heightPx: BODY_PX };
    },
    /** Nanoseconds of each phase in the window. */
    totals: (/** @type {number} */ lane) => {
      const columns = columnsOf(lane);
      if (!columns) return null;
      /** @type {Record<string, number>} */
      const sums = {};
      for (let column = 0; column < columns.count; column += 1) {
        for (const [name, share] of Object.entries(shares(columns, column))) {
          sums[name] = (sums[name] ?? 0) + (share * timeline.view.nsPerPx) / timeline.scale;
        }
      }
      return sums;
    },
    /** The picture of the whole trace: nanoseconds of each phase, on average over its lanes, and how often it was drawn. */
    overview: () => {
      const { columns, extentNs, made } = overview.picture;
      const columnNs = extentNs / columns.count;
      /** @type {Record<string, number>} */
      const totals = {};
      for (let column = 0; column < columns.count; column += 1) {
        for (const [name, share] of Object.entries(shares(columns, column))) totals[name] = (totals[name] ?? 0) + share * columnNs;
      }
      const pieces = [...made.values()].every((one) => one.pieces.every((piece) => piece.entry.tile.level === overview.picture.level()));
      return { totals, columnNs, draws: overview.draws, settled: pieces && made.size === shownLanes(timeline.allLanes).length && !timeline.asked };
    },
    /** The colours of the phases, ink and paper, as drawn now. */
    colours: () => Object.fromEntries(PHASES.map((phase, index) => [phase.name, timeline.palette.phases[index]])),
  });
}
