/**
 * The table of what is in view, in a real browser: each number of it against the raw facts of a made-up trace.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { formatCount, formatNs } from "../assets/format.js";
import { launch } from "./browser.mjs";
import { opened } from "./opened.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const open = (t, server, hash, window) => opened(t, browser, { server, hash, window });

/** What the table says, once it says it of a window. */
async function told(window, fromNs, toNs) {
  const view = await window.view();
  assert.ok(Math.abs(view.startNs - fromNs) < 1 && Math.abs(view.startNs + view.nsPerPx * view.widthPx - toNs) < 1, `${JSON.stringify(view)} is not ${fromNs} to ${toNs}`);
  const span = formatNs(Math.min(toNs, view.nowNs) - Math.max(0, fromNs));
  await window.page.waitForFunction((words) => document.querySelector("#in-view caption")?.textContent.startsWith(words), `In view: ${span} of time`);
  return window.page.locator("#in-view tbody tr").evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
}

/** It is made anew when the last tiles are there, and then stays: what is true of it becomes true, however slow the machine. */
async function becomes(check) {
  for (const until = performance.now() + 15_000; ;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}

/** Nanoseconds of a window in which a thread was blocked, runnable, copying and in the kernel, from the raw facts. */
function factsOf(server, thread, fromNs, toNs) {
  const within = (from, to) => Math.max(0, Math.min(to, toNs, server.nowNs) - Math.max(from, fromNs, 0));
  const open = server.openOf(thread);
  const isOpen = open.in_call && thread.endedNs === null;
  const done = thread.calls.filter((call) => call.end <= server.nowNs);
  const calls = done.filter((call) => call.start < toNs && call.end > fromNs);
  const lasting = isOpen && open.since_ns < toNs && open.at_ns > fromNs;
  const spans = thread.spans.filter((span) => span.back <= server.nowNs);
  let [blocked, runnable, copying, inCalls] = [0, 0, 0, 0];
  for (const span of spans) {
    blocked += within(span.left, span.woken);
    runnable += within(span.woken, span.back);
  }
  for (const call of calls) {
    if (!Number.isNaN(call.copyStart)) copying += within(call.copyStart, call.copyStart + call.copying);
    inCalls += within(call.start, call.end);
    for (const span of spans) if (span.left >= call.start && span.back <= call.end) inCalls -= within(span.left, span.back);
  }
  if (open.off_since_ns !== null && thread.endedNs === null) {
    blocked += within(open.off_since_ns, open.woken_ns ?? open.at_ns);
    runnable += open.woken_ns === null ? 0 : within(open.woken_ns, open.at_ns);
  }
  if (lasting) inCalls += within(open.since_ns, open.off_since_ns ?? open.at_ns);
  const lengths = [...calls.map((call) => ({ ns: call.end - call.start, words: `${call.name} ${formatNs(call.end - call.start)}` }))];
  if (lasting) lengths.push({ ns: open.at_ns - open.since_ns, words: `${open.call} ${formatNs(open.at_ns - open.since_ns)} so far` });
  const longest = lengths.reduce((best, one) => (best && best.ns >= one.ns ? best : one), null);
  const lived = within(thread.beganNs ?? 0, thread.endedNs ?? server.nowNs);
  return { blocked, runnable, copying, kernel: inCalls - copying, lived, calls: lengths.length, longest: longest?.words ?? "none" };
}

/** A share as it is told is that of the fact, to what its digits can tell and two pixels. */
function assertShare(words, ns, wholeNs, pxNs, what) {
  const percent = (ns / wholeNs) * 100;
  const slack = (percent < 10 ? 0.051 : 0.51) + ((2 * pxNs) / wholeNs) * 100;
  const said = words === "<0.1 %" ? 0.05 : Number(words.replace(" %", ""));
  assert.ok(Math.abs(said - percent) <= slack, `${what}: ${words} said, ${percent} true`);
}

for (const [name, fromNs, toNs] of [["the whole trace", -1e6, 4.001e9], ["a part of it", 1e9, 1.4e9], ["a millisecond", 1.2e9, 1.201e9]]) {
  test(`the table of what is in view says what the trace holds, of ${name}`, async (t) => {
    const { server, window } = await open(t, {}, `#from=${fromNs}&to=${toNs}`);
    const wholeNs = Math.min(toNs, server.nowNs) - Math.max(0, fromNs);
    const { nsPerPx } = await window.view();
    const check = (rows) => server.truth.threads.forEach((thread, lane) => {
      const [who, copying, kernel, , , runnable, blocked, absent, calls, longest] = rows[lane];
      const facts = factsOf(server, thread, fromNs, toNs);
      assert.equal(who, `${thread.name} ${thread.tid}`);
      for (const [phase, words] of Object.entries({ copying, kernel, runnable, blocked })) assertShare(words, facts[phase], wholeNs, nsPerPx, `${who}, ${phase}`);
      assertShare(absent, wholeNs - facts.lived, wholeNs, nsPerPx, `${who}, not alive`);
      assert.equal(calls, formatCount(facts.calls), `${who}, calls`);
      assert.equal(longest, facts.longest, `${who}, longest`);
    });
    await becomes(async () => {
      const rows = await told(window, fromNs, toNs);
      assert.equal(rows.length, server.truth.threads.length);
      check(rows);
    });
    const caption = await window.page.locator("#in-view caption").textContent();
    assert.ok(caption.includes(`threads 1 to 6 of ${server.truth.threads.length}`), caption);
    const [[gapFrom, gapTo, lost]] = server.truth.gaps;
    const isLossy = gapFrom < toNs && gapTo > fromNs;
    assert.equal(caption.includes(`across its edges: ${formatCount(lost)};`), isLossy, caption);
    assert.equal(await window.page.getByRole("table", { name: "In view" }).count(), 1, "it is there for those who hear the page");
    assert.deepEqual(window.complaints, []);
  });
}

test("the table holds at most 64 rows, says which, and goes where another view shows", async (t) => {
  const { window } = await open(t, { trace: { seconds: 1, lanes: 120 } }, "", { viewport: { width: 1100, height: 4200 } });
  await window.page.waitForFunction(() => document.querySelectorAll("#in-view tbody tr").length === 64);
  const caption = await window.page.locator("#in-view caption").textContent();
  assert.ok(caption.includes("threads 1 to 64 of 120"), caption);
  await window.page.keyboard.press("2");
  await window.page.locator("#in-view").waitFor({ state: "hidden" });
  assert.equal(await window.page.locator("#in-view").evaluate((one) => one.hidden), true);
});

test("the table is not touched by frames: it is made anew when the view rests", async (t) => {
  const { window } = await open(t, {}, "#from=1000000000&to=1400000000");
  await told(window, 1e9, 1.4e9);
  const made = await window.page.evaluate(async () => {
    let made = 0;
    new MutationObserver(() => { made += 1; }).observe(document.getElementById("in-view"), { childList: true, subtree: true, characterData: true });
    const canvas = document.getElementById("timeline");
    for (let i = 0; i < 40; i += 1) {
      canvas.dispatchEvent(new WheelEvent("wheel", { deltaX: 12, bubbles: true, cancelable: true }));
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return made;
  });
  assert.ok(made >= 1 && made <= 3, `${made} times made for 40 frames`);
});
