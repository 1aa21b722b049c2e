/**
 * The phases: their order, names, words, colours and shapes. The only place that knows them.
 *
 * A phase is told apart by colour and by texture, and textures differ in lightness, so that the
 * picture works in grey and for the colour-blind. Must never hold a syscall's name or number.
 */

import { say } from "./words.js";

/** Indices into everything that has one entry per phase; also the order of a stack, from below. */
export const COPYING = 0;
export const KERNEL = 1;
export const OTHER = 2;
export const USER = 3;
export const RUNNABLE = 4;
export const BLOCKED = 5;
export const PHASE_COUNT = 6;

/**
 * @typedef {"solid" | "stripes" | "dots" | "hatch" | "lines" | "bands"} Texture
 * @typedef {{ name: string, word: string, says: string, texture: Texture }} Phase  `name`: for code, `word`: for people
 */

/** @type {readonly Phase[]} */
export const PHASES = [
  { name: "copying", word: say("phase.copying"), says: say("phase.copying.says"), texture: "stripes" },
  { name: "kernel", word: say("phase.kernel"), says: say("phase.kernel.says"), texture: "solid" },
  { name: "other calls", word: say("phase.other"), says: say("phase.other.says"), texture: "bands" },
  { name: "user", word: say("phase.user"), says: say("phase.user.says"), texture: "dots" },
  { name: "runnable", word: say("phase.runnable"), says: say("phase.runnable.says"), texture: "hatch" },
  { name: "blocked", word: say("phase.blocked"), says: say("phase.blocked.says"), texture: "lines" },
];

/**
 * @typedef {{ ink: string, paper: string }} Pair  a texture's two colours, #rrggbb
 * @typedef {{
 *   phases: readonly Pair[], background: string, lane: string, rule: string, grid: string,
 *   text: string, faint: string, box: string, boxEdge: string, boxText: string, accent: string,
 *   danger: string, loss: string, unknown: string, classes: readonly string[], waiting: Pair,
 * }} Palette  `waiting`: of data that nobody reads yet
 */

/** @type {Palette} */
export const LIGHT = {
  phases: [
    { ink: "#0b8f74", paper: "#8fdcc9" },
    { ink: "#2b5fd0", paper: "#2b5fd0" },
    { ink: "#5f86dc", paper: "#9db6ea" },
    { ink: "#a9afb9", paper: "#ccd0d7" },
    { ink: "#e2560b", paper: "#ffd5ba" },
    { ink: "#c9d8e8", paper: "#e9f0f8" },
  ],
  background: "#fcfcfb",
  lane: "#f3f4f5",
  rule: "#e3e5e8",
  grid: "#1f29370f",
  text: "#1d2430",
  faint: "#697586",
  box: "#ffffff",
  boxEdge: "#b6bec9",
  boxText: "#1d2430",
  accent: "#7c3aed",
  danger: "#c81e1e",
  loss: "#c81e1e",
  unknown: "#e7e8ea",
  classes: ["#8a94a3", "#3b78c4", "#0b8f74", "#8b5cf6", "#b7791f"],
  waiting: { ink: "#a86a12", paper: "#f1d9a8" },
};

/** @type {Palette} */
export const DARK = {
  phases: [
    { ink: "#3ddcb0", paper: "#146b57" },
    { ink: "#5f90ff", paper: "#5f90ff" },
    { ink: "#4468bd", paper: "#2f4780" },
    { ink: "#737c8a", paper: "#565e6b" },
    { ink: "#ff8a3c", paper: "#5c2a0e" },
    { ink: "#294058", paper: "#18222e" },
  ],
  background: "#0d1015",
  lane: "#12161c",
  rule: "#222831",
  grid: "#ffffff0d",
  text: "#dde3ea",
  faint: "#8793a2",
  box: "#1b212a",
  boxEdge: "#3b4655",
  boxText: "#dde3ea",
  accent: "#b794ff",
  danger: "#ff6b6b",
  loss: "#ff6b6b",
  unknown: "#171b22",
  classes: ["#7a8595", "#5aa0f0", "#3ddcb0", "#b794ff", "#e0a94a"],
  waiting: { ink: "#e0a94a", paper: "#54401a" },
};

/** A texture repeats after this many pixels both ways. */
export const TEXTURE_PX = 8;

/**
 * Whether the texture has ink at a pixel.
 * @param {Texture} texture
 * @param {number} x
 * @param {number} y
 * @returns {boolean}
 */
export function inked(texture, x, y) {
  switch (texture) {
    case "solid":
      return true;
    case "stripes":
      return x % 4 < 2;
    case "dots":
      return (x % 4 === 0 && y % 4 === 0) || (x % 4 === 2 && y % 4 === 2);
    case "hatch":
      return (x + y) % TEXTURE_PX < 4;
    case "lines":
      return y % TEXTURE_PX === 3;
    case "bands":
      return y % 2 === 0;
  }
}
