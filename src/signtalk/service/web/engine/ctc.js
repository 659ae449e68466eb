/** What the frames themselves spell: how well known sentences fit the word probabilities (`signtalk.recognition.ctc`). */

import { logAddExp, median } from "./numbers.js";
import { BLANK_ID, LEAST_LOG_LIKELIHOOD, NEVER_SHOWN, UNK_ID } from "./tables.js";

/** @import { Encoded } from "./models.js" */

/**
 * Number of valid frames of an encoded clip; padding stands at its end.
 *
 * @param {Pick<Encoded, "valid">} encoded
 */
export function validFrames(encoded) {
  return encoded.valid.lastIndexOf(1) + 1;
}

/**
 * Log likelihood of a sentence's words (ids), a CTC forward sum; NaN with a word that was never learned.
 *
 * @param {Encoded} encoded
 * @param {number[]} words
 */
export function sentenceLogLikelihood(encoded, words) {
  const { wordLogProbs, vocabulary } = encoded, numFrames = validFrames(encoded);
  if (words.some((word) => word === UNK_ID || word >= vocabulary)) return NaN;
  if (!words.length) return -Infinity;
  const chosen = [BLANK_ID, ...words.flatMap((word) => [word, BLANK_ID])];
  let alpha = new Float64Array(chosen.length).fill(-Infinity);
  for (let t = 0; t < numFrames; t++) {
    const grown = new Float64Array(chosen.length).fill(-Infinity);
    for (let s = 0; s < chosen.length; s++) {
      const emitted = wordLogProbs[t * vocabulary + chosen[s]];
      if (t === 0) {
        if (s < 2) grown[s] = emitted;
        continue;
      }
      let total = s ? logAddExp(alpha[s], alpha[s - 1]) : alpha[s];
      // A word may follow its neighbour without a blank between, unless they are the same word.
      if (s > 1 && chosen[s] !== BLANK_ID && chosen[s] !== chosen[s - 2]) total = logAddExp(total, alpha[s - 2]);
      grown[s] = total + emitted;
    }
    alpha = grown;
  }
  return logAddExp(alpha[chosen.length - 1], alpha[chosen.length - 2]);
}

/**
 * Log probability of the most probable word at each valid frame, summed.
 *
 * @param {Encoded} encoded
 */
export function bestPathLogProb(encoded) {
  const { wordLogProbs, vocabulary } = encoded;
  let sum = 0;
  for (let t = 0; t < validFrames(encoded); t++) {
    let best = -Infinity;
    for (let v = 0; v < vocabulary; v++) best = Math.max(best, wordLogProbs[t * vocabulary + v]);
    sum += best;
  }
  return sum;
}

/**
 * Float32Array: log likelihood of each sentence's words short of the best path; NaN where it cannot be told.
 *
 * @param {Encoded} encoded
 * @param {number[][]} sentences
 */
export function textLogLikelihoods(encoded, sentences) {
  const best = bestPathLogProb(encoded);
  return Float32Array.from(sentences, (words) => {
    const short = sentenceLogLikelihood(encoded, words) - best;
    return Number.isNaN(short) ? NaN : Math.max(short, LEAST_LOG_LIKELIHOOD);
  });
}

/**
 * Float32Array (0-1) of log likelihoods short of the best path; the median of the others where that is NaN.
 *
 * @param {ArrayLike<number>} logLikelihoods
 * @param {number} scale
 */
export function textScores(logLikelihoods, scale) {
  const scores = Float64Array.from(logLikelihoods, (each) => Math.exp(Math.min(each, 0) / scale));
  const known = scores.filter((score) => !Number.isNaN(score));
  const typical = known.length ? median(known) : 0;
  return Float32Array.from(scores, (score) => (Number.isNaN(score) ? typical : score));
}

/**
 * Float32Array: how well the frames show each sentence's words, wherever and in whatever order.
 *
 * @param {Encoded} encoded
 * @param {number[][]} sentences
 */
export function wordsShown(encoded, sentences) {
  const { wordLogProbs, vocabulary } = encoded, highest = new Float32Array(vocabulary).fill(NEVER_SHOWN);
  for (let t = 0; t < validFrames(encoded); t++) {
    for (let v = 0; v < vocabulary; v++) highest[v] = Math.max(highest[v], wordLogProbs[t * vocabulary + v]);
  }
  highest[BLANK_ID] = 0;
  const learned = highest.subarray(UNK_ID + 1);
  highest[UNK_ID] = learned.length ? learned.reduce((sum, each) => sum + each, 0) / learned.length : NEVER_SHOWN;
  return Float32Array.from(sentences, (words) =>
    (words.length ? words.reduce((sum, word) => sum + highest[word < vocabulary ? word : UNK_ID], 0) : NEVER_SHOWN));
}
