/**
 * The turns of a made-up thread, cut afresh from the protocol's words: from the return of a wait to the return of the next.
 *
 * Must never share code with the page or the server.
 */

const TURNS_MAX = 2000;

const isLook = (call) => call.name === "epoll_wait";
const isWait = (call) => isLook(call) && (call.flags & 16) === 0;

/** All that have ended by a time. */
export function turnsOf(thread, nowNs) {
  const calls = thread.calls.filter((call) => call.end <= nowNs);
  const waits = calls.filter(isWait);
  return waits.slice(1).map((wait, i) => {
    const begun = waits[i];
    const work = calls.filter((call) => call.start >= begun.end && call.end <= wait.start);
    const looks = [begun.end, ...work.filter(isLook).flatMap((call) => [call.start, call.end]), wait.start];
    let lag = 0;
    for (let at = 0; at < looks.length; at += 2) lag = Math.max(lag, looks[at + 1] - looks[at]);
    return {
      start: begun.end, workEnd: wait.start, end: wait.end, lag, call: begun,
      calls: work.reduce((sum, call) => sum + 1 + call.others, wait.others), events: begun.ret,
    };
  });
}

/** What the server says of a stretch. */
export function bandOf(thread, fromNs, toNs, nowNs) {
  const turns = turnsOf(thread, nowNs).filter((turn) => turn.end > fromNs && turn.start < toNs);
  return {
    from_ns: fromNs, to_ns: toNs, now_ns: nowNs,
    turns: turns.length > TURNS_MAX ? null : turns.map((turn) => [turn.start, turn.workEnd, turn.end, turn.lag, turn.calls, turn.events, true]),
  };
}
