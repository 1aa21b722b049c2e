/**
 * The chosen call: asks for it and for its story, shows both, goes to others and back.
 *
 * The latest choice wins. Must never draw on the timeline: it pins the call there.
 *
 * @import { ConnectionLanes } from "./connection-lanes.js"
 * @import { Palette } from "./phases.js"
 * @import { Story } from "./story.js"
 * @import { Lane } from "./messages.js"
 * @import { Timeline } from "./timeline.js"
 */

import { formatNs } from "./format.js";
import { openAt, openWords } from "./open-call.js";
import { Panel } from "./panel.js";
import { xToTime } from "./scale.js";
import { fetchCall, fetchStory } from "./server.js";
import { wakesOf } from "./story.js";
import { TextbookView } from "./textbook-view.js";
import { say } from "./words.js";

/** How far from the panel's edge a clicked call is kept. */
const UNCOVER_PX = 80;
/** Calls that one can go back to. */
const BACK_MAX = 100;

/**
 * @typedef {{
 *   palette: () => Palette, resize: () => void, announce: (text: string) => void, onRefused: (error: unknown) => void,
 *   rowOf: (lane: number) => number, reveal: (row: number, startNs: number, endNs: number) => void, connections: ConnectionLanes,
 * }} Hooks
 * @typedef {{ lane: number, atNs: number }} Place
 */

export class Choice {
  /** @param {Timeline} timeline @param {Hooks} hooks */
  constructor(timeline, hooks) {
    this.timeline = timeline;
    this.hooks = hooks;
    this.textbook = new TextbookView();
    this.panel = new Panel({
      onClose: () => this.close(), onZoom: () => this.zoomTo(), onTextbook: () => this.showTextbook(), onBack: () => this.back(),
      onGo: (lane, atNs) => void this.go(lane, atNs), onConnection: (id) => hooks.connections.toggle(id), hasLane: (id) => hooks.connections.has(id),
    });
    /** @type {{ answer: Record<string, unknown>, thread: string, place: Place, story: Story | null } | null} */
    this.chosen = null;
    /** The call that is chosen has not ended. @type {{ lane: Lane, sinceNs: number, told: string } | null} */
    this.open = null;
    /** @type {Place[]} */
    this.before = [];
    this.choices = 0;
  }

  /** The call at a place of the timeline. @param {number} xPx @param {number} row */
  async pick(xPx, row) {
    const lane = this.timeline.lanes[row];
    if (!lane) return;
    this.remember();
    await this.choose(lane, xToTime(this.timeline.view, xPx), () => this.uncover(xPx));
  }

  /**
   * A call of any lane, brought into view.
   * @param {number} lane @param {number} atNs @param {boolean} [reveal] false where it is in view
   * @returns {Promise<boolean>} whether there is one
   */
  async go(lane, atNs, reveal = true) {
    this.remember();
    return this.goTo(lane, atNs, reveal);
  }

  back() {
    const place = this.before.pop();
    if (place) void this.goTo(place.lane, place.atNs);
  }

  /** @param {number} number @param {number} atNs @param {boolean} [reveal] @returns {Promise<boolean>} */
  async goTo(number, atNs, reveal = true) {
    const row = this.hooks.rowOf(number);
    const lane = this.timeline.lanes[row];
    if (!lane) return false;
    return this.choose(lane, atNs, (startNs, endNs) => {
      if (reveal) this.hooks.reveal(row, startNs, endNs);
    });
  }

  remember() {
    if (!this.chosen) return;
    this.before.push(this.chosen.place);
    if (this.before.length > BACK_MAX) this.before.shift();
  }

