/** What is known of a query's first candidate: the figures that a gate weighs (`signtalk.recognition.evidence`). */

import { FIGURES, LEAST_NEIGHBOURS, LOWEST_MARGIN, LOWEST_PER_WORD, NEIGHBOURS } from "./tables.js";

/** @import { RankedSentence } from "./scoring.js" */
/** @import { SentenceIndex } from "./sentence_index.js" */

/**
 * @typedef {object} Evidence
 * @property {number[]} figures in the order of FIGURES; NaN = unknown
 * @property {boolean} answered whether there is a candidate at all
 * @property {boolean} written whether it is a sentence without a clip
 * @property {number} numWords of its sentence
 */

/**
 * What is known of the first of the sentences that `scoreSentences` ranked.
 *
 * @param {RankedSentence[]} ranked
 * @param {SentenceIndex} index
 * @returns {Evidence}
 */
export function evidence(ranked, index) {
  if (!ranked.length) return { figures: FIGURES.map(() => NaN), answered: false, written: false, numWords: 0 };
  const first = ranked[0], written = first.sentence.written;
  const textScore = Number.isNaN(first.textLogLikelihood) ? NaN : first.textScore;
  const sentence = index.references[first.row].entry.sentence;
  const numWords = Math.max(sentence.split(/\s+/u).filter(Boolean).length, 1);
  const figures = [
    first.score,
    ranked.length > 1 ? Math.fround(first.score - ranked[1].score) : NaN,
    first.similarity,
    written ? NaN : first.dtwScore,
    first.centroidSimilarity,
    textScore,
    Math.fround(standing(ranked.map((each) => each.score))),
    Math.fround(dtwMargin(ranked.map((each) => each.dtwDistance))),
    Math.fround(Math.max(first.textLogLikelihood / numWords, LOWEST_PER_WORD)),
  ];
  return { figures, answered: true, written, numWords };
}

/**
 * How many standard deviations of the next scores the first one lies above their mean.
 *
 * @param {number[]} scores
 */
function standing(scores) {
  const others = scores.slice(1, NEIGHBOURS);
  const mean = others.reduce((sum, each) => sum + each, 0) / others.length;
  const spread = Math.sqrt(others.reduce((sum, each) => sum + (each - mean) ** 2, 0) / others.length);
  return others.length >= LEAST_NEIGHBOURS && spread > 1e-6 ? (scores[0] - mean) / spread : NaN;
}

/**
 * How much nearer frame by frame than the nearest other sentence, as a share of that one's distance.
 *
 * @param {number[]} distances
 */
function dtwMargin([first, ...others]) {
  const nearest = Math.min(...others.filter((each) => !Number.isNaN(each)), Infinity);
  if (!Number.isFinite(first) || !Number.isFinite(nearest)) return NaN;
  return Math.max(1 - first / Math.max(nearest, 1e-6), LOWEST_MARGIN);
}
