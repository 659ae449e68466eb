/** How far apart two signed clips are when their timing may differ: exact dynamic time warping (`signtalk.recognition.dtw`). */

import { dot } from "./numbers.js";

/**
 * Sum of squares of each frame of (n * width) numbers.
 *
 * @param {Float32Array} frames
 * @param {number} width
 */
export function squaredNorms(frames, width) {
  const length = frames.length / width;
  return Float64Array.from({ length }, (_, t) => dot(frames, t * width, frames, t * width, width));
}

/**
 * Distance a frame of the two clips' mean length; Infinity where one has no frame.
 *
 * Cell (i, j) adds its frame distance to the cheapest of (i-1, j), (i, j-1) and (i-1, j-1).
 *
 * @param {Float32Array} query
 * @param {Float64Array} queryNorms `squaredNorms` of the query
 * @param {Float32Array} reference
 * @param {number} width numbers a frame
 */
export function dtwDistance(query, queryNorms, reference, width) {
  const numQuery = queryNorms.length, norms = squaredNorms(reference, width), numReference = norms.length;
  if (!numQuery || !numReference) return Infinity;
  const row = new Float64Array(numReference);
  for (let i = 0; i < numQuery; i++) {
    let diagonal = Infinity, left = Infinity;
    for (let j = 0; j < numReference; j++) {
      const square = queryNorms[i] + norms[j] - 2 * dot(query, i * width, reference, j * width, width);
      const cost = Math.sqrt(Math.max(square, 0)); // rounding goes below zero
      const above = i ? row[j] : Infinity;
      left = i === 0 && j === 0 ? cost : Math.min(above, left, diagonal) + cost;
      diagonal = above;
      row[j] = left;
    }
  }
  return Math.fround((2 * Math.fround(row[numReference - 1])) / (numQuery + numReference));
}

/**
 * The pairs of frames that the cheapest path lays beside each other, from the first to the last of both. Of equal ways
 * the one with fewer pairs.
 *
 * @param {Float64Array} costs (T * width) distances of frames, at least one by one
 * @param {number} width
 */
export function warpingPath(costs, width) {
  const totals = new Float64Array(costs.length);
  const at = (/** @type {number} */ i, /** @type {number} */ j) => (i < 0 || j < 0 ? Infinity : totals[i * width + j]);
  for (let place = 0; place < costs.length; place++) {
    const i = Math.floor(place / width), j = place % width;
    totals[place] = costs[place] + (place ? Math.min(at(i - 1, j), at(i, j - 1), at(i - 1, j - 1)) : 0);
  }
  /** @type {[number, number][]} */
  const pairs = [];
  let i = costs.length / width - 1, j = width - 1;
  for (;;) {
    pairs.push([i, j]);
    if (i === 0 && j === 0) return pairs.reverse();
    const above = at(i - 1, j), left = at(i, j - 1), both = at(i - 1, j - 1);
    if (i > 0 && j > 0 && both <= Math.min(above, left)) [i, j] = [i - 1, j - 1];
    else if (j === 0 || (i > 0 && above <= left)) i -= 1;
    else j -= 1;
  }
}
