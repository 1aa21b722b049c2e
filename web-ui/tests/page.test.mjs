/**
 * The page in a real browser, against a made-up trace whose every nanosecond is known.
 */

import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";

import { launch } from "./browser.mjs";
import { FakeServer } from "./fake-server.mjs";
import { opened } from "./opened.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

/** A server and a window on it; both closed, and the window's complaints shown, when the test is over. */
const open = (t, server, window) => opened(t, browser, { server, window });

const ROW_Y = 30 + 36;

test("every thread has a lane, and the head says who is traced, for how long and what was lost", async (t) => {
  const { server, window } = await open(t);
  assert.equal((await window.view()).lanes, server.truth.threads.length);
  const header = await window.page.locator("header").innerText();
  for (const words of ["/usr/bin/server --port 7000", "pid 4242", "recording made-up.waitscope", "1.2 %", "310 ns"]) assert.ok(header.includes(words), `${words} in ${header}`);
  assert.equal(await window.page.locator("#facts .loud dd").innerText(), "1\u202f234 (1.9 %)".replace("1.9", (123400 / server.state().made).toFixed(1)));
  assert.equal(await window.page.locator(".lane").count(), server.truth.threads.length);
  assert.deepEqual(window.complaints, []);
});

test("text from the server is text, whatever is in it", async (t) => {
  const { server, window } = await open(t);
  server.truth.threads[0].name = "</title><script>window.hurt=2</script>";
  const third = window.page.locator(".lane .name").nth(3);
  assert.equal(await third.innerText(), "<img src=x onerror=window.hurt=1>");
  await window.click(300, ROW_Y + 54);
  await window.page.locator("#panel h2").waitFor();
  assert.equal(await window.page.locator("img").count(), 0);
  assert.equal(await window.page.evaluate(() => window.hurt), undefined);
  assert.deepEqual(window.complaints, []);
});

test("the wheel zooms, and the time under the pointer stays", async (t) => {
  const { window } = await open(t);
  for (const x of [120, 700]) {
    await window.point(x, ROW_Y);
    const start = await window.view();
    const anchor = start.startNs + x * start.nsPerPx;
    await window.wheel(7);
    const end = await window.view();
    assert.ok(end.nsPerPx < start.nsPerPx / 5, "it did zoom");
    assert.ok(Math.abs((anchor - end.startNs) / end.nsPerPx - x) < 0.6, `the time moved to ${(anchor - end.startNs) / end.nsPerPx} from ${x}`);
    await window.page.keyboard.press("Home");
    await window.settle();
  }
  assert.deepEqual(window.complaints, []);
});

test("drag, shift and wheel, and arrows move in time without a change of zoom", async (t) => {
  const { window } = await open(t);
  await window.point(500, ROW_Y);
  await window.wheel(6);
  const start = await window.view();
  const point = await window.point(500, ROW_Y);
  await window.page.mouse.down();
  await window.page.mouse.move(point.x - 150, point.y, { steps: 10 });
  await window.page.mouse.up();
  await window.settle();
  const dragged = await window.view();
  assert.ok(Math.abs(dragged.startNs - start.startNs - 150 * start.nsPerPx) < start.nsPerPx, "150 px to the left is 150 px later");
  assert.equal(dragged.nsPerPx, start.nsPerPx);
  assert.equal(await window.page.locator("#panel").isVisible(), false, "a drag is no click");
  await window.page.keyboard.press("ArrowLeft");
  await window.settle();
  const back = await window.view();
  assert.ok(back.startNs < dragged.startNs);
  await window.page.keyboard.down("Shift");
  await window.page.mouse.wheel(0, 200);
  await window.page.keyboard.up("Shift");
  await window.settle();
  const shifted = await window.view();
  assert.ok(shifted.startNs > back.startNs);
  assert.equal(shifted.nsPerPx, start.nsPerPx);
});

