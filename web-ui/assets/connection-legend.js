/**
 * The legend of connections' lanes: each kind of bar as it is drawn, with its words.
 *
 * @import { Paint } from "./draw-connection.js"
 * @import { Palette } from "./phases.js"
 */

import { byId, el } from "./dom.js";
import { BARS_PX, BARS_TOP_PX, paintArrival, paintReading, paintSend, paintUnread, paintWaiting, SENDS_TOP_PX } from "./draw-connection.js";
import { paintRequest } from "./draw-requests.js";
import { say } from "./words.js";

const HEIGHT_PX = 14;

/** @type {readonly { word: string, says: string, paint: Paint, left: number, width: number, top: number }[]} `top`: where the bars begin */
const ENTRIES = [
  { word: say("strip.arrived"), says: say("strip.arrived.says"), paint: paintArrival, left: 4, width: 9, top: 4 },
  { word: say("strip.waiting"), says: say("strip.waiting.says"), paint: paintWaiting, left: 0, width: 26, top: (HEIGHT_PX - BARS_PX) / 2 },
  { word: say("strip.reading"), says: say("strip.reading.says"), paint: paintReading, left: 0, width: 26, top: 0 },
  { word: say("strip.sending"), says: say("strip.sending.says"), paint: paintSend, left: 0, width: 26, top: BARS_TOP_PX - SENDS_TOP_PX + 5 },
  { word: say("strip.request"), says: say("strip.request.says"), paint: paintRequest, left: 0, width: 26, top: (HEIGHT_PX - BARS_PX) / 2 },
  { word: say("strip.left"), says: say("strip.left.says"), paint: paintUnread, left: 0, width: 26, top: (HEIGHT_PX - BARS_PX) / 2 },
];

/** @param {Palette} palette */
export function showConnectionLegend(palette) {
  const entries = ENTRIES.map(({ word, says, paint, left, width, top }) => {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = HEIGHT_PX;
    canvas.setAttribute("aria-hidden", "true");
    const context = canvas.getContext("2d");
    if (context) paint(context, palette, left, width, top);
    const entry = el("span", "", canvas, word);
    entry.title = says;
    return entry;
  });
  byId("strip-legend", HTMLElement).replaceChildren(...entries);
}
