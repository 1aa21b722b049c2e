/**
 * The captures of a flight recorder in a real browser: told as they come, listed with a way to their moment and to their file,
 * marked where they were, and a stranger's text stays text.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "./browser.mjs";
import { opened } from "./opened.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const open = (t, prepare) => opened(t, browser, { server: { live: true, nowNs: 2e9 }, prepare });

const capture = (number, more = {}) => ({
  trigger: "turn > 50ms", at_ns: 1e9 + number * 1e8, tid: 4242, file: `flight <${number}>.waitscope`, bytes: 2048 * (number + 1), from_ns: 5e8, to_ns: 1.5e9 + number * 1e8, removed: false, ...more,
});
const fact = (window) => window.page.locator("#facts div", { has: window.page.locator("dt:text-is('captures')") });

test("captures are told as they come, and lead to their moment", async (t) => {
  const { server, window } = await open(t);
  assert.equal(await fact(window).count(), 0, "without a flight recorder there is nothing to tell");
  server.captures = { list: [], more: 0, passed_over: 0, under_way: { trigger: "turn > 50ms", at_ns: 1e9, tid: null } };
  server.advance(2.1e9);
  await fact(window).getByText("0, one under way").waitFor();
  await window.page.keyboard.press("2");
  await window.page.locator("#view h2:text-is('Captures')").waitFor();
  assert.match(await window.page.locator("#view").innerText(), /One is being written: turn > 50ms at 1\.00/);
  server.captures = { list: [capture(0, { removed: true }), capture(1)], more: 3, passed_over: 7, under_way: null };
  server.advance(2.2e9);
  await fact(window).getByText("5", { exact: true }).waitFor();
  assert.equal(await window.page.locator("#announce").innerText(), "A capture was written: turn > 50ms");
  const list = window.page.locator(".captures li");
  await list.nth(1).waitFor();
  const [newest, oldest] = (await list.allInnerTexts()).map((words) => words.replaceAll(/\s+/g, " "));
  assert.equal(newest, "turn > 50ms, at 1.100 s · 1.10 s from 0.500 s, 4.0 KiB waitscope open 'flight <1>.waitscope'");
  assert.equal(oldest, "turn > 50ms, at 1.000 s · 1.00 s from 0.500 s, 2.0 KiB flight <0>.waitscope: removed, for later ones needed the room");
  const all = await window.page.locator("#view").innerText();
  assert.match(all, /3 more not listed/);
  assert.match(all, /cool-down: 7/);
  await list.first().locator("button").click();
  await window.page.waitForFunction(() => location.hash.includes("select=500000000-1600000000"));
  const view = await window.view();
  assert.ok(view.startNs <= 5e8 && view.startNs + view.nsPerPx * view.widthPx >= 1.6e9);
  assert.deepEqual(window.complaints, []);
});

test("each is marked on the overview where its trigger fired, and nothing else is", async (t) => {
  const { server, window } = await open(t);
  const inked = () => window.page.evaluate(() => {
    const canvas = document.getElementById("overview");
    const { data, width } = canvas.getContext("2d").getImageData(0, 11, canvas.width, 2);
    const found = [];
    for (let x = 0; x < width; x += 1) if (data[x * 4] < 60 && data[x * 4 + 1] < 60 && data[x * 4 + 2] < 80) found.push(x);
    return { found, width };
  });
  await window.page.keyboard.press("Home");
  await window.settle();
  const before = (await inked()).found.length;
  server.captures = { list: [capture(0), capture(5)], more: 0, passed_over: 0, under_way: null };
  server.advance(2.05e9);
  await fact(window).getByText("2", { exact: true }).waitFor();
  await window.settle();
  const { found } = await inked();
  assert.ok(found.length >= before + 8, `${before} before, ${found}`);
  const extentNs = await window.page.evaluate(() => window.waitscope.overview().columnNs * document.getElementById("overview").width);
  const { width } = await inked();
  for (const at of [1e9, 1.5e9]) assert.ok(found.some((x) => Math.abs(x - (at / extentNs) * width) < 3), `${at} in ${found}`);
  assert.deepEqual(window.complaints, []);
});

test("where the flight recorder heeds the page, a button has it write what it keeps, once at a time", async (t) => {
  const { server, window } = await open(t);
  const button = window.page.locator("#capture");
  const tell = async (more) => {
    server.captures = { list: [], more: 0, passed_over: 0, under_way: null, by_page: true, ...more };
    server.advance(server.nowNs + 1e8);
  };
  assert.ok(await button.isHidden());
  await tell({ by_page: false });
  await fact(window).waitFor();
  assert.ok(await button.isHidden(), "nothing heeds it");
  await tell({});
  await button.getByText("Capture now").waitFor();
  await button.focus();
  await window.page.keyboard.press("Enter");
  await button.getByText("Capturing…").waitFor();
  assert.equal(await window.page.locator("#announce").innerText(), "A capture was asked for");
  await window.page.keyboard.press("Enter");
  assert.equal(server.wishes, 1, "one is enough");
  await tell({ under_way: { trigger: "page", at_ns: 1e9, tid: null } });
  await fact(window).getByText("0, one under way").waitFor();
  assert.equal(await button.innerText(), "Capturing…");
  await tell({ list: [capture(0, { trigger: "page" })] });
  await button.getByText("Capture now").waitFor();
  await window.page.keyboard.press("Enter");
  await window.page.locator("#announce").getByText("A capture was asked for").waitFor();
  await tell({ list: [capture(0, { trigger: "page" })], passed_over: 1 });
  await button.getByText("Capture now").waitFor();
  await window.page.locator("#announce").getByText("its cool-down is not over").waitFor();
  server.captures = { ...server.captures, by_page: false };
  await button.click();
  await window.page.locator("#announce").getByText("does not take captures").waitFor();
  assert.deepEqual(window.complaints.filter((one) => !one.includes("409")), []);
});
