/**
 * Numbers as people read them: times, counts, bytes, shares, error numbers.
 *
 * Pure. Must never be used to compute with: what comes out is for eyes only.
 */

const UNITS = /** @type {const} */ ([
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
]);

/**
 * A duration with three or four significant digits and the unit that suits it: `188.3 µs`.
 * @param {number} ns
 * @returns {string}
 */
export function formatNs(ns) {
  if (!Number.isFinite(ns)) return "–";
  if (ns === 0) return "0";
  const size = Math.abs(ns);
  // 999.96 µs would print as "1000.0 µs": a unit begins a little below its size.
  for (const [unit, name] of UNITS) {
    if (size < unit * 0.99995) continue;
    const value = ns / unit;
    if (unit === 1) return `${Math.round(value)} ns`;
    return `${value.toFixed(Math.abs(value) < 9.9995 ? 2 : Math.abs(value) < 999.95 ? 1 : 0)} ${name}`;
  }
  return `${ns.toFixed(1)} ns`;
}

/**
 * A duration to the nanosecond, grouped: `203 817 ns` for one to be compared or copied.
 * @param {number} ns
 * @returns {string}
 */
export function formatExactNs(ns) {
  return `${formatCount(ns)} ns`;
}

/**
 * A point in time, with as many decimals as `stepNs` can tell apart: `12.003 450 s`.
 * @param {number} ns
 * @param {number} stepNs the smallest difference that matters
 * @returns {string}
 */
export function formatTime(ns, stepNs) {
  const enough = Math.min(9, Math.max(0, Math.ceil(9 - Math.log10(Math.max(1, stepNs)))));
  // Whole groups of three read better than a digit on its own.
  const decimals = enough > 3 ? Math.ceil(enough / 3) * 3 : enough;
  const sign = ns < 0 ? "−" : "";
  // Seconds and the fraction apart: 1e7 s in one float has no nanoseconds left after toFixed.
  let whole = Math.floor(Math.abs(ns) / 1e9);
  let part = Math.round((Math.abs(ns) - whole * 1e9) / 10 ** (9 - decimals));
  if (part >= 10 ** decimals && decimals > 0) {
    whole += 1;
    part = 0;
  }
  const minutes = Math.floor(whole / 60);
  const seconds = minutes > 0 ? String(whole % 60).padStart(2, "0") : String(whole);
  const head = minutes > 0 ? `${formatCount(minutes)}:${seconds}` : seconds;
  if (decimals === 0) return minutes > 0 ? `${sign}${head}` : `${sign}${head} s`;
  const groups = String(part).padStart(decimals, "0").replace(/(\d{3})(?=\d)/g, "$1\u202f");
  return `${sign}${head}.${groups}${minutes > 0 ? "" : " s"}`;
}

/**
 * A whole number in groups of three: `1 234 567`.
 * @param {number} count
 * @returns {string}
 */
export function formatCount(count) {
  if (!Number.isFinite(count)) return "–";
  const digits = String(Math.round(Math.abs(count))).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return count < 0 ? `−${digits}` : digits;
}

/**
 * @param {number} bytes
 * @returns {string}
 */
export function formatBytes(bytes) {
  if (!Number.isFinite(bytes)) return "–";
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  const names = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1023.95 && unit < names.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${names[unit]}`;
}

/**
 * A share of one as per cent; what is not nothing never reads as nothing.
 * @param {number} share
 * @returns {string}
 */
export function formatShare(share) {
  if (!Number.isFinite(share)) return "–";
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return "<0.1 %";
  return `${percent.toFixed(percent < 10 ? 1 : 0)} %`;
}
