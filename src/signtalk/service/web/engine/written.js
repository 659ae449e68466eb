/** How sentences without a clip are scored beside those with clips; the reasons stand in `signtalk.index.written`. */

import { MIN_SIGNED_SENTENCES } from "./tables.js";

/**
 * Stage scores (Float32Array, C) with those of written sentences moved to the clips' scale.
 *
 * @param {Float32Array} stage
 * @param {Float32Array} textSimilarities (C)
 * @param {boolean[]} written
 * @param {number} highest
 */
export function equatedStage(stage, textSimilarities, written, highest) {
  const signed = [...stage.keys()].filter((c) => !written[c]);
  const moments = [stage, textSimilarities].map((values) => {
    const mean = signed.reduce((sum, c) => sum + values[c], 0) / Math.max(signed.length, 1);
    const square = signed.reduce((sum, c) => sum + (values[c] - mean) ** 2, 0) / Math.max(signed.length, 1);
    return [mean, Math.sqrt(square)];
  });
  const [[mean, spread], [textMean, textSpread]] = moments;
  return stage.map((value, c) => {
    if (!written[c]) return value;
    if (signed.length < MIN_SIGNED_SENTENCES) return highest * textSimilarities[c];
    return Math.min(mean + ((textSimilarities[c] - textMean) * spread) / Math.max(textSpread, 1e-6), highest);
  });
}

/**
 * DTW scores of the looked-at sentences with something in place of those that written ones cannot have.
 *
 * @param {number[]} dtwScores
 * @param {ArrayLike<number>} textScores
 * @param {boolean[]} written
 */
export function standInDtw(dtwScores, textScores, written) {
  const signed = dtwScores.filter((_, r) => !written[r]);
  const worst = signed.length ? Math.min(...signed) : 0;
  return dtwScores.map((score, r) =>
    (written[r] ? Math.max(bestSpelledNoBetter(dtwScores, textScores, written, r), worst) : score));
}

/**
 * What embeddings and DTW give to looked-at sentences, those of written ones by text and spelling.
 *
 * @param {Float32Array} parts
 * @param {ArrayLike<number>} textScores
 * @param {boolean[]} written
 */
export function clipParts(parts, textScores, written) {
  return parts.map((part, r) => {
    const best = written[r] ? bestSpelledNoBetter(parts, textScores, written, r) : -Infinity;
    return Number.isFinite(best) ? (part + Math.max(best, part)) / 2 : part;
  });
}

/**
 * The largest value among the sentences with clips that are spelled no better than place r.
 *
 * @param {ArrayLike<number>} values
 * @param {ArrayLike<number>} textScores
 * @param {boolean[]} written
 * @param {number} r
 */
function bestSpelledNoBetter(values, textScores, written, r) {
  let best = -Infinity;
  for (let other = 0; other < values.length; other++) {
    if (!written[other] && textScores[other] <= textScores[r]) best = Math.max(best, values[other]);
  }
  return best;
}
