// The signs of sentences: clips to draw, each asked for once, and films of people who sign them.

import { codeOf } from "./errors.js";

/** @import { Clip } from "../engine/landmarks.js" */
/** @import { Answerer, ListedSentence } from "./answerer.js" */
/** @import { Offer } from "./turn.js" */

const MOST_KEPT = 60;

export class Signs {
  /** @type {Map<string, Promise<Clip | null>>} */
  #clips = new Map();
  /** @type {Map<string, ListedSentence | undefined>} */
  #listed = new Map();

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
    return this.#listed.get(offer.sentence_id)?.language ?? "";
  }

  /**
   * What shows a sentence: its sign, and the address of a film of a person who signs it, "" without one; null where
   * there is neither.
   *
   * @param {Offer} offer
   */
  async shown(offer) {
    const clip = await this.of(offer), film = filmOf(this.answerer, this.#listed.get(offer.sentence_id));
    return clip || film ? { clip, film } : null;
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
    this.#listed.set(id, listed);
    return listed && listed.has_sign !== false ? this.answerer.sign(id) : null;
  }
}

/**
 * The address of a film of a person who signs a sentence; "" where there is none, as without a service.
 *
 * @param {Answerer} answerer
 * @param {ListedSentence | undefined} sentence
 */
export function filmOf(answerer, sentence) {
  return (sentence?.has_film && answerer.film?.(sentence.sentence_id)) || "";
}
