/**
 * Lanes of connections in a real browser on a made-up trace: what is drawn at a place is what the trace holds, and where it leads.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { formatBytes, formatCount, formatNs, formatShare } from "../assets/format.js";
import { DARK, LIGHT } from "../assets/phases.js";
import { EN } from "../assets/words-en.js";
import { launch } from "./browser.mjs";
import { arrivedOf, asksOf, beginOf, flowOf, readOf, requestsOf, underWay, unreadOf, usesOf } from "./fake-connection.mjs";
import { FakeServer } from "./fake-server.mjs";
import { opened } from "./opened.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const ROW_PX = 46;
/** Within a lane: above the bars, in the middle of them, beside the thin one, in the sends. */
const [BARS_Y, MIDDLE_Y, ABOVE_WAIT_Y, SENDS_Y] = [18, 26, 20, 39];

const open = (t, hash, server, window) => opened(t, browser, { server, hash, window });

const plain = (text) => text.replaceAll("\u202f", "");

/** What is known of a connection's lane, once it is of this window. */
async function laneOf(window, id) {
  const found = await window.page.waitForFunction((one) => window.waitscope.connection(one), id);
  return found.jsonValue();
}

/** The colours in a rectangle of the lanes' canvas. */
const colours = (window, x, y, width, height) => window.colours(x, y, width, height, "strip-canvas");

async function xOf(window, ns) {
  const { startNs, nsPerPx } = await window.view();
  return (ns - startNs) / nsPerPx;
}

async function pointAt(window, x, y) {
  const box = await window.page.locator("#strip-canvas").boundingBox();
  await window.page.mouse.move(box.x + x, box.y + y);
  return { x: box.x + x, y: box.y + y };
}

async function clickAt(window, x, y) {
  const { x: left, y: top } = await pointAt(window, x, y);
  await window.page.mouse.click(left, top);
}

/** A receive that waited about as long as it read, in the middle of the trace. */
function waited(server, id) {
  return usesOf(server, id).find(({ call }) => arrivedOf(call) !== null && readOf(call) - arrivedOf(call) > 5_000 && call.end - readOf(call) > 5_000 && call.start > 5e8);
}

const around = ({ call }, ns = 20_000) => `from=${beginOf(call) - ns}&to=${call.end + ns}`;

for (const [name, palette, scale] of [["light", LIGHT, 1], ["dark", DARK, 2]]) {
  test(`close up, a tick, a thin bar and a full one stand where the trace has them: ${name}`, async (t) => {
    const first = new FakeServer({ trace: { seconds: 4 } });
    const one = waited(first, 108);
    const { window } = await open(t, `#connections=112.108&${around(one)}`, {}, { colorScheme: name, deviceScaleFactor: scale });
    await laneOf(window, 108);
    const top = ROW_PX;
    const [arrived, read, end] = await Promise.all([arrivedOf(one.call), readOf(one.call), one.call.end].map((ns) => xOf(window, ns)));
    const has = async (x, y, width, colour) => assert.ok((await colours(window, x, top + y, width, 1))[colour], `${colour} at ${x}, ${y}: ${JSON.stringify(await colours(window, x, top + y, width, 1))}`);
    const only = async (x, y, colour) => assert.deepEqual(Object.keys(await colours(window, x, top + y, 2, 1)), [colour], `${x}, ${y}`);
    await has(arrived - 1, BARS_Y + 1, 3, palette.text);
    await only((arrived + read) / 2, MIDDLE_Y, palette.waiting.paper);
    await only((arrived + read) / 2, ABOVE_WAIT_Y, palette.lane);
    const reading = palette.phases[0];
    for (const y of [BARS_Y, MIDDLE_Y, BARS_Y + 15]) for (const colour of [reading.ink, reading.paper]) await has(read + 3, y, 8, colour);
    await only(arrived - 8, MIDDLE_Y, palette.lane);
    await only(end + 8, MIDDLE_Y, palette.lane);
    assert.deepEqual(window.complaints, []);
  });
}

