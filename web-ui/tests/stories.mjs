/**
 * Stories of the calls of a made-up trace, from its facts alone: turns are cut as the words define them, and every sum is
 * taken call by call.
 *
 * Must never use the page's code: it is what that is compared with.
 */

const READY = { readable: 1 };

/** A descriptor of the made-up trace. @param {number} fd */
function descriptor(fd) {
  const kind = fd === 5 ? "epoll" : "tcp";
  const peer = `127.0.0.1:${40_000 + fd}`;
  return { id: fd, pid: 4242, fd, kind, name: kind === "epoll" ? "" : `127.0.0.1:7000 ← ${peer}`, ...(kind === "tcp" ? { local: "127.0.0.1:7000", peer } : {}) };
}

const isWait = (call) => call.name === "epoll_wait" && (call.flags & 16) === 0;

/** The turn that begins with the return of `calls[first]`, ended by the next wait. */
function turnOf(thread, first, end) {
  const { calls } = thread;
  const begun = calls[first];
  const ended = calls[end];
  const work = calls.slice(first + 1, end);
  return {
    tid: thread.tid, pid: thread.pid, start_ns: begun.end, work_end_ns: ended.start, end_ns: ended.end, ended: true,
    work_ns: ended.start - begun.end, wait_ns: ended.end - ended.start, blocked_ns: 0, runnable_ns: 0, lag_ns: ended.start - begun.end,
    events: begun.ret, calls: work.length, checks: work.filter((call) => call.name === "epoll_wait").length,
    received_bytes: work.filter((call) => call.name === "recvfrom" && call.ret > 0).reduce((sum, call) => sum + call.ret, 0),
    sent_bytes: work.filter((call) => call.name === "sendto").reduce((sum, call) => sum + call.ret, 0),
    ready_before_asked: false, call: "epoll_wait", nr: 4, fd: 5, many: true,
  };
}

/** What the work of a turn and the call that began it add up to. */
function sumOf(thread, calls, lastEntry, others) {
  const add = (name) => calls.reduce((sum, call) => sum + call[name], 0);
  const outside = thread.spans.filter((span) => !span.inCall && span.left >= calls[0].start && span.back <= lastEntry);
  const sum = {
    calls: calls.length, kernel_ns: add("kernel"), blocked_ns: add("blocked"), runnable_ns: add("runnable"), copying_ns: add("copying"),
    other_ns: others, outside_blocked_ns: outside.reduce((all, span) => all + span.woken - span.left, 0),
    outside_runnable_ns: outside.reduce((all, span) => all + span.back - span.woken, 0), length_ns: lastEntry - calls[0].start,
  };
  const told = Object.entries(sum).reduce((all, [name, ns]) => (name === "calls" || name === "length_ns" ? all : all + ns), 0);
  return { ...sum, user_ns: sum.length_ns - told };
}

/**
 * @param {object} thread of the made-up trace
 * @param {object} call one of its calls
 * @param {(call: object) => object} json as `/api/call` tells it
 */
export function storyOf(thread, call, json) {
  const { calls } = thread;
  const at = calls.indexOf(call);
  const first = calls.findLastIndex((one, index) => index <= at && isWait(one));
  const end = calls.findIndex((one, index) => index > first && isWait(one));
  const inTurn = first >= 0 && end >= 0;
  const from = inTurn ? first : Math.max(0, at - 40);
  const to = inTurn ? end + 1 : Math.min(calls.length, at + 13);
  const all = calls.slice(from, to);
  const found = (one) => {
    if (!isWait(one)) return [];
    const after = calls.slice(calls.indexOf(one) + 1, end);
    const fds = [...new Set(after.filter((next) => next.name === "recvfrom").map((next) => next.fd))];
    return fds.map((fd) => ({
      tid: thread.tid, pid: thread.pid, call_start_ns: one.start, fd, descriptor: fd, asked: 1, ready: READY.readable,
      name: descriptor(fd).name, led_to: after.find((next) => next.fd === fd)?.start ?? null,
    }));
  };
  const told = all.map((one) => ({ ...json(one), descriptor: one.fd ?? undefined, ready: found(one) }));
  const own = told.find((one) => one.start_ns === call.start);
  const why = call.sleeps > 0 ? { why: whyOf(thread, call) } : {};
  const fds = new Set(told.flatMap((one) => [one.fd, ...one.ready.map((ready) => ready.fd)]).filter((fd) => fd !== undefined));
  const work = inTurn ? all.slice(0, -1) : [];
  const previous = calls.findLastIndex((one, index) => index < first && isWait(one));
  const next = calls.findIndex((one, index) => index > end && isWait(one));
  return {
    lane: thread.lane, call: { ...own, ...why, ready: undefined }, ready: own.ready, descriptor: call.fd === null ? null : descriptor(call.fd),
    offcpu: [], offcpu_more: 0, chain_cut: false, unsure: false,
    threads: [{ tid: thread.tid, pid: thread.pid, lane: thread.lane, name: thread.name }, { tid: 4244, pid: 4242, lane: 2, name: "worker-2" }],
    turn: inTurn ? turnOf(thread, first, end) : null, no_turn: inTurn ? null : "no_loop",
    before: inTurn && previous >= 0 ? turnOf(thread, previous, first) : null, after: inTurn && next >= 0 ? turnOf(thread, end, next) : null,
    calls: told, rest: { calls: 0, at: told.length, sum: {} },
    sum: inTurn ? sumOf(thread, work, calls[end].start, all.slice(1).reduce((sum, one) => sum + one.other, 0)) : null,
    outside: thread.spans.filter((span) => !span.inCall && span.left >= all[0].start && span.back <= all.at(-1).end).map((span) => ({
      tid: thread.tid, pid: thread.pid, start_ns: span.left, end_ns: span.back, blocked_ns: span.woken - span.left, runnable_ns: span.back - span.woken, in_call: false,
    })),
    outside_more: 0, requests: [], requests_more: 0,
    descriptors: Object.fromEntries([...fds].map((fd) => [fd, descriptor(fd)])),
  };
}

/** A waker that is a thread has a chain; the network has none. */
function whyOf(thread, call) {
  if (call.name !== "futex") {
    return { cause: "data", text: "data on tcp 127.0.0.1:7000 ← <b>client</b> (fd 8), from the network", short: "data, fd 8", descriptor: 8, fd: 8, name: "tcp 127.0.0.1:7000 ← <b>client</b> (fd 8)", network: true, inferred: false };
  }
  const woken = call.end - 2_000;
  return {
    cause: "thread", text: "another thread, by thread 4244", short: "thread 4244", by: 4244, network: false, inferred: false,
    chain: [{
      tid: thread.tid, pid: thread.pid, woken_ns: woken, waited_in: { call: "futex", start_ns: call.start }, cause: "thread",
      text: "another thread, by thread 4244", short: "thread 4244", by: 4244, network: false, inferred: false, woken_in: { call: "write", start_ns: woken - 500, fd: 12, name: "eventfd (fd 12)" },
    }],
  };
}
