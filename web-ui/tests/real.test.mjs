/**
 * The page on a real waitscope: `WAITSCOPE_URL='http://127.0.0.1:7117/?token=…' node --test real.test.mjs`.
 *
 * The address must be of a live trace of something that waits and copies, such as `waitscope demo`.
 * Without an address every test skips, and says so.
 */

import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";

import { formatCount, formatNs, formatShare } from "../assets/format.js";
import { launch, Window } from "./browser.mjs";

const URL_TEXT = process.env.WAITSCOPE_URL ?? "";
const options = { skip: URL_TEXT === "" ? "WAITSCOPE_URL is not set" : false };
const ROW_Y = 30 + 36;

let browser;
let window;
before(async () => {
  if (URL_TEXT === "") return;
  browser = await launch();
  window = await Window.open(browser, URL_TEXT);
});
after(async () => {
  await window?.close();
  await browser?.close();
});

/** Waits until a lane has drawn some of a phase, and tells which. */
async function laneWith(phase) {
  const found = await window.page.waitForFunction((name) => {
    const { lanes } = window.waitscope.view();
    for (let lane = 0; lane < lanes; lane += 1) if ((window.waitscope.totals(lane)?.[name] ?? 0) > 0) return { lane };
    return null;
  }, phase);
  return (await found.jsonValue()).lane;
}

test("lanes appear with names", options, async () => {
  assert.ok((await window.view()).lanes > 0);
  assert.notEqual((await window.page.locator(".lane .name").first().innerText()).trim(), "");
  assert.match(await window.page.locator("#badge").innerText(), /live|recording|ended/);
});

test("blocked and copying are drawn", options, async () => {
  await laneWith("blocked");
  await laneWith("copying");
});

test("what is drawn of a sealed window is what the tiles of another level say", options, async () => {
  await window.page.locator("#timeline").focus();
  if ((await window.view()).following) await window.page.keyboard.press("Space");
  const lane = await laneWith("copying");
  await window.settle();
  const view = await window.view();
  const drawn = await window.totals(lane);
  // The same window, asked for at the finest level that fits few tiles, summed without the page's code.
  const totals = await window.page.evaluate(async ([which, fromNs, toNs]) => {
    const level = Math.max(0, Math.floor(Math.log2((toNs - fromNs) / 512 / 16)));
    const width = 512 * 2 ** level;
    const sums = { copying: 0 };
    const seen = new Set();
    for (let index = Math.max(0, Math.floor(fromNs / width)); index * width < toNs; index += 1) {
      const response = await fetch(`/api/tiles/${level}/${index}/${which}`);
      // The tile comes after its lane's number and its length.
      const buffer = (await response.arrayBuffer()).slice(8);
      const [, , calls, spans, count] = new Uint32Array(buffer, 0, 8);
      const starts = new Float64Array(buffer, 32, calls);
      const copying = new Float64Array(buffer, 32 + 5 * 8 * calls, calls);
      starts.forEach((start, i) => {
        if (start >= fromNs && start < toNs && !seen.has(start)) sums.copying += copying[i];
        seen.add(start);
      });
      const pad = (n) => Math.ceil(n / 2) * 8;
      const base = 32 + calls * 64 + 2 * pad(calls) + spans * 24 + pad(spans);
      const buckets = new Uint32Array(buffer, base, count);
      const narrow = new Float64Array(buffer, base + 2 * pad(count) + 3 * 8 * count, count);
      narrow.forEach((ns, i) => {
        const at = index * width + buckets[i] * 2 ** level;
        if (at >= fromNs && at < toNs) sums.copying += ns;
      });
    }
    return sums;
  }, [lane, Math.max(0, view.startNs), view.startNs + view.nsPerPx * view.widthPx]);
  const differ = Math.abs(totals.copying - drawn.copying);
  assert.ok(differ <= totals.copying * 0.05 + view.nsPerPx * 2, `${drawn.copying} ns drawn, ${totals.copying} ns in tiles`);
});

test("the wheel zooms, and the time under the pointer stays", options, async () => {
  await window.page.keyboard.press("Home");
  await window.point(400, ROW_Y);
  await window.settle();
  const start = await window.view();
  await window.wheel(6);
  const end = await window.view();
  assert.ok(end.nsPerPx < start.nsPerPx / 4);
  const x = (start.startNs + 400 * start.nsPerPx - end.startNs) / end.nsPerPx;
  assert.ok(Math.abs(x - 400) < 0.6, `the time moved to ${x}`);
});

