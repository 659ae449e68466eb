/** How sentences without a clip are scored beside those with clips; the reasons stand in `signtalk.written`. */

const MIN_SENTENCES = 3;

/** Stage scores (Float32Array, C) with those of written sentences moved to the clips' scale. */
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
    if (signed.length < MIN_SENTENCES) return highest * textSimilarities[c];
    return Math.min(mean + ((textSimilarities[c] - textMean) * spread) / Math.max(textSpread, 1e-6), highest);
  });
}

/** DTW scores of the looked-at sentences with something in place of those that written ones cannot have. */
export function standInDtw(dtwScores, textScores, written) {
  const signed = dtwScores.filter((_, r) => !written[r]);
  const worst = signed.length ? Math.min(...signed) : 0;
  return dtwScores.map((score, r) =>
    (written[r] ? Math.max(bestSpelledNoBetter(dtwScores, textScores, written, r), worst) : score));
}

/** What embeddings and DTW give to looked-at sentences, those of written ones by text and spelling. */
export function clipParts(parts, textScores, written) {
  return parts.map((part, r) => {
    const best = written[r] ? bestSpelledNoBetter(parts, textScores, written, r) : -Infinity;
    return Number.isFinite(best) ? (part + Math.max(best, part)) / 2 : part;
  });
}

/** The largest value among the sentences with clips that are spelled no better than place r. */
function bestSpelledNoBetter(values, textScores, written, r) {
  let best = -Infinity;
  values.forEach((value, other) => {
    if (!written[other] && textScores[other] <= textScores[r]) best = Math.max(best, value);
  });
  return best;
}
