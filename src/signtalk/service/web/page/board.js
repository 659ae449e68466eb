// Answers of one tap, for whoever can point: yes and no, how strong a pain is, numbers, days. They need no camera and no
// service. Several taps in one row are one answer: the last one counts.

import { button, byId, icon, make } from "./dom.js";
import { language, text } from "./texts.js";

/** @import { Conversation, Line } from "./conversation.js" */

const MOST_PAIN = 10;
const MOST_NUMBER = 12;
const DAYS = 7;
const A_MONDAY = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;

export class Board {
  /** @type {{row: string, line: Line} | null} */
  #last = null;

  /** @param {{conversation: Conversation, said: (words: string) => void}} parts `said` shows and speaks what was tapped */
  constructor({ conversation, said }) {
    this.conversation = conversation;
    this.said = said;
    byId("board-rows").replaceChildren(
      this.#row("reply", [
        [text("board.yes"), icon("check")], [text("board.no"), icon("cross")], [text("board.unknown"), icon("question")],
      ]),
      this.#row("pain", numbers(0, MOST_PAIN).map((number) => [text("board.pain_of", { number, most: MOST_PAIN }), face(number)])),
      this.#row("number", numbers(1, MOST_NUMBER).map((number) => [String(number), String(number)])),
      this.#row("day", days().map((day) => [day, day])),
    );
  }

  /** Another person stands there. */
  clear() {
    this.#last = null;
  }

  /**
   * @param {"reply" | "pain" | "number" | "day"} name
   * @param {[string, Node | string][]} answers words, and what stands on the button
   */
  #row(name, answers) {
    const title = make("h3", { id: `board-${name}` }, text(`board.${name}`));
    const buttons = answers.map(([words, label]) => {
      const tap = button(label, () => this.#tap(name, words), `tap ${name}`);
      if (typeof label !== "string") {
        tap.append(make("span", {}, name === "pain" ? "" : words));
        tap.ariaLabel = words;
      }
      return tap;
    });
    const row = make("div", { className: "row", role: "group" }, ...buttons);
    row.setAttribute("aria-labelledby", title.id);
    return make("div", {}, title, row);
  }

  /**
   * @param {string} row
   * @param {string} words
   */
  #tap(row, words) {
    if (this.#last?.row === row && this.conversation.isLast(this.#last.line)) this.conversation.remove(this.#last.line);
    this.#last = { row, line: this.conversation.add("patient", words, "tapped") };
    this.said(words);
  }
}

/**
 * @param {number} first
 * @param {number} last
 */
function numbers(first, last) {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** The days from Monday on, as the page's language calls them. */
function days() {
  const format = new Intl.DateTimeFormat(language(), { weekday: "long", timeZone: "UTC" });
  return numbers(0, DAYS - 1).map((day) => format.format(A_MONDAY + day * DAY_MS));
}

/**
 * A face that smiles without pain, and bends down the more it hurts; its number stands below.
 *
 * @param {number} pain
 */
function face(pain) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 30");
  svg.setAttribute("aria-hidden", "true");
  const bend = 4 - (8 * pain) / MOST_PAIN;
  const eyes = pain > MOST_PAIN * 0.7 ? "M7 9l3 1.500M17 9l-3 1.500" : "M8.500 9v.2M15.500 9v.2";
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", `M22 12a10 10 0 1 1-20 0a10 10 0 1 1 20 0M7.500 ${16 - bend / 2}Q12 ${16 + bend} 16.500 ${16 - bend / 2}${eyes}`);
  const number = document.createElementNS("http://www.w3.org/2000/svg", "text");
  number.setAttribute("x", "12");
  number.setAttribute("y", "29.500");
  number.textContent = String(pain);
  svg.append(path, number);
  return svg;
}
