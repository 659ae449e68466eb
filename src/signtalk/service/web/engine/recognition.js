/** From an encoded clip to an answer, as JSON; the same fields as `Answer.to_dict` in Python. */

import { numOffered, setSize } from "./candidate_sets.js";
import { evidence } from "./evidence.js";
import { decide } from "./gate.js";
import { scoreSentences } from "./scoring.js";
import { translate, translationConfidence } from "./translation.js";

const known = (value) => (Number.isNaN(value) ? null : value);

/** The answer to one clip; `parts` are {index, decision, tokenizer, decoder} (decoder null = nothing is translated). */
export async function answer(encoded, motion, { index, decision, tokenizer, decoder }, numCandidates = 5) {
  const ranked = scoreSentences(encoded, index, decision.scoring);
  const facts = evidence(ranked, index);
  const gate = decide(facts, motion, decision.gate);
  const size = setSize(decision.sets, ranked.map((each) => each.score));
  const listed = (count) => ranked.slice(0, count).map((each, place) =>
    candidate(each, place + 1, place ? null : gate.confidence, index));
  const candidates = listed(numCandidates);
  const text = decision.translate && decoder ? await translate(decoder, tokenizer, encoded, decision) : null;
  const sure = text && translationConfidence(
    decision.translation, text, ranked.length ? index.named(ranked[0].sentence).sentence : null, gate.confidence);
  // Whoever does not move says nothing, in whatever words.
  const shown = text !== null && gate.reason !== "low_motion" && decision.translation.fitted
    && sure >= decision.translation.threshold;
  const sentence = gate.accepted && candidates.length ? candidates[0].sentence : null;
  const said = sentence || (shown ? text.text : null);
  const choices = gate.offered ? listed(numOffered(size)) : [];
  return {
    accepted: gate.accepted,
    reason: gate.reason,
    confidence: gate.confidence,
    motion_mean: Math.fround(motion),
    attention_mean: encoded.attentionMean,
    candidates,
    num_possible: size,
    choices,
    translation: text && text.text,
    translation_score: text && text.score,
    translation_words: text ? text.words : [],
    translation_confidence: sure,
    translation_shown: shown,
    sentence,
    text: said,
    text_source: sentence ? "sentence" : said ? "translation" : "",
    outcome: said !== null ? "answer" : choices.length ? "choices" : "not_sure",
  };
}

function candidate(each, rank, confidence, index) {
  const clip = index.references[each.row].entry, named = index.named(each.sentence);
  const compared = !Number.isNaN(each.dtwDistance), spelled = !Number.isNaN(each.textLogLikelihood);
  return {
    rank,
    clip_id: clip.clip_id,
    video_file: clip.video_file,
    feature_path: clip.feature_path,
    sentence_id: named.sentence_id,
    sentence: named.sentence,
    category: named.category,
    text_key: named.text_key,
    similarity: each.score,
    raw_similarity: each.similarity,
    confidence: confidence === null ? null : Math.fround(confidence),
    proto_similarity: known(each.prototypeSimilarity),
    dtw_distance: known(each.dtwDistance),
    dtw_score: compared ? each.dtwScore : null,
    text_score: spelled ? known(each.textScore) : null,
    num_references: each.numReferences,
  };
}
