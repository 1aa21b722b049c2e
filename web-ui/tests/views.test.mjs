/**
 * The frame around the timeline in a real browser: address, overview, selection, finding. What is shown is compared with
 * the made-up trace, or with what the server said.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, Window } from "./browser.mjs";
import { matching, sumOf } from "./fake-answers.mjs";
import { opened } from "./opened.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const ROW_Y = 30 + 36;

const open = (t, server, hash, window) => opened(t, browser, { server, hash, window });

const near = (a, b, slack) => Math.abs(a - b) <= slack;
const plain = (text) => text.replaceAll("\u202f", "");
const hashOf = (window) => window.page.evaluate(() => location.hash);
/** The window as the page has it. */
async function shown(window) {
  const { startNs, nsPerPx, widthPx } = await window.view();
  return { fromNs: startNs, toNs: startNs + nsPerPx * widthPx };
}

async function dragOn(window, selector, fromX, toX, y = 25) {
  const box = await window.page.locator(selector).boundingBox();
  await window.page.mouse.move(box.x + fromX, box.y + y);
  await window.page.mouse.down();
  await window.page.mouse.move(box.x + toX, box.y + y, { steps: 6 });
  await window.page.mouse.up();
  await window.settle();
}

async function select(window, fromX, toX) {
  await window.page.keyboard.down("Shift");
  await dragOn(window, "#timeline", fromX, toX, ROW_Y);
  await window.page.keyboard.up("Shift");
}

test("a link shows the same window, call, range and view, and never holds the secret", async (t) => {
  const { server, window } = await open(t);
  await window.zoomTo(1.1e9, 1.2e9, ROW_Y, 300);
  await window.click(500, ROW_Y);
  await window.page.locator("#panel h2").waitFor();
  await select(window, 200, 420);
  await window.page.waitForFunction(() => /from=.*select=.*call=/.test(location.hash));
  await window.page.waitForTimeout(700);
  const hash = await hashOf(window);
  const url = window.page.url();
  assert.ok(!url.includes(server.token) && !url.includes("token"), url);
  const there = await shown(window);
  const other = await Window.open(browser, `${server.url}${hash}`);
  t.after(() => other.close());
  await other.page.locator("#panel h2").waitFor();
  const here = await shown(other);
  assert.ok(near(there.fromNs, here.fromNs, 1) && near(there.toNs, here.toNs, 1), `${JSON.stringify(there)} ${JSON.stringify(here)}`);
  assert.equal(await other.page.locator("#panel").innerText(), await window.page.locator("#panel").innerText());
  assert.equal(await other.page.locator("#selection strong").innerText(), await window.page.locator("#selection strong").innerText());
  assert.deepEqual([window.complaints, other.complaints], [[], []]);
});

test("who moves on before a link's call has its story stays where he moved to", async (t) => {
  const { window } = await open(t);
  await window.zoomTo(1.1e9, 1.2e9, ROW_Y, 300);
  await window.click(500, ROW_Y);
  await window.page.waitForFunction(() => /from=.*call=/.test(location.hash));
  const hash = await hashOf(window);
  await window.page.keyboard.press("Escape");
  await window.page.keyboard.press("Home");
  await window.page.waitForFunction(() => !location.hash.includes("call="));
  let release = () => {};
  const held = new Promise((resolve) => { release = () => resolve(undefined); });
  await window.page.route("**/api/story/**", async (route) => { await held; await route.continue(); });
  await window.page.evaluate((to) => { location.hash = to; }, hash);
  await window.page.locator("#panel h2").waitFor();
  await window.settle();
  const before = await shown(window);
  await window.page.keyboard.press("d");
  await window.settle();
  const moved = await shown(window);
  assert.ok(moved.fromNs > before.fromNs, `${JSON.stringify(before)} ${JSON.stringify(moved)}`);
  assert.equal(await window.page.locator("#panel .story").count(), 0, "the story is held back");
  release();
  await window.page.locator("#panel .story").first().waitFor();
  await window.settle();
  assert.deepEqual(await shown(window), moved);
});

