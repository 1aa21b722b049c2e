/**
 * The pure part of exports: addresses in whole nanoseconds, and commands in which a file's name is one word.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

import { exportAddress, exportCommand, FORMATS, shellWord } from "../assets/export.js";

test("an address holds whole nanoseconds, and no range that is empty", () => {
  assert.equal(exportAddress("json", null), "/api/export?format=json");
  assert.equal(exportAddress("csv", { fromNs: 10.4, toNs: 20.6 }), "/api/export?format=csv&from_ns=10&to_ns=21");
  assert.equal(exportAddress("csv", { fromNs: -3, toNs: 0.2 }), "/api/export?format=csv&from_ns=0&to_ns=1");
  assert.equal(exportAddress("csv", { fromNs: 2 ** 53 - 4, toNs: 2 ** 53 - 2 }), "/api/export?format=csv&from_ns=9007199254740988&to_ns=9007199254740990");
});

test("a file's name is one word of the command, whatever is in it", () => {
  for (const name of ["a.waitscope", "/tmp/a b", "it's", "$(touch x)", "`x`", "a;b", "a\nb", "-o", "\u00e9", "", "\\", "~", "#a", "!x"]) {
    const { stdout } = spawnSync("sh", ["-c", `printf '%s|' ${shellWord(name)}`], { encoding: "utf8" });
    assert.equal(stdout, `${name}|`, shellWord(name));
  }
  assert.equal(shellWord("dir/a.waitscope"), "dir/a.waitscope", "no quotes where none are needed");
  const command = exportCommand("a b", "parquet", { fromNs: 1, toNs: 2 });
  assert.equal(command, "waitscope export 'a b' --format parquet --from 1ns --to 2ns -o calls.parquet");
  assert.equal(new Set(FORMATS).size, 6);
});
