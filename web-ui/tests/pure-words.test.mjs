/**
 * The page's texts, in node: the languages have the same ones, the sources use all of them, and none that is not there.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { languageOf } from "../assets/language.js";
import { EN } from "../assets/words-en.js";
import { ZH } from "../assets/words-zh.js";
import { filled, say } from "../assets/words.js";

const ASSETS = new URL("../assets/", import.meta.url);
const sources = readdirSync(ASSETS).filter((name) => /\.(js|html)$/.test(name) && !name.startsWith("words-"))
  .map((name) => ({ name, text: readFileSync(new URL(name, ASSETS), "utf8") }));
const placesOf = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
const bare = (text) => text.replaceAll(/\{\w+\}/g, "");

test("both languages have the same texts, with the same places in each, and none is empty", () => {
  assert.deepEqual(Object.keys(ZH), Object.keys(EN));
  for (const [key, text] of Object.entries(EN)) {
    assert.deepEqual(placesOf(ZH[key]), placesOf(text), key);
    assert.ok(text.trim() !== "" && ZH[key].trim() !== "", key);
  }
});

test("every text is used by the sources, and they use none that is not there", () => {
  const used = new Set();
  for (const { name, text } of sources) {
    const pattern = name.endsWith(".html") ? /data-(?:say|label|hint|placeholder)="([^"]+)"/g : /"(\w+(?:\.\w+)+)"/g;
    for (const [, key] of text.matchAll(pattern)) if (name.endsWith(".html") || Object.hasOwn(EN, key)) used.add(key);
    for (const [, key] of text.matchAll(/\bsay\("([^"]+)"/g)) used.add(key);
  }
  assert.deepEqual([...used].filter((key) => !Object.hasOwn(EN, key)), [], "not there");
  assert.deepEqual(Object.keys(EN).filter((key) => !used.has(key)), [], "not used");
});

test("every place is handed in where its text is asked for", () => {
  for (const { name, text } of sources) {
    for (const [, key, rest] of text.matchAll(/\bsay\("([^"]+)"([^\n]*)/g)) {
      for (const place of placesOf(EN[key])) assert.match(rest, new RegExp(`\\b${place}\\b|, \\w+\\)`), `${name}: ${key} needs ${place}`);
    }
  }
});

test("what has words in English has Chinese ones, and the project's words are always the same", () => {
  const terms = {
    blocked: "阻塞", runnable: "可运行(等 CPU)", copying: "拷贝", kernel: "内核", user: "用户态", call: "调用", calls: "调用", turn: "轮", turns: "轮",
    "ready delay": "就绪延迟", descriptor: "描述符", descriptors: "描述符", connection: "连接", connections: "连接",
  };
  // Where the word is not the thing: the call itself is named, or the sentence leaves it out.
  const free = new Set(["book.others", "hints", "panel.noanswer.says", "conn.waits.hint"]);
  for (const [key, text] of Object.entries(EN)) {
    if (/[a-z]{3}/.test(bare(text).replaceAll(/\b(pid|waitscope|epoll|tcp|udp|eventfd|timerfd|signalfd|inotify|io_uring|pidfd|Backspace|Shift)\b/g, ""))) assert.match(ZH[key], /\p{Script=Han}/u, key);
    for (const [word, term] of Object.entries(terms)) {
      if (new RegExp(`\\b${word}\\b`, "i").test(bare(text)) && !free.has(key)) assert.ok(ZH[key].includes(term), `${key}: ${word} is ${term}, not ${ZH[key]}`);
    }
  }
});

test("places are filled once: what stands in a name is not looked at", () => {
  assert.equal(filled("{a} and {b}", { a: "{b}", b: 2 }), "{b} and 2");
  assert.equal(filled("{a} {constructor}", { a: "$&" }), "$& {constructor}");
  assert.equal(say("phase.blocked"), "blocked", "without a page, English");
});

test("the language is the chosen one, else the browser's first that there is", () => {
  assert.equal(languageOf(null, ["zh-CN", "en"]), "zh");
  assert.equal(languageOf(null, ["fr", "ZH-hans-SG"]), "zh");
  assert.equal(languageOf(null, ["de-DE", "en-GB", "zh"]), "en");
  assert.equal(languageOf("en", ["zh-CN"]), "en");
  assert.equal(languageOf("zh", ["en-US"]), "zh");
  assert.equal(languageOf("<b>", []), "en");
});
