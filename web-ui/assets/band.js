/**
 * The turns of a thread's event loop in a stretch of time, and what of them is drawn where: each by itself where it is wide
 * enough, else several as one piece.
 *
 * Pure. The server cuts turns: what a tile says of a call is not enough for that. Must never make a piece for a turn that is
 * not in the answer, nor leave one out that is.
 *
 * @import { View } from "./scale.js"
 */

import { list, maybeNumber, object } from "./messages.js";
import { timeToX } from "./scale.js";

/** A turn narrower than this is drawn together with its neighbours. */
export const TURN_LEAST_PX = 6;
/** The protocol's bound. */
const MAX_TURNS = 2000;

/**
 * @typedef {{ startNs: number, workEndNs: number, endNs: number, lagNs: number, calls: number, events: number, ended: boolean }} Turn
 * @typedef {{ fromNs: number, toNs: number, nowNs: number, turns: Turn[] | null }} Band  `turns` null: too many to be told
 * @typedef {{ startNs: number, endNs: number, turns: number, longest: Turn }} Piece  with one turn, that is `longest`
 */

/** @param {unknown} json @returns {Band} */
export function readBand(json) {
  const whole = object(json);
  const number = (/** @type {string} */ name) => {
    const value = maybeNumber(whole[name]);
    if (value === null) throw new Error(`read turns: no number in "${name}"`);
    return value;
  };
  return {
    fromNs: number("from_ns"),
    toNs: number("to_ns"),
    nowNs: number("now_ns"),
    turns: Array.isArray(whole["turns"]) ? list(whole["turns"], MAX_TURNS).map(readTurn) : null,
  };
}

/** @param {unknown} json @returns {Turn} */
function readTurn(json) {
  const [startNs, workEndNs, endNs, lagNs, calls, events] = list(json, 6).map((one) => maybeNumber(one) ?? NaN);
  if (startNs === undefined || workEndNs === undefined || endNs === undefined || !(startNs <= workEndNs && workEndNs <= endNs)) {
    throw new Error(`read turns: one is out of order (${startNs}, ${workEndNs}, ${endNs})`);
  }
  const ended = Array.isArray(json) && json[6] === true;
  return { startNs, workEndNs, endNs, lagNs: lagNs ?? NaN, calls: calls ?? NaN, events: events ?? NaN, ended };
}

/**
 * What is drawn of a band in a view, in order of time.
 * @param {Band} band
 * @param {View} view
 * @param {number} widthPx
 * @returns {Piece[]}
 */
export function pieces(band, view, widthPx) {
  const leastNs = TURN_LEAST_PX * view.nsPerPx;
  const untilNs = view.startNs + widthPx * view.nsPerPx;
  /** @type {Piece[]} */
  const found = [];
  const turns = band.turns ?? [];
  for (let at = firstAfter(turns, view.startNs); at < turns.length; at += 1) {
    const turn = turns[at];
    if (!turn || turn.startNs >= untilNs) break;
    const last = found.at(-1);
    const narrow = turn.endNs - turn.startNs < leastNs;
    // Pieces stand in a grid of time, so that they keep their places while the view moves.
    const slot = Math.floor(turn.startNs / leastNs);
    if (narrow && last && isNarrow(last, leastNs) && Math.floor(last.startNs / leastNs) === slot) {
      last.endNs = turn.endNs;
      last.turns += 1;
      if (turn.endNs - turn.startNs > last.longest.endNs - last.longest.startNs) last.longest = turn;
    } else found.push({ startNs: turn.startNs, endNs: turn.endNs, turns: 1, longest: turn });
  }
  return found;
}

/** Where the first is that ends after a time: turns of one thread don't overlap. @param {readonly Turn[]} turns @param {number} ns @returns {number} */
function firstAfter(turns, ns) {
  let low = 0;
  let high = turns.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((turns[middle]?.endNs ?? 0) <= ns) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @param {Piece} piece @param {number} leastNs @returns {boolean} */
function isNarrow({ longest }, leastNs) {
  return longest.endNs - longest.startNs < leastNs;
}

/**
 * The piece at a time, or the one within two pixels of it.
 * @param {Band} band
 * @param {View} view
 * @param {number} widthPx
 * @param {number} xPx
 * @returns {Piece | null}
 */
export function pieceAt(band, view, widthPx, xPx) {
  const near = pieces(band, view, widthPx).map((piece) => {
    const left = timeToX(view, piece.startNs);
    const right = timeToX(view, piece.endNs);
    return { piece, awayPx: xPx < left ? left - xPx : xPx >= right ? xPx - right : 0 };
  });
  return near.filter(({ awayPx }) => awayPx <= 2).sort((a, b) => a.awayPx - b.awayPx)[0]?.piece ?? null;
}
