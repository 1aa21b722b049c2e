/**
 * How the page keeps up with a recording that `waitscope open` serves, in a real browser, beside what is wanted of it:
 * `node bench-page.mjs PRODUCT RECORDING`, which `cargo xtask bench page` runs.
 *
 * Must never print a number that it did not measure just now.
 */

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

import { CONNECTIONS_MAX } from "../assets/connection-lane.js";
import { drive } from "./bench-drive.mjs";
import { CATEGORIES, quantile, readFrames } from "./bench-trace.mjs";
import { FRAMES_MAX, watch } from "./bench-watch.mjs";
import { launch } from "./browser.mjs";

/** For the first picture, and for all of the recording to be read. */
const PATIENCE_MS = 120_000;
const MEMORY_EVERY_MS = 250;
const MIB = 2 ** 20;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A wish that is met or not: told beside what was measured. */
function aim(name, value, unit, most) {
  const met = Number.isFinite(value) && value <= most;
  console.log(`  ${met ? "PASS" : "MISS"}  ${name.padEnd(44)} ${value.toFixed(value < 10 ? 2 : 0)} ${unit}   (wanted: at most ${most})`);
}

function tell(name, words) {
  console.log(`        ${name.padEnd(44)} ${words}`);
}

function spread(values, digits = 1) {
  return [["half", 0.5], ["95 %", 0.95], ["99 %", 0.99], ["most", 1]].map(([name, share]) => `${name} ${quantile(values, share).toFixed(digits)}`).join(", ");
}

/** Starts the product, and says what it is, where it is and when it began. */
async function open(product, recording) {
  const beganMs = Date.now();
  const child = spawn(product, ["open", recording, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = line.split(/\s+/).find((word) => word.startsWith("http://"));
    if (url) return { child, url, beganMs };
  }
  throw new Error("open the recording: waitscope ended before it said where its page is");
}

async function end(child) {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  if (child.exitCode !== null) return;
  child.kill("SIGINT");
  await gone;
}

/** Memory of the page's process that is nobody else's, and its scripts' heap. */
class Memory {
  constructor(session, pids) {
    this.session = session;
    this.pids = pids;
    this.most = { ownBytes: 0, heapBytes: 0 };
  }

  async look() {
    const { metrics } = await this.session.send("Performance.getMetrics");
    const heap = metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? NaN;
    const own = await Promise.all(this.pids.map(ownBytes));
    this.most.ownBytes = Math.max(this.most.ownBytes, ...own);
    this.most.heapBytes = Math.max(this.most.heapBytes, heap);
  }
}

async function ownBytes(pid) {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)].reduce((sum, [, one]) => sum + Number(one), 0);
  return kib * 1024;
}

async function renderers(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}

/** Drives the page, and prints how it kept up. */
async function measure(browser, page) {
  const origin = new URL(page.url()).origin;
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const memory = new Memory(session, await renderers(browser));
  const box = await page.locator("#timeline").boundingBox();
  await page.evaluate(() => {
    window.benchSeen.frames.length = 0;
    window.benchSeen.bare.length = 0;
    window.benchSeen.long.length = 0;
    window.benchHoles.begin();
    performance.clearResourceTimings();
  });
  await browser.startTracing(page, { categories: CATEGORIES });
  const looking = setInterval(() => void memory.look().catch(() => clearInterval(looking)), MEMORY_EVERY_MS);
  await drive(session, box);
  clearInterval(looking);
  await page.evaluate(() => window.benchHoles.end());
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  await memory.look();
  const seen = await page.evaluate(() => ({
    ...window.benchSeen,
    tiles: performance.getEntriesByType("resource").filter(({ name }) => name.includes("/api/tiles/"))
      .map(({ name, duration }) => [Number(name.split("/").at(-3)), duration]),
  }));
  await session.detach();
  report(readFrames(traceEvents, origin), seen, memory.most);
}

function report(frames, seen, memory) {
  const { scriptMs, presented, missed, states } = frames;
  aim("script for a frame, at 95 %", quantile(scriptMs, 0.95), "ms", 8);
  tell("", `${spread(scriptMs)} ms, of ${scriptMs.length} frames`);
  aim("frames not presented in time", (100 * missed) / (presented + missed), "of 100", 5);
  tell("", `${presented} presented, ${missed} times none; Chromium: ${Object.entries(states).map(([name, count]) => `${name} ${count}`).join(", ")}`);
  aim("tasks of more than 50 ms", seen.long.length, "", 0);
  if (seen.long.length > 0) tell("", `${spread(seen.long.map(([, ms]) => ms))} ms`);
  aim("longest time that a lane in view had a hole", Math.max(0, ...seen.bare), "ms", 100);
  tell("", seen.bare.length > 0 ? `${seen.bare.length} times: ${spread(seen.bare, 0)} ms` : "never");
  aim("memory of the tab", memory.ownBytes / MIB, "MiB", 300);
  tell("of that, what its scripts hold", `${(memory.heapBytes / MIB).toFixed(0)} MiB`);
  work(seen);
}

