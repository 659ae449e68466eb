// How often was asked, answered, refused and corrected, by day and sentence: in this browser alone, where that is wanted.

import { today } from "../engine/day.js";
import { tableToText } from "../engine/table.js";

const NAME = "signtalk-tally";
const MOST_DAYS = 366; // older ones are dropped

/** @import { Answerer } from "./answerer.js" */
/** @import { Conversation } from "./conversation.js" */

/** @typedef {"asked" | "answered" | "chosen" | "refused" | "corrected"} Counted */
/** @typedef {{day: string, sentence: string} & Record<Counted, number>} TallyRow */
/** @typedef {Record<string, Record<string, Partial<Record<Counted, number>>>>} Days counts by day and sentence */

/** @type {Counted[]} */
export const COUNTED = ["asked", "answered", "chosen", "refused", "corrected"];

export class Tally {
  #wanted = false;
  /** @type {Days} */
  #days = {};

  constructor() {
    try {
      const kept = JSON.parse(localStorage.getItem(NAME) ?? "{}");
      this.#wanted = kept.wanted === true;
      if (kept.days && typeof kept.days === "object") this.#days = kept.days;
    } catch {
      // Storage may be forbidden or damaged; then counting begins anew.
    }
  }

  /** Whether anything is counted; nothing is before somebody says so. */
  get wanted() {
    return this.#wanted;
  }

  set wanted(isSo) {
    this.#wanted = isSo;
    this.#keep();
  }

  /**
   * Count one more, where that is wanted.
   *
   * @param {Counted} what
   * @param {string} [sentence] "" = no sentence was understood
   */
  count(what, sentence = "") {
    if (!this.#wanted) return;
    const day = (this.#days[today()] ??= {}), counts = (day[sentence] ??= {});
    counts[what] = (counts[what] ?? 0) + 1;
    for (const old of Object.keys(this.#days).sort().slice(0, -MOST_DAYS)) delete this.#days[old];
    this.#keep();
  }

  /** Everything that was counted, the last day first. */
  rows() {
    return Object.keys(this.#days).sort().reverse().flatMap((day) => (
      Object.keys(this.#days[day]).sort().map((sentence) => {
        const counts = COUNTED.map((what) => [what, Number(this.#days[day][sentence][what] ?? 0)]);
        return /** @type {TallyRow} */ ({ day, sentence, ...Object.fromEntries(counts) });
      })
    ));
  }

  /** The same as a table for other programs. */
  toText() {
    return tableToText(["day", "sentence", ...COUNTED], this.rows());
  }

  /** Forget every count. */
  clear() {
    this.#days = {};
    this.#keep();
  }

  #keep() {
    try {
      localStorage.setItem(NAME, JSON.stringify({ wanted: this.#wanted, days: this.#days }));
    } catch {
      // Then it holds until the page is closed.
    }
  }
}

/**
 * Count what is asked and what becomes of it.
 *
 * @param {Tally} tally
 * @param {{answerer: Answerer, conversation: Conversation, isAside: () => boolean}} talk `isAside`: what is signed is no
 *   question now
 */
export function countTalk(tally, { answerer, conversation, isAside }) {
  answerer.on("answer", ({ answer }) => {
    if (isAside()) return;
    tally.count("asked");
    if (answer.outcome === "not_sure") tally.count("refused");
  });
  conversation
    .on("added", ({ who, words, how }) => {
      if (who !== "patient" || how === "tapped") return; // what is tapped on the board was not signed
      if (how !== "declined") tally.count(how === "chosen" ? "chosen" : "answered", words); // those are counted one by one
    })
    .on("removed", ({ who, words, how }) => {
      if (who === "patient" && how !== "tapped") tally.count("corrected", words);
    });
}
