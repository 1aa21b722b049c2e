/**
 * The views beside the timeline in a real browser: every number shown is compared with what the server said, or with the
 * made-up trace.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { formatBytes, formatCount, formatNs, formatShare } from "../assets/format.js";
import { launch } from "./browser.mjs";
import { matching } from "./fake-answers.mjs";
import { opened } from "./opened.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

async function open(t, hash, server, prepare) {
  const { server: there, window } = await opened(t, browser, { server, prepare, hash });
  const report = async () => (await window.page.evaluate(async () => (await fetch("/api/report")).json())).report;
  return { server: there, window, report };
}

const ALL = { from_ns: 0, to_ns: Infinity, least_ns: 0, most_ns: Infinity };
const rowsOf = (window, caption) => window.page.locator("table", { hasText: caption }).locator("tbody tr").evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));

test("tabs show one view each, by click and by keys, and the address says which", async (t) => {
  const { window } = await open(t, "");
  const names = ["timeline", "summary", "latency", "connections", "turns", "compare"];
  for (const [i, name] of names.entries()) {
    await window.page.keyboard.press(String(i + 1));
    assert.deepEqual(await window.page.locator("[role=tab][aria-selected=true]").allInnerTexts(), [`${name[0].toUpperCase()}${name.slice(1)}`]);
    assert.equal(await window.page.locator("#scroller").isVisible(), name === "timeline");
    assert.equal(await window.page.locator("#view").isVisible(), name !== "timeline");
    if (name !== "timeline") await window.page.waitForFunction((wanted) => location.hash.includes(`view=${wanted}`), name);
  }
  await window.page.locator("#tab-compare").focus();
  await window.page.keyboard.press("ArrowRight");
  assert.equal(await window.page.locator("#scroller").isVisible(), true, "round from the last to the first");
  await window.page.locator("#tab-latency").click();
  await window.page.getByText("calls that began in").waitFor();
  assert.deepEqual(window.complaints, []);
});

test("the summary says what the report says, findings first", async (t) => {
  const { window, report } = await open(t, "#view=summary");
  await window.page.locator(".findings").waitFor();
  const said = await report();
  assert.equal(await window.page.locator("#view h2").first().innerText(), "Findings");
  const findings = await window.page.locator(".findings li").allInnerTexts();
  assert.equal(findings.length, said.findings.length);
  said.findings.forEach((finding, i) => assert.ok(findings[i].includes(finding.severity) && findings[i].includes(finding.text), findings[i]));
  assert.equal(await window.page.locator("#view b", { hasText: "server" }).count(), 0, "text is text");
  const threads = await window.page.locator("#view .thread").allInnerTexts();
  assert.equal(threads.length, said.threads.length);
  said.threads.forEach((thread, i) => {
    const words = threads[i].replaceAll("\n", " ");
    assert.ok(words.includes(`${thread.name} ${thread.tid}`) && words.includes(`calls: ${formatCount(thread.calls)} `), words);
    for (const [phase, ns] of [["kernel", thread.kernel_ns], ["blocked", thread.blocked_ns], ["runnable", thread.runnable_ns], ["copying", thread.copying_ns], ["unknown", thread.unknown_ns]]) {
      if (ns > 0) assert.ok(words.includes(`${phase} ${formatShare(ns / thread.lifetime_ns)}`), `${phase} ${ns} in ${words}`);
    }
    assert.ok(words.includes("busy: unknown"), "with a loss, user time is not known");
  });
  assert.ok(threads[0].includes("epoll, level-triggered"), threads[0]);
  const calls = await rowsOf(window, "Where the time of calls went");
  assert.deepEqual(calls.map((row) => row.slice(0, 3)), said.by_call.map((row) => [row.call, formatCount(row.count), formatNs(row.total_ns)]));
  const waits = await window.page.locator(".waits").first().locator("li").allInnerTexts();
  assert.equal(waits.length, said.longest_waits.length);
  said.longest_waits.forEach((wait, i) => {
    for (const words of [wait.call, String(wait.tid), `blocked ${formatNs(wait.blocked_ns)}`, wait.why.text]) assert.ok(waits[i].includes(words), `${words} in ${waits[i]}`);
  });
  assert.deepEqual(window.complaints, []);
});

test("a trace without loss tells how busy its threads were", async (t) => {
  const { window, report } = await open(t, "#view=summary", {}, (server) => {
    server.truth.gaps = [];
    server.truth.lost = 0;
  });
  await window.page.locator("#view .thread").first().waitFor();
  const [thread] = (await report()).threads;
  const busy = (thread.user_ns + thread.kernel_ns + thread.copying_ns + thread.other_ns) / thread.lifetime_ns;
  assert.equal(await window.page.locator("#view .busy").first().innerText(), `${formatShare(busy)} busy`);
});

test("places in the summary lead to the timeline", async (t) => {
  const { window, report } = await open(t, "#view=summary");
  await window.page.locator(".findings").waitFor();
  const said = await report();
  await window.page.locator(".findings li button").first().click();
  await window.settle();
  const [finding] = said.findings;
  assert.equal(await window.page.locator("#scroller").isVisible(), true);
  const view = await window.view();
  const endNs = view.startNs + view.nsPerPx * view.widthPx;
  assert.ok(view.startNs < finding.start_ns && endNs > finding.end_ns && endNs - view.startNs < 2 * (finding.end_ns - finding.start_ns));
  await window.page.keyboard.press("2");
  const [wait] = said.longest_waits;
  await window.page.locator(".waits li button").first().click();
  await window.page.locator("#panel h2").waitFor();
  const length = formatCount(wait.end_ns - wait.start_ns);
  await window.page.locator("#panel").getByText(`${length} ns`).first().waitFor();
  await window.page.keyboard.press("2");
  await window.page.locator("#view td button", { hasText: "recvfrom" }).click();
  await window.page.waitForFunction(() => location.hash.includes("view=latency") && location.hash.includes("nr=2"));
  assert.deepEqual(window.complaints, []);
});

test("while a recording is being read the page says how far, and why it could not be", async (t) => {
  const { server, window } = await open(t, "#view=summary", {}, (one) => { one.reading = { read_bytes: 34, all_bytes: 100 }; });
  await window.page.getByText("reading the recording: 34 % of 100 B").waitFor();
  server.reading = null;
  await window.page.locator(".findings").waitFor();
  await window.page.keyboard.press("4");
  await window.page.locator("#view td").first().waitFor();
  const failing = await open(t, "#view=turns", {}, (one) => { one.reading = { read_bytes: 0, all_bytes: 0 }; });
  failing.server.reading = null;
  failing.server.failed = "read file.waitscope: <gone>";
  await failing.window.page.getByText("could not be summed up: read file.waitscope: <gone>").waitFor();
  assert.deepEqual([window.complaints, failing.window.complaints], [[], []]);
});

test("connections are those of the report, in any order, and those with a text", async (t) => {
  const { window, report } = await open(t, "#view=connections");
  await window.page.locator("#view td").first().waitFor();
  const said = await report();
  const shown = await rowsOf(window, "Connections and other descriptors");
  assert.deepEqual(shown.map((row) => row.slice(0, 8)), said.descriptors.map((one) => [
    one.name, one.kind, String(one.fd), formatCount(one.calls), formatCount(one.waits), formatCount(one.again), formatBytes(one.received_bytes), formatBytes(one.sent_bytes),
  ]));
  const delayed = said.descriptors.findIndex((one) => one.delays > 0);
  assert.deepEqual(shown[delayed].slice(11, 13), [formatNs(1500), formatNs(2000)]);
  assert.deepEqual(shown[delayed === 0 ? 1 : 0].slice(11, 13), ["–", "–"], "unknown is shown as unknown");
  assert.ok((await window.page.locator("#view").innerText()).includes("calls on yet more, which are not listed: 7"));
  await window.page.locator("#view th button", { hasText: "blocked" }).click();
  const by = [...said.descriptors].sort((a, b) => b.blocked_ns - a.blocked_ns);
  assert.equal((await rowsOf(window, "Connections"))[0][0], by[0].name);
  assert.equal(await window.page.locator("#view th[aria-sort=descending]").innerText().then((words) => words.trim().startsWith("blocked")), true);
  await window.page.locator("#view input").fill("40011");
  assert.deepEqual((await rowsOf(window, "Connections")).map((row) => row[0]), said.descriptors.filter((one) => one.name.includes("40011")).map((one) => one.name));
  await window.page.locator("#view td button").first().click();
  await window.page.locator("#panel h2").waitFor();
  assert.equal(await window.page.locator("#scroller").isVisible(), true);
  assert.deepEqual(window.complaints, []);
});

test("turns are those of the report, and lead to the timeline", async (t) => {
  const { window, report } = await open(t, "#view=turns");
  await window.page.locator("#view td").first().waitFor();
  const said = await report();
  const [loop] = said.loops;
  const [row] = await rowsOf(window, "Event loops");
  assert.deepEqual(row.slice(0, 5), [`${loop.name} ${loop.tid}`, "100", formatShare(0.25), "2.5", formatShare(0.25)]);
  assert.deepEqual(row.slice(-3), [loop.lag_p50_ns, loop.lag_p99_ns, loop.lag_max_ns].map(formatNs));
  const [turn] = said.longest_turns;
  const [told] = await rowsOf(window, "Longest turns");
  assert.equal(told[2], formatNs(turn.lag_ns));
  assert.equal(told.at(-1), `outside calls wanted the CPU ${formatNs(turn.runnable_ns)}`);
  const chart = await window.page.locator(".busy-chart canvas").first().boundingBox();
  await window.page.mouse.click(chart.x + chart.width * 0.4, chart.y + 20);
  await window.page.locator("#selection").waitFor();
  await window.page.waitForFunction(() => location.hash.includes("select=1000000000-2000000000"));
  await window.page.keyboard.press("5");
  await window.page.locator("#view td button").nth(1).click();
  await window.settle();
  const view = await window.view();
  assert.ok(view.startNs < turn.start_ns && view.startNs + view.nsPerPx * view.widthPx > turn.start_ns + turn.work_ns);
  assert.deepEqual(window.complaints, []);
});

test("lag over time tells each bucket as the report does, and leads to its worst turn, with the keyboard alone", async (t) => {
  const { window, report } = await open(t, "#view=turns");
  await window.page.locator("#view td").first().waitFor();
  const { lag_over_time: lags } = (await report()).loops[0];
  const chart = window.page.locator(".busy-chart canvas").nth(1);
  assert.match(await chart.getAttribute("aria-label"), new RegExp(`lag at most ${formatNs(96_000)}, from 1\\.5`));
  await chart.focus();
  await window.page.keyboard.press("Home");
  for (let bucket = 0; bucket < lags.turns.length; bucket += 1) {
    const words = await chart.getAttribute("aria-valuetext");
    assert.equal(await chart.getAttribute("aria-valuenow"), String(bucket));
    if (lags.max_ns[bucket] === null) assert.match(words, /^no turn began/);
    else assert.ok(words.startsWith(`at most ${formatNs(lags.max_ns[bucket])}, p99 ${formatNs(lags.p99_ns[bucket])}, turns: ${lags.turns[bucket]}, from `), words);
    assert.equal(await window.page.locator(".busy-chart p").nth(1).innerText(), words, "and so it is seen");
    await window.page.keyboard.press("ArrowRight");
  }
  await chart.evaluate((canvas) => canvas.blur());
  // What is drawn: bars where turns began, as high as their lag, and nothing where none did.
  const tops = await chart.evaluate((canvas, count) => {
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return Array.from({ length: count }, (_, bucket) => {
      const x = Math.round(58 + ((bucket + 0.3) / count) * (width - 58));
      const inked = (y) => { const i = (y * width + x) * 4; return Math.abs(data[i] - data[i + 2]) > 60; };
      for (let y = 0; y < height; y += 1) if (inked(y)) return y;
      return null;
    });
  }, lags.turns.length);
  assert.deepEqual(tops.map((top) => top === null), lags.max_ns.map((ns) => ns === null), JSON.stringify(tops));
  assert.ok(tops[1] < tops[0] && tops[3] <= tops[1] && tops[6] > tops[0], JSON.stringify(tops));
  await chart.focus();
  await window.page.keyboard.press("Home");
  await window.page.keyboard.press("ArrowRight");
  await window.page.keyboard.press("Enter");
  await window.page.waitForFunction((select) => location.hash.includes(select), `select=${lags.max_at_ns[1]}-${lags.max_at_ns[1] + lags.max_ns[1]}`);
  assert.deepEqual(window.complaints, []);
});

test("a chart that is looked at with the keyboard keeps its place when a live trace goes on", async (t) => {
  const { server, window } = await open(t, "#view=turns", { live: true, nowNs: 3.2e9 });
  const chart = window.page.locator(".busy-chart canvas").nth(1);
  await chart.waitFor();
  await chart.focus();
  await window.page.keyboard.press("Home");
  await window.page.keyboard.press("ArrowRight");
  await chart.evaluate((canvas) => { canvas.dataset.old = "yes"; });
  server.advance(3.4e9);
  await window.page.waitForFunction(() => document.querySelectorAll(".busy-chart canvas")[1]?.dataset.old !== "yes");
  assert.equal(await chart.evaluate((canvas) => document.activeElement === canvas), true);
  assert.equal(await chart.getAttribute("aria-valuenow"), "1");
  assert.deepEqual(window.complaints, []);
});

test("latency counts the calls of the range and the filter, and a region lists its own", async (t) => {
  const { server, window } = await open(t, "#view=latency&from=0&to=4000000000&select=1000000000-2000000000");
  const about = window.page.locator("#view p").first();
  const told = async (filter) => {
    const count = matching(server, { ...ALL, from_ns: 1e9, to_ns: 2e9, ...filter }).length;
    await about.getByText(new RegExp(`calls that began in the selected range .*: ${formatCount(count)}\\.`)).waitFor();
    return count;
  };
  await told({});
  await window.page.locator("#view select").first().selectOption({ label: "recvfrom" });
  await told({ nr: 2 });
  await window.page.locator("#view select").nth(1).selectOption({ label: "server 4242" });
  const count = await told({ nr: 2, lane: 0 });
  await window.page.waitForFunction(() => location.hash.includes("lane=0") && location.hash.includes("nr=2"));
  const lengths = matching(server, { ...ALL, from_ns: 1e9, to_ns: 2e9, nr: 2, lane: 0 }).map(({ call }) => call.end - call.start).sort((a, b) => a - b);
  const quantiles = await window.page.locator(".quantiles dd").allInnerTexts();
  const number = (words) => Number.parseFloat(words) * { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 }[words.split(" ").at(-1)];
  [0.5, 0.9, 0.99, 0.999, 1].forEach((part, i) => {
    const true_ = lengths[Math.ceil(count * part) - 1];
    const [first, last = first] = quantiles[i].split(" … ").map(number);
    assert.ok(first <= true_ * 1.006 && last >= true_ * 0.994, `${part}: ${true_} in ${quantiles[i]}`);
    assert.ok(last - first <= last / 30, `${quantiles[i]} is as narrow as promised`);
  });
  await window.page.locator("#view select").first().selectOption({ label: "all calls" });
  await window.page.locator("#view select").nth(1).selectOption({ label: "all threads" });
  await told({});
  const box = await window.page.locator(".charts canvas").first().boundingBox();
  await window.page.mouse.move(box.x + box.width * 0.3, box.y + 20);
  await window.page.mouse.down();
  await window.page.mouse.move(box.x + box.width * 0.6, box.y + 90, { steps: 4 });
  await window.page.mouse.up();
  await window.page.getByText("in the region").waitFor();
  const asked = new URLSearchParams(server.questions.findLast((one) => one.startsWith("longest?")).slice(8));
  const region = Object.fromEntries([...asked].map(([name, value]) => [name, Number(value)]));
  assert.ok(region.from_ns > 1.2e9 && region.to_ns < 1.7e9 && region.least_ns > 1e6, JSON.stringify(region));
  const wanted = matching(server, { ...ALL, ...region }).map(({ call }) => call.end - call.start).sort((a, b) => b - a).slice(0, 50);
  assert.ok(wanted.length > 3, "the test is about a region with calls");
  await window.page.waitForFunction((rows) => document.querySelectorAll("#view tbody tr").length === rows, wanted.length);
  assert.deepEqual((await rowsOf(window, "The longest calls")).map((row) => row[1]), wanted.map(formatNs));
  await window.page.locator("#view tbody button").first().click();
  await window.page.locator("#panel").getByText(`${formatCount(wanted[0])} ns`).first().waitFor();
  assert.deepEqual(window.complaints, []);
});

test("a view of a live trace follows it, and stays usable", async (t) => {
  const { server, window } = await open(t, "#view=summary", { live: true, nowNs: 1e9 });
  await window.page.locator("#view .thread").first().waitFor();
  const before = await window.page.locator("#view p.faint").first().innerText();
  assert.ok(before.includes("so far: 1.00 s"), before);
  server.advance(2e9);
  await window.page.getByText("so far: 2.00 s").waitFor();
  assert.deepEqual(window.complaints, []);
});

test("the overview is drawn whichever view shows first", async (t) => {
  for (const view of ["turns", "latency"]) {
    const { window } = await open(t, `#view=${view}`);
    await window.page.waitForFunction(() => window.waitscope.overview().settled && window.waitscope.overview().totals.blocked > 1e9);
    assert.deepEqual(window.complaints, []);
  }
});

test("every view follows the system's theme while it is shown", async (t) => {
  const { server, window } = await open(t, "#view=summary", { live: true, nowNs: 1e9 });
  await window.page.locator("#view .thread").first().waitFor();
  for (const [i, colorScheme] of ["dark", "light", "dark", "light"].entries()) {
    server.advance(1.1e9 + i * 1e8);
    await window.page.emulateMedia({ colorScheme });
    await window.page.waitForFunction((dark) => (document.getElementById("overview").getContext("2d").getImageData(1, 1, 1, 1).data[0] < 128) === dark, colorScheme === "dark");
  }
  assert.deepEqual(window.complaints, []);
});
