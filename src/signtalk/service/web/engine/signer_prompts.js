/** Which known sentences to ask a new person for, so that a few tell most (`signtalk.recognition.signer_prompts`). */

import { AGAIN, UNK_ID } from "./tables.js";
import { textKey } from "./tokenizer.js";

/** @import { SentenceIndex } from "./sentence_index.js" */
/** @import { Tokenizer } from "./tokenizer.js" */

/**
 * Sentences to ask for, the one that tells most first; fewer where the index holds no more.
 *
 * @param {SentenceIndex} index
 * @param {Tokenizer} tokenizer
 * @param {string[]} signed sentences that the person signed already
 * @param {number} limit
 */
export function nextSentences(index, tokenizer, signed, limit) {
  const classes = index.classes.filter((each) => !each.written), done = new Set(signed.map(textKey));
  const sentences = classes.map((each) => index.named(each));
  const open = classes.map(({ key }) => !done.has(key)), count = Math.min(limit, open.filter(Boolean).length);
  const words = (/** @type {string[]} */ texts) => texts.map((text) => said(tokenizer, text));
  return tellingMost(words(sentences.map(({ sentence }) => sentence)), words(signed), open, count).map((place) => {
    const { sentence_id, sentence } = sentences[place];
    return { sentence_id, sentence };
  });
}

/**
 * The words of a text, each once, unknown ones left out.
 *
 * @param {Tokenizer} tokenizer
 * @param {string} text
 */
function said(tokenizer, text) {
  return [...new Set(tokenizer.encode(text).filter((word) => word !== UNK_ID))];
}

/**
 * Places of sentences, each the one that tells most after those before it.
 *
 * @param {number[][]} sentences
 * @param {number[][]} signed
 * @param {boolean[]} open
 * @param {number} count
 */
function tellingMost(sentences, signed, open, count) {
  /** @type {Map<number, number>} */
  const tells = new Map(), left = open.slice();
  for (const words of sentences) for (const word of words) tells.set(word, (tells.get(word) ?? 0) + 1);
  const tire = (/** @type {number[]} */ words) => {
    for (const word of words) tells.set(word, (tells.get(word) ?? 0) * AGAIN);
  };
  signed.forEach(tire);
  return Array.from({ length: count }, () => {
    const place = largest(sentences.map((words, n) => {
      const sum = words.reduce((total, word) => total + (tells.get(word) ?? 0), 0);
      return left[n] ? sum / Math.sqrt(Math.max(words.length, 1)) : -1;
    }));
    left[place] = false;
    tire(sentences[place]);
    return place;
  });
}

/**
 * The first place of the largest number.
 *
 * @param {number[]} values
 */
function largest(values) {
  return values.reduce((best, value, place) => (value > values[best] ? place : best), 0);
}
