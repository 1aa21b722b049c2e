/**
 * The view of a textbook's picture: a dialog over the page, from which the picture can be saved as a file.
 *
 * Must never decide what is in the picture: `textbook.js` does.
 *
 * @import { Palette } from "./phases.js"
 * @import { Story } from "./story.js"
 */

import { byId } from "./dom.js";
import { LIGHT } from "./phases.js";
import { pictureOf } from "./textbook.js";
import { fileOf, svgOf } from "./textbook-svg.js";

export class TextbookView {
  constructor() {
    this.dialog = byId("textbook", HTMLDialogElement);
    this.frame = byId("textbook-picture", HTMLElement);
    /** @type {{ story: Story, thread: string } | null} */
    this.shown = null;
    byId("textbook-save", HTMLButtonElement).addEventListener("click", () => this.save());
    byId("textbook-close", HTMLButtonElement).addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => { this.shown = null; });
  }

  /** @param {Story} story @param {string} thread @param {Palette} palette */
  show(story, thread, palette) {
    this.shown = { story, thread };
    this.frame.replaceChildren(svgOf(pictureOf(story, thread), palette));
    if (!this.dialog.open) this.dialog.showModal();
    this.frame.scrollTop = 0;
  }

  /** The colours have changed. @param {Palette} palette */
  repaint(palette) {
    if (this.shown) this.show(this.shown.story, this.shown.thread, palette);
  }

  /** As a file, in light colours: it is to be read in a report. */
  save() {
    if (!this.shown) return;
    const { story, thread } = this.shown;
    const picture = svgOf(pictureOf(story, thread), LIGHT);
    const address = URL.createObjectURL(new Blob([fileOf(picture)], { type: "image/svg+xml" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = `${story.call.call}-${story.call.startNs}.svg`;
    link.click();
    // The browser has taken it by then.
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}
