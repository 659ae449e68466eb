// Quick taps are one line: what is tapped in one turn is joined, and the turn ends with a pause or another line. Pure but
// for the conversation, where the line stands.

/** @import { Conversation, Line } from "./conversation.js" */

/**
 * A tap of a row. "one": the last tap of the row counts; "several": each counts, and a second tap takes it back; "each":
 * each counts, one after the other.
 *
 * @typedef {{row: string, words: string, count: "one" | "several" | "each"}} Tap
 */

export const TURN_MS = 8000; // a longer pause ends the turn
const BETWEEN = " · ";

/**
 * What stands after one more tap.
 *
 * @param {Tap[]} taps of this turn
 * @param {Tap} tap
 * @returns {Tap[]}
 */
export function tapped(taps, tap) {
  const isSame = (/** @type {Tap} */ { row, words }) => row === tap.row && words === tap.words;
  if (tap.count === "several" && taps.some(isSame)) return taps.filter((each) => !isSame(each));
  if (tap.count === "each" && taps.length && isSame(taps[taps.length - 1])) return taps;
  if (tap.count === "one" && taps.some(({ row }) => row === tap.row)) {
    return taps.map((each) => (each.row === tap.row ? tap : each));
  }
  return [...taps, tap];
}

export class Taps {
  /** @type {Tap[]} */
  #taps = [];
  /** @type {Line | null} */
  #line = null;
  #lastMs = -Infinity;

  /** @param {{conversation: Conversation, who: Line["who"], how: Line["how"], now?: () => number}} parts `now` in ms */
  constructor({ conversation, who, how, now = () => performance.now() }) {
    this.conversation = conversation;
    this.who = who;
    this.how = how;
    this.now = now;
  }

  /** What was tapped in the turn that goes on; none where it has ended. */
  get open() {
    const goesOn = this.#line && this.conversation.isLast(this.#line) && this.now() - this.#lastMs < TURN_MS;
    return goesOn ? this.#taps : [];
  }

  /**
   * Take a tap; all words of the turn are given back.
   *
   * @param {Tap} tap
   */
  add(tap) {
    const before = this.open, line = before.length ? this.#line : null;
    this.#taps = tapped(before, tap);
    this.#lastMs = this.now();
    const words = this.#taps.map((each) => each.words).join(BETWEEN);
    if (!words) {
      this.conversation.remove(line);
      this.#line = null;
    } else if (line) {
      this.conversation.replace(line, words);
    } else {
      this.#line = this.conversation.add(this.who, words, this.how);
    }
    return words;
  }

  /** The turn ends: another person stands there, or something else was said. */
  end() {
    this.#taps = [];
    this.#line = null;
  }
}
