/** From an encoded clip to an answer, as JSON; the same fields as `Answer.to_dict` in Python. */

import { numOffered, setSize } from "./candidate_sets.js";
import { evidence } from "./evidence.js";
import { keepsCriticalWords, spelledText } from "./critical_words.js";
import { decide, forEnrolled } from "./gate.js";
import { heldBack, populationOf, promiseOf, promiseTo } from "./promise.js";
import { scoreSentences } from "./scoring.js";
import { shows, translate, translationConfidence } from "./translation.js";

/** @import { Decoder, DecodingOptions } from "./beam_search.js" */
/** @import { Gate } from "./gate.js" */
/** @import { Encoded } from "./models.js" */
/** @import { Policy } from "./promise.js" */
/** @import { RankedSentence, ScoringConfig } from "./scoring.js" */
/** @import { SentenceIndex } from "./sentence_index.js" */
/** @import { Tokenizer } from "./tokenizer.js" */
/** @import { TranslationRule } from "./translation.js" */

/**
 * How a bundle decides.
 *
 * @typedef {object} DecisionConfig
 * @property {ScoringConfig} scoring
 * @property {Gate} gate
 * @property {{gap: number | null}} sets
 * @property {DecodingOptions} decoding
 * @property {boolean} translate
 * @property {number} spelling_weight
 * @property {TranslationRule} translation
 * @property {Policy} policy
 */

/**
 * What an answer is made from.
 *
 * @typedef {object} Parts
 * @property {SentenceIndex} index
 * @property {DecisionConfig} decision
 * @property {Tokenizer} tokenizer
 * @property {Decoder | null} decoder null = nothing is translated
 */

/** @typedef {ReturnType<typeof candidate>} Candidate */
/** @typedef {Awaited<ReturnType<typeof answer>>} Answer */

// Whoever does not move says nothing, in whatever words; and a text is no way around a sentence that is held back.
const NO_TEXT = ["low_motion", "not_proven"];

const known = (/** @type {number} */ value) => (Number.isNaN(value) ? null : value);

/**
 * The answer to one clip.
 *
 * @param {Encoded} encoded
 * @param {number} motion shoulder widths a second
 * @param {Parts} parts
 * @param {number} [numCandidates] how many sentences it lists
 */
export async function answer(encoded, motion, { index, decision, tokenizer, decoder }, numCandidates = 5) {
  const ranked = scoreSentences(encoded, index, decision.scoring);
  const facts = evidence(ranked, index);
  const population = ranked.length ? populationOf(ranked[0], index) : null;
  const byGate = decide(facts, motion, population === "enrolled" ? forEnrolled(decision.gate) : decision.gate);
  const size = setSize(decision.sets, ranked.map((each) => each.score));
  const listed = (/** @type {number} */ count) => ranked.slice(0, count).map((each, place) =>
    candidate(each, place + 1, place ? null : byGate.confidence, index));
  const candidates = listed(numCandidates);
  const ofSentence = population && promiseTo(population, facts.numWords, index.classes.length, decision);
  const gate = heldBack(byGate, ofSentence, decision.policy);
  const text = decision.translate && decoder ? await translate(decoder, tokenizer, encoded, decision) : null;
  const best = ranked.length ? index.named(ranked[0].sentence).sentence : null;
  const sure = text && translationConfidence(decision.translation, text, best, gate.confidence);
  const provenOnly = decision.policy === "strict";
  const isTold = text !== null && sure !== null && !NO_TEXT.includes(gate.reason)
    && shows(decision.translation, sure, provenOnly)
    && keepsCriticalWords(text.text, spelledText(encoded, tokenizer));
  const sentence = gate.accepted && candidates.length ? candidates[0].sentence : null;
  const said = sentence || (isTold && text ? text.text : null);
  const ofText = isTold && !gate.accepted ? promiseOf("translated", decision) : ofSentence;
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
    translation_shown: isTold,
    promise: gate.accepted || gate.offered || isTold ? ofText : null,
    sentence,
    text: said,
    text_source: sentence ? "sentence" : said ? "translation" : "",
    outcome: said !== null ? "answer" : choices.length ? "choices" : "not_sure",
  };
}

/**
 * @param {RankedSentence} each
 * @param {number} rank
 * @param {number | null} confidence
 * @param {SentenceIndex} index
 */
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
    proto_similarity: known(each.centroidSimilarity),
    dtw_distance: known(each.dtwDistance),
    dtw_score: compared ? each.dtwScore : null,
    text_score: spelled ? known(each.textScore) : null,
    num_references: each.numReferences,
  };
}
