/**
 * Opens a page that is not ours, from a folder, in a Chromium without a window.
 *
 * Nothing but loopback must be spoken to, and nothing but the folder and the named files be served.
 */

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { createRequire } from 'node:module';

// The page's tests have the driver already.
const { chromium } = createRequire(new URL('../../web-ui/tests/', import.meta.url))('playwright-core');

const TYPES = {
  '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm',
  '.json': 'application/json', '.svg': 'image/svg+xml', '.png': 'image/png', '.woff2': 'font/woff2',
};

/**
 * Calls `use` with a blank page and the address at which the folder is, and prints what it gives as JSON. `files` are
 * served beside the folder, by path.
 */
export async function show(root, files, use) {
  const server = createServer(async (request, response) => {
    const asked = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname));
    const path = files[asked] ?? join(root, asked === '/' ? '/index.html' : asked);
    try {
      const body = await readFile(path);
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address();
  const browser = await chromium.launch({
    executablePath: process.env.WAITSCOPE_CHROMIUM ?? '/usr/bin/chromium',
    // The last is for pages that draw with WebGL.
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--enable-unsafe-swiftshader'],
  });
  try {
    const context = await browser.newContext();
    // Other programs' ports of this machine must not answer either.
    await context.route((url) => url.hostname !== '127.0.0.1' || url.port !== String(port), (route) => route.abort());
    console.log(JSON.stringify(await use(await context.newPage(), `http://127.0.0.1:${port}`)));
  } finally {
    await browser.close();
    server.close();
  }
}
