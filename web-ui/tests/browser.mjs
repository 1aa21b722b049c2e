/**
 * A browser with a page of waitscope in it, for tests. Everything that the page complains about is
 * kept: a test that ends with complaints has failed.
 */

import { chromium } from "playwright-core";

const ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** @returns {Promise<import("playwright-core").Browser>} */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
}

export class Window {
  /**
   * Opens an address and waits until lanes are there and drawn.
   * @param {import("playwright-core").Browser} browser
   * @param {string} url
   */
  static async open(browser, url, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, ...options });
    const page = await context.newPage();
    const self = new Window(page);
    page.on("console", (message) => {
      // Reading pixels back is what tests do, not the page.
      if (message.text().includes("willReadFrequently")) return;
      if (message.type() === "error" || message.type() === "warning") self.complaints.push(message.text());
    });
    page.on("pageerror", (error) => self.complaints.push(error.message));
    await page.goto(url);
    await page.waitForFunction(() => window.waitscope?.view().lanes > 0);
    await self.settle();
    return self;
  }

  /** @param {import("playwright-core").Page} page */
  constructor(page) {
    this.page = page;
    /** @type {string[]} */
    this.complaints = [];
  }

  async close() {
    await this.page.context().close();
  }

  /** Until nothing visible is on its way, looked at over two frames. */
  async settle() {
    await this.page.evaluate(async () => {
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const until = performance.now() + 10_000;
      for (let calm = 0; calm < 3 && performance.now() < until; ) {
        await frame();
        await frame();
        calm = window.waitscope.settled() ? calm + 1 : 0;
      }
    });
  }

  view() {
    return this.page.evaluate(() => window.waitscope.view());
  }

  stats() {
    return this.page.evaluate(() => window.waitscope.stats());
  }

  /** @param {number} lane @param {number} timeNs */
  at(lane, timeNs) {
    return this.page.evaluate(([one, time]) => window.waitscope.at(one, time), [lane, timeNs]);
  }

  /** @param {number} lane */
  totals(lane) {
    return this.page.evaluate((one) => window.waitscope.totals(one), lane);
  }

  box() {
    return this.page.locator("#timeline").boundingBox();
  }

  /** Moves the pointer to a point of the timeline. @param {number} x @param {number} y */
  async point(x, y) {
    const box = await this.box();
    await this.page.mouse.move(box.x + x, box.y + y);
    return { x: box.x + x, y: box.y + y };
  }

  /** @param {number} x @param {number} y */
  async click(x, y) {
    const point = await this.point(x, y);
    await this.page.mouse.click(point.x, point.y);
  }

  /** Turns the wheel at the pointer, and waits for what it brings. @param {number} notches closer if positive */
  async wheel(notches) {
    for (let i = 0; i < Math.abs(notches); i += 1) await this.page.mouse.wheel(0, -120 * Math.sign(notches));
    await this.settle();
  }

  /** Zooms with the wheel until a time span fills about `px` pixels, and brings it to the middle. */
  async zoomTo(fromNs, toNs, y, px = 400) {
    for (let i = 0; i < 120; i += 1) {
      const view = await this.view();
      const width = (toNs - fromNs) / view.nsPerPx;
      const x = ((fromNs + toNs) / 2 - view.startNs) / view.nsPerPx;
      if (width >= px) return this.settle();
      const at = Math.min(view.widthPx - 5, Math.max(5, x));
      await this.point(at, y);
      await this.page.mouse.wheel(0, -120);
      await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    }
    throw new Error(`zoom to ${fromNs}…${toNs}: not there after 120 turns of the wheel`);
  }

  /** The colours in a rectangle of a canvas, "#rrggbb" with how many pixels have it. */
  colours(x, y, width, height, id = "timeline") {
    return this.page.evaluate(([left, top, w, h, canvasId]) => {
      const canvas = document.getElementById(canvasId);
      const scale = window.waitscope.view().scale;
      const { data } = canvas.getContext("2d").getImageData(left * scale, top * scale, w * scale, h * scale);
      const found = {};
      for (let i = 0; i < data.length; i += 4) {
        const name = `#${[data[i], data[i + 1], data[i + 2]].map((v) => v.toString(16).padStart(2, "0")).join("")}`;
        found[name] = (found[name] ?? 0) + 1;
      }
      return found;
    }, [Math.round(x), Math.round(y), width, height, id]);
  }

  palette() {
    return this.page.evaluate(() => window.waitscope.colours());
  }
}
