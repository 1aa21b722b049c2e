/**
 * What changed between two made-up recordings, with numbers that the tests know: some changed, some are noise, of some too
 * little was seen, and names are a stranger's.
 */

const side = (more) => ({
  pid: 4242, command: "/usr/bin/server --port 7000", host: "fake", kernel: "6.1.0", arch: "x86_64", start_unix_ns: 1_764_000_000_000_000_000,
  duration_ns: 4_000_000_000, calls: 40_000, lost: 0, cut: null, not_grouped: 0, ...more,
});

/** Name, A, B, and whether it changed. */
const numbers = (...all) => all.map(([name, a, b, changed]) => ({ name, a, b, chance: changed === null ? null : changed ? 0.00001 : 0.4, changed }));

const group = (of, name, a_count, b_count, ...all) => ({ of, name, a_count, b_count, numbers: numbers(...all) });

export const NAMES = ["dir/before.waitscope", "later <b>.waitscope"];

export function fakeDiff() {
  return {
    format: "waitscope-diff", version: 1,
    a: side({}),
    b: side({ kernel: "6.2.0", calls: 38_000, lost: 3, cut: "the recording is whole up to byte 7: a batch can't be decoded", not_grouped: 2 }),
    groups: [
      group("call", "epoll_wait", 20_000, 19_000,
        ["per_second", 5000, 4750, false], ["duration_ns", 150_000, 151_000, false], ["kernel_ns", 5_000, 5_000, false], ["blocked_ns", 140_000, 141_000, false],
        ["runnable_ns", 5_000, 5_000, false], ["copying_ns", 0, 0, false], ["p50_duration_ns", 100_000, 101_000, false], ["p99_duration_ns", 900_000, 910_000, null]),
      group("call", "recvfrom", 20_000, 19_000,
        ["per_second", 5000, 4750, false], ["duration_ns", 30_000, 36_000, true], ["kernel_ns", 10_000, 10_000, false], ["blocked_ns", 0, 0, false],
        ["runnable_ns", 0, 0, false], ["copying_ns", 20_000, 26_000, true], ["p50_duration_ns", 29_000, 35_000, true], ["p99_duration_ns", 80_000, 40_000, true]),
      group("call", "sendto", 0, 12, ["per_second", 0, 3, null], ["duration_ns", null, 2_000, null]),
      group("connection", "tcp to <img src=x onerror=alert(1)>", 10, 9,
        ["duration_ns", 2_000, 2_100, null], ["blocked_ns", 500, 500, null], ["runnable_ns", 0, 0, null], ["copying_ns", 1_000, 1_000, null], ["received_bytes", 2048, 4096, null]),
      group("ready_delay", "tcp accepted at 127.0.0.1:7000", 100, 100, ["ready_delay_ns", 100, 2_500, true]),
      group("turn", "server", 20_000, 19_000, ["work_ns", 40_000, 40_000, false], ["lag_ns", 30_000, 30_000, false], ["off_cpu_ns", 100, null, null]),
    ],
  };
}
