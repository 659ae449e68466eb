/** Where the frames hold the words of a sentence that is known (`signtalk.recognition.ctc_alignment`). */

import { logAddExp } from "./numbers.js";
import { BLANK_ID, UNK_ID } from "./tables.js";

/**
 * Where a clip's words lie.
 *
 * @typedef {object} WordAlignment
 * @property {Float64Array} occupation (T * V) how probably a frame holds a word, given that the clip says its sentence
 * @property {number} logLikelihood how probable the frames hold it; -Infinity with more words than frames
 */

/**
 * Place the words of a sentence.
 *
 * @param {ArrayLike<number>} logProbs (T * V) natural logarithms of the valid frames, from `start` on
 * @param {number} start
 * @param {number} numFrames T, at least 1
 * @param {number} vocabulary V
 * @param {number[]} words at least one, all below V
 * @returns {WordAlignment}
 */
export function alignWords(logProbs, start, numFrames, vocabulary, words) {
  const labels = [BLANK_ID, ...words.flatMap((word) => [word, BLANK_ID])], width = labels.length;
  const emitted = new Float64Array(numFrames * width);
  for (let t = 0; t < numFrames; t++) {
    for (let s = 0; s < width; s++) emitted[t * width + s] = logProbs[start + t * vocabulary + labels[s]];
  }
  const maySkip = labels.map((label, s) => s > 1 && label !== BLANK_ID && label !== labels[s - 2]);
  const forward = new Float64Array(numFrames * width).fill(-Infinity), backward = forward.slice();
  forward.set(emitted.subarray(0, 2));
  for (let t = 1; t < numFrames; t++) {
    const before = (t - 1) * width;
    for (let s = 0; s < width; s++) {
      let total = forward[before + s];
      if (s) total = logAddExp(total, forward[before + s - 1]);
      if (maySkip[s]) total = logAddExp(total, forward[before + s - 2]);
      forward[t * width + s] = total + emitted[t * width + s];
    }
  }
  backward.fill(0, numFrames * width - 2); // a sentence ends with its last word or the blank behind it
  for (let t = numFrames - 2; t >= 0; t--) {
    const after = (t + 1) * width;
    const leaving = (/** @type {number} */ s) => backward[after + s] + emitted[after + s];
    for (let s = 0; s < width; s++) {
      let total = leaving(s);
      if (s + 1 < width) total = logAddExp(total, leaving(s + 1));
      if (maySkip[s + 2]) total = logAddExp(total, leaving(s + 2));
      backward[t * width + s] = total;
    }
  }
  const end = numFrames * width, logLikelihood = logAddExp(forward[end - 1], forward[end - 2]);
  const occupation = new Float64Array(numFrames * vocabulary);
  if (logLikelihood === -Infinity) return { occupation, logLikelihood };
  for (let t = 0; t < numFrames; t++) {
    for (let s = 0; s < width; s++) { // a word, and the blank above all, stands at several places
      const place = t * width + s;
      occupation[t * vocabulary + labels[s]] += Math.exp(forward[place] + backward[place] - logLikelihood);
    }
  }
  return { occupation, logLikelihood };
}

/**
 * Whether a model knows every word of a sentence, and there is one.
 *
 * @param {number[]} words
 * @param {number} vocabulary
 */
export function isSpelled(words, vocabulary) {
  return words.length > 0 && words.every((word) => word !== UNK_ID && word < vocabulary);
}
