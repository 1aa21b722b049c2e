/**
 * Looking for calls: a field, what its text may mean, and the way from one match to the next.
 *
 * Must never move the view by itself but to a match that was asked for.
 *
 * @import { DescriptorSum, FoundCall } from "./answers.js"
 * @import { Meaning } from "./find.js"
 * @import { Lane } from "./messages.js"
 */

import { byId, el, setText } from "./dom.js";
import { meanings } from "./find.js";
import { askFound, askTotals } from "./questions.js";
import { say } from "./words.js";

/**
 * @typedef {{ names: () => readonly string[], lanes: () => readonly Lane[], fromNs: () => number,
 *   onFound: (call: FoundCall) => void, onClosed: () => void }} Hooks  `fromNs`: where the search goes on from
 */

const KINDS = { call: say("find.call"), thread: say("find.thread"), descriptor: say("find.on") };

export class FindBar {
  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.root = byId("find", HTMLElement);
    this.field = byId("find-text", HTMLInputElement);
    this.list = byId("find-list", HTMLElement);
    this.said = byId("find-said", HTMLElement);
    /** @type {readonly DescriptorSum[]} */
    this.descriptors = [];
    /** @type {Meaning[]} */
    this.offered = [];
    this.active = 0;
    /** @type {Meaning | null} */
    this.sought = null;
    this.asks = 0;
    this.field.addEventListener("input", () => this.offer());
    this.field.addEventListener("keydown", (event) => this.onKey(event));
    byId("find-next", HTMLButtonElement).addEventListener("click", () => void this.step("next"));
    byId("find-previous", HTMLButtonElement).addEventListener("click", () => void this.step("previous"));
    byId("find-close", HTMLButtonElement).addEventListener("click", () => this.close());
  }

  open() {
    this.root.hidden = false;
    this.field.select();
    this.field.focus();
    this.offer();
    // What there is to find on: the descriptors that calls were made on.
    askTotals({}).then(
      (totals) => {
        this.descriptors = totals.descriptors;
        this.offer();
      },
      (error) => console.warn("ask for descriptors:", error),
    );
  }

  close() {
    this.root.hidden = true;
    this.hooks.onClosed();
  }

  offer() {
    this.offered = meanings(this.field.value, this.hooks.names(), this.hooks.lanes(), this.descriptors);
    this.active = 0;
    this.sought = null;
    setText(this.said, this.field.value.trim() !== "" && this.offered.length === 0 ? say("find.none") : "");
    this.showOffer();
  }

  showOffer() {
    const rows = this.offered.map((meaning, i) => {
      const row = el("li", "", el("span", "faint", KINDS[meaning.kind]), ` ${meaning.label}`);
      row.id = `find-offer-${i}`;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", String(i === this.active));
      row.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        this.active = i;
        this.choose("next");
      });
      return row;
    });
    this.list.replaceChildren(...rows);
    this.list.hidden = rows.length === 0 || this.sought !== null;
    this.field.setAttribute("aria-expanded", String(!this.list.hidden));
    this.field.setAttribute("aria-activedescendant", this.list.hidden ? "" : `find-offer-${this.active}`);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const count = Math.max(1, this.offered.length);
      this.active = (this.active + moves[event.key] + count) % count;
      this.showOffer();
    } else if (event.key === "Enter") {
      const which = event.shiftKey ? "previous" : "next";
      if (this.sought) void this.step(which);
      else this.choose(which);
    } else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {"next" | "previous"} which */
  choose(which) {
    this.sought = this.offered[this.active] ?? null;
    this.showOffer();
    if (this.sought) void this.step(which);
  }

  /** To the next match from where we are, or the one before. @param {"next" | "previous"} which */
  async step(which) {
    const { sought } = this;
    if (!sought) {
      if (this.offered.length > 0) this.choose(which);
      else this.open();
      return;
    }
    this.asks += 1;
    const asked = this.asks;
    const what = `${KINDS[sought.kind]} ${sought.label}`;
    try {
      const found = await askFound(which, { ...sought.question, atNs: this.hooks.fromNs() });
      if (asked !== this.asks) return;
      setText(this.said, say(found ? "find.said" : which === "next" ? "find.nolater" : "find.noearlier", { what }));
      if (found) this.hooks.onFound(found);
    } catch (error) {
      console.warn("look for a call:", error);
      setText(this.said, say("find.failed"));
    }
  }
}
