/**
 * The band of turns, marks and calls that go on, in a real browser on a made-up trace.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { EN } from "../assets/words-en.js";
import { launch } from "./browser.mjs";
import { FakeServer } from "./fake-server.mjs";
import { turnsOf } from "./fake-turns.mjs";
import { opened } from "./opened.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const ROW_PX = 54;
const ROW_Y = 30 + 36;
const BAND_Y = 30 + 51;

const open = (t, server, hash) => opened(t, browser, { server, hash });

const plain = (text) => text.replaceAll("\u202f", "");
const hashOf = (window) => window.page.evaluate(() => location.hash);
const marks = (window) => window.page.evaluate(() => window.waitscope.marks());
/** What is drawn of turns, once it is of this window. */
async function turns(window, lane) {
  const found = await window.page.waitForFunction((one) => {
    const { startNs, nsPerPx, widthPx, nowNs } = window.waitscope.view();
    const told = window.waitscope.turns(one);
    return told && told.fromNs <= Math.max(0, startNs) && told.toNs >= Math.min(nowNs, startNs + nsPerPx * widthPx) ? told : null;
  }, lane);
  return (await found.jsonValue()).pieces;
}

test("the turns drawn in a window are those of the trace, one by one where they are wide", async (t) => {
  const { server, window } = await open(t);
  const all = turnsOf(server.truth.threads[0], server.nowNs);
  const [first, last] = [all[40], all[43]];
  await window.zoomTo(first.start, last.end, ROW_Y, 700);
  const drawn = await turns(window, 0);
  const view = await window.view();
  const inView = all.filter((turn) => turn.end > view.startNs && turn.start < view.startNs + view.nsPerPx * view.widthPx);
  assert.equal(drawn.reduce((sum, piece) => sum + piece.turns, 0), inView.length);
  for (const piece of drawn.filter((one) => one.turns === 1)) {
    const truth = inView.find((turn) => turn.start === piece.startNs);
    assert.deepEqual(piece.longest, { startNs: truth.start, workEndNs: truth.workEnd, endNs: truth.end, lagNs: truth.lag, calls: truth.calls, events: truth.events, ended: true });
  }
  assert.ok(drawn.some((one) => one.turns === 1), "some are wide");
  assert.deepEqual(window.complaints, []);
});

test("on the canvas, work is thick and the wait after it is thin", async (t) => {
  const { server, window } = await open(t);
  const turn = turnsOf(server.truth.threads[0], server.nowNs).find((one) => one.start > 1e9 && one.end - one.workEnd > 0.3 * (one.end - one.start) && one.workEnd - one.start > 0.2 * (one.end - one.start));
  await window.zoomTo(turn.start, turn.end, ROW_Y, 400);
  await turns(window, 0);
  await window.settle();
  const view = await window.view();
  const x = (ns) => Math.round((ns - view.startNs) / view.nsPerPx);
  const rows = async (left) => Promise.all([0, 1, 2].map(async (y) => Object.keys(await window.colours(left, 30 + 50 + y, 1, 1))[0]));
  const [work, wait] = [await rows(x((turn.start + turn.workEnd) / 2)), await rows(x((turn.workEnd + turn.end) / 2))];
  assert.equal(new Set(work).size, 1, `one colour: ${work}`);
  assert.equal(wait[2], work[2], "the same colour below");
  assert.notEqual(wait[0], work[0], `and air above: ${wait}`);
});

test("a turn under the pointer says what it was, and a click chooses the call that began it", async (t) => {
  const { server, window } = await open(t);
  const turn = turnsOf(server.truth.threads[0], server.nowNs).find((one) => one.start > 1e9 && one.calls > 4);
  await window.zoomTo(turn.start, turn.end, ROW_Y, 400);
  await turns(window, 0);
  const view = await window.view();
  const x = ((turn.start + turn.workEnd) / 2 - view.startNs) / view.nsPerPx;
  await window.point(x, BAND_Y);
  const tip = window.page.locator("#tooltip");
  await tip.getByText(EN["turn.one"]).waitFor();
  const text = plain(await tip.innerText());
  assert.ok(text.includes(`calls: ${turn.calls}, events: ${turn.events}`), text);
  await window.click(x, BAND_Y);
  await window.page.locator("#panel h2").waitFor();
  const pinned = await window.page.evaluate(() => window.waitscope.pinned());
  assert.deepEqual([pinned.lane, pinned.startNs, pinned.endNs], [0, turn.call.start, turn.call.end]);
});

test("of more turns than the server tells none is drawn, and closer they are", async (t) => {
  const { server, window } = await open(t, { trace: { seconds: 12 } });
  const all = turnsOf(server.truth.threads[0], server.nowNs);
  assert.ok(all.length > 2000, `${all.length}`);
  await window.page.waitForTimeout(800);
  assert.equal(await window.page.evaluate(() => window.waitscope.turns(0)), null);
  await window.zoomTo(all[100].start, all[140].end, ROW_Y, 300);
  assert.ok((await turns(window, 0)).length > 0);
  assert.ok((await window.stats()).rects < 10_000);
});

