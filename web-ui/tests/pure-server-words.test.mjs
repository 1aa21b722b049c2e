/**
 * What the server says in words, in node: the page's English says the same of every finding, cause and model, from the fields beside the
 * words alone. `server-words.json` is what the server says: a test of its own holds it to that.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { modelWords } from "../assets/report.js";
import { damageWords, groupWords, kindWords } from "../assets/said-words.js";
import { findingWords, whyWords } from "../assets/server-words.js";
import { SERVER_EN } from "../assets/server-words-en.js";
import { SERVER_ZH } from "../assets/server-words-zh.js";
import { filled } from "../assets/words.js";
import { ZH } from "../assets/words-zh.js";

const SAID = JSON.parse(readFileSync(new URL("server-words.json", import.meta.url), "utf8"));
const SCHEMA = JSON.parse(readFileSync(new URL("../../docs/export.schema.json", import.meta.url), "utf8"));

/** Three digits, cut and not rounded, as the server writes times. */
function ns(value) {
  for (const [unit, name] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) {
    if (value < unit) continue;
    const whole = Math.floor(value / unit);
    const thousandths = String(Math.floor((value % unit) / (unit / 1000))).padStart(3, "0");
    return `${whole < 10 ? `${whole}.${thousandths.slice(0, 2)}` : whole < 100 ? `${whole}.${thousandths[0]}` : count(whole)} ${name}`;
  }
  return `${value} ns`;
}

const count = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
/** How the server writes numbers: the page writes them its own way. */
const FORMAT = { ns, count, share: (part, whole) => (whole === 0 ? "-" : `${((part * 100) / whole).toFixed(1)}%`) };

/** Without the words that it is to be told by. */
const without = ({ text: _, ...rest }) => rest;

test("of every finding the page's English is the server's, word for word", () => {
  for (const finding of SAID.findings) assert.equal(findingWords(without(finding), FORMAT), finding.text, JSON.stringify(finding));
});

test("why a wait ended is told in the server's words", () => {
  for (const why of SAID.whys) assert.equal(whyWords(without(why)), why.text, JSON.stringify(why));
});

test("so is how a thread comes to know that it can go on", () => {
  for (const model of SAID.models) assert.equal(modelWords(without(model)), model.text, JSON.stringify(model));
});

test("what is missing of a recording, and what a descriptor is, is told in the server's words", () => {
  for (const damage of SAID.damages) assert.equal(damageWords(damage), damage);
  for (const kind of SAID.kinds) assert.equal(kindWords(kind), kind);
  for (const group of SAID.groups) assert.equal(groupWords(group), group);
  assert.equal(groupWords("nginx to go"), "nginx to go", "what begins with no kind is a name");
});

test("every kind of descriptor and all damage that happens to files is known here, with what stands in it", () => {
  const keys = Object.keys(SERVER_EN);
  assert.equal(keys.filter((key) => key.startsWith("kind.")).length, SAID.kinds.length);
  // Each sentence, and nothing else, is found again in what was said: so each has its words in every language.
  const left = (said, key) => {
    const at = SERVER_EN[key].split(/\{\w+\}/u);
    return at.every((part) => said.includes(part));
  };
  for (const damage of SAID.damages) {
    const found = keys.filter((key) => key.startsWith("damage.") && !/^damage\.(whole|lost)$/u.test(key) && left(damage, key));
    assert.equal(found.length, 1, `${damage}: ${found.join()}`);
  }
  const [within] = SAID.damages;
  assert.match(within, /7 bytes are missing$/u);
  const zh = filled(SERVER_ZH["damage.lost"], { bytes: 1234, lost: 7, reason: filled(SERVER_ZH["damage.within.batch"], { missing: 7 }) });
  assert.doesNotMatch(zh, /[a-z]{3}/u);
  assert.deepEqual([damageWords("what nobody knows: {bytes}"), kindWords("new"), kindWords("constructor"), damageWords("")], ["what nobody knows: {bytes}", "new", "constructor", ""]);
});

test("no kind is left out, of findings, causes or models", () => {
  const kinds = (rows, name) => [...new Set(rows.map((row) => row[name]))].sort();
  assert.deepEqual(kinds(SAID.findings, "kind"), [...SCHEMA.$defs.finding.properties.kind.enum].sort());
  assert.deepEqual(kinds(SAID.whys, "cause"), [...SCHEMA.$defs.cause.enum].sort());
  assert.deepEqual(kinds(SAID.models, "model"), [...SCHEMA.$defs.io_model.properties.model.enum].sort());
});

test("what is not known here, or lacks a number, is told in the server's own words", () => {
  const finding = SAID.findings.find(({ kind }) => kind === "again_storm");
  const own = { ...finding, text: "the server's" };
  for (const odd of [{ kind: "new" }, { kind: "constructor" }, { numbers: {} }, { numbers: null }, { times: "9" }, { end_ns: null }]) {
    assert.equal(findingWords({ ...own, ...odd }), "the server's", JSON.stringify(odd));
  }
  assert.equal(findingWords({ ...own, kind: "spin", numbers: { ready: 3, bits: 1 }, act: "__proto__" }), "the server's");
  assert.equal(whyWords({ cause: "new", text: "the server's" }), "the server's");
  assert.deepEqual([whyWords({}), findingWords({})], ["", ""]);
});

test("a brace in a name is a brace", () => {
  const spin = SAID.findings.find(({ kind, thread }) => kind === "spin" && thread);
  assert.ok(findingWords({ ...spin, thread: "{on}", name: "{who} <b>" }).startsWith("thread {on} 4243 spun on {who} <b>: ready "));
  assert.equal(whyWords({ cause: "data", name: "{text}", network: true }), "data on {text}, from the network");
});

test("Chinese sentences have the same facts in them", () => {
  for (const [key, text] of Object.entries(ZH)) if (/^(finding|why|acted|damage)\./.test(key)) assert.match(text, /\p{Script=Han}/u, key);
});