test("a click shows the numbers of /api/call, and they add up", async (t) => {
  const { server, window } = await open(t);
  const call = server.truth.threads[0].calls.find((one) => one.name === "recvfrom" && one.copying > 3000 && one.start > 5e8);
  await window.zoomTo(call.start, call.end, ROW_Y);
  const view = await window.view();
  await window.click(((call.start + call.end) / 2 - view.startNs) / view.nsPerPx, ROW_Y);
  const panel = window.page.locator("#panel");
  await panel.locator("h2").waitFor();
  const text = (await panel.innerText()).replaceAll("\u202f", "");
  assert.match(text, /^recvfrom/);
  for (const number of [`${call.kernel} ns`, `${call.copying} ns`, `${call.end - call.start} ns`]) assert.ok(text.includes(number), `${number} in ${text}`);
  const json = await window.page.evaluate(async (at) => (await fetch(`/api/call/0/${at}`)).json(), call.start + 1);
  assert.equal(json.call.start_ns, call.start);
  const { kernel_ns, blocked_ns, runnable_ns, copying_ns, start_ns, end_ns } = json.call;
  assert.equal(kernel_ns + blocked_ns + runnable_ns + copying_ns, end_ns - start_ns);
  await window.page.keyboard.press("Escape");
  assert.equal(await panel.isVisible(), false);
  assert.deepEqual(window.complaints, []);
});

test("what is drawn at a pixel is the phase the trace has there", async (t) => {
  const { server, window } = await open(t);
  const { calls, spans } = server.truth.threads[0];
  const wait = calls.find((one) => one.name === "epoll_wait" && one.runnable > 50_000 && one.blocked < 900_000 && one.start > 1e9);
  const span = spans.find((one) => one.left >= wait.start && one.back <= wait.end);
  const copy = calls.find((one) => one.name === "recvfrom" && one.copying > 3000 && one.start > wait.end);
  const palette = await window.palette();
  const points = [
    ["blocked", span.left, span.woken, wait.start, wait.end],
    ["runnable", span.woken, span.back, wait.start, wait.end],
    ["copying", copy.copyStart, copy.end, copy.start, copy.end],
    ["kernel", copy.start, copy.copyStart, copy.start, copy.end],
    ["user", wait.end, calls[calls.indexOf(wait) + 1].start - calls[calls.indexOf(wait) + 1].other, wait.end, wait.end + 2000],
  ];
  for (const [phase, fromNs, toNs, zoomFrom, zoomTo] of points) {
    await window.page.keyboard.press("Home");
    await window.settle();
    await window.zoomTo(zoomFrom, zoomTo, ROW_Y);
    const time = (fromNs + toNs) / 2;
    const drawn = await window.at(0, time);
    assert.ok(drawn, `${phase} is in the window`);
    const least = phase === "user" ? 0.4 : 0.999;
    assert.ok(drawn.shares[phase] >= least, `${phase} at ${time}: ${JSON.stringify(drawn.shares)}`);
    // Away from the pointer's line, near the bottom where a stack begins with what ran.
    await window.point(5, 10);
    await window.settle();
    const colours = await window.colours(drawn.xPx - 3, drawn.topPx + 2, 7, drawn.heightPx - 4);
    const { ink, paper } = palette[phase];
    const counted = (colours[ink] ?? 0) + (ink === paper ? 0 : (colours[paper] ?? 0));
    assert.ok(counted >= 7 * (drawn.heightPx - 4) * (phase === "user" ? 0.3 : 0.8), `${phase}: ${JSON.stringify(colours)}`);
  }
  assert.deepEqual(window.complaints, []);
});

test("zoomed out, the sums of what is drawn are the trace's", async (t) => {
  const { server, window } = await open(t);
  for (const lane of [0, 1, 3]) {
    const drawn = await window.totals(lane);
    const { calls, spans } = server.truth.threads[lane];
    const done = calls.filter((call) => call.end <= server.nowNs);
    const blocked = spans.reduce((sum, span) => sum + Math.max(0, Math.min(span.woken, server.nowNs) - span.left), 0);
    const copying = done.reduce((sum, call) => sum + call.copying, 0);
    const runnable = spans.filter((span) => span.back <= server.nowNs).reduce((sum, span) => sum + span.back - span.woken, 0);
    const { nsPerPx } = await window.view();
    for (const [phase, ns] of Object.entries({ blocked, copying, runnable })) {
      assert.ok(Math.abs(drawn[phase] - ns) <= Math.max(nsPerPx * 2, ns * 0.001), `lane ${lane}, ${phase}: ${drawn[phase]} drawn, ${ns} true`);
    }
  }
});

