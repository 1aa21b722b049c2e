/**
 * The button that has the flight recorder keep what is going on now.
 *
 * It must never be there where nothing heeds it: who started the trace allows it, not the page.
 *
 * @import { State } from "./messages.js"
 */

import { byId, setText } from "./dom.js";
import { askCapture, Refused } from "./server.js";
import { say } from "./words.js";

export class CaptureButton {
  /** @param {(text: string) => void} announce */
  constructor(announce) {
    this.announce = announce;
    this.root = byId("capture", HTMLButtonElement);
    /** From the wish until the state speaks of it. */
    this.asked = false;
    /** Captures, and triggers passed over, when the state was last told. */
    this.written = 0;
    this.passedOver = 0;
    this.root.addEventListener("click", () => void this.ask());
  }

  /** @param {State} state */
  show(state) {
    const { captures } = state;
    this.root.hidden = !captures?.byPage || state.ended;
    if (!captures) return;
    const { underWay, passedOver } = captures;
    if (this.asked && !underWay && passedOver > this.passedOver) this.announce(say("captures.not.now"));
    if (underWay || passedOver !== this.passedOver || captures.list.length + captures.more !== this.written) this.asked = false;
    this.written = captures.list.length + captures.more;
    this.passedOver = passedOver;
    this.draw(this.asked || captures.underWay !== null);
  }

  /** One at a time. It keeps the focus meanwhile. @param {boolean} busy */
  draw(busy) {
    this.root.setAttribute("aria-disabled", String(busy));
    setText(this.root, say(busy ? "captures.busy" : "captures.now"));
  }

  async ask() {
    if (this.root.getAttribute("aria-disabled") === "true") return;
    this.asked = true;
    this.draw(true);
    try {
      await askCapture();
      this.announce(say("announce.capturing"));
    } catch (error) {
      this.asked = false;
      this.draw(false);
      this.announce(say(error instanceof Refused ? "captures.refused" : "announce.lost"));
    }
  }
}
