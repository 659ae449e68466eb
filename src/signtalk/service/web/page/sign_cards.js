// Sentences to choose from, each with its sign: large buttons, moved and stopped together.

import { button, make } from "./dom.js";
import { SignPlayer } from "./player.js";
import { text } from "./texts.js";

/** @import { Offer } from "./turn.js" */
/** @import { Signs } from "./signs.js" */

/**
 * A sentence as a question: only what was confirmed stands there as said.
 *
 * @param {string} sentence
 */
export function asQuestion(sentence) {
  return text("answer.question", { sentence: sentence.replace(/[\s.?!]+$/, "") });
}

/**
 * How cards look: the words of a sentence, as a question where nothing else is wanted, and what stands beside a card.
 *
 * @typedef {{words?: (sentence: string) => string, beside?: (offer: Offer) => HTMLElement}} CardLook
 */

export class SignCards {
  /** @type {SignPlayer[]} */
  #players = [];

  /**
   * @param {Offer[]} offers
   * @param {Signs} signs
   * @param {(offer: Offer) => void} chosen
   * @param {CardLook} [look]
   */
  constructor(offers, signs, chosen, { words = asQuestion, beside } = {}) {
    this.element = make("div", { className: "sign-cards" });
    this.moves = button("", () => this.#toggle());
    this.moves.hidden = true;
    for (const offer of offers) {
      const card = this.#card(words(offer.sentence), offer, signs, () => chosen(offer));
      this.element.append(beside ? make("div", { className: "card-with" }, card, beside(offer)) : card);
    }
  }

  /** Nothing is drawn any longer. */
  close() {
    for (const player of this.#players) player.show(null);
    this.#players = [];
  }

  /**
   * @param {string} words
   * @param {Offer} offer
   * @param {Signs} signs
   * @param {() => void} chosen
   */
  #card(words, offer, signs, chosen) {
    const player = new SignPlayer(make("canvas", { width: 360, height: 300, ariaHidden: "true" }));
    player.canvas.hidden = true;
    const card = button(player.canvas, chosen, "choice");
    const shown = make("span", { className: "words", dir: "auto", lang: "" }, words);
    signs.languageOf(offer).then((tag) => { shown.lang = tag; });
    card.append(player.film, shown);
    this.#players.push(player);
    player.onchange = () => this.#label();
    signs.shown(offer).then((sign) => {
      if (!sign || !this.#players.includes(player)) return;
      player.show(sign.clip, sign.film);
      this.moves.hidden = false;
      this.#label();
    });
    return card;
  }

  #label() {
    this.moves.textContent = text(this.#players.some(({ playing }) => playing) ? "player.pause" : "player.play");
  }

  #toggle() {
    const moving = this.#players.some(({ playing }) => playing);
    for (const player of this.#players) {
      if (moving) player.pause();
      else player.play();
    }
  }
}
