/**
 * The story of a chosen call in a real browser: what the panel says is what the server said, every link goes where it
 * says, and the textbook's picture can be seen and saved.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { launch, Window } from "./browser.mjs";
import { FakeServer } from "./fake-server.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const ROW_Y = 30 + 36;
const plain = (text) => text.replaceAll("\u202f", "");

/** A window on a made-up trace in which a call is chosen with the pointer, and its story has come. */
async function choose(t, lane, wanted, options = {}) {
  const server = new FakeServer({ trace: { seconds: 4 } });
  const window = await Window.open(browser, await server.listen(), options);
  t.after(async () => {
    await window.close();
    await server.close();
  });
  const call = server.truth.threads[lane].calls.find(wanted);
  const y = ROW_Y + lane * 54;
  await window.zoomTo(call.start, call.end, y);
  const view = await window.view();
  await window.click(((call.start + call.end) / 2 - view.startNs) / view.nsPerPx, y);
  await window.page.locator("#panel .story").first().waitFor();
  const story = await window.page.evaluate(async ([of, at]) => (await fetch(`/api/story/${of}/${at}`)).json(), [lane, call.start]);
  return { server, window, call, story, panel: window.page.locator("#panel") };
}

const wait = (one) => one.name === "epoll_wait" && one.sleeps > 0 && one.ret > 0 && one.start > 1e9;

test("the panel says why the wait ended, what was found, and the turn, as the server tells it", async (t) => {
  const { window, story, panel } = await choose(t, 0, wait);
  const text = plain(await panel.innerText());
  assert.ok(text.includes("<b>client</b> (fd 8), from the network"), text);
  for (const ready of story.ready) assert.ok(text.includes(`fd ${ready.fd} readable`) && text.includes(ready.name), text);
  assert.ok(text.includes(`, calls: ${story.turn.calls}\n`), text);
  assert.equal(await panel.locator(".calls .go").count(), story.calls.length);
  assert.equal(await panel.locator(".found .go").count(), story.ready.filter((ready) => ready.led_to !== null).length);
  assert.equal(await window.page.locator("#panel b b, #panel img").count(), 0, "text is text");
  const wide = await panel.evaluate((one) => one.scrollWidth - one.clientWidth);
  assert.equal(wide, 0, "nothing reaches over the panel's edge");
  assert.deepEqual(window.complaints, []);
});

test("a link goes to the call that served a descriptor, brings it into view, and Back goes back", async (t) => {
  const { window, call, story, panel } = await choose(t, 0, wait);
  const last = story.ready.at(-1);
  await panel.locator(".found .go").last().click();
  await window.page.waitForFunction((at) => window.waitscope.pinned()?.startNs === at, last.led_to);
  await panel.locator(".story").first().waitFor();
  assert.match(await panel.locator("h2").innerText(), /^recvfrom/);
  await window.settle();
  const { view, pinned } = await window.page.evaluate(() => ({ view: window.waitscope.view(), pinned: window.waitscope.pinned() }));
  const x = (pinned.startNs - view.startNs) / view.nsPerPx;
  assert.ok(x >= 0 && x < view.widthPx, `${x} of ${view.widthPx}`);
  // Its turn is the one that the wait began.
  assert.equal(await panel.locator(".calls .go").count(), story.calls.length);
  await panel.getByRole("button", { name: "Back" }).click();
  await window.page.waitForFunction((at) => window.waitscope.pinned()?.startNs === at, call.start);
  assert.equal(await panel.getByRole("button", { name: "Back" }).count(), 0, "there is nothing more to go back to");
  assert.deepEqual(window.complaints, []);
});

test("the keyboard alone follows a turn to the next one", async (t) => {
  const { window, story, panel } = await choose(t, 0, wait);
  const next = panel.getByRole("button", { name: /^What it did next/ });
  await next.focus();
  await window.page.keyboard.press("Enter");
  await window.page.waitForFunction((at) => window.waitscope.pinned()?.endNs === at, story.after.start_ns);
  const focused = await window.page.evaluate(() => document.activeElement?.closest("#panel") !== null);
  assert.ok(focused, "the focus stays in the panel");
  assert.deepEqual(window.complaints, []);
});

