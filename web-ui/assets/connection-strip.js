/**
 * The lanes of connections below those of threads: their names, their canvas in the timeline's window, and what is under the pointer.
 *
 * Must never ask the server, nor draw outside a frame of the timeline; a frame that only moves draws no bar anew.
 *
 * @import { Connection, Flow, Use } from "./connection-lane.js"
 * @import { ConnectionLanes } from "./connection-lanes.js"
 * @import { Asks, Request } from "./connection-requests.js"
 * @import { Scene } from "./draw.js"
 * @import { Timeline } from "./timeline.js"
 * @import { State } from "./messages.js"
 * @import { Unread } from "./connection-unread.js"
 * @import { Range } from "./view-state.js"
 */

import { beginOf, flowAt, stretchOf, useAt } from "./connection-lane.js";
import { looksOf, tellsAll } from "./connection-lanes.js";
import { ConnectionPicture } from "./connection-picture.js";
import { asksAt, requestAt } from "./connection-requests.js";
import { isUnreadAt } from "./connection-unread.js";
import { asksWords, doubts, flowWords, labelOf, leftWords, nameOf, requestWords, shareWords, unreadWords, useWords } from "./connection-words.js";
import { byId, el, setText } from "./dom.js";
import { drawGrid, FONT } from "./draw-axis.js";
import { BARS_PX, BARS_TOP_PX, CONNECTION_ROW_PX, LABEL_MIDDLE_PX, SENDS_PX, SENDS_TOP_PX } from "./draw-connection.js";
import { drawEdges, drawGaps } from "./draw-losses.js";
import { drawMarks } from "./draw-marks.js";
import { drawSelection } from "./draw-selection.js";
import { inTrace } from "./in-view.js";
import { listenToPointer, listenToWheel } from "./input.js";
import { AXIS_PX } from "./layout.js";
import { timeToX, xToTime } from "./scale.js";
import { say } from "./words.js";

/** A bar narrower than this gets no words. */
const LABEL_LEAST_PX = 40;
const PAD_PX = 4;
/** How near the pointer must be to a call. */
const REACH_PX = 2;

/**
 * @typedef {{ call: (lane: number, atNs: number) => void, inside: (id: number, flow: Flow) => void, row: (id: number) => void,
 *   step: (id: number, which: "next" | "previous") => void, select: (range: Range | null, done: boolean) => void }} Actions
 *   where a call, a bucket, a name and its arrows lead
 * @typedef {{ row: number, fromNs: number, toNs: number, name: string, namePx: number, detail: string, detailPx: number }} Label
 */

export class ConnectionStrip {
  /** @param {Timeline} timeline @param {ConnectionLanes} lanes @param {Actions} actions */
  constructor(timeline, lanes, actions) {
    this.timeline = timeline;
    this.lanes = lanes;
    this.actions = actions;
    this.root = byId("strip", HTMLElement);
    this.names = byId("strip-names", HTMLElement);
    this.canvas = byId("strip-canvas", HTMLCanvasElement);
    const context = this.canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("draw connections: the browser gives no 2D canvas");
    this.context = context;
    this.picture = new ConnectionPicture();
    /** @type {{ xPx: number, yPx: number, row: number } | null} */
    this.hover = null;
    /** @type {Label[]} */
    this.labels = [];
    /** The chosen call, where it is told by itself, and what that was looked for in. @type {{ row: number, use: Use }[]} */
    this.chosen = [];
    /** @type {readonly unknown[]} */
    this.chosenOf = [];
    /** @type {readonly unknown[]} what the picture and the last frame were made of */
    this.pictured = [];
    /** @type {readonly unknown[]} */
    this.shown = [];
    this.listen();
  }

