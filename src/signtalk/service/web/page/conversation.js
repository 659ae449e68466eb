// The conversation so far: who said what, to be cleared. Kept in this tab alone.

import { buttonById, byId, make } from "./dom.js";
import { Events } from "./events.js";
import { keepLines, keptLines } from "./talk_memory.js";
import { text, textOf } from "./texts.js";

/** @import { Undo } from "./undo.js" */

/**
 * How it came about; "declined" lines are questions that were offered, of which none was meant.
 *
 * @typedef {"signed" | "translated" | "signed_unproven" | "translated_unproven" | "confirmed" | "chosen" | "declined" | "tapped" | "shown"} How
 */
/** @typedef {{who: "patient" | "staff", words: string, how: How, at: Date}} Line */

/**
 * Events: a line was added, or taken back because it was wrong; whatever changed, "changed" follows.
 *
 * @extends {Events<{added: Line, removed: Line, changed: undefined}>}
 */
export class Conversation extends Events {
  #lines = keptLines();
  #isMirror = false; // of another device's talk, of which nothing is kept here

  /** @param {Undo} undo */
  constructor(undo) {
    super();
    byId("clear-history").onclick = () => {
      const lines = this.clear();
      undo.offer(text("undo.cleared"), () => this.restore(lines));
      byId("history-title").focus(); // the button itself is of no use now
    };
    this.#show();
  }

  /**
   * Add a line, and give it back.
   *
   * @param {Line["who"]} who
   * @param {string} words
   * @param {Line["how"]} how
   */
  add(who, words, how) {
    const line = { who, words, how, at: new Date() };
    this.#lines.push(line);
    this.#show();
    this.emit("added", line);
    return line;
  }

  /** All lines so far. */
  get lines() {
    return [...this.#lines];
  }

  /**
   * Say a line in other words, while its turn goes on.
   *
   * @param {Line} line
   * @param {string} words
   */
  replace(line, words) {
    line.words = words;
    this.#show();
  }

  /**
   * Whether nothing was said since.
   *
   * @param {Line} line
   */
  isLast(line) {
    return this.#lines.at(-1) === line;
  }

  /**
   * Take a line back, where an answer was wrong.
   *
   * @param {Line | null} line
   */
  remove(line) {
    this.#lines = this.#lines.filter((each) => each !== line);
    this.#show();
    if (line) this.emit("removed", line);
  }

  /** Wipe it; what was there is given back. */
  clear() {
    const lines = this.#lines;
    this.#lines = [];
    this.#isMirror = false;
    this.#show();
    return lines;
  }

  /**
   * Bring lines back, before those that came meanwhile.
   *
   * @param {Line[]} lines
   */
  restore(lines) {
    this.#lines = [...lines, ...this.#lines];
    this.#show();
  }

  /**
   * Show the talk as another device has it.
   *
   * @param {Line[]} lines
   */
  mirror(lines) {
    this.#lines = lines;
    this.#isMirror = true;
    this.#show();
  }

  #show() {
    keepLines(this.#isMirror ? [] : this.#lines);
    byId("history").replaceChildren(...this.#lines.map((line) => make(
      "li", { className: `${line.who} ${line.how}` },
      make("span", { className: "who" }, `${text(`who.${line.who}`)} · ${clock(line.at)} · ${textOf("how", line.how, "how.shown")}`),
      make("span", { className: "words", dir: "auto" }, line.words),
    )));
    byId("history").lastElementChild?.scrollIntoView({ block: "nearest" });
    byId("history-empty").hidden = this.#lines.length > 0;
    byId("history").hidden = this.#lines.length === 0;
    buttonById("clear-history").disabled = this.#lines.length === 0;
    byId("history-told").textContent = "";
    this.emit("changed", undefined);
  }
}

/** @param {Date} date */
function clock(date) {
  return date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}
