/**
 * What `bench-page.mjs` puts into the page before its own scripts: looks at every frame, and keeps what it saw.
 *
 * Must never change what the page does, nor ask it for what a test could not ask. It runs in the page: nothing of this
 * module's scope is there.
 */

/** Frames that are kept: two minutes of them. */
export const FRAMES_MAX = 7200;

/** @param {number} framesMax */
export function watch(framesMax) {
  const seen = {
    /** Milliseconds since 1970: when lanes were first drawn, and when all in view were whole. */
    firstMs: null, wholeMs: null,
    /** Of each frame: what the page counted in it. */
    frames: [],
    /** Of each lane that had a hole, for how long, in milliseconds. */
    bare: [],
    /** Tasks of more than 50 ms: when each began and how long it was, in milliseconds. */
    long: [],
  };
  window.benchSeen = seen;
  performance.setResourceTimingBufferSize(50_000);
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) seen.long.push([startTime, duration]);
  }).observe({ entryTypes: ["longtask"] });
  /** Since when a lane has a hole, by lane. */
  const since = new Map();
  window.benchHoles = {
    /** Those from before count from now. */
    begin: () => since.forEach((_, lane) => since.set(lane, performance.now())),
    /** Those that are there still count up to now. */
    end: () => since.forEach((fromMs) => seen.bare.push(performance.now() - fromMs)),
  };
  let drawn = -1;
  let laneless = true;
  const look = (nowMs) => {
    requestAnimationFrame(look);
    const page = window.waitscope;
    if (!page) return;
    // What is looked at is the frame before this one, which is on the screen by now.
    const bare = new Set(page.bare());
    for (const lane of bare) if (!since.has(lane)) since.set(lane, nowMs);
    for (const [lane, fromMs] of since) {
      if (bare.has(lane)) continue;
      since.delete(lane);
      seen.bare.push(nowMs - fromMs);
    }
    const stats = page.stats();
    if (stats.frames === drawn) return;
    drawn = stats.frames;
    if (laneless && stats.used > 0) {
      laneless = false;
      seen.firstMs = performance.timeOrigin + nowMs;
    }
    if (!laneless && bare.size === 0) seen.wholeMs ??= performance.timeOrigin + nowMs;
    if (seen.frames.length < framesMax) seen.frames.push(stats);
  };
  requestAnimationFrame(look);
}