test("a loss is hatched over all lanes, where it was", async (t) => {
  const { server, window } = await open(t);
  const [[startNs, endNs]] = server.truth.gaps;
  const view = await window.view();
  const x = (startNs - view.startNs) / view.nsPerPx;
  const width = Math.floor((endNs - startNs) / view.nsPerPx);
  // Below the last lane nothing else is drawn.
  const inside = await window.colours(x + 1, 30 + 6 * 54 + 20, width - 2, 40);
  const outside = await window.colours(x - width - 3, 30 + 6 * 54 + 20, width - 2, 40);
  assert.ok(Object.keys(inside).length > 3, "hatched");
  assert.ok(Object.keys(outside).length <= 2, `plain: ${JSON.stringify(outside)}`);
});

test("what is no longer kept says so and shows no phases", async (t) => {
  const { window } = await open(t, { keptNs: 1e9 });
  const before = await window.at(0, 5e8);
  assert.ok(Object.values(before.shares).every((share) => share === 0), JSON.stringify(before.shares));
  const later = await window.at(0, 1.5e9);
  assert.ok(Math.abs(Object.values(later.shares).reduce((sum, share) => sum + share, 0) - 1) < 1e-6);
});

test("the view follows what is live, pauses, and follows again", async (t) => {
  const { server, window } = await open(t, { live: true, nowNs: 1e9 });
  // The view moves with the frames that the machine makes, so it is waited for. It lies up to 300 ms behind, for
  // what is not settled yet, and runs up to 400 ms ahead until the server says more.
  const nowIsSeenAtTheRight = () => window.page.waitForFunction(() => {
    const view = window.waitscope.view();
    const leftOfEdgeNs = (view.widthPx - 24) * view.nsPerPx - (view.nowNs - view.startNs);
    return -3.1e8 < leftOfEdgeNs && leftOfEdgeNs < 4.1e8;
  });
  const advance = async (nowNs) => {
    server.advance(nowNs);
    await window.page.waitForFunction((now) => window.waitscope.view().nowNs >= now, nowNs);
    await window.settle();
  };
  assert.equal((await window.view()).following, true, "a live trace is followed from the start");
  assert.ok((await window.view()).startNs > -2e8, "a young trace begins at the left");
  await window.point(300, ROW_Y);
  await window.wheel(4);
  assert.equal((await window.view()).following, false, "what was zoomed in on must not run away");
  await window.page.locator("#timeline").focus();
  await window.page.keyboard.press("l");
  await window.settle();
  assert.equal((await window.view()).following, true);
  await advance(2e9);
  await nowIsSeenAtTheRight();
  await window.page.locator("#timeline").focus();
  await window.page.keyboard.press("Space");
  await window.settle();
  const paused = await window.view();
  assert.equal(paused.following, false);
  await advance(2.4e9);
  assert.equal((await window.view()).startNs, paused.startNs, "paused means paused");
  await window.page.locator("#follow").click();
  await advance(2.5e9);
  await nowIsSeenAtTheRight();
  assert.ok((await window.view()).startNs > paused.startNs);
  assert.deepEqual(window.complaints, []);
});

test("a live trace grows on the page as it grows", async (t) => {
  const { server, window } = await open(t, { live: true, nowNs: 1e9 });
  server.advance(1.6e9);
  await window.page.waitForFunction(() => window.waitscope.view().nowNs >= 1.6e9);
  await window.page.keyboard.press("Home");
  await window.page.waitForFunction(() => {
    const drawn = window.waitscope.at(3, 1.5e9);
    return drawn && drawn.shares.user + drawn.shares.runnable > 0.99;
  });
  const open5 = await window.at(5, 1.5e9);
  assert.ok(open5.shares.blocked > 0.99, `an open call is drawn: ${JSON.stringify(open5)}`);
  const beyond = await window.at(0, 1.7e9);
  assert.ok(!beyond || Object.values(beyond.shares).every((share) => share === 0), "nothing is drawn after now");
  assert.deepEqual(window.complaints, []);
});

test("no threads yet is said, and they appear when they come", async (t) => {
  const server = new FakeServer({ live: true, nowNs: 1e9, trace: { seconds: 4 } });
  server.empty = true;
  const context = await browser.newContext();
  const page = await context.newPage();
  t.after(async () => { await context.close(); await server.close(); });
  await page.goto(await server.listen());
  await page.getByText("No threads yet").waitFor();
  server.empty = false;
  server.advance(1.1e9);
  await page.waitForFunction(() => window.waitscope.view().lanes > 0);
  await page.getByText("No threads yet").waitFor({ state: "hidden" });
});

