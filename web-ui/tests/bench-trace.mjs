/**
 * What a trace of Chromium says of a page's frames: how long scripts ran for each, and how many were presented in time.
 *
 * Pure: events in, numbers out. Must never count the same moment twice, nor the measuring itself.
 */

/** Everything in which JavaScript of a page runs, and what it leaves behind. They nest. */
const SCRIPT = new Set([
  "FunctionCall", "EvaluateScript", "RunMicrotasks", "v8.compile", "MinorGC", "MajorGC", "EventDispatch", "TimerFire", "FireAnimationFrame",
]);
/** Between two refreshes of the screen. */
const REFRESH_US = 1e6 / 60;
export const CATEGORIES = ["-*", "devtools.timeline", "disabled-by-default-devtools.timeline", "v8", "cc", "benchmark", "__metadata"];

/**
 * @param {readonly object[]} events
 * @param {string} origin of the page, to tell its functions from those that measure
 * @returns {{ scriptMs: number[], presented: number, missed: number, states: Record<string, number> }} `scriptMs` of each frame;
 *   `presented` pictures of the page that came to the screen, `missed` times that the screen was refreshed without a new one;
 *   `states`: what Chromium itself says of its frames, where one that came late is told twice
 */
export function readFrames(events, origin) {
  const main = mainThread(events, origin);
  const own = events.filter((event) => event.pid === main.pid && event.tid === main.tid && event.ph === "X");
  const script = union(own.filter((event) => SCRIPT.has(event.name)).map(span));
  const foreign = union(own.filter((event) => event.name === "FunctionCall" && !from(event, origin)).map(span));
  const calls = own.filter((event) => event.name === "FunctionCall" && from(event, origin));
  // Those that measure ask for frames too.
  const frames = own.filter((frame) => frame.name === "FireAnimationFrame" && calls.some((call) => inside(call, frame)));
  const begins = frames.map(({ ts }) => ts).sort((a, b) => a - b);
  const scriptMs = [];
  for (let i = 0; i + 1 < begins.length; i += 1) {
    scriptMs.push((within(script, begins[i], begins[i + 1]) - within(foreign, begins[i], begins[i + 1])) / 1000);
  }
  return { scriptMs, ...presentations(events, main.pid) };
}

/** The thread that runs the page's functions. */
function mainThread(events, origin) {
  const found = events.find((event) => event.name === "FunctionCall" && from(event, origin));
  if (!found) throw new Error(`read the trace: no function of ${origin} ran`);
  return found;
}

function from(event, origin) {
  return (event.args?.data?.url ?? "").startsWith(origin);
}

function inside(event, of) {
  return event.ts >= of.ts && event.ts + event.dur <= of.ts + of.dur;
}

function span({ ts, dur = 0 }) {
  return [ts, ts + dur];
}

/** The same time, in stretches that don't overlap, in order. */
function union(spans) {
  const merged = [];
  for (const [begin, end] of spans.sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && begin <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([begin, end]);
  }
  return merged;
}

function within(spans, begin, end) {
  let sum = 0;
  for (const [from, to] of spans) sum += Math.max(0, Math.min(to, end) - Math.max(from, begin));
  return sum;
}

/** When pictures with all that the page drew came to the screen, and how often none came where one could have. */
function presentations(events, pid) {
  // Chromium uses a few ids again and again: an end belongs to the last beginning of its id.
  const own = events.filter((event) => event.name === "PipelineReporter" && event.pid === pid).sort((a, b) => a.ts - b.ts);
  /** @type {Record<string, number>} */
  const states = {};
  /** The state of each that is under way, by id. */
  const begun = new Map();
  // Two that came together are one picture.
  const shown = new Set();
  for (const { ph, ts, id2, args } of own) {
    const state = args?.frame_reporter?.state;
    if (ph === "b" && state) {
      states[state] = (states[state] ?? 0) + 1;
      begun.set(id2?.local, state);
    } else if (ph === "e") {
      if (begun.get(id2?.local) === "STATE_PRESENTED_ALL") shown.add(ts);
      begun.delete(id2?.local);
    }
  }
  const ends = [...shown];
  let missed = 0;
  for (let i = 1; i < ends.length; i += 1) missed += Math.max(0, Math.round((ends[i] - ends[i - 1]) / REFRESH_US) - 1);
  return { presented: ends.length, missed, states };
}

/** The value below which so much of them lies. */
export function quantile(values, share) {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
