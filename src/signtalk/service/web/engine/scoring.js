/**
 * From an encoded query to ranked sentences with one fused, comparable score (`signtalk.recognition.scoring`, mode
 * "sentence").
 */

import { textLogLikelihoods, textScores, validFrames, wordsShown } from "./ctc.js";
import { dtwDistance, squaredNorms } from "./dtw.js";
import { descendingOrder, dot } from "./numbers.js";
import { sketchesOf } from "./sketches.js";
import { SKETCHED_FINELY } from "./tables.js";
import { clipParts, equatedStage, standInDtw } from "./written.js";

/** @import { Encoded } from "./models.js" */
/** @import { Sentence, SentenceIndex } from "./sentence_index.js" */

/**
 * @typedef {{[name in "similarity_weight" | "prototype_weight" | "dtw_weight" | "text_weight" | "dtw_scale" | "text_scale"
 *   | "rerank_sentences" | "references_per_sentence"]: number}} ScoringConfig
 */

/**
 * A sentence among the answers; NaN where something was not compared.
 *
 * @typedef {object} RankedSentence
 * @property {Sentence} sentence
 * @property {number} row of its closest clip
 * @property {number} score
 * @property {number} similarity cosine to the closest clip
 * @property {number} centroidSimilarity cosine to its mean direction
 * @property {number} dtwDistance
 * @property {number} dtwScore
 * @property {number} textLogLikelihood
 * @property {number} textScore
 * @property {number} numReferences
 */

/** @typedef {{clips: Float32Array, bestRows: number[], similarities: Float32Array, centroids: Float32Array}} Cosines */

/**
 * The ranked sentences of one query, best first.
 *
 * @param {Encoded} encoded
 * @param {SentenceIndex} index
 * @param {ScoringConfig} config
 * @returns {RankedSentence[]}
 */
export function scoreSentences(encoded, index, config) {
  if (!index.size) return [];
  const compared = compare(encoded.embedding, index);
  const spells = encoded.vocabulary > 0;
  const stage = stageScores(compared, encoded, index, config.similarity_weight, config.prototype_weight);
  const order = lookOrder(stage, compared, encoded, index, config);
  const head = order.slice(0, config.rerank_sentences);
  const written = order.map((c) => index.classes[c].written);
  const likelihoods = spells ? textLogLikelihoods(encoded, head.map((c) => index.classes[c].words)) : [];
  const texts = spells ? withBound(textScores(likelihoods, config.text_scale), order.length) : null;
  const distances = warpedDistances(encoded, index, compared.clips, head, config.references_per_sentence);
  const near = distances.map((each) => Math.fround(Math.exp(-each / config.dtw_scale)));
  const measured = standInDtw(near, texts ?? [], written);
  const dtwScores = withBound(measured, order.length);
  const fused = fusedScores(order.map((c) => stage[c]), dtwScores, texts, written, head.length, config);
  const ranked = order.map((c, place) => ({
    sentence: index.classes[c],
    row: compared.bestRows[c],
    score: fused[place],
    similarity: compared.similarities[c],
    centroidSimilarity: written[place] ? NaN : compared.centroids[c],
    dtwDistance: Number.isFinite(distances[place]) ? distances[place] : NaN,
    dtwScore: dtwScores[place],
    textLogLikelihood: likelihoods[place] ?? NaN,
    textScore: texts ? texts[place] : NaN,
    numReferences: written[place] ? 0 : index.classes[c].rows.length,
  }));
  return descendingOrder(fused).map((place) => ranked[place]);
}

/**
 * Cosines of a query to each sentence: its closest clip, and its mean direction.
 *
 * @param {Float32Array} embedding
 * @param {SentenceIndex} index
 * @returns {Cosines}
 */
function compare(embedding, index) {
  const width = embedding.length;
  const clips = Float32Array.from(index.references, (each) => dot(embedding, 0, each.embedding, 0, width));
  const bestRows = index.classes.map(({ rows }) => rows.reduce((best, row) => (clips[row] > clips[best] ? row : best)));
  return {
    clips,
    bestRows,
    similarities: Float32Array.from(bestRows, (row) => clips[row]),
    centroids: Float32Array.from(index.classes, (each) => dot(embedding, 0, each.centroid, 0, width)),
  };
}

/**
 * Float32Array (C): what embeddings give to the fused score.
 *
 * @param {Cosines} compared
 * @param {Encoded} encoded
 * @param {SentenceIndex} index
 * @param {number} similarityWeight
 * @param {number} centroidWeight
 */
function stageScores(compared, encoded, index, similarityWeight, centroidWeight) {
  const stage = compared.similarities.map((similarity, c) =>
    weighed(similarityWeight, similarity) + weighed(centroidWeight, compared.centroids[c]));
  if (!index.anyWritten) return stage;
  const width = encoded.embedding.length;
  const near = Float32Array.from(index.classes, ({ textEmbedding }) =>
    (textEmbedding ? dot(encoded.embedding, 0, textEmbedding, 0, width) : NaN));
  return equatedStage(stage, near, index.classes.map((each) => each.written), similarityWeight + centroidWeight);
}

/**
 * Sentences in the order in which they are worth a closer look: the best by clips, by words and by sketches in turn.
 *
 * @param {Float32Array} stage
 * @param {Cosines} compared
 * @param {Encoded} encoded
 * @param {SentenceIndex} index
 * @param {ScoringConfig} config
 */