test("marks are set and taken away by keys and on their flags, gone to, and kept in the address", async (t) => {
  const { window } = await open(t);
  await window.point(300, ROW_Y);
  await window.page.keyboard.press("m");
  await window.point(600, ROW_Y);
  await window.page.keyboard.press("m");
  const { startNs, nsPerPx } = await window.view();
  const set = await marks(window);
  assert.deepEqual(set, [300, 600].map((x) => Math.round(startNs + x * nsPerPx)));
  await window.page.waitForFunction((hash) => location.hash.includes(hash), `marks=${set.join(".")}`);
  assert.ok(Object.keys(await window.colours(301, 40, 1, 1)).length === 1);

  await window.page.keyboard.press("+");
  await window.page.keyboard.press("+");
  for (const ns of [set[1], set[0], set[1]].slice(await window.page.evaluate((first) => {
    const { startNs: from, nsPerPx: px, widthPx } = window.waitscope.view();
    return from + (px * widthPx) / 2 < first ? 1 : 0;
  }, set[0]))) {
    await window.page.keyboard.press("M");
    const view = await window.view();
    assert.ok(Math.abs(view.startNs + (view.widthPx / 2) * view.nsPerPx - ns) <= 2 * view.nsPerPx, `${ns} in the middle`);
  }
  await window.settle();
  const hash = await hashOf(window);
  await window.page.reload();
  await window.page.waitForFunction(() => window.waitscope?.view().lanes > 0);
  assert.deepEqual(await marks(window), set, hash);
  await window.settle();

  const view = await window.view();
  await window.click((set[1] - view.startNs) / view.nsPerPx + 6, 6);
  assert.deepEqual(await marks(window), [set[0]], "a click on a flag takes it away");
  assert.notEqual(await window.page.locator("#announce").textContent(), "");
  assert.deepEqual(window.complaints, []);
});

test("without a pointer, a mark stands where the chosen call begins, and there are never more than sixteen", async (t) => {
  const many = Array.from({ length: 16 }, (_, i) => (i + 1) * 1e8);
  const { server, window } = await open(t, {}, `#marks=${many.join(".")}`);
  assert.deepEqual(await marks(window), many);
  await window.page.locator("#timeline").focus();
  await window.page.keyboard.press("Enter");
  await window.page.locator("#panel h2").waitFor();
  await window.page.keyboard.press("m");
  assert.deepEqual(await marks(window), many);
  assert.match(await window.page.locator("#announce").textContent(), /16 marks/);
  await window.page.evaluate(() => { location.hash = "#marks=5"; });
  await window.page.waitForFunction(() => window.waitscope.marks().length === 1);
  await window.page.keyboard.press("Enter");
  await window.page.waitForFunction(() => window.waitscope.pinned() !== null);
  await window.page.keyboard.press("m");
  const pinned = await window.page.evaluate(() => window.waitscope.pinned());
  assert.deepEqual(await marks(window), [5, pinned.startNs]);
  assert.ok(server.truth.threads[0].calls.some((call) => call.start === pinned.startNs));
});

/** Where the open call of the sleeper stands, once it is in view. */
async function clickOpen(window, server, lane) {
  const open = server.openOf(server.truth.threads[lane]);
  const view = await window.view();
  await window.click(((open.since_ns + open.at_ns) / 2 - view.startNs) / view.nsPerPx, ROW_Y + lane * ROW_PX);
  return open;
}

test("a click on a call that has not ended says what is known of it, of a recording too", async (t) => {
  const { server, window } = await open(t);
  const open1 = await clickOpen(window, server, 5);
  const panel = window.page.locator("#panel");
  await panel.locator("h2").waitFor();
  const text = plain(await panel.innerText());
  assert.ok(text.startsWith("epoll_wait"), text);
  for (const words of [`${open1.at_ns - open1.since_ns} ns`, "31", EN["open.over"], "blocked"]) assert.ok(text.includes(words), `${words} in ${text}`);
  const pinned = await window.page.evaluate(() => window.waitscope.pinned());
  assert.deepEqual([pinned.lane, pinned.startNs, pinned.endNs], [5, open1.since_ns, open1.at_ns]);
  assert.deepEqual(window.complaints, []);
});

test("of a live trace its time goes on, and when it ends it is the call that it was", async (t) => {
  const trace = new FakeServer({ trace: { seconds: 4 } }).truth;
  const call = trace.threads[1].calls.find((one) => one.name === "futex" && one.start > 1e9 && one.end - one.start > 2e7);
  const { server, window } = await open(t, { live: true, nowNs: call.start + 1e7 });
  await window.page.keyboard.press("Space");
  await window.page.keyboard.press("Home");
  await window.settle();
  await window.zoomTo(call.start, server.nowNs, ROW_Y + ROW_PX, 60);
  await clickOpen(window, server, 1);
  const panel = window.page.locator("#panel");
  await panel.getByText(`${call.start + 1e7 - call.start}`.replace(/\B(?=(\d{3})+$)/g, "\u202f")).first().waitFor();
  await panel.getByText(EN["open.live"]).waitFor();
  server.advance(call.start + 1.5e7);
  await panel.getByText("15\u202f000\u202f000").first().waitFor();
  assert.match(await window.page.locator("#panel").innerText(), /blocked/);
  server.advance(call.end + 1);
  await panel.getByText(EN["panel.facts"]).waitFor();
  const pinned = await window.page.evaluate(() => window.waitscope.pinned());
  assert.deepEqual([pinned.startNs, pinned.endNs], [call.start, call.end]);
  assert.deepEqual(window.complaints, []);
});
