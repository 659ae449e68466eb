/** What an answer promises, and what becomes of one that was never proven (`signtalk.recognition.promise`). */

import { ENROLLED_ID, WRITTEN_ID } from "./tables.js";

/** @import { Decision } from "./gate.js" */
/** @import { DecisionConfig } from "./recognition.js" */
/** @import { RankedSentence } from "./scoring.js" */
/** @import { SentenceIndex } from "./sentence_index.js" */

/** @typedef {"trained" | "enrolled" | "written" | "translated"} Population where an answer comes from */
/** @typedef {"strict" | "research"} Policy whether what is not proven is held back, or shown and marked */

/**
 * What a gate and a translation rule both know of their fit.
 *
 * @typedef {object} Fit
 * @property {boolean} fitted
 * @property {number | null} precision_asked
 * @property {boolean} precision_reached
 * @property {number | null} precision_found
 * @property {number | null} precision_lower_bound
 * @property {number | null} num_accepted
 * @property {number} [least_words]
 * @property {number} [least_sentences]
 */

/**
 * How often answers of a population are right, as far as validation clips have shown it.
 *
 * @typedef {object} Promised
 * @property {Population} population
 * @property {boolean} proven
 * @property {number | null} precision_asked
 * @property {number | null} precision_found
 * @property {number | null} precision_lower_bound
 * @property {number | null} num_clips
 * @property {number} least_words fewest words of a sentence that showed it
 * @property {number} least_sentences fewest sentences of an index that showed it
 */

/**
 * The promise of a population.
 *
 * @param {Population} population
 * @param {DecisionConfig} decision
 * @returns {Promised}
 */
export function promiseOf(population, { gate, translation }) {
  const asked = population === "translated" ? translation.precision_asked : gate.precision_asked;
  const fit = { trained: gate, enrolled: gate.enrolled, written: gate.written, translated: translation }[population];
  if (!fit?.fitted) {
    return {
      population, proven: false, precision_asked: asked, precision_found: null, precision_lower_bound: null, num_clips: 0,
      least_words: 1, least_sentences: 1,
    };
  }
  return {
    population,
    proven: fit.precision_reached,
    precision_asked: fit.precision_asked,
    precision_found: fit.precision_found,
    precision_lower_bound: fit.precision_lower_bound,
    num_clips: fit.num_accepted,
    least_words: fit.least_words ?? 1,
    least_sentences: fit.least_sentences ?? 1,
  };
}

/**
 * The promise of one answer; a sentence shorter, or among fewer, than all that proved it has none that is proven.
 *
 * @param {Population} population
 * @param {number} numWords of the sentence
 * @param {number} numSentences among which it was found
 * @param {DecisionConfig} decision
 * @returns {Promised}
 */
export function promiseTo(population, numWords, numSentences, decision) {
  const fit = population === "enrolled" || population === "written" ? decision.gate[population] : null;
  const promise = promiseOf(population, decision);
  if (!fit || (numWords >= (fit.least_words ?? 1) && numSentences >= (fit.least_sentences ?? 1))) return promise;
  const nothing = {
    precision_found: null, precision_lower_bound: null, num_clips: 0, least_words: 1, least_sentences: 1,
  };
  return { ...promise, proven: false, ...nothing };
}

/**
 * Where a sentence comes from.
 *
 * @param {RankedSentence} ranked
 * @param {SentenceIndex} index
 * @returns {Population}
 */
export function populationOf({ sentence, numReferences }, index) {
  const { sentence_id: id } = index.named(sentence);
  if (!numReferences) return "written";
  return id.startsWith(ENROLLED_ID) || id.startsWith(WRITTEN_ID) ? "enrolled" : "trained";
}

/**
 * The decision under a policy: strictly, an answer whose promise is not proven is at most a choice.
 *
 * @param {Decision} decision
 * @param {Promised | null} promise of the first sentence's population; null without one
 * @param {Policy} policy
 * @returns {Decision}
 */
export function heldBack(decision, promise, policy) {
  if (policy === "research" || !promise || promise.proven || !decision.accepted) return decision;
  if (promise.population === "written") return { ...decision, accepted: false, reason: "written_not_proven" };
  return { ...decision, accepted: false, reason: "not_proven", offered: true };
}
