/**
 * Which lanes show, in which order: those of a process together, and of a collapsed one only the first.
 *
 * Pure. Must never lose a lane without counting it.
 *
 * @import { Lane } from "./messages.js"
 */

export const ORDERS = /** @type {const} */ (["appearance", "name", "calls", "blocked"]);

/**
 * @typedef {(typeof ORDERS)[number]} Order
 * @typedef {{ lanes: Lane[], processes: Map<number, { pid: number, hidden: number }> }} Arranged
 *   `processes`: by the first lane of each process that has several; how many of its lanes do not show
 */

/**
 * @param {readonly Lane[]} lanes in the order of appearance
 * @param {Order} order
 * @param {ReadonlyMap<number, number>} blockedNs by lane, for that order
 * @param {ReadonlySet<number>} collapsed processes
 * @returns {Arranged}
 */
export function arranged(lanes, order, blockedNs, collapsed) {
  const blocked = (/** @type {Lane} */ lane) => blockedNs.get(lane.lane) ?? 0;
  const sorted = [...lanes].sort((a, b) => {
    switch (order) {
      case "appearance":
        return a.lane - b.lane;
      case "name":
        return a.name === b.name ? a.tid - b.tid : a.name < b.name ? -1 : 1;
      case "calls":
        return b.calls - a.calls || a.lane - b.lane;
      case "blocked":
        return blocked(b) - blocked(a) || a.lane - b.lane;
    }
  });
  /** @type {Map<number, Lane[]>} in the order of each process's first lane */
  const byProcess = new Map();
  for (const lane of sorted) {
    const own = byProcess.get(lane.pid);
    if (own) own.push(lane);
    else byProcess.set(lane.pid, [lane]);
  }
  /** @type {Arranged} */
  const result = { lanes: [], processes: new Map() };
  for (const [pid, own] of byProcess) {
    const [first] = own;
    if (!first) continue;
    const shown = collapsed.has(pid) ? [first] : own;
    result.lanes.push(...shown);
    if (own.length > 1) result.processes.set(first.lane, { pid, hidden: own.length - shown.length });
  }
  return result;
}
