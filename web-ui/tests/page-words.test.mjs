/**
 * The page in Chinese, in a real browser: nothing of its own is said in English, in any view, and the switch between the
 * languages works with the keyboard alone.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { EN } from "../assets/words-en.js";
import { ZH } from "../assets/words-zh.js";
import { launch } from "./browser.mjs";
import { fakeDiff, NAMES } from "./fake-diff.mjs";
import { opened } from "./opened.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const ROW_Y = 30 + 36;

const open = (t, window, hash, server, captures = null) => opened(t, browser, { server, prepare: (one) => { one.captures = captures; }, hash, window });

/** Texts that have English words beside their places, as patterns of the whole of what shows. */
const ENGLISH = Object.entries(EN)
  // What was never done stands in sentences alone, and one of those words is the name of a call.
  .filter(([key, text]) => !key.startsWith("acted.") && text !== ZH[key] && /[a-z]{2}/i.test(text.replaceAll(/\{\w+\}/g, "")))
  .map(([key, text]) => {
    const parts = text.split(/\{\w+\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return { key, pattern: new RegExp(`^\\s*${parts.join(".+")}\\s*$`, "s") };
  });

/** All that is said on the page now, in text and in attributes. */
function saidOn(window) {
  return window.page.evaluate(() => {
    const said = [];
    const all = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = all.nextNode(); node; node = all.nextNode()) said.push(node.textContent);
    for (const name of ["aria-label", "title", "placeholder"]) {
      for (const one of document.querySelectorAll(`[${name}]`)) if (!one.closest(".languages")) said.push(one.getAttribute(name));
    }
    // What is put together of several is looked at in parts too.
    return said.flatMap((words) => [words, ...words.split(/\n| · |; /)]).filter((words) => words.trim() !== "");
  });
}

async function assertNoEnglish(window, where) {
  const found = (await saidOn(window)).flatMap((words) => ENGLISH.filter(({ pattern }) => pattern.test(words)).map(({ key }) => `${key}: ${words}`));
  assert.deepEqual(found, [], where);
}

test("the patterns find English where the page is English", async (t) => {
  const { window } = await open(t, { locale: "en-GB" });
  const said = await saidOn(window);
  const found = ENGLISH.filter(({ pattern }) => said.some((words) => pattern.test(words))).map(({ key }) => key);
  for (const key of ["tab.timeline", "whole", "help.says", "fact.lost", "phase.blocked", "doing.blockedin", "back.hint", "timeline.label"]) assert.ok(found.includes(key), key);
  assert.equal(await window.page.evaluate(() => document.documentElement.lang), "en");
});

test("in Chinese, head, tabs, tools, legend, lanes and every view are in Chinese", async (t) => {
  const captures = { list: [{ trigger: "turn > 50ms", at_ns: 1e9, file: "a.waitscope", bytes: 1, from_ns: 0, to_ns: 2e9, removed: true }], more: 1, passed_over: 2, under_way: { trigger: "call > 1s", at_ns: 3e9 } };
  const { server, window } = await open(t, { locale: "zh-CN" }, "", {}, captures);
  server.diff = { names: NAMES, diff: fakeDiff(), reading: null, failed: null };
  const text = (selector) => window.page.locator(selector).innerText();
  assert.equal(await window.page.evaluate(() => document.documentElement.lang), "zh-Hans");
  assert.deepEqual(await window.page.locator("#tabs button").allInnerTexts(), ["时间线", "摘要", "延迟", "连接", "轮", "比较"]);
  assert.equal(await text("#badge"), "录制文件 made-up.waitscope");
  assert.deepEqual(await window.page.locator("#facts dt").allInnerTexts(), ["时间", "调用", "丢失", "捕获", "自身 CPU", "自身内存", "每次调用的探针开销"]);
  assert.deepEqual(await window.page.locator("#legend span").allInnerTexts(), ["阻塞", "可运行(等 CPU)", "内核", "拷贝", "用户态", "其他调用"]);
  assert.equal(await text("#whole"), "整个跟踪");
  assert.match(await text("#where"), /^显示 .* s，起于 /);
  await window.page.waitForFunction(() => document.querySelectorAll("#in-view tbody tr").length === 6);
  await assertNoEnglish(window, "timeline");
  for (const [key, heading] of [["2", "捕获"], ["3", "延迟"], ["4", "连接"], ["5", "事件循环"], ["6", "有何变化"]]) {
    await window.page.keyboard.press(key);
    await window.page.locator("#view h2", { hasText: heading }).first().waitFor();
    // What the server has to say is there.
    await window.page.waitForFunction(() => document.querySelectorAll("#view tbody tr").length > 0);
    await assertNoEnglish(window, heading);
  }
  await window.page.keyboard.press("e");
  await window.page.locator("#export h2").waitFor();
  await assertNoEnglish(window, "export");
  assert.deepEqual(window.complaints, []);
});

test("in Chinese, a chosen call, its story, the textbook's picture and a selected range are", async (t) => {
  const { server, window } = await open(t, { locale: "zh-CN" });
  const panel = window.page.locator("#panel");
  for (const [lane, wanted] of [[0, (one) => one.name === "epoll_wait" && one.sleeps > 0 && one.ret > 0 && one.start > 1e9], [1, (one) => one.name === "futex" && one.start > 1e9]]) {
    const call = server.truth.threads[lane].calls.find(wanted);
    const y = ROW_Y + lane * 54;
    await window.page.keyboard.press("Home");
    await window.settle();
    await window.zoomTo(call.start, call.end, y);
    const view = await window.view();
    await window.click(((call.start + call.end) / 2 - view.startNs) / view.nsPerPx, y);
    await window.page.waitForFunction((at) => window.waitscope.pinned()?.startNs === at, call.start);
    await panel.locator(".story").first().waitFor();
    await assertNoEnglish(window, `panel of ${call.name}`);
  }
  assert.ok((await panel.locator("h3").allInnerTexts()).includes("前因"));
  assert.deepEqual(await panel.locator(".phases .phase span:nth-of-type(1)").allInnerTexts(), ["阻塞", "可运行(等 CPU)", "内核"]);
  assert.equal(await panel.locator(".actions button").first().innerText(), "教科书图");
  assert.ok((await panel.locator("tr td:first-child").allInnerTexts()).includes("时长"));
  await window.page.keyboard.press("t");
  const picture = window.page.locator("#textbook svg");
  await picture.waitFor();
  for (const words of ["应用程序", "内核", "进程在调用中等待"]) assert.ok((await picture.evaluate((one) => one.textContent)).includes(words), words);
  const cut = await picture.evaluate((one) => {
    const own = one.getBoundingClientRect();
    return [...one.querySelectorAll("text")].filter((text) => text.getBoundingClientRect().right > own.right || text.getBoundingClientRect().left < own.left).map((text) => text.textContent);
  });
  assert.deepEqual(cut, [], "nothing is cut off");
  await assertNoEnglish(window, "picture");
  await window.page.keyboard.press("Escape");
  await window.page.keyboard.press("r");
  await window.page.locator("#selection .sums").waitFor();
  await window.page.keyboard.press("/");
  await window.page.locator("#find-text").fill("no such thing");
  await window.page.getByText(ZH["find.none"]).waitFor();
  await assertNoEnglish(window, "selection and finding");
  assert.deepEqual(window.complaints, []);
});

test("in Chinese, what is missing of a recording, what failed, kinds of descriptors and lanes of connections are", async (t) => {
  const prepare = (server) => {
    server.cut = "the recording is whole up to byte 7, and the 9 bytes after it can't be read: the file ends within a batch: 3 bytes are missing";
    server.diff = { names: NAMES, diff: null, reading: null, failed: "a batch can't be decoded" };
  };
  const { window } = await opened(t, browser, { prepare, hash: "#connections=113.111.110", window: { locale: "zh-CN" } });
  assert.equal(await window.page.locator("#banner").innerText(), "录制文件已损坏：录制文件在第 7 字节之前是完整的，其后的 9 字节无法读取：文件在一个批次中间结束：缺少 3 字节");
  await window.page.waitForFunction(() => window.waitscope.connection(111));
  await window.page.locator('#in-view tr[data-connection="113"] td').first().waitFor({ state: "attached" });
  await window.page.locator("#strip-canvas").hover({ position: { x: 300, y: 26 } });
  await window.page.locator("#tooltip .title").first().waitFor();
  await assertNoEnglish(window, "lanes of connections");
  await window.page.keyboard.press("4");
  await window.page.locator("#view td", { hasText: "TCP" }).first().waitFor();
  await assertNoEnglish(window, "connections");
  await window.page.keyboard.press("6");
  await window.page.getByText("一个批次无法解码").waitFor();
  await assertNoEnglish(window, "a comparison that failed");
  assert.deepEqual(window.complaints, []);
});

test("in a narrow window nothing of the head and of the tools is cut off or lies over another, in either language", async (t) => {
  const captures = { list: [], more: 1, passed_over: 2, under_way: null, by_page: true };
  for (const locale of ["en-US", "zh-CN"]) {
    const { window } = await open(t, { locale, viewport: { width: 1024, height: 720 } }, "#connections=113.111", { live: true }, captures);
    await window.page.locator("#capture").waitFor();
    const wrong = await window.page.evaluate(() => [".languages button, #badge, #facts > div, .brand", ".tools button"].flatMap((selector) => {
      const boxes = [...document.querySelectorAll(selector)].map((one) => ({ one, what: one.textContent, box: one.getBoundingClientRect() })).filter(({ box }) => box.width > 0);
      boxes.sort((a, b) => a.box.left - b.box.left);
      // Borders of neighbours may be one.
      return boxes.filter(({ box, one }, i) => one.scrollWidth > one.clientWidth + 1 || box.right > innerWidth || box.left < 0 || box.left < (boxes[i - 1]?.box.right ?? 0) - 1.5).map(({ what }) => what);
    }));
    assert.deepEqual(wrong, [], locale);
    assert.equal(await window.page.locator("#badge").getAttribute("title"), await window.page.locator("#badge").textContent());
  }
});

test("in Chinese, a server that goes is said to be gone", async (t) => {
  const { server, window } = await open(t, { locale: "zh-CN" }, "", { live: true, nowNs: 1e9 });
  assert.equal(await window.page.locator("#follow").innerText(), "暂停");
  await server.close();
  await window.page.getByText("waitscope 没有回应").waitFor();
  assert.equal(await window.page.locator("#badge").innerText(), "已断开");
  await assertNoEnglish(window, "gone");
});

test("the switch works with the keyboard alone, keeps what is shown, and is kept out of the address", async (t) => {
  const { window } = await open(t, { locale: "en-US" }, "#view=summary&from=1000000000&to=2000000000&select=1200000000-1300000000");
  const focusOn = async (id) => {
    await window.page.locator("body").press("Tab");
    for (let i = 0; i < 60 && (await window.page.evaluate(() => document.activeElement?.id)) !== id; i += 1) await window.page.keyboard.press("Tab");
    assert.equal(await window.page.evaluate(() => document.activeElement?.id), id, "Tab leads there");
  };
  const isIn = async (language) => {
    await window.page.waitForFunction((tag) => document.documentElement.lang === tag && window.waitscope?.view().lanes > 0, language);
    await window.settle();
  };
  const hash = () => window.page.evaluate(() => location.hash);
  const selected = () => window.page.locator("#tabs [aria-selected=true]").innerText();
  assert.equal(await selected(), "Summary");
  // Moved, and not yet at rest: what shows is kept all the same.
  await window.page.keyboard.press("5");
  await focusOn("language-zh");
  await window.page.keyboard.press("Enter");
  await isIn("zh-Hans");
  assert.equal(await selected(), "轮");
  assert.equal(await hash(), "#view=turns&from=1000000000&to=2000000000&select=1200000000-1300000000");
  assert.equal(await window.page.locator("#language-zh").getAttribute("aria-pressed"), "true");
  await window.page.reload();
  await isIn("zh-Hans");
  assert.deepEqual(await window.page.evaluate(() => Object.entries(localStorage)), [["waitscope.language", "zh"]]);
  await focusOn("language-en");
  await window.page.keyboard.press("Space");
  await isIn("en");
  assert.equal(await selected(), "Turns");
  assert.deepEqual(window.complaints, []);
});
