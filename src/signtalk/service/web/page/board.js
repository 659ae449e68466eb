// Answers of one tap, for whoever can point: yes and no, how strong a pain is, where it is, numbers, days, and sentences.
// They need no camera, and all but the sentences no service. Quick taps are one line of the conversation.

import { BodyPicture } from "./body_picture.js";
import { button, byId, icon, make } from "./dom.js";
import { Favourites } from "./favourites.js";
import { Phrases } from "./phrases.js";
import { Taps } from "./taps.js";
import { text } from "./texts.js";
import { Together } from "./together.js";

/** @import { Answerer } from "./answerer.js" */
/** @import { Conversation, Line } from "./conversation.js" */
/** @import { Settings } from "./settings.js" */
/** @import { Signs } from "./signs.js" */
/** @import { Tap } from "./taps.js" */
/** @import { Offer } from "./turn.js" */
/** @import { Voice } from "./voice.js" */

const MOST_PAIN = 10;
const MOST_NUMBER = 12;

/**
 * @typedef {object} BoardParts
 * @property {Answerer} answerer where sentences are asked for
 * @property {Signs} signs
 * @property {Conversation} conversation where what was tapped goes
 * @property {Settings} settings of this browser
 * @property {Voice} voice
 * @property {(words: string) => void} said called with what stands there as tapped; "" = nothing
 * @property {() => boolean} counts whether it may be kept on this device which sentence follows which
 */

/** @typedef {"sentences" | "pain" | "where" | "number" | "day"} Part of the board, each with its picture */
/** @typedef {[words: string, label: Node | string]} Answered what a tap says, and what stands on its button */

/** @type {[Part, string][]} */
const PARTS = [["sentences", "talk"], ["pain", "pain"], ["where", "body"], ["number", "numbers"], ["day", "calendar"]];

export class Board {
  /** @type {Part} */
  #part = PARTS[0][0];
  #taps;
  #together;
  #phrases;
  #body = new BodyPicture((words) => this.tap({ row: "where", words, count: "several" }));

  /** @param {BoardParts} parts */
  constructor({ answerer, signs, conversation, settings, voice, said, counts }) {
    this.signs = signs;
    this.settings = settings;
    this.voice = voice;
    this.said = said;
    this.#together = new Together({ wanted: counts });
    this.#phrases = new Phrases({
      answerer, signs, favourites: new Favourites(), together: this.#together, tapped: (offer) => this.#say(offer),
    });
    this.#phrases.recent = conversation.lines.filter(isSentence).map(({ words }) => words).reverse();
    conversation.on("added", (line) => {
      if (isSentence(line)) this.#use(line.words, true);
      else if (line.who === "staff") this.#use(line.words, false);
    });
    byId("board").addEventListener("toggle", () => this.#open(this.#part));
    this.#taps = new Taps({ conversation, who: "patient", how: "tapped" });
    const pain = numbers(0, MOST_PAIN).map((number) => /** @type {Answered} */ ([text("board.pain_of", { number, most: MOST_PAIN }), face(number)]));
    byId("board-reply").replaceChildren(...this.#row("reply", [
      [text("board.yes"), icon("check")], [text("board.no"), icon("cross")], [text("board.unknown"), icon("question")],
    ]));
    byId("board-pain").replaceChildren(...this.#row("pain", pain));
    byId("board-where").replaceChildren(this.#body.element);
    byId("board-number").replaceChildren(...this.#row("number", numbers(1, MOST_NUMBER).map((number) => [String(number), String(number)])));
    byId("board-day").replaceChildren(...this.#row("day", days().map((day) => [day, day])));
    byId("board-parts").replaceChildren(...PARTS.map(([name, picture]) => this.#tile(name, picture)));
    this.#open(PARTS[0][0]);
  }

  /** Another person stands there. */
  clear() {
    this.#taps.end();
    this.#body.mark([]);
    this.#together.begin();
    this.#phrases.recent = [];
    byId("board-said").textContent = "";
  }

  /** Sentences were taught, renamed or forgotten. */
  refresh() {
    return this.#phrases.refresh();
  }

  /** Forget which sentence follows which. */
  erase() {
    this.#together.clear();
  }

  /**
   * Take a tap: the turn's line is shown, the tap itself is spoken.
   *
   * @param {Tap} tap
   * @param {string | Promise<string>} [tag] language of its words; "" = the page's
   */
  tap(tap, tag = "") {
    const before = this.#taps.open.length, turn = this.#taps.add(tap);
    byId("board-said").textContent = turn;
    this.said(turn);
    const { open } = this.#taps;
    this.#body.mark(open.filter(({ row }) => row === "where").map(({ words }) => words));
    if (open.length < before) this.voice.stop(); // it was taken back
    else if (this.settings.get("speak")) this.voice.say(tap.words, tag);
  }

  get #isOpen() {
    return byId("board", HTMLDetailsElement).open;
  }

  /** @param {Offer} offer */
  #say(offer) {
    const words = offer.sentence;
    this.#use(words, true);
    this.tap({ row: "sentence", words, count: "each" }, this.signs.languageOf(offer));
  }

  /**
   * @param {string} sentence
   * @param {boolean} isPatients what staff shows leads to other sentences, and is not offered here
   */
  #use(sentence, isPatients) {
    this.#together.use(sentence, isPatients);
    if (isPatients) this.#phrases.recent = [sentence, ...this.#phrases.recent];
  }

  /**
   * @param {"reply" | "pain" | "number" | "day"} name
   * @param {Answered[]} answers
   */
  #row(name, answers) {
    return answers.map(([words, label]) => {
      const tap = button(label, () => this.tap({ row: name, words, count: "one" }), `tap ${name}`);
      if (typeof label !== "string") {
        tap.append(make("span", {}, name === "pain" ? "" : words));
        tap.ariaLabel = words;
      }
      return tap;
    });
  }

  /**
   * @param {Part} name
   * @param {string} picture
   */
  #tile(name, picture) {
    const tile = button(icon(picture), () => this.#open(name), "tap tile");
    tile.append(make("span", {}, text(`board.${name}`)));
    tile.dataset.part = name;
    return tile;
  }

  /**
   * One part is open at a time, so that a phone shows the whole of it.
   *
   * @param {Part} name
   */
  #open(name) {
    for (const [part] of PARTS) byId(part === "sentences" ? "phrases" : `board-${part}`).hidden = part !== name;
    for (const tile of byId("board-parts").querySelectorAll("button")) tile.ariaPressed = String(tile.dataset.part === name);
    this.#part = name;
    this.#phrases.open = this.#isOpen && name === "sentences";
  }
}

/**
 * Whether a line is one sentence of the patient's.
 *
 * @param {Line} line
 */
function isSentence({ who, how }) {
  return who === "patient" && how !== "declined" && how !== "tapped";
}

/**
 * @param {number} first
 * @param {number} last
 */
function numbers(first, last) {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** The days from Monday on, as a text: browsers know them in few languages. */
function days() {
  return text("board.days").split(",").map((day) => day.trim());
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
