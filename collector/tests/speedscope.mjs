/**
 * Loads a trace into the real page of speedscope, in a Chromium without a window, and prints what its importer makes of
 * it, as JSON: `complaints`, and `profiles` with a `name` each, and how many frames were entered and for how long, by name.
 *
 *     node speedscope.mjs RELEASE TRACE
 *
 * RELEASE is the folder of speedscope's page, as in its package. Nothing but loopback is spoken to.
 */

import { readFile } from 'node:fs/promises';

import { show } from './foreign_page.mjs';

const [root, trace] = process.argv.slice(2);
if (!root || !trace) {
  console.error('usage: node speedscope.mjs RELEASE TRACE');
  process.exit(2);
}

/** What speedscope's own export says of each profile: its events are pairs of `O` and `C`. */
function profiles({ shared, profiles: all }) {
  return all.map(({ name, unit, events }) => {
    const frames = {};
    const open = [];
    for (const { type, frame, at } of events) {
      // What is behind the name are the arguments.
      const word = shared.frames[frame].name.split(' {')[0];
      if (type === 'O') {
        open.push(at);
      } else {
        const sum = (frames[word] ??= { count: 0, ns: 0, deepest: 0 });
        sum.deepest = Math.max(sum.deepest, open.length);
        sum.count += 1;
        // Microseconds, from whole nanoseconds.
        sum.ns += Math.round((at - open.pop()) * 1_000);
      }
    }
    return { name, unit, frames, open: open.length };
  });
}

await show(root, { '/trace.json': trace }, async (page, address) => {
  const complaints = [];
  page.on('console', (message) => {
    // How the picture is drawn says nothing of the trace.
    if (/WebGL|GPU|GL Driver/.test(message.text())) return;
    if (['warning', 'error'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(dialog.message());
    return dialog.dismiss();
  });
  await page.goto(`${address}/#profileURL=${encodeURIComponent('/trace.json')}`);
  const saved = page.waitForEvent('download', { timeout: 120_000 });
  await page.getByText('Export', { exact: false }).first().click({ timeout: 120_000 });
  const file = await (await saved).path();
  return { complaints, profiles: profiles(JSON.parse(await readFile(file, 'utf8'))) };
});