  /**
   * @param {Lane} lane @param {number} atNs @param {(startNs: number, endNs: number) => void} onShown
   * @returns {Promise<boolean>} whether there is such a call
   */
  async choose(lane, atNs, onShown, exactly = false) {
    this.choices += 1;
    const choice = this.choices;
    this.open = null;
    const open = openAt(this.timeline, lane.lane, atNs);
    if (open) {
      this.chosen = null;
      this.open = { lane, sinceNs: open.sinceNs, told: "" };
      this.follow();
      onShown(open.sinceNs, open.atNs);
      this.hooks.announce(`${open.call ?? say("call.unknown")}, ${say("call.sofar", { time: formatNs(open.atNs - open.sinceNs) })}`);
      return true;
    }
    const thread = threadWords(lane);
    try {
      const answer = await fetchCall(lane.lane, atNs);
      if (choice !== this.choices) return false;
      const call = /** @type {Record<string, unknown>} */ (answer?.["call"] ?? {});
      const startNs = call["start_ns"];
      const endNs = call["end_ns"];
      if (!answer || typeof startNs !== "number" || typeof endNs !== "number") {
        this.close();
        this.panel.say(say("panel.nocall"), say("panel.nocall.says"));
        return false;
      }
      if (exactly && startNs !== atNs) {
        // Another one: the record of this one's end was lost.
        this.close();
        this.panel.say(say("panel.noend"), say("panel.noend.says"));
        return false;
      }
      this.chosen = { answer, thread, place: { lane: lane.lane, atNs: startNs }, story: null };
      this.timeline.pin({ lane: lane.lane, startNs, endNs, wakes: [] });
      this.show();
      this.panel.root.scrollTop = 0;
      onShown(startNs, endNs);
      this.hooks.announce(`${String(call["call"])}, ${formatNs(endNs - startNs)}`);
    } catch (error) {
      this.hooks.onRefused(error);
      if (choice !== this.choices) return false;
      this.panel.say(say("panel.noanswer"), say("panel.noanswer.says"));
      return false;
    }
    // Nobody waits for it: what comes of a choice is there already.
    void this.tell(choice);
    return true;
  }

  /** What is known of a chosen call that goes on, which may have ended by now. Called with every state. */
  follow() {
    if (!this.open) return;
    const { lane, sinceNs, told } = this.open;
    const open = openAt(this.timeline, lane.lane, sinceNs);
    if (!open || open.sinceNs !== sinceNs) {
      void this.choose(lane, sinceNs, () => {}, true);
      return;
    }
    const looks = JSON.stringify(open);
    if (looks === told) return;
    this.open.told = looks;
    this.timeline.pin({ lane: lane.lane, startNs: open.sinceNs, endNs: open.atNs, wakes: [] });
    this.panel.showOpen(open.call ?? say("call.unknown"), openWords(open, threadWords(lane), this.timeline.live && this.timeline.state?.ended !== true));
  }

  /** The story may take longer than the call: it comes when it is there. @param {number} choice */
  async tell(choice) {
    const { chosen } = this;
    if (!chosen) return;
    try {
      const story = await fetchStory(chosen.place.lane, chosen.place.atNs);
      if (choice !== this.choices || !story) return;
      chosen.story = story;
      this.timeline.pin({ lane: chosen.place.lane, startNs: story.call.startNs, endNs: story.call.endNs, wakes: wakesOf(story) });
      this.show();
    } catch (error) {
      this.hooks.onRefused(error);
      if (choice === this.choices) this.panel.lack(say("panel.nostory"));
    }
  }

  /** Again, as where colours have changed. */
  show() {
    const { chosen } = this;
    const palette = this.hooks.palette();
    if (chosen) this.panel.show(chosen.answer, chosen.thread, palette, chosen.story, this.before.length > 0);
    this.textbook.repaint(palette);
  }

  showTextbook() {
    const story = this.chosen?.story;
    if (story && this.chosen) this.textbook.show(story, this.chosen.thread, this.hooks.palette());
  }

  /** The panel takes room from the timeline: what was clicked stays in view. @param {number} xPx */
  uncover(xPx) {
    this.hooks.resize();
    const coveredPx = xPx - this.timeline.frame.widthPx + UNCOVER_PX;
    if (coveredPx > 0) this.timeline.panBy(coveredPx);
  }

  zoomTo() {
    const { pinned } = this.timeline;
    if (!pinned) return;
    const aroundNs = Math.max(20, (pinned.endNs - pinned.startNs) * 0.5);
    this.timeline.show(pinned.startNs - aroundNs, pinned.endNs + aroundNs);
  }

  close() {
    this.choices += 1;
    this.chosen = null;
    this.open = null;
    this.before = [];
    this.timeline.pin(null);
    this.panel.close();
  }
}

/** @param {Lane} lane @returns {string} */
function threadWords(lane) {
  return say("thread.full", { name: lane.name || say("thread.plain"), tid: lane.tid, pid: lane.pid });
}