test("a receive of which it is not known when what it read arrived has neither tick nor thin bar, and says so", async (t) => {
  const first = new FakeServer({ trace: { seconds: 4 } });
  const one = usesOf(first, 108).find(({ call }) => readOf(call) !== null && arrivedOf(call) === null && call.start > 5e8);
  const { window } = await open(t, `#connections=108&${around(one)}`);
  const { sums } = await laneOf(window, 108);
  assert.deepEqual([sums.arrivals, sums.unknown, sums.waitingNs], [0, 1, 0]);
  const read = await xOf(window, readOf(one.call));
  const before = await colours(window, 0, BARS_Y - 3, Math.floor(read) - 1, 19);
  for (const colour of [LIGHT.text, LIGHT.waiting.ink, LIGHT.waiting.paper]) assert.ok(!before[colour], JSON.stringify(before));
  await pointAt(window, read + 4, MIDDLE_Y);
  await window.page.locator("#tooltip").getByText(EN["use.unknown.says"]).waitFor();
});

test("too close together to tell, heights are the shares of the time, exactly summed", async (t) => {
  const { server, window } = await open(t, "#connections=108.112&from=400000000&to=2000000000");
  const { known } = await laneOf(window, 108);
  assert.ok(known.flows.length > 100, `${known.flows.length} buckets`);
  const uses = usesOf(server, 108);
  const narrow = uses.filter(({ call }) => call.end - beginOf(call) < known.widthNs);
  for (const flow of known.flows) {
    const { fromNs, toNs, ...said } = flow;
    assert.deepEqual(said, flowOf(narrow, fromNs, toNs));
  }
  // The picture: as many pixels of reading as there is time of it, and a line wherever there was a call.
  const tall = known.flows.filter((one) => one.readingNs > 0 && one.fromNs > 5e8 && one.toNs < 1.9e9).sort((a, b) => b.readingNs / (b.toNs - b.fromNs) - a.readingNs / (a.toNs - a.fromNs));
  for (const flow of [tall[0], tall[5], tall.at(-1)]) {
    const x = Math.round(await xOf(window, flow.fromNs));
    const height = Math.max(1, Math.round((flow.readingNs / (flow.toNs - flow.fromNs)) * 16));
    const column = await colours(window, x, BARS_Y + 16 - height, 1, height);
    const reading = LIGHT.phases[0];
    assert.equal((column[reading.ink] ?? 0) + (column[reading.paper] ?? 0), height, JSON.stringify(column));
    assert.deepEqual(Object.keys(await colours(window, x, 15, 1, 1)), [LIGHT.boxEdge]);
  }
});

test("in the table for those who hear the page, numbers are those of the trace", async (t) => {
  const { server, window } = await open(t, "#connections=109.110&from=500000000&to=1500000000");
  await laneOf(window, 110);
  const row = window.page.locator('#in-view tr[data-connection="109"]');
  const sums = flowOf(usesOf(server, 109), 5e8, 1.5e9);
  await window.page.waitForFunction((count) => document.querySelector('#in-view tr[data-connection="109"]')?.children[4]?.textContent === count, formatCount(sums.receives));
  const cells = await row.locator("th, td").allTextContents();
  assert.equal(cells[0], "127.0.0.1:7000 ← 127.0.0.1:40009");
  assert.deepEqual([cells[1], cells[5], cells[6], cells[7], cells[8], cells[9]],
    [sums.arrivals, formatBytes(sums.receivedBytes), sums.unknown, sums.sends, formatBytes(sums.sentBytes), sums.empty].map((one) => (typeof one === "number" ? formatCount(one) : one)));
});

test("the pointer says what a call did, a click leads to it, and its thread's name stands out", async (t) => {
  const first = new FakeServer({ trace: { seconds: 4 } });
  const one = waited(first, 108);
  const { window } = await open(t, `#connections=108&${around(one)}`);
  await laneOf(window, 108);
  const x = await xOf(window, (readOf(one.call) + one.call.end) / 2);
  await pointAt(window, x, MIDDLE_Y);
  const tip = window.page.locator("#tooltip");
  await tip.getByText("recvfrom").waitFor();
  const said = plain(await tip.innerText());
  for (const words of ["server 4242", formatNs(readOf(one.call) - arrivedOf(one.call)), formatNs(one.call.end - readOf(one.call)), formatBytes(one.call.ret)]) {
    assert.ok(said.includes(plain(words)), `${words} in ${said}`);
  }
  assert.equal(await window.page.locator("#lanes .lane").first().getAttribute("data-hover"), "yes");
  await clickAt(window, x, MIDDLE_Y);
  await window.page.locator("#panel h2").waitFor();
  const pinned = await window.page.evaluate(() => window.waitscope.pinned());
  assert.deepEqual([pinned.lane, pinned.startNs, pinned.endNs], [0, one.call.start, one.call.end]);
  assert.deepEqual(window.complaints, []);
});

