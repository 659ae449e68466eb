/** Sets of sentences that hold the right one as often as promised (`signtalk.candidate_sets`). */

const MOST_OFFERED = 3;

/** How many first places of descending scores belong to the set; 0 where no gap was fitted. */
export function setSize(sets, scores) {
  if (sets.gap === null || !scores.length) return 0;
  const least = Math.fround(scores[0] - Math.fround(sets.gap));
  return scores.filter((score) => score >= least && Number.isFinite(score)).length;
}

/** How many sentences are offered to choose from: as many as are possible, but two or three. */
export function numOffered(size) {
  return size === 0 ? MOST_OFFERED : Math.min(Math.max(size, 2), MOST_OFFERED);
}
