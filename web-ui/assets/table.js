/**
 * A table that can be ordered by any column, with a bounded number of rows.
 *
 * Must never leave rows out without saying how many.
 *
 * @template T
 * @typedef {import("./table-order.js").Column<T>} Column
 */

import { el } from "./dom.js";
import { formatCount } from "./format.js";
import { matchingRows, ordered } from "./table-order.js";
import { say } from "./words.js";

/** @typedef {import("./table-order.js").Order} Order */

/** More rows than this nobody reads; a filter or another order brings the others. */
const ROWS = 200;

/** @template T */
export class Table {
  /**
   * @param {string} caption
   * @param {readonly Column<T>[]} columns
   * @param {Order} order
   * @param {((row: T) => void) | null} onRow what a row leads to
   */
  constructor(caption, columns, order, onRow) {
    this.columns = columns;
    this.order = order;
    this.onRow = onRow;
    this.typed = "";
    /** @type {readonly T[]} */
    this.rows = [];
    /** Those that show. @type {readonly T[]} */
    this.shown = [];
    this.head = el("tr", "");
    this.body = el("tbody", "");
    this.note = el("p", "faint");
    const named = el("caption", "unseen", caption);
    this.root = el("div", "table", el("table", "", named, el("thead", "", this.head), this.body), this.note);
    this.heads = columns.map((column, i) => {
      const button = el("button", "", column.name);
      button.setAttribute("type", "button");
      button.title = column.hint;
      button.addEventListener("click", () => this.orderBy(i));
      const cell = el("th", column.right ? "number" : "", button);
      cell.setAttribute("scope", "col");
      return cell;
    });
    this.head.append(...this.heads);
  }

  /** @param {number} column */
  orderBy(column) {
    const again = this.order.column === column;
    // Of numbers one looks for the largest first.
    this.order = { column, down: again ? !this.order.down : this.columns[column]?.right === true };
    this.fill();
  }

  /** @param {string} typed */
  filter(typed) {
    this.typed = typed;
    this.fill();
  }

  /** @param {readonly T[]} rows */
  show(rows) {
    this.rows = rows;
    this.fill();
  }

  fill() {
    this.heads.forEach((cell, i) => {
      const sorted = i === this.order.column ? (this.order.down ? "descending" : "ascending") : "none";
      cell.setAttribute("aria-sort", sorted);
    });
    const found = ordered(matchingRows(this.rows, this.columns, this.typed), this.columns, this.order);
    const focused = [...this.body.children].findIndex((row) => row.contains(document.activeElement));
    const button = [...(this.body.children[focused]?.querySelectorAll("button") ?? [])].findIndex((one) => one === document.activeElement);
    this.shown = found.slice(0, ROWS);
    this.body.replaceChildren(...this.shown.map((row) => this.row(row)));
    const again = this.body.children[focused]?.querySelectorAll("button")[button];
    again?.focus({ preventScroll: true });
    const more = found.length - ROWS;
    const hidden = this.rows.length - found.length;
    const words = [more > 0 ? say("table.more", { count: formatCount(more) }) : "", hidden > 0 ? say("table.hidden", { count: formatCount(hidden) }) : ""];
    this.note.textContent = found.length === 0 && this.rows.length === 0 ? say("table.none") : words.filter(Boolean).join(" · ");
  }

  /** Sets the focus into the first row of this kind that shows. @param {(row: T) => boolean} is */
  focus(is) {
    const at = this.shown.findIndex(is);
    this.body.children[at]?.querySelector("button")?.focus();
  }

  /** @param {T} row @returns {HTMLElement} */
  row(row) {
    const { onRow } = this;
    const cells = this.columns.map((column, i) => {
      const words = column.text(row);
      if (i > 0 || !onRow) return el("td", column.right ? "number" : "", words, ...(column.draw ? [column.draw(row)] : []));
      const link = el("button", "link", words);
      link.setAttribute("type", "button");
      link.addEventListener("click", () => onRow(row));
      return el("td", "", link);
    });
    return el("tr", "", ...cells);
  }
}

/**
 * @template T
 * @param {string} name
 * @param {string} hint
 * @param {(row: T) => number | null} value
 * @param {(value: number) => string} format
 * @returns {Column<T>}
 */
export function numberColumn(name, hint, value, format) {
  return {
    name, hint, value, right: true,
    text: (row) => {
      const known = value(row);
      return known === null ? "–" : format(known);
    },
  };
}

/**
 * @template T
 * @param {string} name
 * @param {string} hint
 * @param {(row: T) => string} text
 * @returns {Column<T>}
 */
export function textColumn(name, hint, text) {
  return { name, hint, text, value: text, right: false };
}
