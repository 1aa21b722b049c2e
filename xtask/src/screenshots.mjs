/**
 * Opens the page at an address, lets it show some seconds of the demo, and writes a picture of it.
 * Run by `cargo xtask screenshots`; it must never do anything to the page but look.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

// The packages are those of the page's tests, in which directory this is run.
const { chromium } = createRequire(join(process.cwd(), 'package.json'))('playwright-core');

/** Long enough for each kind of load to have come by several times. */
const SHOWN_MS = 5000;

const [address, picture] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(address);
  await page.waitForTimeout(SHOWN_MS);
  await page.screenshot({ path: picture });
} finally {
  await browser.close();
}