test("a click on a bucket leads to a call in it", async (t) => {
  const { server, window } = await open(t, "#connections=108&from=400000000&to=2000000000");
  const { known } = await laneOf(window, 108);
  const flow = known.flows.find((one) => one.receives > 0 && one.fromNs > 9e8);
  await clickAt(window, (await xOf(window, flow.fromNs)) + 0.5, MIDDLE_Y);
  await window.page.locator("#panel h2").waitFor();
  const pinned = await window.page.evaluate(() => window.waitscope.pinned());
  assert.ok(pinned.startNs >= flow.fromNs && pinned.startNs < flow.toNs, `${pinned.startNs} in ${flow.fromNs} to ${flow.toNs}`);
  assert.ok(usesOf(server, 108).some(({ call }) => call.start === pinned.startNs));
});

test("lanes are added from the connections and from a call, kept in the address, and taken away", async (t) => {
  const { window } = await open(t);
  const strip = window.page.locator("#strip");
  assert.ok(await strip.isHidden());
  const height = (await window.box()).height;
  await window.page.keyboard.press("4");
  const row = window.page.locator("#view tbody tr", { hasText: "40010" });
  const toggle = row.getByRole("button", { name: EN["strip.lane"], exact: true });
  await toggle.focus();
  await window.page.keyboard.press("Enter");
  await window.page.locator('#view button[data-toggles][aria-pressed="true"]').waitFor();
  assert.ok(await toggle.evaluate((one) => one === document.activeElement), "the focus stays");
  assert.ok(await strip.isHidden(), "another view shows");
  await window.page.locator("#tab-timeline").click();
  await laneOf(window, 110);
  assert.ok((await window.box()).height < height, "it takes its room from the threads");
  await window.page.waitForFunction(() => location.hash.includes("connections=110"));

  await window.page.locator("#strip-names").getByRole("button", { name: "The next call on 127.0.0.1:7000 ← 127.0.0.1:40010" }).press("Enter");
  const panel = window.page.locator("#panel");
  await panel.locator("h2").waitFor();
  const off = panel.getByRole("button", { name: EN["strip.lane"], exact: true });
  assert.equal(await off.getAttribute("aria-pressed"), "true");
  await off.click();
  await strip.waitFor({ state: "hidden" });
  assert.equal(await off.getAttribute("aria-pressed"), "false");
  await window.page.waitForFunction(() => !location.hash.includes("connections"));
  await off.click();
  await laneOf(window, 110);

  await window.page.waitForFunction(() => location.hash.includes("connections=110"));
  await window.page.reload();
  await window.page.waitForFunction(() => window.waitscope?.view().lanes > 0);
  await laneOf(window, 110);
  await strip.getByRole("button", { name: "40010", exact: false }).first().click();
  await window.page.waitForFunction(() => document.getElementById("strip").hidden);
  assert.equal(await window.page.locator(".connections input").inputValue(), "127.0.0.1:7000 ← 127.0.0.1:40010");
  assert.ok(await window.page.locator("#view tbody tr", { hasText: "40010" }).locator(".link").evaluate((one) => one === document.activeElement));
  await window.page.keyboard.press("1");
  await strip.getByRole("button", { name: "Take the lane" }).click();
  await strip.waitFor({ state: "hidden" });
  assert.deepEqual(window.complaints, []);
});

test("there are no more lanes than there may be", async (t) => {
  const { server, window } = await open(t, "#connections=1.2.3.4.5.6.7.108&view=connections");
  await window.page.locator("#view tbody tr", { hasText: "40010" }).getByRole("button", { name: EN["strip.lane"], exact: true }).click();
  await window.page.waitForFunction((words) => document.getElementById("announce").textContent === words, EN["strip.full"].replace("{most}", "8"));
  await window.page.waitForFunction(() => location.hash.endsWith("connections=1.2.3.4.5.6.7.108"));
  await window.page.keyboard.press("1");
  await laneOf(window, 108);
  assert.ok(server.connections.length >= 8);
  assert.deepEqual(window.complaints, []);
});