test("a hash changed by hand leads there, and one without sense leads nowhere", async (t) => {
  const { window } = await open(t, {}, "#from=1e999&to=x&call=%ff&select=9-3&view=__proto__&nr=-1");
  const whole = await shown(window);
  assert.ok(whole.fromNs <= 0 && whole.toNs >= 4e9, "the whole trace");
  await window.page.evaluate(() => { location.hash = "#from=1000000000&to=1500000000"; });
  await window.page.waitForFunction(() => Math.abs(window.waitscope.view().startNs - 1e9) < 1);
  const there = await shown(window);
  assert.ok(near(there.toNs, 1.5e9, 1), JSON.stringify(there));
  assert.deepEqual(window.complaints, []);
});

test("a zoom is undone, and done again, by keys and buttons", async (t) => {
  const { window } = await open(t);
  const rest = () => window.page.waitForTimeout(800);
  await rest();
  const first = await shown(window);
  await window.point(500, ROW_Y);
  await window.wheel(8);
  await rest();
  const second = await shown(window);
  await window.page.keyboard.press("d");
  await rest();
  const third = await shown(window);
  assert.ok(third.fromNs > second.fromNs, "d moves on");
  const same = async (wanted) => {
    await window.settle();
    const here = await shown(window);
    assert.ok(near(here.fromNs, wanted.fromNs, 2) && near(here.toNs, wanted.toNs, 2), `${JSON.stringify(here)}, not ${JSON.stringify(wanted)}`);
  };
  await window.page.keyboard.press("Backspace");
  await same(second);
  await window.page.locator("#back").click();
  await same(first);
  assert.equal(await window.page.locator("#back").isDisabled(), true);
  await window.page.keyboard.press("Shift+Backspace");
  await same(second);
  await window.page.locator("#forth").click();
  await same(third);
  assert.deepEqual(window.complaints, []);
});

test("the overview shows where in the trace the window is, and moves it", async (t) => {
  const { server, window } = await open(t);
  const { width } = await window.page.locator("#overview").boundingBox();
  const nsPerPx = server.nowNs / width;
  // Outside of a window that is part of the trace: a click moves, a drag draws.
  await window.page.evaluate(() => { location.hash = "#from=1000000000&to=1400000000"; });
  await window.page.waitForFunction(() => Math.abs(window.waitscope.view().startNs - 1e9) < 1);
  const check = async (fromNs, toNs, what) => {
    const here = await shown(window);
    assert.ok(near(here.fromNs, fromNs, 2 * nsPerPx) && near(here.toNs, toNs, 2 * nsPerPx), `${what}: ${JSON.stringify(here)}, not ${fromNs} to ${toNs}`);
  };
  const box = await window.page.locator("#overview").boundingBox();
  await window.page.mouse.click(box.x + 3e9 / nsPerPx, box.y + 25);
  await window.settle();
  await check(2.8e9, 3.2e9, "a click moves the window there");
  await dragOn(window, "#overview", 3e9 / nsPerPx, 2e9 / nsPerPx);
  await check(1.8e9, 2.2e9, "its middle moves it");
  await dragOn(window, "#overview", 2.2e9 / nsPerPx, 3e9 / nsPerPx);
  await check(1.8e9, 3e9, "its right edge resizes it");
  await dragOn(window, "#overview", 1.8e9 / nsPerPx, 2.5e9 / nsPerPx);
  await check(2.5e9, 3e9, "its left edge resizes it");
  await dragOn(window, "#overview", 0.5e9 / nsPerPx, 0.9e9 / nsPerPx);
  await check(0.5e9, 0.9e9, "a drag outside draws a new one");
  assert.deepEqual(window.complaints, []);
});

