/**
 * The page before a made-up trace, for as long as a test runs.
 *
 * Must never outlive the test: its window is closed and its server ended.
 */

import { Window } from "./browser.mjs";
import { FakeServer } from "./fake-server.mjs";

/**
 * @param {import("node:test").TestContext} t
 * @param {import("playwright-core").Browser} browser
 * @param {{ server?: object, prepare?: (server: FakeServer) => void, hash?: string, window?: object }} [how]
 *   what the server and the window are made with; `prepare` changes the server before it is asked anything
 */
export async function opened(t, browser, { server: options = {}, prepare = () => {}, hash = "", window: windowOptions = {} } = {}) {
  const server = new FakeServer({ trace: { seconds: 4 }, ...options });
  prepare(server);
  const window = await Window.open(browser, `${await server.listen()}${hash}`, windowOptions);
  t.after(async () => {
    await window.close();
    await server.close();
  });
  return { server, window };
}
