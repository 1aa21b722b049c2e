/**
 * The pure modules of marks and of the band of turns, in node.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { pieceAt, pieces, readBand, TURN_LEAST_PX } from "../assets/band.js";
import { tellsAll } from "../assets/bands.js";
import { flagAt } from "../assets/draw-marks.js";
import { markAfter, markNear, MARKS_MAX, withMark, withoutMark } from "../assets/marks.js";
import { readState } from "../assets/view-state.js";

/** Turns one after the other, of these lengths. */
function bandOf(lengths) {
  let at = 1000;
  const turns = lengths.map((length) => {
    const turn = [at, at + Math.floor(length / 3), at + length, 5, 7, 2, true];
    at += length;
    return turn;
  });
  return readBand({ from_ns: 0, to_ns: at, now_ns: at, turns });
}

test("every turn of a band in view is in one piece and no other, at any zoom, and pieces are as long as what they hold", () => {
  let seed = 9;
  const chance = (below) => { seed = (seed * 16807) % 2147483647; return seed % below; };
  const band = bandOf(Array.from({ length: 1500 }, () => (chance(20) === 0 ? 5_000 + chance(90_000) : 50 + chance(900))));
  for (const nsPerPx of [1, 37, 400, 9_000, 200_000]) {
    for (const startNs of [-500, 0, 333_333]) {
      const view = { startNs, nsPerPx };
      const widthPx = 1100;
      const inView = band.turns.filter((turn) => turn.endNs > startNs && turn.startNs < startNs + widthPx * nsPerPx);
      const drawn = pieces(band, view, widthPx);
      assert.equal(drawn.reduce((sum, piece) => sum + piece.turns, 0), inView.length);
      let at = 0;
      for (const piece of drawn) {
        const held = inView.slice(at, at + piece.turns);
        at += piece.turns;
        assert.equal(piece.startNs, held[0].startNs);
        assert.equal(piece.endNs, held.at(-1).endNs);
        assert.equal(piece.longest.endNs - piece.longest.startNs, Math.max(...held.map((turn) => turn.endNs - turn.startNs)));
        if (piece.turns > 1) assert.ok(held.every((turn) => turn.endNs - turn.startNs < TURN_LEAST_PX * nsPerPx));
      }
      // Wide ones have TURN_LEAST_PX each; of narrow ones there is at most one piece in a slot, and one more beside each wide one.
      assert.ok(drawn.length <= 3 * (widthPx / TURN_LEAST_PX + 2), `${drawn.length} pieces`);
    }
  }
});

test("the piece under a point is the one that is drawn there, or within two pixels", () => {
  const band = bandOf([10_000, 10_000]);
  const view = { startNs: 0, nsPerPx: 100 };
  assert.equal(pieceAt(band, view, 1000, 50)?.startNs, 1000);
  assert.equal(pieceAt(band, view, 1000, 111)?.startNs, 11_000);
  assert.equal(pieceAt(band, view, 1000, 9)?.startNs, 1000);
  assert.equal(pieceAt(band, view, 1000, 5), null);
});

test("what makes no sense as turns is refused, and too many are none", () => {
  assert.equal(readBand({ from_ns: 0, to_ns: 1, now_ns: 1, turns: null }).turns, null);
  assert.throws(() => readBand({ from_ns: 0, to_ns: 1, turns: [] }), /now_ns/);
  for (const turn of [[5, 4, 9], [1, 9, 5], ["1", 2, 3], [], null, [NaN, 1, 2]]) {
    assert.throws(() => readBand({ from_ns: 0, to_ns: 1, now_ns: 1, turns: [turn] }), /out of order/, JSON.stringify(turn));
  }
});

test("turns are asked for again only where there may be others", () => {
  const band = { fromNs: 100, toNs: 900, nowNs: 900, turns: [] };
  assert.equal(tellsAll(undefined, 1, 2), false);
  assert.equal(tellsAll(band, 100, 900), true);
  assert.equal(tellsAll(band, 200, 300), true);
  assert.equal(tellsAll(band, 50, 300), false);
  assert.equal(tellsAll({ ...band, nowNs: 500 }, 200, 600), false, "what went on then has ended by now");
  assert.equal(tellsAll({ ...band, turns: null }, 200, 300), false, "a shorter time may have fewer");
  assert.equal(tellsAll({ ...band, turns: null }, 100, 900), true);
});

test("marks are in order, each once, few, and found again", () => {
  /** @type {readonly number[]} */
  let marks = [];
  for (const ns of [50, 10, 30.4, 30, -5]) marks = withMark(marks, ns);
  assert.deepEqual(marks, [0, 10, 30, 50]);
  assert.deepEqual(withoutMark(marks, 10), [0, 30, 50]);
  assert.equal(markNear(marks, 33, 5), 30);
  assert.equal(markNear(marks, 40, 5), null);
  assert.equal(markNear([], 40, 5), null);
  assert.deepEqual([5, 10, 49, 50].map((ns) => markAfter(marks, ns)), [10, 30, 50, 0]);
  assert.equal(markAfter([], 5), null);
  for (let i = 0; i < 100; i += 1) marks = withMark(marks, i * 1000);
  assert.equal(marks.length, MARKS_MAX);
  assert.deepEqual(readState("#marks=30.10.30.5").marks, [5, 10, 30]);
});

test("a flag is under the points where it is drawn", () => {
  const view = { startNs: 0, nsPerPx: 10 };
  assert.equal(flagAt([1000], view, 99, 5), null);
  assert.equal(flagAt([1000], view, 101, 5), 1000);
  assert.equal(flagAt([1000], view, 122, 5), 1000);
  assert.equal(flagAt([1000], view, 124, 5), null);
  assert.equal(flagAt([1000], view, 101, 20), null, "below it there is the axis");
  assert.equal(flagAt([1000, 1050], view, 108, 5), 1050, "the one on top");
});
