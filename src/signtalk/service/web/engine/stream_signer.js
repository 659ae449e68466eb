/**
 * The person who signs to one stream: which of their sentences are known, and what was learned from those
 * (`signtalk.service.stream_signer`). In memory alone, and forgotten with the person and with the stream.
 */

import { LEAST_SENTENCES, MOST_OPEN } from "./tables.js";

/** @import { Encoded } from "./models.js" */
/** @import { Answer } from "./recognition.js" */
/** @import { SignerTransform } from "./signer_transform.js" */

/** @typedef {{clips: Encoded[], texts: string[]}} SignerLesson what a person is learned from */

/** @typedef {{clip: Encoded, offered: Set<string>, text: string}} HeardClip with the sentence that it proved to be; "" = none */

export class StreamSigner {
  /** @type {SignerTransform | null} */
  signer = null;
  /** @type {Map<number, HeardClip>} */
  #heard = new Map();
  /** @type {Set<string>} */
  #asked = new Set();
  /** @type {SignerLesson | null} */
  #lesson = null;
  #changed = false;
  #numSentences = 0;

  /** @param {number} most sentences that are learned from, the last ones; 0 = nothing is kept or learned */
  constructor(most) {
    this.most = most;
  }

  /** From how many sentences the person is known now. */
  get numSentences() {
    return this.#numSentences;
  }

  /**
   * Keep a clip that was answered.
   *
   * @param {number} segment
   * @param {Encoded} clip as the encoder of everybody gives it
   * @param {Set<string>} offered all sentences that the answer names
   */
  heard(segment, clip, offered) {
    if (!this.most) return;
    this.#heard.set(segment, { clip, offered, text: "" });
    this.#drop(({ text }) => !text, MOST_OPEN);
  }

  /**
   * The person was asked to sign these; whichever clip follows may be one of them.
   *
   * @param {string[]} sentences
   */
  asked(sentences) {
    this.#asked = new Set(sentences);
  }

  /**
   * @param {(heard: HeardClip) => boolean} ofKind
   * @param {number} most
   */
  #drop(ofKind, most) {
    const numbers = [...this.#heard].filter(([, heard]) => ofKind(heard)).map(([number]) => number);
    for (const number of numbers.slice(0, Math.max(numbers.length - most, 0))) this.#heard.delete(number);
  }

  /**
   * Somebody said which sentence an answered clip is; the last word counts. False where no answer that is kept offered it,
   * and nobody asked for it.
   *
   * @param {number} segment
   * @param {string} text "" = it is none of those that were offered
   */
  confirm(segment, text) {
    const heard = this.#heard.get(segment);
    if (!heard || (text && !heard.offered.has(text) && !this.#asked.has(text))) return false;
    if (text === heard.text) return true;
    this.#heard.delete(segment); // what was confirmed last is kept longest
    this.#heard.set(segment, { ...heard, text });
    this.#drop((each) => each.text !== "", this.most);
    this.#changed = true;
    if (new Set(this.knownTexts).size < LEAST_SENTENCES) this.#forgetLearned();
    return true;
  }

  #known() {
    return [...this.#heard.values()].filter(({ text }) => text);
  }

  /** The sentences that were confirmed. */
  get knownTexts() {
    return this.#known().map(({ text }) => text);
  }

  /** What is to be learned now; null where that was asked for already. */
  lesson() {
    if (!this.#changed) return null;
    this.#changed = false;
    const known = this.#known();
    this.#lesson = { clips: known.map(({ clip }) => clip), texts: known.map(({ text }) => text) };
    return this.#lesson;
  }

  /**
   * A lesson is learned: it counts from now on. False where it is of a person who has gone.
   *
   * @param {SignerLesson} lesson
   * @param {SignerTransform | null} signer
   */
  learned(lesson, signer) {
    if (lesson !== this.#lesson) return false;
    this.signer = signer;
    const different = new Set(lesson.texts).size; // of one sentence there may be several clips
    this.#numSentences = signer ? Math.min(signer.numClips, different) : 0;
    return true;
  }

  /** Another person stands there. */
  forget() {
    this.#heard.clear();
    this.#asked.clear();
    this.#forgetLearned();
  }

  #forgetLearned() {
    this.signer = null;
    this.#lesson = null;
    this.#changed = false;
    this.#numSentences = 0;
  }
}

/**
 * All sentences that an answer names to a person.
 *
 * @param {Pick<Answer, "candidates" | "choices" | "text">} answer
 */
export function namedSentences({ candidates, choices, text }) {
  return new Set([...candidates, ...choices].map(({ sentence }) => sentence).concat(text ?? []));
}