  listen() {
    const { timeline, canvas, root } = this;
    listenToPointer(canvas, timeline, {
      selects: (event) => event.shiftKey,
      select: this.actions.select,
      point: (event) => {
        this.hover = { xPx: event.offsetX, yPx: event.offsetY, row: Math.floor(event.offsetY / CONNECTION_ROW_PX) };
        // In the timeline there is the line of the pointer only.
        timeline.pointAt(event.offsetX, -1);
      },
      leave: () => {
        this.hover = null;
        timeline.pointNowhere();
      },
      click: (event) => this.click(event.offsetX, Math.floor(event.offsetY / CONNECTION_ROW_PX)),
    });
    listenToWheel(canvas, timeline, (px) => root.scrollBy({ top: px }));
    this.names.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      const id = Number(button?.dataset["id"]);
      const act = button?.dataset["act"];
      if (act === "row") this.actions.row(id);
      else if (act === "next" || act === "previous") this.actions.step(id, act);
      else if (act === "away") lanesWithout(this, id);
    });
  }

  /** @returns {(Connection | undefined)[]} */
  rows() {
    return this.lanes.ids.map((id) => this.lanes.answers.get(id));
  }

  /** What is at a place: a call told by itself, else the bucket. @param {number} xPx @param {number} row @returns {{ use: Use | null, flow: Flow | null }} */
  at(xPx, row) {
    const connection = this.rows()[row];
    if (!connection) return { use: null, flow: null };
    const { view } = this.timeline;
    const ns = xToTime(view, xPx);
    const use = useAt(connection, ns, 0);
    if (use) return { use, flow: null };
    const flow = flowAt(connection, ns);
    return { use: flow ? null : useAt(connection, ns, REACH_PX * view.nsPerPx), flow };
  }

  /** @param {number} xPx @param {number} row */
  click(xPx, row) {
    const { use, flow } = this.at(xPx, row);
    const id = this.lanes.ids[row];
    const unread = this.unreadAt(xPx, row);
    if (use) this.actions.call(use.lane, use.startNs);
    else if (flow && id !== undefined) this.actions.inside(id, flow);
    else if (unread) this.actions.call(unread.lane, unread.callNs);
  }

  /** What was left unread, where that lies there. @param {number} xPx @param {number} row @returns {Unread | null} */
  unreadAt(xPx, row) {
    const unread = this.rows()[row]?.unread ?? null;
    return isUnreadAt(unread, xToTime(this.timeline.view, xPx)) ? unread : null;
  }

  /** The request at a place, or what those do that are too narrow. @param {number} xPx @param {number} row @returns {{ request: Request | null, asks: Asks | null }} */
  askedAt(xPx, row) {
    const requests = this.rows()[row]?.requests;
    if (!requests) return { request: null, asks: null };
    const { view } = this.timeline;
    const ns = xToTime(view, xPx);
    return { request: requestAt(requests, ns, REACH_PX * view.nsPerPx), asks: asksAt(requests, ns) };
  }

  /** What is under the pointer, in words; nothing if there is nothing. @returns {HTMLElement[]} */
  describe() {
    if (!this.hover) return [];
    const { xPx, row } = this.hover;
    const { allLanes, names } = this.timeline;
    const { use, flow } = this.at(xPx, row);
    const { request, asks } = this.askedAt(xPx, row);
    const unread = this.unreadAt(xPx, row);
    return [
      ...(use ? useWords(use, allLanes, names) : flow ? flowWords(flow) : []),
      ...(request ? requestWords(request, allLanes) : asks ? asksWords(asks) : []),
      ...(unread ? unreadWords(unread, allLanes) : []),
    ];
  }

  /** The lane of the thread that makes the call under the pointer; null if there is none. @returns {number | null} */
  pointed() {
    return this.hover ? (this.at(this.hover.xPx, this.hover.row).use?.lane ?? null) : null;
  }

  /** Called with every frame of the timeline: cheap if there is no lane, or nothing has changed. */
  show() {
    const { timeline, lanes } = this;
    const { state, view, frame, scale, palette, selection, marks, hover, pinned } = timeline;
    const isShown = timeline.shown && lanes.ids.length > 0 && state !== null;
    if (this.root.hidden === isShown) this.root.hidden = !isShown;
    if (!isShown || !state) {
      this.hover = null;
      return;
    }
    const heightPx = lanes.ids.length * CONNECTION_ROW_PX;
    const looks = [view, frame.widthPx, scale, palette, selection, marks, hover?.xPx, pinned, lanes.version, lanes.rested, state];
    if (looks.length === this.shown.length && looks.every((one, i) => one === this.shown[i])) return;
    const [, widthPx, wasScale] = this.shown;
    this.shown = looks;
    if (frame.widthPx !== widthPx || scale !== wasScale || this.canvas.height !== heightPx * scale) {
      this.canvas.width = frame.widthPx * scale;
      this.canvas.height = heightPx * scale;
      this.canvas.style.width = `${frame.widthPx}px`;
      this.canvas.style.height = `${heightPx}px`;
    }
    this.refresh(state);
    this.draw(state, heightPx);
  }

  /** Whether what shows is of this window, whole, and as close as it gets. @returns {boolean} */
  isSettled() {
    const { timeline, lanes, picture } = this;
    const { view, frame, window, state, asked } = timeline;
    const { widthNs } = stretchOf(view, frame.widthPx);
    const rested = lanes.rested === looksOf(view, frame.widthPx) && this.pictured[0] === lanes.version && this.pictured[1] === lanes.rested;
    return rested && !asked && picture.view?.nsPerPx === view.nsPerPx && lanes.ids.every((id) => tellsAll(lanes.answers.get(id), window, widthNs, state?.nowNs ?? 0));
  }

  /** The picture and the names, if the view has come to rest elsewhere or there is news. @param {State} state */
  refresh(state) {
    const { timeline, lanes, picture } = this;
    const { view, frame, scale, palette, allLanes } = timeline;
    const looks = [lanes.version, lanes.rested, frame.widthPx, scale, palette, allLanes];
    if (looks.every((one, i) => one === this.pictured[i])) return;
    this.pictured = looks;
    const rows = this.rows();
    picture.draw(rows, { view, widthPx: frame.widthPx, scale, palette, nowNs: state.nowNs });
    this.showNames(rows, inTrace(timeline.window, state.nowNs));
    this.context.font = FONT;
    this.labels = rows.flatMap((connection, row) => (connection?.uses ?? []).flatMap((use) => {
      const [fromNs, toNs] = [beginOf(use), use.endNs];
      if ((toNs - fromNs) / view.nsPerPx < LABEL_LEAST_PX) return [];
      const { name, detail } = labelOf(use, allLanes, timeline.names);
      const [namePx, detailPx] = [name, detail].map((words) => this.context.measureText(words).width);
      return [{ row, fromNs, toNs, name, namePx: namePx ?? 0, detail, detailPx: detailPx ?? 0 }];
    }));
  }

  /** @param {(Connection | undefined)[]} rows @param {Range} inside */
  showNames(rows, inside) {
    while (this.names.children.length > rows.length) this.names.lastElementChild?.remove();
    rows.forEach((connection, row) => {
      const id = this.lanes.ids[row] ?? 0;
      const there = this.names.children[row];
      const entry = there instanceof HTMLElement ? there : this.names.appendChild(makeName());
      const name = nameOf(id, connection);
      const hints = [name, ...(connection ? [...doubts(connection), ...leftWords(connection)] : []), say("strip.row")];
      const [link, words, more, ...buttons] = entry.querySelectorAll("button, bdi, .more");
      if (!(link instanceof HTMLElement) || !(words instanceof HTMLElement) || !(more instanceof HTMLElement)) return;
      setText(words, name);
      link.title = hints.join("\n");
      setText(more, connection ? `${doubts(connection).length > 0 ? "⚠ " : ""}${shareWords(connection, inside)}` : "");
      more.title = connection ? doubts(connection).join("\n") : "";
      const labels = [say("strip.previous", { name }), say("strip.next", { name }), say("strip.away", { name })];
      [link, ...buttons].forEach((button) => {
        if (button instanceof HTMLElement) button.dataset["id"] = String(id);
      });
      buttons.forEach((button, i) => button.setAttribute("aria-label", labels[i] ?? ""));
    });
  }

  /** @param {State} state @param {number} heightPx */
  draw(state, heightPx) {
    const { context, timeline, picture } = this;
    const { view, frame, scale, palette, selection, marks, hover, names } = timeline;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = palette.background;
    context.fillRect(0, 0, frame.widthPx, heightPx);
    picture.show(context, view);
    context.fillStyle = palette.rule;
    for (let y = CONNECTION_ROW_PX; y <= heightPx; y += CONNECTION_ROW_PX) context.fillRect(0, y - 1, frame.widthPx, 1);
    this.drawLabels();
    this.drawChosen();
    if (!timeline.pictures) return;
    // What lies over all lanes is drawn as over those of threads, whose axis is above this canvas.
    context.setTransform(scale, 0, 0, scale, 0, -AXIS_PX * scale);
    /** @type {Scene} */
    const scene = {
      view, palette, scale, selection, marks, names, hover: null, pinned: null, lanes: new Map(), bands: new Map(), pictures: timeline.pictures,
      frame: { widthPx: frame.widthPx, heightPx: heightPx + AXIS_PX, scrollPx: 0, lanes: 0 }, live: timeline.live && !state.ended,
      gaps: state.gaps, keptNs: state.keptNs, nowNs: state.nowNs,
    };
    const counters = { rects: 0, labels: 0, pixels: 0 };
    drawGrid(context, scene, counters);
    drawGaps(context, scene, counters);
    drawEdges(context, scene, counters);
    drawSelection(context, scene, counters);
    drawMarks(context, scene, counters);
    if (!hover) return;
    context.fillStyle = palette.faint;
    context.globalAlpha = 0.6;
    context.fillRect(Math.round(hover.xPx), AXIS_PX, 1, heightPx);
    context.globalAlpha = 1;
  }

  drawLabels() {
    const { context, timeline } = this;
    const { view, frame, palette } = timeline;
    context.font = FONT;
    context.textBaseline = "middle";
    for (const { row, fromNs, toNs, name, namePx, detail, detailPx } of this.labels) {
      const left = Math.max(0, timeToX(view, fromNs)) + PAD_PX;
      const room = Math.min(frame.widthPx, timeToX(view, toNs)) - left;
      if (room < namePx) continue;
      const y = row * CONNECTION_ROW_PX + LABEL_MIDDLE_PX;
      context.fillStyle = palette.boxText;
      context.fillText(name, left, y);
      if (room < namePx + 2 * PAD_PX + detailPx) continue;
      context.fillStyle = palette.faint;
      context.fillText(detail, left + namePx + 2 * PAD_PX, y);
    }
  }

  drawChosen() {
    const { context, timeline } = this;
    const { view, frame, palette, pinned } = timeline;
    if (this.chosenOf[0] !== pinned || this.chosenOf[1] !== this.lanes.version) {
      this.chosenOf = [pinned, this.lanes.version];
      this.chosen = this.rows().flatMap((connection, row) => {
        const use = pinned && connection?.uses.find(({ lane, startNs }) => lane === pinned.lane && startNs === pinned.startNs);
        return use ? [{ row, use }] : [];
      });
    }
    for (const { row, use } of this.chosen) {
      const left = Math.max(-4, timeToX(view, beginOf(use)) - 2);
      const right = Math.min(frame.widthPx + 4, timeToX(view, use.endNs) + 2);
      if (right < left) continue;
      const isSend = use.kind === "send";
      const top = row * CONNECTION_ROW_PX + (isSend ? SENDS_TOP_PX : BARS_TOP_PX) - 2;
      context.strokeStyle = palette.accent;
      context.lineWidth = 2;
      context.strokeRect(left, top, Math.max(4, right - left), (isSend ? SENDS_PX : BARS_PX) + 4);
    }
  }
}

/** @param {ConnectionStrip} strip @param {number} id */
function lanesWithout(strip, id) {
  const { lanes } = strip;
  const row = lanes.ids.indexOf(id);
  lanes.toggle(id);
  // The button that was pressed is gone: the focus goes to the lane that took its place.
  const next = strip.names.children[Math.min(row, lanes.ids.length - 1)];
  next?.querySelector("button")?.focus();
}

/** @returns {HTMLElement} */
function makeName() {
  const button = (/** @type {string} */ act, /** @type {string} */ words, /** @type {string} */ className) => {
    const made = el("button", className, words);
    made.setAttribute("type", "button");
    made.dataset["act"] = act;
    return made;
  };
  // Of a name that is too long the end shows, which tells connections apart.
  const link = button("row", "", "link");
  link.append(el("bdi", ""));
  const buttons = el("div", "steps", button("previous", "‹", ""), button("next", "›", ""), button("away", "✕", ""));
  const entry = el("div", "connection", link, el("div", "more"), buttons);
  entry.setAttribute("role", "listitem");
  return entry;
}