test("a server that goes is said to be gone, and one that comes back is found again", async (t) => {
  const { server, window } = await open(t, { live: true, nowNs: 1e9 });
  const { port, token } = server;
  await server.close();
  await window.page.getByText("No word from waitscope").waitFor();
  assert.equal(await window.page.locator("#badge").innerText(), "disconnected");
  const other = new FakeServer({ live: true, nowNs: 2e9, port, trace: { seconds: 4 } });
  other.token = token;
  await other.listen();
  t.after(() => other.close());
  await window.page.waitForFunction(() => document.getElementById("badge").textContent === "live");
  assert.equal(await window.page.locator("#banner").isVisible(), false);
});

test("a page without the secret says that it is not authorised", async (t) => {
  const { server, window } = await open(t, { live: true, nowNs: 1e9 });
  server.token = "another";
  for (const stream of server.streams) stream.destroy();
  await window.page.getByText("Not authorised: open the address").waitFor();
});

test("the guard lets nobody in without token, cookie and the right Host", async (t) => {
  const { server } = await open(t);
  const cookie = `waitscope_${server.port}=${server.token}`;
  const status = (path, headers) =>
    new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port: server.port, path, headers }, (response) => resolve(response.resume().statusCode)).on("error", reject).end();
    });
  assert.equal(await status("/api/trace", { cookie }), 200);
  assert.equal(await status("/api/trace", {}), 403);
  assert.equal(await status("/?token=wrong", {}), 403);
  assert.equal(await status("/api/trace", { cookie, host: "evil.example" }), 421);
  assert.equal(await status("/api/trace", { cookie, origin: "http://evil.example" }), 403);
});

test("the keyboard alone is enough", async (t) => {
  const { window } = await open(t);
  await window.page.locator("#timeline").focus();
  const start = await window.view();
  for (let i = 0; i < 6; i += 1) await window.page.keyboard.press("+");
  await window.settle();
  assert.ok((await window.view()).nsPerPx < start.nsPerPx / 8);
  await window.page.keyboard.press("Enter");
  await window.page.locator("#panel h2").waitFor();
  assert.notEqual(await window.page.locator("#announce").textContent(), "", "what was chosen is announced");
  await window.page.keyboard.press("z");
  await window.settle();
  await window.page.keyboard.press("Escape");
  assert.equal(await window.page.locator("#panel").isVisible(), false);
  await window.page.keyboard.press("?");
  assert.equal(await window.page.locator("#help").isVisible(), true);
  await window.page.keyboard.press("Escape");
  assert.equal(await window.page.locator("#help").isVisible(), false);
  assert.deepEqual(window.complaints, []);
});

test("many lanes scroll, and only those in view cost", async (t) => {
  const { window } = await open(t, { trace: { seconds: 1, lanes: 120 } });
  assert.equal((await window.view()).lanes, 120);
  assert.ok((await window.page.locator(".lane").count()) < 20);
  await window.page.locator("#scroller").evaluate((element) => element.scrollTo(0, 60 * 54));
  await window.page.waitForFunction(() => window.waitscope.view().scrollPx === 60 * 54);
  await window.settle();
  assert.match(await window.page.locator(".lane").first().innerText(), /-60\n/);
  assert.ok((await window.at(62, 5e8)) !== null);
});

for (const [name, act] of [
  ["the whole trace in view", async () => {}],
  ["zoomed in by half", async (window) => { await window.point(500, ROW_Y); await window.wheel(9); }],
]) {
  // How long a frame takes depends on what else the machine does: it is told, and not judged.
  test(`a frame's work is bounded, with ${name}`, async (t) => {
    const { window } = await open(t, { trace: { seconds: 12, lanes: 18 } });
    await act(window);
    const frames = await window.page.evaluate(async () => {
      const canvas = document.getElementById("timeline");
      const found = [];
      for (let i = 0; i < 90; i += 1) {
        canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: 400 + i, clientY: 300, bubbles: true }));
        await new Promise((resolve) => requestAnimationFrame(resolve));
        await new Promise((resolve) => setTimeout(resolve));
        found.push(window.waitscope.stats());
      }
      return found;
    });
    const ms = frames.map((frame) => frame.ms).sort((a, b) => a - b);
    const p95 = ms[Math.floor(ms.length * 0.95)];
    const rects = Math.max(...frames.map((frame) => frame.rects));
    t.diagnostic(`p50 ${ms[45].toFixed(2)} ms, p95 ${p95.toFixed(2)} ms, at most ${rects} rects`);
    assert.ok(rects < 10_000, `${rects} rects`);
  });
}