test("a chain of wake-ups links to the call in which another thread woke this one", async (t) => {
  const { window, call, panel } = await choose(t, 1, (one) => one.name === "futex" && one.start > 1e9);
  const chain = panel.locator(".chain");
  const text = plain(await chain.innerText());
  assert.ok(text.includes("worker-2 4244 woke it in write on eventfd (fd 12)"), text);
  // An arrow from the waker's lane to this one, where the wake-up was.
  const [wake] = await window.page.evaluate(() => window.waitscope.pinned().wakes);
  assert.deepEqual(wake, { fromLane: 2, toLane: 1, atNs: call.end - 2_000 });
  await window.settle();
  const view = await window.view();
  const accent = await window.page.evaluate(([x, y]) => {
    const canvas = document.getElementById("timeline");
    const { data } = canvas.getContext("2d").getImageData(Math.round(x * window.waitscope.view().scale), y * window.waitscope.view().scale, 1, 1);
    return [...data];
  }, [(wake.atNs - view.startNs) / view.nsPerPx, 30 + 2 * 54 + 10]);
  assert.deepEqual(accent.slice(0, 3), [0x7c, 0x3a, 0xed], "the accent's colour between the two lanes");
  await chain.locator(".go").click();
  await window.page.waitForFunction(() => window.waitscope.pinned()?.lane === 2);
  await panel.locator(".story").first().waitFor();
  assert.ok(plain(await panel.innerText()).includes("It belongs to no turn"), "it is in no turn, and that is said");
  assert.deepEqual(window.complaints, []);
});

for (const colorScheme of ["light", "dark"]) {
  test(`one key shows the textbook's picture, which says the measured times, in ${colorScheme}`, async (t) => {
    const { window, call } = await choose(t, 0, wait, { colorScheme });
    await window.page.keyboard.press("t");
    const picture = window.page.locator("#textbook svg");
    await picture.waitFor();
    const text = plain(await picture.evaluate((one) => one.textContent));
    for (const words of ["I/O multiplexing: epoll_wait", "application", "kernel", "epoll_wait(5)", "recvfrom(8)", "process waits in the call", "and so on"]) assert.ok(text.includes(words), `${words} in ${text}`);
    assert.ok(text.includes(`${(call.blocked / 1000).toFixed(1)} µs`) || text.includes("ms"), text);
    // Nothing is cut off at the sides.
    const box = await picture.evaluate((one) => {
      const own = one.getBoundingClientRect();
      return [...one.querySelectorAll("text")].filter((text) => {
        const { left, right } = text.getBoundingClientRect();
        return left < own.left || right > own.right;
      }).map((text) => text.textContent);
    });
    assert.deepEqual(box, []);
    await window.page.keyboard.press("Escape");
    assert.equal(await window.page.locator("#textbook").evaluate((one) => one.open), false);
    assert.equal(await window.page.locator("#panel").isVisible(), true, "the call stays chosen");
    assert.deepEqual(window.complaints, []);
  });
}

test("the picture is saved as a file that needs nothing else", async (t) => {
  const { window, call } = await choose(t, 0, wait, { colorScheme: "dark" });
  await window.page.getByRole("button", { name: "Textbook picture" }).click();
  const [download] = await Promise.all([window.page.waitForEvent("download"), window.page.getByRole("button", { name: "Save as SVG" }).click()]);
  assert.equal(download.suggestedFilename(), `epoll_wait-${call.start}.svg`);
  const text = await readFile(await download.path(), "utf8");
  const found = await window.page.evaluate((xml) => {
    const parsed = new DOMParser().parseFromString(xml, "image/svg+xml");
    const all = [...parsed.querySelectorAll("*")];
    return {
      root: parsed.documentElement.nodeName, errors: parsed.querySelectorAll("parsererror").length,
      outside: all.filter((one) => one.hasAttribute("href") || one.hasAttribute("class") || one.hasAttribute("style")).length,
      paper: parsed.querySelector("rect")?.getAttribute("fill"),
    };
  }, text);
  assert.deepEqual(found, { root: "svg", errors: 0, outside: 0, paper: "#fcfcfb" });
  assert.deepEqual(window.complaints, []);
});

test("a story that does not come is said, and the call's own numbers stay", async (t) => {
  const server = new FakeServer({ trace: { seconds: 4 } });
  const window = await Window.open(browser, await server.listen());
  t.after(async () => {
    await window.close();
    await server.close();
  });
  server.story = (_lane, _at, _json, send) => send(500);
  await window.click(400, ROW_Y);
  const panel = window.page.locator("#panel");
  await panel.getByText("did not tell why it waited").waitFor();
  assert.ok((await panel.locator("tr").count()) > 3);
});