test("a click shows the very numbers of /api/call, and phases add up", options, async () => {
  const answered = window.page.waitForResponse((response) => response.url().includes("/api/call/"));
  await window.click(400, ROW_Y);
  const response = await answered;
  assert.equal(response.status(), 200);
  const { call } = await response.json();
  assert.equal(call.kernel_ns + call.blocked_ns + call.runnable_ns + call.copying_ns, call.end_ns - call.start_ns, JSON.stringify(call));
  const panel = window.page.locator("#panel");
  await panel.locator("h2").waitFor();
  const text = (await panel.innerText()).replaceAll("\u202f", "");
  assert.ok(text.startsWith(call.call), text);
  for (const phase of ["kernel_ns", "blocked_ns", "runnable_ns", "copying_ns"]) {
    if (call[phase] > 0) assert.ok(text.includes(`${call[phase]} ns`), `${phase} ${call[phase]} in ${text}`);
  }
});

test("the story of the call says the same of it, and its turn adds up", options, async () => {
  const pinned = await window.page.evaluate(() => window.waitscope.pinned());
  const [{ call }, story] = await window.page.evaluate(async ({ lane, startNs }) => Promise.all(
    ["call", "story"].map(async (what) => (await fetch(`/api/${what}/${lane}/${startNs}`)).json())), pinned);
  for (const [name, value] of Object.entries(call)) assert.deepEqual(story.call[name], value, name);
  if (story.turn) {
    const { length_ns: length, calls: _, user_ns: user, ...rest } = story.sum;
    const told = Object.values(rest).reduce((sum, ns) => sum + ns, 0);
    if (user !== undefined) assert.equal(told + user, length);
  }
  await window.page.locator("#panel .story").first().waitFor();
  await window.page.keyboard.press("t");
  const text = await window.page.locator("#textbook svg").evaluate((one) => one.textContent);
  assert.ok(text.includes("application") && text.includes("kernel"), text);
  await window.page.keyboard.press("Escape");
});

test("the summary shows the very numbers of the report, and its threads add up", options, async () => {
  await window.page.keyboard.press("Escape");
  // A live trace has another one every second: the page is given the first again and again, which is compared.
  const first = await window.page.evaluate(async () => (await fetch("/api/report")).text());
  await window.page.route("**/api/report", (route) => route.fulfill({ contentType: "application/json", body: first }));
  await window.page.keyboard.press("2");
  const { report } = JSON.parse(first);
  const [thread] = report.threads;
  const sums = ["kernel_ns", "blocked_ns", "runnable_ns", "copying_ns", "other_ns", "unknown_ns"].reduce((sum, name) => sum + thread[name], thread.user_ns ?? 0);
  assert.equal(sums, thread.lifetime_ns, JSON.stringify(thread));
  await window.page.locator("#view .thread", { hasText: `${thread.name} ${thread.tid}` }).getByText(`calls: ${formatCount(thread.calls)}`).waitFor();
  const words = (await window.page.locator("#view .thread").first().innerText()).replaceAll("\n", " ");
  assert.ok(words.includes(`blocked ${formatShare(thread.blocked_ns / thread.lifetime_ns)}`), words);
  const [call] = report.by_call;
  const cells = await window.page.locator("#view tbody tr").first().locator("td").allInnerTexts();
  assert.deepEqual(cells.slice(0, 3), [call.call, formatCount(call.count), formatNs(call.total_ns)]);
  await window.page.unroute("**/api/report");
});

test("latency counts the calls that the totals count", options, async () => {
  const to = await window.page.evaluate(() => window.waitscope.view().nowNs * 0.8);
  await window.page.evaluate((end) => { location.hash = `#view=latency&select=0-${Math.round(end)}`; }, to);
  const { all } = await window.page.evaluate(async (end) => (await fetch(`/api/totals?from_ns=0&to_ns=${Math.round(end)}`)).json(), to);
  await window.page.getByText(new RegExp(`calls that began in the selected range .*: ${formatCount(all.calls)}\\.`)).waitFor();
  await window.page.evaluate(() => { location.hash = ""; });
  await window.page.waitForFunction(() => !document.getElementById("scroller").hidden);
});

test("nobody gets in with a wrong token, no cookie, a wrong Host or a foreign Origin", options, async () => {
  const { hostname, port } = new URL(URL_TEXT);
  const [cookie] = await window.page.context().cookies();
  const ask = (path, headers) =>
    new Promise((resolve, reject) => {
      const sent = request({ host: hostname, port, path, headers }, (response) => {
        let body = "";
        response.on("data", (chunk) => { body += chunk; });
        response.on("end", () => resolve([response.statusCode, body]));
      });
      sent.on("error", reject).end();
    });
  const pass = `${cookie.name}=${cookie.value}`;
  assert.equal((await ask("/api/trace", { cookie: pass }))[0], 200);
  for (const path of ["/", "/main.js", "/api/trace", "/api/lanes", "/?token=wrong"]) assert.deepEqual(await ask(path, {}), [403, ""], path);
  assert.deepEqual(await ask("/api/trace", { cookie: pass, host: "evil.example" }), [421, ""]);
  assert.deepEqual(await ask("/api/trace", { cookie: pass, origin: "http://evil.example" }), [403, ""]);
});

test("the page complained about nothing", options, () => {
  assert.deepEqual(window.complaints, []);
});