test("a drag and the wheel move both, nothing is drawn anew meanwhile, and nothing is asked until the view rests", async (t) => {
  const { server, window } = await open(t, "#connections=108.109&from=400000000&to=2000000000");
  const { draws } = await laneOf(window, 108);
  await laneOf(window, 109);
  const asked = server.connections.length;
  const at = await pointAt(window, 600, MIDDLE_Y);
  const view = await window.view();
  await window.page.mouse.down();
  for (let i = 1; i <= 30; i += 1) await window.page.mouse.move(at.x - 4 * i, at.y);
  const moved = await window.view();
  assert.ok(Math.abs(moved.startNs - (view.startNs + 120 * view.nsPerPx)) < view.nsPerPx, "it follows the pointer");
  await window.page.mouse.up();
  const { draws: later } = await laneOf(window, 108);
  assert.ok(later - draws <= 2, `${later - draws} times drawn in a drag`);
  assert.equal(server.connections.length, asked, "half a window to either side was there");
  await window.page.mouse.wheel(0, -1200);
  await window.settle();
  const { known } = await laneOf(window, 108);
  assert.ok((await window.view()).nsPerPx < view.nsPerPx / 8 && known.widthNs < (await window.view()).nsPerPx * 2.01);
  assert.ok(server.connections.length > asked);
});

test("a request is a line from submission to completion with a head, and nothing that looks like reading", async (t) => {
  const first = new FakeServer({ trace: { seconds: 4 } });
  const used = usesOf(first, 113);
  const one = requestsOf(first, 113).find((each) => {
    const range = underWay(first, each);
    const isFree = ([fromNs, toNs]) => fromNs > range[1] + 5e4 || toNs < range[0] - 5e4;
    return range && each.kind === "receive" && range[1] - range[0] > 3e5 && range[0] > 5e8 && used.every(({ call }) => isFree([beginOf(call), call.end]))
      && requestsOf(first, 113).every((other) => other.submit === each.submit || isFree(underWay(first, other) ?? [0, 0]));
  });
  const { window } = await open(t, `#connections=113&from=${one.submit - 40_000}&to=${one.complete + 40_000}`);
  await laneOf(window, 113);
  const [from, to] = [await xOf(window, one.submit), await xOf(window, one.complete)];
  const kernel = LIGHT.phases[1].ink;
  assert.ok((await colours(window, (from + to) / 2, MIDDLE_Y - 1, 2, 2))[kernel] === 4, JSON.stringify(await colours(window, (from + to) / 2, MIDDLE_Y - 1, 2, 2)));
  assert.ok((await colours(window, to - 2, MIDDLE_Y - 4, 4, 8))[kernel] >= 12, "its head");
  assert.ok(!(await colours(window, from - 8, BARS_Y, 6, 16))[kernel]);
  const whole = await colours(window, from, BARS_Y - 3, Math.floor(to - from), 19);
  for (const colour of [LIGHT.waiting.paper, LIGHT.phases[0].ink, LIGHT.text]) assert.ok(!whole[colour], `${colour}: ${JSON.stringify(whole)}`);
  await pointAt(window, (from + to) / 2, MIDDLE_Y);
  const tip = window.page.locator("#tooltip");
  await tip.getByText("request: recv").waitFor();
  const said = plain(await tip.innerText());
  assert.ok(said.includes(plain(formatNs(one.complete - one.submit))) && said.includes(one.ret > 0 ? plain(formatBytes(one.ret)) : String(one.ret)), said);
  assert.deepEqual(window.complaints, []);
});

test("what was found ready and never read is dashed up to the close, and is in the table", async (t) => {
  const { server, window } = await open(t, "#connections=111.110&from=500000000&to=1500000000");
  await laneOf(window, 111);
  const { unread: [, , sinceNs, untilNs] } = unreadOf(server, 111);
  const [since, until] = [await xOf(window, sinceNs), await xOf(window, untilNs)];
  const ink = LIGHT.waiting.ink;
  const dashes = (await colours(window, since, MIDDLE_Y - 3, Math.floor(until - since), 1))[ink] ?? 0;
  assert.ok(dashes > (until - since) * 0.35 && dashes < (until - since) * 0.65, `${dashes} of ${until - since} px`);
  assert.equal((await colours(window, until - 2, BARS_Y, 2, 16))[ink] >= 16, true, "the close");
  const beyond = await colours(window, until + 3, MIDDLE_Y - 3, 40, 1);
  assert.ok(!beyond[ink], JSON.stringify(beyond));
  const before = await colours(window, since - 40, MIDDLE_Y - 3, 38, 1);
  assert.ok(!before[ink], JSON.stringify(before));
  const cell = (id) => window.page.locator(`#in-view tr[data-connection="${id}"] td`);
  const heads = await window.page.locator("#in-view thead th", { hasText: EN["left.col"] }).count();
  assert.equal(heads, 1);
  assert.equal(await cell(110).nth(13).textContent(), "–", "not known");
  assert.equal(await cell(111).nth(13).textContent(), formatShare((untilNs - sinceNs) / 1e9));
});

