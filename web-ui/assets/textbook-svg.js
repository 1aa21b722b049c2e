/**
 * A textbook's picture as SVG: two lanes, time downwards.
 *
 * Looks are attributes of elements, so that it needs no style sheet and reads the same wherever it is pasted. Must never
 * take markup in a string.
 *
 * @import { Palette } from "./phases.js"
 * @import { Picture, Phase, Step } from "./textbook.js"
 */

import { formatCount, formatNs, formatShare } from "./format.js";
import { BLOCKED, PHASES } from "./phases.js";
import { say } from "./words.js";

const NS = "http://www.w3.org/2000/svg";
const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";
export const WIDTH = 940;
const APPLICATION_X = 330;
const KERNEL_X = 590;
const BAR = 16;
const RIGHT = WIDTH - 24;
const TOP = 124;
/** A letter's width, about: text is broken by count. */
const LETTER = 6.1;
const WIDE = /[\u1100-\u115f\u2e80-\uffe6]/;
const LINE = 15;

/** @param {string} name @param {Record<string, string | number>} attributes @param {...(Node | string)} children */
function svg(name, attributes, ...children) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** About how wide text is, in letters: a Chinese character is as wide as two. @param {string} text @returns {number} */
export function lettersOf(text) {
  let letters = 0;
  for (const character of text) letters += WIDE.test(character) ? 2 : 1;
  return letters;
}

