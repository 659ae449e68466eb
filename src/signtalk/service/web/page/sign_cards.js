// Sentences to choose from, each with its sign: large buttons, moved and stopped together.

import { button, make } from "./dom.js";
import { SkeletonPlayer } from "./overlay.js";
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

export class SignCards {
  /** @type {SkeletonPlayer[]} */
  #players = [];

  /**
   * @param {Offer[]} offers
   * @param {Signs} signs
   * @param {(offer: Offer) => void} chosen
   */
  constructor(offers, signs, chosen) {
    this.element = make("div", { className: "sign-cards" });
    this.moves = button("", () => this.#toggle());
    this.moves.hidden = true;
    for (const offer of offers) this.element.append(this.#card(offer, signs, chosen));
  }

  /** Nothing is drawn any longer. */
  close() {
    for (const player of this.#players) player.show(null);
    this.#players = [];
  }

  /**
   * @param {Offer} offer
   * @param {Signs} signs
   * @param {(offer: Offer) => void} chosen
   */
  #card(offer, signs, chosen) {
    const canvas = make("canvas", { width: 360, height: 300, hidden: true, ariaHidden: "true" });
    const words = make("span", { className: "words", dir: "auto" }, asQuestion(offer.sentence));
    const card = button(canvas, () => chosen(offer), "choice");
    card.append(words);
    const player = new SkeletonPlayer(canvas);
    this.#players.push(player);
    player.onchange = () => this.#label();
    signs.of(offer).then((clip) => {
      if (!clip || !this.#players.includes(player)) return;
      canvas.hidden = false;
      player.show(clip);
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
