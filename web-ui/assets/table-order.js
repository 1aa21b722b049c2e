/**
 * Rows of a table: which match a text, in which order, and how many are left out.
 *
 * Pure. Must never leave rows out uncounted. Equal rows keep their order. What is not known comes last, whichever way the rest goes.
 */

/**
 * @template T
 * @typedef {{ name: string, hint: string, text: (row: T) => string, value: (row: T) => number | string | null, right: boolean,
 *   draw?: (row: T) => Node }} Column  `value`: what rows are ordered by; `draw`: what stands beside the text, for eyes alone
 */

/** @typedef {{ column: number, down: boolean }} Order */

/**
 * @template T
 * @param {readonly T[]} rows
 * @param {readonly Column<T>[]} columns
 * @param {Order} order
 * @returns {T[]}
 */
export function ordered(rows, columns, order) {
  const column = columns[order.column];
  if (!column) return [...rows];
  const way = order.down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    if (typeof x === "number" && typeof y === "number") return way * (x - y);
    const [left, right] = [String(x), String(y)];
    return left === right ? 0 : way * (left < right ? -1 : 1);
  });
}

/**
 * Those of which some column holds the text, in whatever case.
 * @template T
 * @param {readonly T[]} rows
 * @param {readonly Column<T>[]} columns
 * @param {string} typed
 * @returns {T[]}
 */
export function matchingRows(rows, columns, typed) {
  const sought = typed.trim().toLowerCase();
  if (sought === "") return [...rows];
  return rows.filter((row) => columns.some((column) => column.text(row).toLowerCase().includes(sought)));
}
