/**
 * The view of two recordings in a real browser: what changed comes first, in words; every number of the comparison is in its
 * tables; nothing is judged that the server did not judge; and without a second recording it says how to get one.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { valueText } from "../assets/compare.js";
import { launch } from "./browser.mjs";
import { fakeDiff, NAMES } from "./fake-diff.mjs";
import { opened } from "./opened.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const open = (t, prepare, server) => opened(t, browser, { server, prepare });

const compared = (server) => { server.diff = { names: NAMES, diff: fakeDiff(), reading: null, failed: null }; };
const table = (window, caption) => window.page.locator(`table:has(caption:text-is("${caption}"))`);
/** The cells of a table's rows, as text. */
const cells = (window, caption) => table(window, caption).locator("tbody tr").evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => {
  const copy = cell.cloneNode(true);
  for (const drawn of copy.querySelectorAll("[aria-hidden]")) drawn.remove();
  return copy.textContent;
})));

test("what changed stands first, in words, the largest change first, and what is missing is told", async (t) => {
  const { window } = await open(t, compared);
  await window.page.keyboard.press("6");
  await window.page.locator(".compare .findings li").first().waitFor();
  const said = await window.page.locator(".compare .findings li").allInnerTexts();
  assert.deepEqual(said.map((words) => words.replaceAll(/\s+/g, " ")), [
    "▲ more 25× Ready delay · tcp accepted at 127.0.0.1:7000 · mean ready delay: 100 ns → 2.50 µs",
    "▼ less −50 % Calls · recvfrom · p99 duration: 80.0 µs → 40.0 µs",
    "▲ more +30 % Calls · recvfrom · mean copying: 20.0 µs → 26.0 µs",
    "▲ more +21 % Calls · recvfrom · p50 duration: 29.0 µs → 35.0 µs",
    "▲ more +20 % Calls · recvfrom · mean duration: 30.0 µs → 36.0 µs",
  ]);
  const unsure = fakeDiff().groups.flatMap(({ numbers }) => numbers).filter(({ changed }) => changed === null).length;
  const all = fakeDiff().groups.flatMap(({ numbers }) => numbers).length;
  assert.match(await window.page.locator(".compare").innerText(), new RegExp(`Of ${unsure} of ${all} numbers too little was seen`));
  const sides = await window.page.locator(".recording").allInnerTexts();
  assert.match(sides[0], /^A · dir\/before\.waitscope\n.*server --port 7000\n4\.00 s, calls: 40.000\non fake, Linux 6\.1\.0 x86_64/);
  assert.doesNotMatch(sides[0], /⚠/);
  assert.match(sides[1], /^B · later <b>\.waitscope/);
  for (const missing of [/records lost.*: 3/, /whole up to byte 7: a batch can't be decoded/, /in no group.*: 2/]) assert.match(sides[1], missing);
  assert.equal(await window.page.locator(".compare img, .compare b").count(), 0, "names are text");
  assert.deepEqual(window.complaints, []);
});

test("every number of the comparison stands in the table of all, with what the server says of it", async (t) => {
  const { window } = await open(t, compared);
  await window.page.keyboard.press("6");
  await window.page.locator(".compare .findings li").first().waitFor();
  const rows = await cells(window, "All numbers");
  const expected = fakeDiff().groups.flatMap((group) => group.numbers.map((one) => ({ group, one })));
  assert.equal(rows.length, expected.length);
  const judged = { true: /^[▲▼] (more|less)$/, false: /^= noise$/, null: /^\? too little seen$/ };
  const words = (name) => name.replace("per_second", "a second").replace(/^(p50|p99)_/, "$1 ").replace(/_(ns|bytes)$/, "").replaceAll("_", " ");
  for (const { group, one } of expected) {
    const found = rows.find((row) => row[1] === group.name && row[2].replace(/^mean /, "").replace("off the CPU in work", "off cpu") === words(one.name));
    assert.ok(found, `${group.name} ${one.name}`);
    assert.deepEqual([found[3], found[4]], [valueText(one.name, one.a), valueText(one.name, one.b)]);
    assert.match(found[7], judged[String(one.changed)], `${group.name} ${one.name}`);
  }
  const order = rows.map((row) => row[7][0]);
  assert.deepEqual(order.slice(0, 5).sort(), ["▲", "▲", "▲", "▲", "▼"], "changes first");
  assert.ok(order.lastIndexOf("=") < order.indexOf("?"), "and last what is not known");
  await window.page.getByLabel("Only numbers with this text").fill("copying");
  assert.equal((await cells(window, "All numbers")).length, 3);
  assert.deepEqual(window.complaints, []);
});

test("groups have counts and means of both sides, a bar for each that is as long as it should be, and can be sorted", async (t) => {
  const { window } = await open(t, compared);
  await window.page.keyboard.press("6");
  await table(window, "Calls").waitFor();
  const rows = await cells(window, "Calls");
  assert.deepEqual(rows.map((row) => row.map((cell) => cell.replaceAll("\u202f", ""))), [
    ["epoll_wait", "20000", "19000", "150.0 µs", "151.0 µs", "", "+1 %", "= noise", "0"],
    ["recvfrom", "20000", "19000", "30.0 µs", "36.0 µs", "", "+20 %", "▲ more", "4"],
    ["sendto", "0", "12", "–", "2.00 µs", "", "new", "? too little seen", "0"],
  ]);
  const bars = table(window, "Calls").locator("tbody tr").nth(1).locator(".pair canvas");
  const widths = await bars.evaluateAll((all) => all.map((one) => one.width));
  assert.deepEqual(widths, [Math.round((30 / 36) * 140), 140]);
  const plain = table(window, "Ready delay").locator(".pair .plain");
  assert.deepEqual(await plain.evaluateAll((all) => all.map((one) => one.style.width)), [`${Math.round(140 / 25)}px`, "140px"]);
  const first = async (column) => {
    await table(window, "Calls").locator("th button").nth(column).click();
    return (await cells(window, "Calls")).map(([name]) => name);
  };
  assert.deepEqual(await first(8), ["recvfrom", "epoll_wait", "sendto"], "by how many of its numbers changed");
  assert.deepEqual(await first(3), ["epoll_wait", "recvfrom", "sendto"], "by the mean in A, and what is not known last");
  assert.deepEqual(await first(3), ["recvfrom", "epoll_wait", "sendto"], "and so the other way round");
  assert.deepEqual(window.complaints, []);
});

test("a call leads to its durations in the recording that is shown", async (t) => {
  const { server, window } = await open(t, compared);
  await window.page.keyboard.press("6");
  await table(window, "Calls").locator("button.link", { hasText: "recvfrom" }).click();
  await window.page.waitForFunction(() => /view=latency/.test(location.hash) && /nr=/.test(location.hash));
  assert.ok(server.questions.some((question) => question.startsWith("latency?") && question.includes("nr=")));
  assert.deepEqual(window.complaints, []);
});

test("it says how far the reading is, what failed, and what did not change", async (t) => {
  const { server, window } = await open(t, (one) => { one.diff = { names: NAMES, diff: null, reading: { read_bytes: 512, all_bytes: 2048 }, failed: null }; });
  await window.page.keyboard.press("6");
  await window.page.waitForFunction(() => /25 % of 2\.0 KiB/.test(document.querySelector("#view")?.textContent ?? ""));
  const none = fakeDiff();
  for (const group of none.groups) for (const number of group.numbers) if (number.changed) number.changed = false;
  server.diff = { names: NAMES, diff: none, reading: null, failed: null };
  await window.page.waitForFunction(() => /Nothing changed by more than it wavers/.test(document.querySelector("#view")?.textContent ?? ""));
  const { window: other } = await open(t, (one) => { one.diff = { names: NAMES, diff: null, reading: null, failed: "read recording <i>: gone" }; });
  await other.page.keyboard.press("6");
  await other.page.waitForFunction(() => /could not be compared: read recording <i>: gone/.test(document.querySelector("#view")?.textContent ?? ""));
  assert.deepEqual([window.complaints, other.complaints], [[], []]);
});

test("without a second recording it says what to type for one, of a recording and of a live trace", async (t) => {
  const { window } = await open(t);
  await window.page.keyboard.press("6");
  await window.page.locator(".compare code").first().waitFor();
  assert.deepEqual(await window.page.locator(".compare code").allInnerTexts(), ["waitscope open 'dir/made up.waitscope' --against before.waitscope"]);
  const { window: live } = await open(t, (one) => { one.exports = { file: null, grows: false, why_not: "unrecorded" }; }, { live: true, nowNs: 1e9 });
  await live.page.keyboard.press("6");
  await live.page.locator(".compare code").first().waitFor();
  assert.deepEqual(await live.page.locator(".compare code").allInnerTexts(), ["waitscope attach 4242 --record after.waitscope", "waitscope open after.waitscope --against before.waitscope"]);
  assert.deepEqual([window.complaints, live.complaints], [[], []]);
});