function lookOrder(stage, compared, encoded, index, config) {
  const byClips = config.similarity_weight + config.prototype_weight === 0
    ? stageScores(compared, encoded, index, 0.5, 0.5) : stage;
  const evidence = [byClips];
  if (encoded.vocabulary) evidence.push(wordsShown(encoded, index.classes.map((each) => each.words)));
  const lookedAt = config.rerank_sentences;
  if (!(lookedAt > 0 && lookedAt < index.classes.length)) return inTurn(evidence); // all are looked at anyway, or none is
  const { query, width } = countedFrames(encoded), sketches = sketchesOf(index, width);
  const all = [...evidence];
  if (index.classes.length > SKETCHED_FINELY) {
    const coarse = sketches.coarseDistances(query);
    all.push(Float32Array.from(index.classes, ({ rows }) => -nearest(rows.map((row) => coarse[row]))));
  }
  const order = inTurn(all);
  const best = order.slice(0, Math.max(SKETCHED_FINELY, lookedAt));
  const fine = Float32Array.from(best, (c) =>
    -nearest(sketches.fineDistances(query, closestRows(index.classes[c], compared.clips, config.references_per_sentence))));
  const finer = inTurn([...evidence.map((scores) => Float32Array.from(best, (c) => scores[c])), fine]);
  return [...finer.map((place) => best[place]), ...order.slice(best.length)];
}

/**
 * Places of the best by each kind of evidence in turn.
 *
 * @param {Float32Array[]} evidence higher = better
 */
function inTurn(evidence) {
  const placesOf = evidence.map(places);
  return descendingOrder(placesOf[0].map((_, c) => -Math.min(...placesOf.map((each) => each[c]))));
}

/** @param {Iterable<number>} distances */
function nearest(distances) {
  let least = Infinity;
  for (const each of distances) least = Math.min(least, each);
  return least;
}

/**
 * Each sentence's place in descending order; behind all of them where nothing is known, -Infinity.
 *
 * @param {Float32Array} scores
 */
function places(scores) {
  /** @type {number[]} */
  const placeOf = new Array(scores.length);
  descendingOrder(scores).forEach((c, place) => { placeOf[c] = scores[c] === -Infinity ? scores.length : place; });
  return placeOf;
}

/**
 * The smallest distance of each chosen sentence's closest clips to the query; Infinity where it has none.
 *
 * @param {Encoded} encoded
 * @param {SentenceIndex} index
 * @param {Float32Array} clipCosines
 * @param {number[]} head
 * @param {number} count
 */
function warpedDistances(encoded, index, clipCosines, head, count) {
  const { query, width } = countedFrames(encoded), norms = squaredNorms(query, width);
  return head.map((c) => nearest(closestRows(index.classes[c], clipCosines, count).map((row) =>
    dtwDistance(query, norms, index.references[row].frames, width))));
}

/**
 * The frames of a query that count, and the numbers of each.
 *
 * @param {Encoded} encoded
 */
function countedFrames(encoded) {
  const width = encoded.projections.length / encoded.valid.length;
  return { query: encoded.projections.subarray(0, validFrames(encoded) * width), width };
}

/**
 * Rows of a sentence's clips that are closest to the query, `count` at most.
 *
 * @param {Sentence} sentence
 * @param {Float32Array} clipCosines
 * @param {number} count
 */
function closestRows({ rows }, clipCosines, count) {
  return descendingOrder(rows.map((row) => clipCosines[row])).slice(0, count).map((place) => rows[place]);
}

/**
 * The head's scores, then the worst of them for all others; 0 where none was compared.
 *
 * @param {number[] | Float32Array} scores
 * @param {number} width
 */
function withBound(scores, width) {
  const bound = scores.length ? Math.min(...scores) : 0;
  return Float32Array.from({ length: width }, (_, place) => (place < scores.length ? scores[place] : bound));
}

/**
 * A weight times a score in single precision, as Python has them.
 *
 * @param {number} weight
 * @param {number} score
 */
function weighed(weight, score) {
  return Math.fround(Math.fround(weight) * score);
}

/**
 * Everything weighed, in the order of the closer look; nothing stands above by not having been looked at.
 *
 * @param {number[]} stage
 * @param {Float32Array} dtwScores
 * @param {Float32Array | null} texts
 * @param {boolean[]} written
 * @param {number} headLength
 * @param {ScoringConfig} config
 */
function fusedScores(stage, dtwScores, texts, written, headLength, config) {
  const closer = dtwScores.map((score) => weighed(config.dtw_weight, score));
  if (written.includes(true)) {
    const parts = Float32Array.from(closer.subarray(0, headLength), (each, r) => stage[r] + each);
    clipParts(parts, texts ?? [], written).forEach((part, r) => { if (written[r]) closer[r] += part - parts[r]; });
  }
  if (texts) texts.forEach((text, place) => { closer[place] += weighed(config.text_weight, text); });
  const fused = closer.map((each, place) => stage[place] + each);
  const least = Math.min(...fused.subarray(0, headLength), Infinity);
  return fused.map((score, place) => (place < headLength ? score : Math.min(score, least)));
}
