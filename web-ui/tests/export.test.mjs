/**
 * The menu of exports in a real browser: what is downloaded is what was chosen, the link leads to what is shown and holds no
 * secret, and where nothing can be had the menu says why and how.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { EN } from "../assets/words-en.js";
import { launch } from "./browser.mjs";
import { opened } from "./opened.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const open = (t, server, hash, window, prepare) => opened(t, browser, { server, hash, window, prepare });

const said = (window) => window.page.locator("#export-said").innerText();

async function downloaded(window) {
  const begun = window.page.waitForEvent("download");
  await window.page.locator("#export-save").click();
  const download = await begun;
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}

test("what is downloaded is what was chosen: all, the selected range, the window", async (t) => {
  const { server, window } = await open(t, {}, "#from=1000000000&to=3000000000&select=1100000000-1400000000");
  await window.page.locator("#export-open").click();
  const checked = (group) => window.page.locator(`input[name=${group}]:checked`).inputValue();
  assert.deepEqual([await checked("export-format"), await checked("export-range")], ["perfetto", "selected"], "a selection is meant, if there is one");
  await window.page.locator("input[value=json]").check();
  const command = () => window.page.locator("#export-command").innerText();
  assert.equal(await command(), "waitscope export 'dir/made up.waitscope' --format json --from 1100000000ns --to 1400000000ns");
  const selected = await downloaded(window);
  assert.equal(selected.name, "made_up-1100000000-1400000000ns.json");
  const all = server.truth.threads.flatMap(({ calls }) => calls).filter(({ end }) => end <= server.nowNs);
  const touching = (from, to) => all.filter(({ start, end }) => end >= from && start < to).length;
  assert.equal(JSON.parse(selected.text).calls.length, touching(1.1e9, 1.4e9));
  assert.match(await said(window), /has begun/);

  await window.page.locator("input[value=window]").check();
  const { calls } = JSON.parse((await downloaded(window)).text);
  assert.equal(calls.length, touching(1e9, 3e9));
  await window.page.locator("input[value=whole]").check();
  assert.equal(await command(), "waitscope export 'dir/made up.waitscope' --format json");
  const whole = await downloaded(window);
  assert.deepEqual([whole.name, JSON.parse(whole.text).calls.length], ["made_up.json", all.length]);
  await window.page.locator("input[value=parquet]").check();
  assert.match(await command(), / --format parquet -o calls\.parquet$/);
  assert.equal((await downloaded(window)).name, "made_up.parquet");
  // Each was asked for first without its body.
  assert.equal(server.questions.filter((question) => question.startsWith("export?format=json")).length, 6);
  assert.deepEqual(window.complaints, []);
});

test("the link leads to what is shown, and never holds the secret", async (t) => {
  const { server, window } = await open(t, {}, "#from=1000000000&to=2000000000&view=latency", { permissions: ["clipboard-read", "clipboard-write"] });
  await window.page.locator("#export-open").click();
  await window.page.locator("#export-copy").click();
  await window.page.waitForFunction(() => document.getElementById("export-said")?.textContent !== "");
  assert.equal(await said(window), "The link is copied.");
  const link = await window.page.evaluate(() => navigator.clipboard.readText());
  assert.ok(link.startsWith(`http://127.0.0.1:${server.port}/#`) && !link.includes(server.token), link);
  assert.match(link, /view=latency/);
  assert.match(link, /from=1000000000&to=2000000000/);
  assert.equal(await window.page.locator("#export-link").inputValue(), link);
  await window.page.goto("about:blank");
  await window.page.goto(link);
  await window.page.waitForFunction(() => document.querySelector("#tab-latency")?.getAttribute("aria-selected") === "true");
  assert.deepEqual(window.complaints, []);
});

test("a browser that lets nothing be copied shows the link, selected", async (t) => {
  const { window } = await open(t);
  await window.page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: { writeText: () => Promise.reject(new Error("no")) } }));
  await window.page.keyboard.press("e");
  await window.page.locator("#export-copy").click();
  await window.page.waitForFunction(() => /by hand/.test(document.getElementById("export-said")?.textContent ?? ""));
  const selected = await window.page.evaluate(() => {
    const field = document.getElementById("export-link");
    return field.value.slice(field.selectionStart, field.selectionEnd) === field.value && document.activeElement === field;
  });
  assert.ok(selected);
  assert.deepEqual(window.complaints, []);
});

test("of a live trace in no one file what is in memory is exported, and it is told since when that is and how to get all", async (t) => {
  for (const [why, words, keptNs] of [["unrecorded", /--record: waitscope attach 4242 --record/, 0], ["rotated", /several files/, 5e8], ["flown", /flight recorder/, 0]]) {
    const { window } = await open(t, { live: true, nowNs: 1e9, keptNs }, "", {}, (server) => { server.exports = { file: null, grows: false, why_not: why }; });
    await window.page.keyboard.press("e");
    const about = await window.page.locator("#export-about").innerText();
    assert.match(about, words);
    assert.match(about, keptNs > 0 ? /let go of what was before 0\.500/ : /what there is by then/);
    assert.ok(!(await window.page.locator("#export-command").isVisible()), "no command writes the same");
    const begun = window.page.waitForEvent("download");
    await window.page.locator("#export-save").click();
    await begun;
    assert.deepEqual(window.complaints, []);
  }
});

test("where all that was asked for was let go, the menu says so", async (t) => {
  const { server, window } = await open(t, { live: true, nowNs: 1e9 }, "", {}, (one) => { one.exports = { file: null, grows: false, why_not: "unrecorded" }; });
  server.exportStatus = 409;
  await window.page.keyboard.press("e");
  await window.page.locator("#export-save").click();
  await window.page.waitForFunction((words) => document.getElementById("export-said")?.textContent === words, EN["export.gone"]);
});

test("a refusal begins no download and is told; a live trace says how far it is written", async (t) => {
  const { server, window } = await open(t, { live: true, nowNs: 1e9 }, "", {}, (one) => { one.exports.grows = true; });
  server.exportStatus = 429;
  let downloads = 0;
  window.page.on("download", () => { downloads += 1; });
  await window.page.keyboard.press("e");
  assert.match(await window.page.locator("#export-about").innerText(), /last second/);
  await window.page.locator("#export-save").click();
  await window.page.waitForFunction(() => /Two exports/.test(document.getElementById("export-said")?.textContent ?? ""));
  server.exportStatus = 500;
  await window.page.locator("#export-save").click();
  await window.page.waitForFunction(() => /status 500/.test(document.getElementById("export-said")?.textContent ?? ""));
  await server.close();
  await window.page.locator("#export-save").click();
  await window.page.waitForFunction(() => /did not answer/.test(document.getElementById("export-said")?.textContent ?? ""));
  assert.equal(downloads, 0);
});

test("with the keyboard alone: open, choose, download, close, and the focus is back", async (t) => {
  const { window } = await open(t, {}, "#select=1100000000-1400000000");
  await window.page.locator("#export-open").focus();
  await window.page.keyboard.press("Enter");
  const focused = () => window.page.evaluate(() => `${document.activeElement?.id}${document.activeElement?.name ?? ""}`);
  assert.equal(await focused(), "export-format");
  for (let i = 0; i < 2; i += 1) await window.page.keyboard.press("ArrowDown");
  assert.match(await window.page.locator("#export-command").innerText(), /--format json /);
  await window.page.keyboard.press("Tab");
  assert.equal(await focused(), "export-range");
  await window.page.keyboard.press("ArrowUp");
  assert.doesNotMatch(await window.page.locator("#export-command").innerText(), /--from/);
  await window.page.keyboard.press("Tab");
  const begun = window.page.waitForEvent("download");
  await window.page.keyboard.press("Enter");
  assert.equal((await begun).suggestedFilename(), "made_up.json");
  await window.page.keyboard.press("Escape");
  assert.equal(await focused(), "export-open");
  assert.deepEqual(window.complaints, []);
});
