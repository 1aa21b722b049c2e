/**
 * Opens the page at an address, lets it show some seconds of the demo, and writes a picture of it, and beside that the
 * textbook's picture of the turn in it; then one of each view in both themes, to be looked at.
 * Run by `cargo xtask screenshots`; it must never do anything to the page but look.
 */
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// The packages are those of the page's tests, in which directory this is run.
const { chromium } = createRequire(join(process.cwd(), 'package.json'))('playwright-core');

/** Long enough for each kind of load to have come by several times. */
const SHOWN_MS = 5000;
/** One turn of the event loop. */
const WINDOW_NS = 3.5e5;

/** In the order of their keys. */
const VIEWS = ['timeline', 'summary', 'latency', 'connections', 'turns', 'compare'];

const [address, picture, views] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 560 }, colorScheme: 'dark' });
  await page.goto(address);
  await page.waitForTimeout(SHOWN_MS);
  await page.keyboard.press('Space');
  const canvas = await page.locator('#timeline').boundingBox();
  const view = () => page.evaluate(() => window.waitscope.view());

  // A wait of the event loop with something to do at its end, in the middle of the window.
  const { startNs, nsPerPx } = await view();
  const turn = await page.evaluate(async (atNs) => {
    for (let tries = 0; tries < 500; tries += 1) {
      const answer = await fetch(`/api/call/0/${Math.round(atNs)}`);
      const { call } = await answer.json();
      if (call.call === 'epoll_wait' && call.ret > 1 && call.blocked_ns > 1e5) return call;
      atNs = call.start_ns - 1;
    }
    throw new Error('no turn worth a picture');
  }, startNs + 0.7 * canvas.width * nsPerPx);

  const y = canvas.y + 60;
  const xOf = async (ns) => {
    const now = await view();
    return canvas.x + (ns - now.startNs) / now.nsPerPx;
  };
  const tall = (await view()).widthPx;
  for (let step = 0; step < 200 && (await view()).nsPerPx * tall > WINDOW_NS; step += 1) {
    await page.mouse.move(await xOf(turn.end_ns), y);
    await page.mouse.wheel(0, -60);
    await page.waitForTimeout(20);
  }
  // The panel will take the right side.
  const fromX = await xOf(turn.end_ns);
  await page.mouse.move(fromX, y);
  await page.mouse.down();
  await page.mouse.move(canvas.x + canvas.width * 0.2, y, { steps: 10 });
  await page.mouse.up();
  await page.waitForTimeout(1500);
  await page.mouse.click((await xOf(turn.end_ns)) - 4, y);
  await page.waitForTimeout(1000);
  await page.screenshot({ path: picture });
  await page.keyboard.press('t');
  const saved = page.waitForEvent('download');
  await page.click('#textbook-save');
  await (await saved).saveAs(join(dirname(picture), 'textbook.svg'));
  await page.keyboard.press('Escape');

  await mkdir(views, { recursive: true });
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.keyboard.press('Escape');
  await page.keyboard.press('Home');
  for (const [i, view] of VIEWS.entries()) {
    await page.keyboard.press(String(i + 1));
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(1500);
      await page.screenshot({ path: join(views, `${view}-${colorScheme}.png`) });
    }
  }
} finally {
  await browser.close();
}