/** What a frame took, and what the server did. */
function work({ frames, tiles }) {
  const steps = frames.slice(1).map((frame, i) => ({ asked: frame.requests - frames[i].requests, bytes: frame.bytes - frames[i].bytes }));
  const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
  tell("rectangles in a frame", spread(frames.map(({ rects }) => rects), 0));
  tell("tiles used in a frame", spread(frames.map(({ used }) => used), 0));
  tell("requests for tiles in a frame", `${mean(steps.map(({ asked }) => asked)).toFixed(2)} on average, ${spread(steps.map(({ asked }) => asked), 0)}`);
  tell("bytes of tiles that came in a frame", `${(mean(steps.map(({ bytes }) => bytes)) / 1024).toFixed(1)} KiB on average, ${spread(steps.map(({ bytes }) => bytes / 1024), 0)}`);
  tell("a request, from asking to all of it", `${spread(tiles.map(([, ms]) => ms))} ms, of ${tiles.length}`);
  const levels = [...new Set(tiles.map(([level]) => level))];
  const [slowest, ms] = levels.map((level) => [level, quantile(tiles.filter(([one]) => one === level).map(([, one]) => one), 0.95)]).sort((a, b) => b[1] - a[1])[0] ?? [NaN, NaN];
  tell("the slowest level", `${slowest}: ${ms.toFixed(1)} ms at 95 %`);
}

/** Until the product has summed up all rows, and rests. */
async function untilRead(page, pid) {
  const until = Date.now() + PATIENCE_MS;
  const told = () => page.evaluate(async () => (await (await fetch("/api/report")).json()).report !== null);
  while (!(await told())) {
    if (Date.now() > until) throw new Error(`read the recording: not done after ${PATIENCE_MS / 1000} s`);
    await sleep(200);
  }
  const ticks = async () => (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1].split(" ").slice(11, 13).map(Number).reduce((a, b) => a + b);
  for (let before = await ticks(), calm = 0; calm < 5 && Date.now() < until; ) {
    await sleep(200);
    const now = await ticks();
    calm = now - before <= 1 ? calm + 1 : 0;
    before = now;
  }
}

/** From the beginning, with the same address. */
async function reload(page) {
  await page.reload();
  await page.waitForFunction(() => window.benchSeen?.wholeMs);
  await sleep(1000);
}

/** Has the address ask for lanes of connections with calls, as many as there may be, and says which. */
async function showConnections(page) {
  const ids = await page.evaluate(async () => {
    const { report } = await (await fetch("/api/report")).json();
    return report.descriptors.filter(({ delays }) => delays > 0).map(({ id }) => id);
  });
  ids.length = Math.min(ids.length, CONNECTIONS_MAX);
  await page.evaluate((hash) => history.replaceState(null, "", hash), `#connections=${ids.join(".")}`);
  return ids;
}

const [product, recording] = process.argv.slice(2);
const browser = await launch();
let opened;
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  const page = await context.newPage();
  await page.addInitScript(watch, FRAMES_MAX);
  opened = await open(product, recording);
  const servedMs = Date.now();
  await page.goto(opened.url);
  await page.waitForFunction(() => window.benchSeen.wholeMs !== null, null, { timeout: PATIENCE_MS });
  const { firstMs, wholeMs } = await page.evaluate(() => window.benchSeen);
  console.log("\njust opened, while the rows are read");
  aim("first picture, after the program was started", firstMs - opened.beganMs, "ms", 2000);
  tell("", `served after ${servedMs - opened.beganMs} ms, all lanes in view whole after ${(wholeMs - opened.beganMs).toFixed(0)} ms`);
  await measure(browser, page);
  await page.keyboard.press("Home");
  await untilRead(page, opened.child.pid);
  console.log("\nall of it read");
  await reload(page);
  await measure(browser, page);
  const ids = await showConnections(page);
  console.log(`\nthe same, with lanes of ${ids.length} connections`);
  await reload(page);
  await page.waitForFunction((all) => all.every((id) => window.waitscope.connection(id)), ids, { timeout: PATIENCE_MS });
  await measure(browser, page);
} finally {
  await browser.close();
  if (opened) await end(opened.child);
}
