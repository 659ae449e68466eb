// The signs of sentences, as clips to draw; each is asked for once.

import { codeOf } from "./errors.js";

/** @import { Clip } from "../engine/landmarks.js" */
/** @import { Answerer } from "./answerer.js" */
/** @import { Offer } from "./turn.js" */

const MOST_KEPT = 60;

export class Signs {
  /** @type {Map<string, Promise<Clip | null>>} */
  #clips = new Map();
  /** @type {Map<string, string>} */
  #languages = new Map();

  /** @param {Answerer} answerer */
  constructor(answerer) {
    this.answerer = answerer;
  }

  /** Sentences were added: what had no sign may have one now. */
  forget() {
    this.#clips.clear();
  }

  /**
   * The sign of a sentence; null where it has none, or it cannot be had now.
   *
   * @param {Offer} offer
   */
  async of({ sentence, sentence_id: id }) {
    if (!id) return null;
    if (!this.#clips.has(id) && this.#clips.size >= MOST_KEPT) this.#clips.clear();
    const clip = this.#clips.get(id) ?? this.#ask(sentence, id);
    this.#clips.set(id, clip);
    try {
      return await clip;
    } catch (error) {
      this.#clips.delete(id);
      console.info(`no sign of '${sentence}' now: ${codeOf(error)}`);
      return null;
    }
  }

  /**
   * The language of a sentence; "" where it is not known.
   *
   * @param {Offer} offer
   */
  async languageOf(offer) {
    await this.of(offer);
    return this.#languages.get(offer.sentence_id) ?? "";
  }

  /**
   * The list tells who has a sign: asking for one that is not there would be an error in the console.
   *
   * @param {string} sentence
   * @param {string} id
   */
  async #ask(sentence, id) {
    const { sentences } = await this.answerer.sentences(sentence);
    const listed = sentences.find((each) => each.sentence_id === id);
    this.#languages.set(id, listed?.language ?? "");
    return listed && listed.has_sign !== false ? this.answerer.sign(id) : null;
  }
}
