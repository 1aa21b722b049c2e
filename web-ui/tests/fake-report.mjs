/**
 * The report of a made-up trace: sums over threads, calls and descriptors worked out from the facts, with findings and
 * turns whose words are known to the tests.
 */

import { descriptorOf, fakeDescriptor, groups, matching, sumOf } from "./fake-answers.mjs";

const ALL = { from_ns: 0, to_ns: Infinity, least_ns: 0, most_ns: Infinity };

function threadRow(server, thread) {
  const calls = matching(server, { ...ALL, lane: thread.lane });
  const { other_ns, kernel_ns, copying_ns, ...sums } = sumOf(calls);
  const outside = thread.spans.filter((span) => !span.inCall && span.back <= server.nowNs);
  const blocked_ns = sums.blocked_ns + outside.reduce((sum, span) => sum + span.woken - span.left, 0);
  const runnable_ns = sums.runnable_ns + outside.reduce((sum, span) => sum + span.back - span.woken, 0);
  const lifetime_ns = Math.min(server.nowNs, thread.endedNs ?? server.nowNs) - (thread.beganNs ?? 0);
  const rest = lifetime_ns - blocked_ns - runnable_ns - kernel_ns - copying_ns - other_ns;
  const lost = server.truth.gaps.length > 0;
  return {
    tid: thread.tid, pid: thread.pid, name: thread.name, calls: calls.length, lifetime_ns, user_ns: lost ? null : rest, kernel_ns, blocked_ns,
    runnable_ns, copying_ns, other_ns, unknown_ns: lost ? rest : 0,
    io_model: thread.lane === 0 ? { model: "multiplexing", with: "epoll", trigger: "level" } : { model: "unknown" },
  };
}

function callRow(name, found) {
  const lengths = found.map(({ call }) => call.end - call.start).sort((a, b) => a - b);
  const at = (part) => lengths[Math.max(0, Math.ceil(lengths.length * part) - 1)];
  const { calls, other_ns: _, ...sums } = sumOf(found);
  const again = found.filter(({ call }) => call.ret === -11).length;
  return { call: name, count: calls, checks: 0, total_ns: lengths.reduce((sum, ns) => sum + ns, 0), ...sums, p50_ns: at(0.5), p99_ns: at(0.99), max_ns: at(1), errors: again > 0 ? { EAGAIN: again } : {}, interrupted: 0 };
}

function descriptorRow(found) {
  const [{ thread, call }] = found;
  const { kernel_ns: _, other_ns: __, ...sums } = sumOf(found);
  const bytes = (name) => found.reduce((sum, one) => sum + (one.call.name === name && one.call.ret > 0 ? one.call.ret : 0), 0);
  return {
    ...fakeDescriptor(thread, call), ...sums, waits: found.filter((one) => one.call.sleeps > 0).length,
    received_bytes: bytes("recvfrom"), sent_bytes: bytes("sendto"), again: found.filter((one) => one.call.ret === -11).length,
    delays: call.fd === 8 ? 2 : 0, ready_delay_ns: call.fd === 8 ? 3000 : 0, ready_delay_max_ns: call.fd === 8 ? 2000 : 0, requests: 0,
  };
}

/** @param {import("./fake-server.mjs").FakeServer} server @param {(thread: any, call: any) => object} callJson */
export function fakeReport(server, callJson) {
  const found = matching(server, ALL);
  const threads = server.shownThreads();
  const [loop] = threads;
  const off = (call) => call.blocked + call.runnable;
  const longest = [...found].sort((a, b) => off(b.call) - off(a.call)).slice(0, 5).filter(({ call }) => off(call) > 0);
  const waits = (loop?.calls ?? []).filter((call) => call.name === "epoll_wait" && call.end <= server.nowNs);
  const turn = waits[10] && { startNs: waits[9].end, workNs: waits[10].start - waits[9].end, waitNs: waits[10].end - waits[10].start };
  return {
    format: "waitscope-report", version: 1,
    trace: { pid: 4242, duration_ns: server.nowNs, ended: server.ended, lost: server.truth.lost, cut: null },
    calls: found.length, offcpu: 0,
    findings: [
      { kind: "spin", severity: "severe", text: "thread <b>server</b> 4242 spun on tcp 127.0.0.1:7000: ready 100 times in 1.20 s and never read (the worst of 3 times)", pid: 4242, tid: 4242, thread: "<b>server</b>", name: "tcp 127.0.0.1:7000", act: "read", then_acted: false, at_least: false, start_ns: 1_000_000_000, end_ns: 2_200_000_000, times: 3, inferred: false, numbers: { ready: 100, bits: 1 } },
      { kind: "late_reading", severity: "hint", text: "thread worker-1 4243 reads late: of 900 receives, 1 in 100 found data that had been there for 5.00 ms or more; the thread works 20.0 µs for each (in part inferred)", pid: 4242, tid: 4243, thread: "worker-1", start_ns: 2_000_000_000, end_ns: 2_100_000_000, times: 1, inferred: true, numbers: { reads: 900, p99_ns: 5_000_000, work_ns: 20_000 } },
    ],
    threads: threads.map((thread) => threadRow(server, thread)).sort((a, b) => b.calls - a.calls),
    by_call: groups(found, ({ call }) => call.name).map(([name, ones]) => callRow(name, ones)).sort((a, b) => b.total_ns - a.total_ns),
    longest_waits: longest.map(({ thread, call }) => ({ ...callJson(thread, call), why: { cause: "data", text: `data on ${call.name} of ${thread.tid}`, name: `${call.name} of ${thread.tid}`, short: "data" } })),
    wakers: [], requests: [],
    descriptors: groups(found.filter(({ call }) => call.fd !== null), ({ call }) => descriptorOf(call)).map(([, ones]) => descriptorRow(ones)).sort((a, b) => b.calls - a.calls),
    calls_of_descriptors_not_listed: 7,
    ready_delay: { count: 2, p50_ns: 1000, p99_ns: 2000, max_ns: 2000, max_on: 108 },
    loops: loop ? [{
      tid: loop.tid, pid: loop.pid, name: loop.name, shared: false, turns: 100, work_ns: 3_000_000, wait_ns: 9_000_000, events: 250, ready_before_asked: 25,
      calls: 500, received_bytes: 2048, sent_bytes: 1024, work_p50_ns: 20_000, work_p99_ns: 90_000, work_max_ns: 95_000, lag_p50_ns: 21_000, lag_p99_ns: 91_000, lag_max_ns: 96_000,
      over_time: { bucket_ns: 1_000_000_000, work_ns: [1_000_000, 2_000_000, 0, 0], wait_ns: [3_000_000, 0, 0, 6_000_000] },
      lag_over_time: {
        bucket_ns: 500_000_000, turns: [40, 59, 0, 1, 0, 0, 2], p99_ns: [20_000, 40_000, null, 96_000, null, null, 0],
        max_ns: [21_000, 91_000, null, 96_000, null, null, 0], max_at_ns: [100_000_000, 700_000_000, null, 1_600_000_000, null, null, 3_100_000_000],
      },
    }] : [],
    longest_turns: turn ? [{
      tid: loop.tid, pid: loop.pid, name: loop.name, start_ns: turn.startNs, ended: true, work_ns: turn.workNs, wait_ns: turn.waitNs, lag_ns: turn.workNs, blocked_ns: 0, runnable_ns: turn.workNs,
      events: 3, calls: 6, loss: false, stall: { start_ns: turn.startNs, blocked_ns: 0, runnable_ns: turn.workNs },
    }] : [],
    turns_broken: 2, turns_not_listed: 0,
  };
}
