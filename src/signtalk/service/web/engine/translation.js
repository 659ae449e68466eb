/** A decoded text, how probably it is right, and whether it may be shown (`signtalk.recognition.translation`). */

import { beamSearch, JointDecoder } from "./beam_search.js";
import { confidence } from "./logistic.js";
import { splitWords } from "./tokenizer.js";

/** @import { Decoder, DecodingOptions } from "./beam_search.js" */
/** @import { Logistic } from "./logistic.js" */
/** @import { Encoded } from "./models.js" */
/** @import { Fit } from "./promise.js" */
/** @import { Tokenizer } from "./tokenizer.js" */

/** @typedef {Logistic & Fit & {threshold: number}} TranslationRule */

/**
 * @typedef {object} Translation
 * @property {string} text
 * @property {number} score
 * @property {[string, number][]} words each with its probability
 * @property {number} endLogProb of the text's end
 */

/**
 * The text of an encoded clip.
 *
 * @param {Decoder} decoder
 * @param {Tokenizer} tokenizer
 * @param {Encoded} encoded
 * @param {{spelling_weight: number, decoding: DecodingOptions}} decision
 * @returns {Promise<Translation>}
 */
export async function translate(decoder, tokenizer, encoded, decision) {
  const listens = encoded.vocabulary && decision.spelling_weight;
  const joint = listens ? new JointDecoder(decoder, decision.spelling_weight) : decoder;
  const { tokens, score, tokenLogProbs, finished } = await beamSearch(joint, encoded, decision.decoding);
  const words = tokenizer.decodeWords(tokens).map(([word, places]) => {
    const logProb = places.reduce((sum, place) => sum + tokenLogProbs[place], 0);
    return /** @type {[string, number]} */ ([word, Math.exp(Math.min(logProb, 0))]);
  });
  const endLogProb = finished ? tokenLogProbs[tokenLogProbs.length - 1] : 0;
  return { text: words.map(([word]) => word).join(" "), score, words, endLogProb };
}

/**
 * Whether a text of this confidence is shown.
 *
 * @param {TranslationRule} rule
 * @param {number} sure 0-1
 * @param {boolean} provenOnly by a rule that validation has proven
 */
export function shows(rule, sure, provenOnly) {
  return rule.fitted && (rule.precision_reached || !provenOnly) && sure >= rule.threshold;
}

/**
 * 0-1, how probably a text is right.
 *
 * @param {TranslationRule} rule
 * @param {Translation} translation
 * @param {string | null} sentence the best known one
 * @param {number} sure how probable that is, 0-1
 */
export function translationConfidence(rule, translation, sentence, sure) {
  if (!translation.words.length) return 0;
  const logProbs = [...translation.words.map(([, p]) => Math.log(Math.max(p, 1e-9))), translation.endLogProb];
  const mean = logProbs.reduce((sum, each) => sum + each, 0) / logProbs.length;
  const known = sentence === null ? [NaN, NaN] : [agreement(translation.text, sentence), sure];
  return confidence(rule, [mean, Math.min(...logProbs), ...known]);
}

/**
 * 0-1, how much two texts share word for word, in order: twice the words of common blocks over all words.
 *
 * @param {string} text
 * @param {string} sentence
 */
export function agreement(text, sentence) {
  const a = splitWords(text), b = splitWords(sentence);
  if (!a.length && !b.length) return 1;
  return (2 * numCommon(a, b)) / (a.length + b.length);
}

/**
 * Words in the longest common block and, left and right of it, in the blocks there (Ratcliff and Obershelp).
 *
 * @param {string[]} a
 * @param {string[]} b
 * @returns {number}
 */
function numCommon(a, b) {
  let longest = 0, aStart = 0, bStart = 0;
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) {
      let size = 0;
      while (i + size < a.length && j + size < b.length && a[i + size] === b[j + size]) size += 1;
      if (size > longest) [longest, aStart, bStart] = [size, i, j];
    }
  }
  if (!longest) return 0;
  return longest + numCommon(a.slice(0, aStart), b.slice(0, bStart))
    + numCommon(a.slice(aStart + longest), b.slice(bStart + longest));
}