test("what was never read leads to the readiness call that found it, and says since when", async (t) => {
  const first = new FakeServer({ trace: { seconds: 4 } });
  const { unread: [lane, callNs, sinceNs, untilNs] } = unreadOf(first, 111);
  const edges = usesOf(first, 111).filter(({ call }) => call.end > sinceNs && call.end < untilNs).map(({ call }) => call.end);
  const free = edges.find((ns) => ns + 1e6 < untilNs && !usesOf(first, 111).some(({ call }) => beginOf(call) < ns + 1e6 && call.end > ns));
  const { window } = await open(t, `#connections=111&from=${free + 1e5}&to=${free + 9e5}`);
  await laneOf(window, 111);
  await pointAt(window, 300, MIDDLE_Y);
  const tip = window.page.locator("#tooltip");
  await tip.getByText(EN["left.title"]).waitFor();
  const said = plain(await tip.innerText());
  for (const words of [EN["left.closed"], formatNs(untilNs - sinceNs), "server 4242"]) assert.ok(said.includes(plain(words)), `${words} in ${said}`);
  await clickAt(window, 300, MIDDLE_Y);
  await window.page.locator("#panel h2").waitFor();
  const pinned = await window.page.evaluate(() => window.waitscope.pinned());
  assert.ok(pinned.lane === lane && pinned.startNs <= callNs, JSON.stringify(pinned));
  assert.deepEqual(window.complaints, []);
});

test("in the table, what requests did is what the trace holds", async (t) => {
  const { server, window } = await open(t, "#connections=109&from=500000000&to=1500000000");
  await laneOf(window, 109);
  const sums = asksOf(server, requestsOf(server, 109), 5e8, 1.5e9);
  await window.page.waitForFunction((count) => document.querySelector('#in-view tr[data-connection="109"]')?.children[11]?.textContent === count, formatCount(sums.complete));
  const cells = await window.page.locator('#in-view tr[data-connection="109"] td').allTextContents();
  assert.deepEqual(cells.slice(10, 13), [formatCount(sums.complete), formatBytes(sums.receivedBytes), formatBytes(sums.sentBytes)]);
});

test("losses are hatched over lanes of connections, too", async (t) => {
  const { server, window } = await open(t, "#connections=108");
  await laneOf(window, 108);
  const [[fromNs, toNs]] = server.truth.gaps;
  const [left, right] = [await xOf(window, fromNs), await xOf(window, toNs)];
  const inside = await colours(window, left + 1, 1, Math.floor(right - left) - 2, 12);
  const beside = await colours(window, right + 4, 1, 20, 12);
  assert.ok(!inside[LIGHT.background] && beside[LIGHT.background], JSON.stringify([inside, beside]));
});

test("a live trace's lane goes on", async (t) => {
  const { server, window } = await open(t, "#connections=108", { live: true, nowNs: 1e9 });
  await window.page.waitForFunction(() => document.querySelector("#strip-names .more")?.textContent !== "");
  const before = server.connections.length;
  server.advance(2e9);
  await window.page.waitForTimeout(1500);
  server.advance(2.5e9);
  await window.page.waitForFunction(() => window.waitscope.view().nowNs >= 2.5e9);
  for (const until = performance.now() + 10_000; server.connections.length < before + 2 && performance.now() < until;) await window.page.waitForTimeout(100);
  assert.ok(server.connections.length >= before + 2, `${server.connections.length - before} questions`);
  assert.deepEqual(window.complaints, []);
});

test("a connection of which nothing is known has an empty lane, and says its number", async (t) => {
  const { window } = await open(t, "#connections=4000000000");
  const { known } = await laneOf(window, 4000000000);
  assert.deepEqual([known.uses, known.flows], [[], []]);
  await window.page.locator("#strip-names").getByText("connection 4000000000", { exact: true }).waitFor();
  assert.deepEqual(window.complaints, []);
});
