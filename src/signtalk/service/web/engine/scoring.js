/**
 * From an encoded query to ranked sentences with one fused, comparable score (`signtalk.scoring`, mode "sentence").
 *
 * An encoded clip is {embedding: Float32Array (D), projections: Float32Array (T' * P), valid: Uint8Array (T'),
 * wordLogProbs: Float32Array (T' * V), vocabulary: V, or 0 of a model that does not spell, ...}.
 */

import { dtwDistance, squaredNorms } from "./dtw.js";
import { descendingOrder, dot } from "./numbers.js";
import { textLogLikelihoods, textScores, validFrames, wordsShown } from "./spelling.js";
import { clipParts, equatedStage, standInDtw } from "./written.js";

/**
 * The ranked sentences of one query, best first.
 *
 * Each is {sentence (of index.classes), row (its closest clip), score, similarity, prototypeSimilarity, dtwDistance,
 * dtwScore, textLogLikelihood, textScore, numReferences}; NaN where something was not compared.
 */
export function scoreSentences(encoded, index, config) {
  if (!index.size) return [];
  const compared = compare(encoded.embedding, index);
  const spells = encoded.vocabulary > 0;
  const stage = stageScores(compared, encoded, index, config.similarity_weight, config.prototype_weight);
  const order = lookOrder(stage, compared, encoded, index, config, spells);
  const head = order.slice(0, config.rerank_sentences);
  const written = order.map((c) => index.classes[c].written);
  const likelihoods = spells ? textLogLikelihoods(encoded, head.map((c) => index.classes[c].words)) : [];
  const texts = spells ? withBound(textScores(likelihoods, config.text_scale), order.length) : null;
  const distances = warpedDistances(encoded, index, compared, head, config.references_per_sentence);
  const near = distances.map((each) => Math.fround(Math.exp(-each / config.dtw_scale)));
  const measured = standInDtw(near, texts ?? [], written);
  const dtwScores = withBound(measured, order.length);
  const fused = fusedScores(order.map((c) => stage[c]), dtwScores, texts, written, head.length, config);
  const ranked = order.map((c, place) => ({
    sentence: index.classes[c],
    row: compared.bestRows[c],
    score: fused[place],
    similarity: compared.similarities[c],
    prototypeSimilarity: written[place] ? NaN : compared.prototypes[c],
    dtwDistance: Number.isFinite(distances[place]) ? distances[place] : NaN,
    dtwScore: dtwScores[place],
    textLogLikelihood: likelihoods[place] ?? NaN,
    textScore: texts ? texts[place] : NaN,
    numReferences: written[place] ? 0 : index.classes[c].rows.length,
  }));
  return descendingOrder(fused).map((place) => ranked[place]);
}

/** Cosines of a query to each sentence: its closest clip, and its mean direction. */
function compare(embedding, index) {
  const width = embedding.length;
  const clips = Float32Array.from(index.references, (each) => dot(embedding, 0, each.embedding, 0, width));
  const bestRows = index.classes.map(({ rows }) => rows.reduce((best, row) => (clips[row] > clips[best] ? row : best)));
  return {
    clips,
    bestRows,
    similarities: Float32Array.from(bestRows, (row) => clips[row]),
    prototypes: Float32Array.from(index.classes, (each) => dot(embedding, 0, each.prototype, 0, width)),
  };
}

/** Float32Array (C): what embeddings give to the fused score. */
function stageScores(compared, encoded, index, similarityWeight, prototypeWeight) {
  const stage = compared.similarities.map((similarity, c) =>
    weighed(similarityWeight, similarity) + weighed(prototypeWeight, compared.prototypes[c]));
  if (!index.anyWritten) return stage;
  const width = encoded.embedding.length;
  const near = Float32Array.from(index.classes, (each) => dot(encoded.embedding, 0, each.textEmbedding, 0, width));
  return equatedStage(stage, near, index.classes.map((each) => each.written), similarityWeight + prototypeWeight);
}

/** Sentences in the order in which they are worth a closer look: the best by clips and the best by words in turn. */
function lookOrder(stage, compared, encoded, index, config, spells) {
  const byClips = config.similarity_weight + config.prototype_weight === 0
    ? stageScores(compared, encoded, index, 0.5, 0.5) : stage;
  let place = places(byClips);
  if (spells) {
    const byWords = places(wordsShown(encoded, index.classes.map((each) => each.words)));
    place = place.map((each, c) => Math.min(each, byWords[c]));
  }
  return descendingOrder(place.map((each) => -each));
}

function places(scores) {
  const found = new Array(scores.length);
  descendingOrder(scores).forEach((c, place) => { found[c] = place; });
  return found;
}

/** The smallest distance of each chosen sentence's closest clips to the query; Infinity where it has none. */
function warpedDistances(encoded, index, compared, head, count) {
  const width = encoded.projections.length / encoded.valid.length;
  const query = encoded.projections.subarray(0, validFrames(encoded) * width), norms = squaredNorms(query, width);
  return head.map((c) => {
    const rows = index.classes[c].rows;
    const closest = descendingOrder(rows.map((row) => compared.clips[row])).slice(0, count).map((place) => rows[place]);
    return Math.min(...closest.map((row) => dtwDistance(query, norms, index.references[row].frames, width)));
  });
}

/** The head's scores, then the worst of them for all others; 0 where none was compared. */
function withBound(scores, width) {
  const bound = scores.length ? Math.min(...scores) : 0;
  return Float32Array.from({ length: width }, (_, place) => (place < scores.length ? scores[place] : bound));
}

/** A weight times a score in single precision, as Python has them. */
function weighed(weight, score) {
  return Math.fround(Math.fround(weight) * score);
}

/** Everything weighed, in the order of the closer look; nothing stands above by not having been looked at. */
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