/** The beginning of a text that fits. @param {string} text @param {number} most letters @returns {string} */
function beginning(text, most) {
  let end = 0;
  let letters = 0;
  for (const character of text) {
    letters += lettersOf(character);
    if (letters > most) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** Breaks text where it fits, two lines at most. @param {string} text @param {number} px @returns {string[]} */
export function broken(text, px) {
  const most = Math.max(8, Math.floor(px / LETTER));
  if (lettersOf(text) <= most) return text === "" ? [] : [text];
  const fits = beginning(text, most);
  const cut = text.lastIndexOf(" ", fits.length);
  const first = cut > fits.length / 3 ? text.slice(0, cut) : fits;
  const rest = text.slice(first.length).trim();
  return [first, lettersOf(rest) > most ? `${beginning(rest, most - 1)}…` : rest];
}

/** When a step was, to a tenth of a microsecond: those that follow one another closely must be told apart. @param {number} ns */
export function whenWords(ns) {
  const size = Math.abs(ns);
  const tenths = Math.round(size / 100);
  const words = size < 1000 ? formatNs(size) : `${formatCount(Math.floor(tenths / 10))}.${tenths % 10} µs`;
  return say(ns < 0 ? "book.before" : "book.after", { time: words });
}

/** How high a step is: longer takes more room, by far less than it is longer. @param {Step} step @returns {number} */
function heightOf(step) {
  const more = "more" in step ? linesOf(step).length * LINE : 0;
  switch (step.kind) {
    case "phase":
      return Math.max(26 + more, Math.min(92, 8 + 9 * Math.log10(step.ns + 1))) + (step.long ? 26 : 0);
    case "rest":
      return 58;
    case "arrival":
      return 30 + more;
    default:
      return 34 + more;
  }
}

/** @param {Exclude<Step, { kind: "rest" }>} step @returns {string[]} */
function linesOf(step) {
  return broken(step.more, step.kind === "arrival" || step.kind === "phase" ? RIGHT - KERNEL_X - 40 : APPLICATION_X - 110);
}

class Drawing {
  /** @param {Picture} picture @param {Palette} palette */
  constructor(picture, palette) {
    this.picture = picture;
    this.palette = palette;
    this.y = TOP;
    /** @type {Element[]} */
    this.parts = [];
    /** @type {{ y: number, atNs: number, waited: boolean } | null} the call that has not returned yet */
    this.open = null;
  }

  /** @param {number} x @param {number} y @param {string} text @param {Record<string, string | number>} [more] */
  text(x, y, text, more = {}) {
    this.parts.push(svg("text", { x, y, fill: this.palette.text, "font-size": 12, ...more }, text));
  }

  /** @param {string} when @param {number} y */
  time(when, y) {
    this.text(24, y + 4, when, { fill: this.palette.faint, "font-size": 11 });
  }

  /** @param {number} fromX @param {number} toX @param {number} y @param {string} colour */
  arrow(fromX, toX, y, colour) {
    const back = toX > fromX ? -8 : 8;
    this.parts.push(
      svg("line", { x1: fromX, y1: y, x2: toX + back / 2, y2: y, stroke: colour, "stroke-width": 1.6 }),
      svg("path", { d: `M${toX} ${y} l${back} -4.5 v9 z`, fill: colour }),
    );
  }

  /** @param {Step} step */
  step(step) {
    const height = heightOf(step);
    const { y } = this;
    switch (step.kind) {
      case "call":
        this.crossing(step, y, true);
        this.open = { y: y + 20, atNs: step.atNs, waited: false };
        break;
      case "return":
        this.crossing(step, y, false);
        this.waited(y + 20, step.atNs);
        break;
      case "phase":
        this.phase(step, y, height);
        break;
      case "arrival":
        this.arrival(step, y);
        break;
      case "rest":
        this.rest(step, y, height);
        break;
    }
    this.y += height;
  }

  /** @param {import("./textbook.js").Arrow} step @param {number} y @param {boolean} down */
  crossing(step, y, down) {
    const { text, faint } = this.palette;
    const from = APPLICATION_X + BAR / 2;
    const to = KERNEL_X - BAR / 2;
    if (down) this.arrow(from, to, y + 20, text);
    else this.arrow(to, from, y + 20, text);
    const lines = linesOf(step);
    const middle = (from + to) / 2;
    this.text(middle, y + 14, step.text, { "text-anchor": "middle", "font-weight": down ? 650 : 500 });
    this.time(whenWords(step.atNs), y + 20);
    const x = APPLICATION_X - 22;
    lines.forEach((line, i) => this.text(x, y + 24 + (i + 0) * LINE, line, { "text-anchor": "end", fill: faint, "font-size": 11 }));
  }

  /** What the process sees of a call in which it slept. @param {number} y @param {number} atNs */
  waited(y, atNs) {
    const { open } = this;
    this.open = null;
    if (!open?.waited || y - open.y < 70) return;
    const x = APPLICATION_X - 16;
    const { faint } = this.palette;
    const top = open.y + 30;
    const bottom = y - 8;
    this.parts.push(svg("path", { d: `M${x + 5} ${top} h-5 V${bottom} h5`, fill: "none", stroke: faint, "stroke-width": 1.2 }));
    const middle = (top + bottom) / 2;
    this.text(x - 10, middle - 2, say("book.processwaits"), { "text-anchor": "end" });
    this.text(x - 10, middle + 14, formatNs(atNs - open.atNs), { "text-anchor": "end", "font-weight": 650 });
  }

  /** @param {Phase} step @param {number} y @param {number} height */
  phase(step, y, height) {
    const { palette } = this;
    const kernel = step.side === "kernel";
    if (kernel && this.open && step.phase === BLOCKED) this.open.waited = true;
    const x = kernel ? KERNEL_X : APPLICATION_X;
    const pair = palette.phases[step.phase];
    const word = PHASES[step.phase]?.word ?? "";
    this.parts.push(svg("rect", {
      x: x - BAR / 2, y: y + 1, width: BAR, height: height - 2, rx: 3, fill: pair?.paper ?? palette.lane, "stroke-width": 1.4,
      // Its own colour is as quiet as sleep is: the outline must be seen all the same.
      ...(step.phase === BLOCKED ? { stroke: palette.faint, "stroke-dasharray": "3 3" } : { stroke: pair?.ink ?? palette.faint }),
    }));
    if (step.long) {
      const middle = y + height / 2;
      const cut = `M${x - 13} ${middle + 4} l13 -8 l13 8`;
      this.parts.push(
        svg("path", { d: `${cut} v7 l-13 -8 l-13 8 z`, fill: palette.background }),
        svg("path", { d: cut, fill: "none", stroke: palette.faint, "stroke-width": 1.2 }),
        svg("path", { d: `M${x - 13} ${middle + 11} l13 -8 l13 8`, fill: "none", stroke: palette.faint, "stroke-width": 1.2 }),
      );
    }
    const textX = kernel ? x + 20 : x - 20;
    const lines = kernel ? linesOf(step) : [];
    const first = y + height / 2 + 4 - (lines.length * LINE) / 2;
    const label = svg("text", { x: textX, y: first, fill: palette.text, "font-size": 12, "text-anchor": kernel ? "start" : "end" },
      svg("tspan", { "font-weight": 650 }, formatNs(step.ns)), ` ${say("book.step", { phase: word, text: step.text })}`,
      ...(step.long ? [svg("tspan", { fill: palette.faint }, ` · ${say("book.long")}`)] : []));
    this.parts.push(label);
    lines.forEach((line, i) => this.text(textX, first + (i + 1) * LINE, line, { fill: palette.faint, "font-size": 11 }));
  }

  /** @param {import("./textbook.js").Arrival} step @param {number} y */
  arrival(step, y) {
    const { accent, faint } = this.palette;
    this.arrow(RIGHT, KERNEL_X + BAR / 2 + 2, y + 20, accent);
    this.text(RIGHT, y + 14, step.text, { "text-anchor": "end", fill: accent, "font-weight": 600 });
    this.time(whenWords(step.atNs), y + 20);
    linesOf(step).forEach((line, i) => this.text(RIGHT, y + 34 + i * LINE, line, { "text-anchor": "end", fill: faint, "font-size": 11 }));
  }

  /** @param {import("./textbook.js").Rest} step @param {number} y @param {number} height */
  rest(step, y, height) {
    const { palette } = this;
    for (const x of [APPLICATION_X, KERNEL_X]) {
      this.parts.push(svg("line", { x1: x, y1: y + 4, x2: x, y2: y + height - 4, stroke: palette.faint, "stroke-width": 3, "stroke-dasharray": "1 7", "stroke-linecap": "round" }));
    }
    const middle = (APPLICATION_X + KERNEL_X) / 2;
    const whole = step.amounts.reduce((sum, amount) => sum + amount, 0);
    this.text(middle, y + 25, step.text, { "text-anchor": "middle", "font-weight": 650 });
    this.text(middle, y + 42, say("book.inall", { time: formatNs(whole) }), { "text-anchor": "middle", fill: palette.faint, "font-size": 11 });
    this.time(whenWords(step.atNs), y + 25);
    const parts = sumWords(step.amounts);
    parts.forEach((line, i) => this.text(KERNEL_X + 20, y + 17 + i * LINE, line, { fill: palette.faint, "font-size": 11 }));
  }

  head() {
    const { picture, palette } = this;
    this.text(24, 36, picture.title, { "font-size": 20, "font-weight": 650 });
    this.text(24, 58, picture.subtitle, { fill: palette.faint });
    for (const [x, title] of /** @type {[number, string][]} */ ([[APPLICATION_X, say("book.application")], [KERNEL_X, say("book.kernel")]])) {
      this.parts.push(
        svg("rect", { x: x - 56, y: 82, width: 112, height: 26, rx: 5, fill: palette.box, stroke: palette.boxEdge }),
        svg("text", { x, y: 99, "text-anchor": "middle", fill: palette.boxText, "font-size": 13, "font-weight": 600 }, title),
      );
    }
  }

  /** What all of it adds up to. */
  foot() {
    const { picture, palette } = this;
    this.y += 26;
    const { y } = this;
    const whole = Math.max(1, picture.lengthNs);
    const width = RIGHT - 24;
    let left = 24;
    let x = 24;
    let row = 0;
    picture.amounts.forEach((ns, phase) => {
      if (ns <= 0) return;
      const pair = palette.phases[phase];
      const part = (ns / whole) * width;
      this.parts.push(svg("rect", { x: left, y, width: part, height: 12, fill: pair?.paper ?? "none", stroke: pair?.ink ?? palette.faint }));
      left += part;
      const words = `${PHASES[phase]?.word} ${formatNs(ns)} (${formatShare(ns / whole)})`;
      const room = lettersOf(words) * LETTER + 32;
      if (x + room > RIGHT) {
        x = 24;
        row += 18;
      }
      this.parts.push(svg("rect", { x, y: y + 23 + row, width: 10, height: 10, rx: 2, fill: pair?.paper ?? "none", stroke: pair?.ink ?? palette.faint }));
      this.text(x + 15, y + 32 + row, words, { "font-size": 11 });
      x += room;
    });
    this.text(24, y + 54 + row, say("book.all", { time: formatNs(picture.lengthNs) }), { "font-size": 12, "font-weight": 650 });
    picture.notes.forEach((note, i) => this.text(24, y + 76 + row + i * LINE, note, { fill: palette.faint, "font-size": 11 }));
    this.y += 76 + row + picture.notes.length * LINE + 8;
  }
}

/** @param {readonly number[]} amounts @returns {string[]} two lines at most */
function sumWords(amounts) {
  const words = amounts.flatMap((ns, phase) => (ns > 0 ? [`${PHASES[phase]?.word} ${formatNs(ns)}`] : []));
  return [words.slice(0, 3), words.slice(3)].map((some) => some.join(" · ")).filter((line) => line !== "");
}

/**
 * @param {Picture} picture
 * @param {Palette} palette
 * @returns {SVGSVGElement}
 */
export function svgOf(picture, palette) {
  const drawing = new Drawing(picture, palette);
  drawing.head();
  for (const step of picture.steps) drawing.step(step);
  const bottom = drawing.y + 8;
  drawing.foot();
  const height = Math.ceil(drawing.y + 12);
  const lines = [APPLICATION_X, KERNEL_X].map((x) =>
    svg("line", { x1: x, y1: 108, x2: x, y2: bottom, stroke: palette.boxEdge, "stroke-width": 1.2 }));
  const root = svg("svg", {
    xmlns: NS, viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height, role: "img", "font-family": FONT, "aria-label": `${picture.title}, ${picture.subtitle}`,
  },
  svg("title", {}, picture.title),
  svg("rect", { width: WIDTH, height, fill: palette.background }),
  ...lines, ...drawing.parts);
  return /** @type {SVGSVGElement} */ (root);
}

/** The file to be pasted somewhere: it needs nothing but itself. @param {SVGSVGElement} picture @returns {string} */
export function fileOf(picture) {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(picture)}\n`;
}
