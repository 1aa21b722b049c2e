/**
 * What the server says in words, in node: the page's English says the same of every finding, cause and model, from the fields beside the
 * words alone. `server-words.json` is what the server says: a test of its own holds it to that.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { modelWords } from "../assets/report.js";
import { findingWords, whyWords } from "../assets/server-words.js";
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
  for (const [key, text] of Object.entries(ZH)) if (/^(finding|why|acted)\./.test(key)) assert.match(text, /\p{Script=Han}/u, key);
});
