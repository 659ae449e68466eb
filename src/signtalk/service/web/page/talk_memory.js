// This person's talk outlives a reload, in the tab's own storage; "New person" and "Clear" wipe it. Pure but for that.

/** @import { Line } from "./conversation.js" */

const NAME = "signtalk-talk";
const WHO = ["patient", "staff"];

/**
 * The lines that were kept; none where they are damaged or storage is forbidden.
 *
 * @param {Pick<Storage, "getItem">} [storage]
 * @returns {Line[]}
 */
export function keptLines(storage = globalThis.sessionStorage) {
  try {
    /** @type {(Omit<Line, "at"> & {at: number})[]} */
    const kept = JSON.parse(storage.getItem(NAME) ?? "[]");
    return kept.filter(isLine).map((line) => ({ ...line, at: new Date(line.at) }));
  } catch {
    return [];
  }
}

/**
 * Keep these lines, or nothing where there are none.
 *
 * @param {Line[]} lines
 * @param {Pick<Storage, "setItem" | "removeItem">} [storage]
 */
export function keepLines(lines, storage = globalThis.sessionStorage) {
  try {
    if (lines.length) storage.setItem(NAME, JSON.stringify(lines.map((line) => ({ ...line, at: line.at.getTime() }))));
    else storage.removeItem(NAME);
  } catch {
    // Then the talk lasts until the page is loaded anew.
  }
}

/** @param {unknown} value */
function isLine(value) {
  const { who, words, how, at } = /** @type {Record<string, unknown>} */ (value ?? {});
  return WHO.includes(String(who)) && typeof words === "string" && typeof how === "string" && Number.isFinite(at);
}
