/** Sets of sentences that hold the right one as often as promised (`signtalk.recognition.candidate_sets`). */

import { MOST_OFFERED } from "./tables.js";

/**
 * How many first places of descending scores belong to the set; 0 where no gap was fitted.
 *
 * @param {{gap: number | null}} sets
 * @param {number[]} scores
 */
export function setSize(sets, scores) {
  if (sets.gap === null || !scores.length) return 0;
  const least = Math.fround(scores[0] - Math.fround(sets.gap));
  return scores.filter((score) => score >= least && Number.isFinite(score)).length;
}

/**
 * How many sentences are offered to choose from: as many as are possible, but two or three.
 *
 * @param {number} size
 */
export function numOffered(size) {
  return size === 0 ? MOST_OFFERED : Math.min(Math.max(size, 2), MOST_OFFERED);
}
