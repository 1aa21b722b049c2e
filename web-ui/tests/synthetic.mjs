/**
 * A made-up trace, the same every time: an event loop, workers, a spinner, a thread that dies.
 *
 * All facts are whole nanoseconds and add up, so that tests can compare the page with them exactly.
 * Must never look at a clock or at chance.
 */

export const NAMES = ["read", "write", "recvfrom", "sendto", "epoll_wait", "futex", "accept4", "poll"];
const FLAGS = { read: 128, write: 256, recvfrom: 128, sendto: 256, epoll_wait: 64, poll: 64, accept4: 512, futex: 0 };

/** A small generator of whole numbers between two (mulberry32): the same seed, the same trace. */
export function generator(seed) {
  let state = seed;
  return (least, most) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    const part = ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    return Math.floor(least + part * (most - least + 1));
  };
}

/** One thread's lane, built by letting time pass. */
class Thread {
  constructor(lane, name, startNs = 0) {
    this.lane = lane;
    this.pid = 4242;
    this.tid = 4242 + lane;
    this.name = name;
    this.now = startNs;
    this.beganNs = startNs === 0 ? null : startNs;
    this.endedNs = null;
    this.calls = [];
    this.spans = [];
    this.open = null;
  }

  user(ns) {
    this.now += ns;
    return this;
  }

  /** Off the CPU outside calls. */
  off(blockedNs, runnableNs) {
    const left = this.now;
    const woken = left + blockedNs;
    this.now = woken + runnableNs;
    this.spans.push({ left, woken, back: this.now, inCall: false, preempted: blockedNs === 0 });
    return this;
  }

  /** `parts`: ["kernel" | "copying", ns] or ["off", blockedNs, runnableNs], in order. */
  call(name, parts, more = {}) {
    const { flags = 0, ...fields } = more;
    const call = {
      name, start: this.now, kernel: 0, blocked: 0, runnable: 0, copying: 0, copyStart: NaN, other: 0, others: 0,
      sleeps: 0, preemptions: 0, ret: 0, fd: null, flags: FLAGS[name] | flags, waker: null, ...fields,
    };
    for (const [kind, first, second] of parts) {
      if (kind === "off") {
        const left = this.now;
        const woken = left + first;
        this.now = woken + second;
        this.spans.push({ left, woken, back: this.now, inCall: true, preempted: first === 0 });
        call.blocked += first;
        call.runnable += second;
        if (first > 0) call.sleeps += 1;
        else call.preemptions += 1;
        call.waker = { tid: 0, pid: 0, context: "softirq" };
      } else {
        if (kind === "copying" && Number.isNaN(call.copyStart)) call.copyStart = this.now;
        call[kind] += first;
        this.now += first;
      }
    }
    call.end = this.now;
    const sum = call.kernel + call.blocked + call.runnable + call.copying;
    if (sum !== call.end - call.start) throw new Error(`made a ${name} that does not add up: ${JSON.stringify(call)}`);
    if (call.ret < 0) call.flags |= 32;
    this.calls.push(call);
    return this;
  }
}

function eventLoop(thread, endNs, pick) {
  thread.call("epoll_wait", [["kernel", 900], ["off", 40_000_000, 31_000], ["kernel", 4_000]], { flags: 1, ret: 1, fd: 5 });
  while (thread.now < endNs) {
    thread.user(pick(500, 9_000));
    const long = pick(0, 40) === 0;
    const blocked = long ? pick(2_000_000, 60_000_000) : pick(8_000, 900_000);
    const runnable = pick(0, 9) === 0 ? pick(50_000, 700_000) : pick(900, 9_000);
    thread.call("epoll_wait", [["kernel", 2_500], ["off", blocked, runnable], ["kernel", 4_300]], { ret: 3, fd: 5 });
    for (let i = 0, ready = pick(1, 6); i < ready; i += 1) {
      thread.user(pick(1_200, 12_000));
      const fd = 8 + i;
      thread.call("recvfrom", [["kernel", 700], ["copying", pick(600, 9_000)]], { ret: 1024, fd, other: pick(0, 1_000), others: 1 });
      thread.user(pick(2_000, 20_000));
      thread.call("sendto", [["kernel", 1_900], ["copying", pick(400, 4_000)], ["kernel", 0]], { ret: 512, fd });
    }
    if (pick(0, 4) === 0) thread.user(700).call("epoll_wait", [["kernel", 450]], { flags: 16, fd: 5 });
    if (pick(0, 6) === 0) thread.user(900).call("recvfrom", [["kernel", 600]], { ret: -11, fd: 9 });
  }
}

function worker(thread, endNs, pick) {
  while (thread.now < endNs) {
    thread.call("futex", [["kernel", 1_200], ["off", pick(200_000, 30_000_000), pick(2_000, 60_000)], ["kernel", 1_100]]);
    thread.user(pick(50_000, 4_000_000));
    if (pick(0, 2) === 0) thread.off(0, pick(40_000, 3_000_000)).user(pick(100_000, 900_000));
    thread.call("write", [["kernel", 2_000], ["copying", pick(20_000, 300_000)]], { ret: 65_536, fd: 12, flags: 4 });
  }
}

function spinner(thread, endNs, pick) {
  while (thread.now < endNs) {
    thread.user(pick(3_000_000, 12_000_000)).off(0, pick(500_000, 9_000_000));
  }
}

/**
 * @param {{ seconds?: number, lanes?: number, seed?: number }} options
 */
export function makeTrace({ seconds = 8, lanes = 6, seed = 7 } = {}) {
  const endNs = seconds * 1e9;
  const threads = [];
  const names = ["server", "worker-1", "worker-2", "<img src=x onerror=window.hurt=1>", "short-lived", "sleeper"];
  for (let lane = 0; lane < lanes; lane += 1) {
    const pick = generator(seed * 1000 + lane);
    const kind = lane % 6;
    const thread = new Thread(lane, names[lane] ?? `${["loop", "worker", "worker", "spin", "short", "sleeper"][kind]}-${lane}`, kind === 4 ? endNs * 0.2 : 0);
    if (kind === 0) eventLoop(thread, endNs, pick);
    else if (kind === 1 || kind === 2) worker(thread, endNs, pick);
    else if (kind === 3) spinner(thread, endNs, pick);
    else if (kind === 4) {
      worker(thread, endNs * 0.5, pick);
      thread.call("read", [["kernel", 900], ["off", Math.floor(endNs * 0.12), 0], ["kernel", 0]], { flags: 2, fd: 3, ret: null });
      thread.endedNs = thread.now;
    } else {
      thread.user(5_000).call("poll", [["kernel", 800], ["off", Math.floor(endNs * 0.3), 20_000], ["kernel", 2_000]], { ret: 0 });
      thread.open = { call: "epoll_wait", inCall: true, sinceNs: thread.now + 4_000, offSinceNs: thread.now + 6_000, wokenNs: null, fd: 31 };
    }
    threads.push(thread);
  }
  return {
    endNs,
    threads,
    gaps: [[Math.floor(endNs * 0.625), Math.floor(endNs * 0.65), 1234]],
    lost: 1234,
  };
}