test("the overview adds up to the trace, hatches its loss, and is not drawn while nothing changes", async (t) => {
  const { server, window } = await open(t);
  await window.page.waitForFunction(() => window.waitscope.overview().settled);
  const picture = await window.page.evaluate(() => window.waitscope.overview());
  let [blocked, copying] = [0, 0];
  for (const thread of server.truth.threads) {
    for (const span of thread.spans) blocked += Math.max(0, Math.min(span.woken, server.nowNs) - span.left);
    for (const call of thread.calls) if (call.end <= server.nowNs) copying += call.copying;
    if (thread.open) blocked += server.nowNs - thread.open.offSinceNs;
  }
  const lanes = server.truth.threads.length;
  for (const [phase, ns] of Object.entries({ blocked, copying })) {
    const drawn = picture.totals[phase] * lanes;
    assert.ok(near(drawn, ns, ns * 0.01 + 4 * picture.columnNs), `${phase}: ${drawn} drawn, ${ns} true`);
  }
  const [[startNs, endNs]] = server.truth.gaps;
  const red = await window.page.evaluate(([from, to]) => {
    const canvas = document.getElementById("overview");
    const x = (ns) => Math.round((ns / window.waitscope.view().nowNs) * canvas.width);
    const count = (left, width) => {
      const { data } = canvas.getContext("2d").getImageData(left, 18, width, 20);
      let found = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i] > 190 && data[i + 1] < 60 && data[i + 2] < 60) found += 1;
      return found;
    };
    const width = x(to) - x(from);
    return [count(x(from), width), count(x(from) - 2 * width, width)];
  }, [startNs, endNs]);
  assert.ok(red[0] > 30 && red[1] === 0, `hatched where the loss was: ${red}`);
  const { draws } = picture;
  for (let i = 0; i < 20; i += 1) await window.point(300 + i, ROW_Y);
  await window.settle();
  assert.equal((await window.page.evaluate(() => window.waitscope.overview())).draws, draws, "moving the pointer draws no strip");
  assert.deepEqual(window.complaints, []);
});

test("a selected range shows what its calls add up to, and that a loss makes it unknown", async (t) => {
  const { server, window } = await open(t);
  await select(window, 100, 700);
  const text = plain(await window.page.locator("#selection .sums").innerText());
  const question = server.questions.findLast((one) => one.startsWith("totals?from_ns"));
  const [, fromNs, toNs] = /from_ns=(\d+)&to_ns=(\d+)/.exec(question);
  const view = await window.view();
  assert.ok(near(Number(fromNs), view.startNs + 100 * view.nsPerPx, view.nsPerPx) && near(Number(toNs), view.startNs + 700 * view.nsPerPx, view.nsPerPx));
  const found = matching(server, { from_ns: Number(fromNs), to_ns: Number(toNs), least_ns: 0, most_ns: Infinity });
  assert.ok(text.includes(`calls that began in it: ${sumOf(found).calls};`), text);
  const own = found.filter(({ thread }) => thread.lane === 1);
  assert.match(text, new RegExp(`worker-1 4243\\s+calls: ${own.length}\\s`));
  const [[gapFrom, gapTo, lost]] = server.truth.gaps;
  assert.ok(gapFrom < Number(toNs) && gapTo > Number(fromNs), "the test is about a range with a loss");
  assert.ok(text.includes(`across its edges: ${lost};`) && text.includes("unknown"), text);
  await select(window, 100, 200);
  await window.page.waitForFunction(() => document.querySelector("#selection .sums") !== null);
  assert.ok(!(await window.page.locator("#selection").innerText()).includes("unknown"), "a range without a loss is known");
  await window.page.keyboard.press("f");
  await window.settle();
  const here = await shown(window);
  const again = server.questions.findLast((one) => one.startsWith("totals?from_ns"));
  const [, from, to] = /from_ns=(\d+)&to_ns=(\d+)/.exec(again);
  const margin = (Number(to) - Number(from)) * 0.03;
  assert.ok(near(here.fromNs, Number(from), margin) && near(here.toNs, Number(to), margin), "f fits the range");
  await window.page.keyboard.press("Escape");
  assert.equal(await window.page.locator("#selection").isVisible(), false);
  await window.page.keyboard.press("f");
  await window.settle();
  assert.ok((await shown(window)).toNs >= server.nowNs, "without one, f fits the whole trace");
  assert.deepEqual(window.complaints, []);
});

test("keys set the edges of the range, and r selects the chosen call", async (t) => {
  const { server, window } = await open(t);
  const call = server.truth.threads[0].calls.find((one) => one.name === "recvfrom" && one.copying > 3000 && one.start > 5e8);
  await window.zoomTo(call.start, call.end, ROW_Y);
  const view = await window.view();
  await window.click(((call.start + call.end) / 2 - view.startNs) / view.nsPerPx, ROW_Y);
  await window.page.locator("#panel h2").waitFor();
  await window.page.keyboard.press("r");
  assert.equal(plain(await window.page.locator("#selection strong").getAttribute("title")), `${call.end - call.start} ns`);
  await window.page.keyboard.press("Escape");
  await window.page.keyboard.press("Escape");
  await window.point(150, ROW_Y);
  await window.page.keyboard.press("[");
  await window.point(450, ROW_Y);
  await window.page.keyboard.press("]");
  const now = await window.view();
  const title = Number(plain(await window.page.locator("#selection strong").getAttribute("title")).replace(" ns", ""));
  assert.ok(near(title, 300 * now.nsPerPx, 2 + now.nsPerPx), `${title}, not ${300 * now.nsPerPx}`);
  assert.deepEqual(window.complaints, []);
});

