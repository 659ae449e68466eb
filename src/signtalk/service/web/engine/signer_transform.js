/**
 * What is peculiar to one person's signing, as two small matrices (`signtalk.recognition.signer_transform`). It is never
 * stored.
 */

import { product } from "./matrices.js";
import { dot } from "./numbers.js";

/** @import { Encoded } from "./models.js" */

/**
 * How one person's frames become those of others.
 *
 * @typedef {object} SignerTransform
 * @property {number} numClips of how many clips it was fitted
 * @property {Float64Array} centre (M) mean of the person's frames in memory
 * @property {number} scale how far they lie from it
 * @property {Float64Array} frames ((M + 1) * P)
 * @property {Float64Array} words ((M + 1) * V)
 */

/**
 * A clip of this person as if they signed as the references do; its embedding stays as it was.
 *
 * @param {SignerTransform} signer
 * @param {Encoded} encoded
 * @returns {Encoded}
 */
export function applied({ centre, scale, frames, words }, encoded) {
  const { projections, wordLogProbs, valid, vocabulary } = encoded, numFrames = valid.length;
  const inputs = frameInputs(encoded.memory, centre, scale), size = centre.length + 1, width = frames.length / size;
  const moved = product(inputs, frames, size, width).map((move, place) => projections[place] + move);
  for (let t = 0; t < numFrames; t++) {
    const start = t * width, length = Math.sqrt(dot(projections, start, projections, start, width));
    const now = Math.max(Math.sqrt(dot(moved, start, moved, start, width)), 1e-9);
    for (let p = start; p < start + width; p++) moved[p] = valid[t] ? (moved[p] * length) / now : 0;
  }
  const read = vocabulary ? product(inputs, words, size, vocabulary) : new Float64Array();
  for (let place = 0; place < read.length; place++) read[place] += wordLogProbs[place];
  normalise(read, vocabulary);
  return { ...encoded, projections: Float32Array.from(moved), wordLogProbs: Float32Array.from(read) };
}

/**
 * Float64Array (T * (M + 1)): frames centred, scaled so that a typical one has length 1, and a 1 behind.
 *
 * @param {ArrayLike<number>} memory (T * M)
 * @param {Float64Array} centre
 * @param {number} scale
 */
export function frameInputs(memory, centre, scale) {
  const width = centre.length, size = width + 1, unit = scale * Math.sqrt(width);
  const inputs = new Float64Array((memory.length / width) * size).fill(1);
  for (let t = 0; t * width < memory.length; t++) {
    for (let m = 0; m < width; m++) inputs[t * size + m] = (memory[t * width + m] - centre[m]) / unit;
  }
  return inputs;
}

/**
 * Make each row log probabilities that sum to 1.
 *
 * @param {Float64Array} logits
 * @param {number} width
 */
export function normalise(logits, width) {
  for (let start = 0; start < logits.length; start += width) {
    let highest = -Infinity, sum = 0;
    for (let v = start; v < start + width; v++) highest = Math.max(highest, logits[v]);
    for (let v = start; v < start + width; v++) sum += Math.exp(logits[v] - highest);
    const total = highest + Math.log(sum);
    for (let v = start; v < start + width; v++) logits[v] -= total;
  }
}