test("calls are found by name, thread and descriptor, one after the other", async (t) => {
  const { server, window } = await open(t);
  await window.page.keyboard.press("/");
  await window.page.keyboard.type("accept");
  await window.page.keyboard.press("Enter");
  await window.page.getByText("no later one").waitFor();
  const title = window.page.locator("#panel");
  for (const [typed, matches] of [
    ["sendto", (call) => call.name === "sendto"],
    ["40012", (call) => call.fd === 12],
    ["short-lived", (call, thread) => thread.name === "short-lived"],
  ]) {
    await window.page.keyboard.press("Escape");
    await window.page.keyboard.press("Escape");
    await window.page.keyboard.press("Home");
    await window.settle();
    await window.page.keyboard.press("/");
    await window.page.keyboard.type(typed);
    await window.page.locator("#find-list li").first().waitFor();
    const all = matching(server, { from_ns: 1, to_ns: Infinity, least_ns: 0, most_ns: Infinity }).filter(({ thread, call }) => matches(call, thread));
    const shows = async (call) => {
      const text = String(call.end - call.start).replace(/\B(?=(\d{3})+$)/g, "\u202f");
      await title.getByText(`${text} ns`).first().waitFor();
      await window.settle();
      const here = await shown(window);
      assert.ok(here.fromNs <= call.start && here.toNs >= call.start, "it is in view");
    };
    await window.page.keyboard.press("Enter");
    await shows(all[0].call);
    await window.page.keyboard.press("Enter");
    await shows(all[1].call);
    await window.page.locator("#timeline").focus();
    await window.page.keyboard.press("n");
    await shows(all[2].call);
    await window.page.keyboard.press("N");
    await shows(all[1].call);
  }
  // Chromium's own words for the one answer that said no.
  assert.equal(window.complaints.filter((words) => !words.includes("404")).length, 0, window.complaints.join());
});

test("lanes are ordered and collapsed, and each still shows its own thread", async (t) => {
  const { server, window } = await open(t, {}, "", {});
  const names = () => window.page.locator(".lane .name").allInnerTexts();
  const blockedOf = (thread) => thread.calls.filter((call) => call.end <= server.nowNs).reduce((sum, call) => sum + call.blocked, 0);
  await window.page.locator("#lane-order").selectOption("blocked");
  const by = [...server.truth.threads].sort((a, b) => blockedOf(b) - blockedOf(a) || a.lane - b.lane);
  // The order comes with the report, and the first may be the same in both.
  const inOrder = (wanted) => [...document.querySelectorAll(".lane .name")].every((name, i) => name.textContent === wanted[i]);
  await window.page.waitForFunction(inOrder, by.map((thread) => thread.name));
  assert.deepEqual(await names(), by.map((thread) => thread.name));
  await window.settle();
  for (const thread of by) {
    const span = thread.spans.find((one) => one.woken - one.left > 2e7);
    if (!span) continue;
    const drawn = await window.at(thread.lane, (span.left + span.woken) / 2);
    assert.ok(drawn.shares.blocked > 0.99, `${thread.name} in row ${by.indexOf(thread)}: ${JSON.stringify(drawn)}`);
    assert.equal(drawn.topPx, 30 + by.indexOf(thread) * 54 + 23);
  }
  assert.equal(await window.page.locator(".lane .model").nth(by.findIndex((one) => one.lane === 0)).innerText(), "epoll", "the report's I/O model");
  const toggle = window.page.locator(".lane button:visible");
  assert.equal(await toggle.count(), 1, "one process, one button");
  await toggle.click();
  await window.page.waitForFunction(() => document.querySelectorAll(".lane").length === 1);
  assert.equal(await toggle.innerText(), "▸ 5 more");
  await window.page.keyboard.press("/");
  await window.page.keyboard.type("futex");
  await window.page.keyboard.press("Enter");
  await window.page.locator("#panel h2").waitFor();
  assert.equal((await names()).length, 6, "a call of a lane that did not show brings it back");
  assert.deepEqual(window.complaints, []);
});
