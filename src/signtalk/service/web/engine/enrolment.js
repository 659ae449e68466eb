/** Sentences that are usable at once, from one to three clips, without training (`signtalk.recognition.enrolment`). */

import { sha256 } from "./bundle.js";
import { validFrames } from "./ctc.js";
import { handShare } from "./features.js";
import { ClipError } from "./landmarks.js";
import { dot, halfRounded } from "./numbers.js";
import { implausibilities } from "./plausible.js";
import { answer } from "./recognition.js";
import { CONFUSED, ENROLLED_ID, LEAST_HAND_SHARE, SAME_COSINE, SAME_TOLERANCE, SHOWN_NEAREST } from "./tables.js";
import { splitWords, textKey } from "./tokenizer.js";

/** @import { FeatureConfig } from "./features.js" */
/** @import { Clip } from "./landmarks.js" */
/** @import { Encoded } from "./models.js" */
/** @import { Parts } from "./recognition.js" */
/** @import { Entry, Reference, SentenceIndex } from "./sentence_index.js" */

/** @typedef {{sentence: string, score: number, similarity: number, confidence: number | null}} NearSentence */

const percent = (/** @type {number} */ share) => `${Math.round(100 * share)}%`;

/**
 * Refuse a text without a word; gives it with single blanks.
 *
 * @param {string} text
 */
export function checkedText(text) {
  const tidy = text.split(/\s+/u).filter(Boolean).join(" ");
  if (/\p{Cc}/u.test(tidy)) throw new Error("the text holds control characters; give it without");
  if (!splitWords(tidy).length) throw new Error(`the text '${text}' holds no word; give what the clips say`);
  return tidy;
}

/**
 * Refuse a clip in which nobody signs, in which the hands were not seen, or which can never be recognised; what is odd
 * about it otherwise is given back.
 *
 * @param {string} name what it is called
 * @param {Clip} clip
 * @param {number} motion
 * @param {FeatureConfig} features
 * @param {number} motionFloor
 */
export function checkClip(name, clip, motion, features, motionFloor) {
  const share = handShare(clip, features);
  if (share < LEAST_HAND_SHARE) {
    throw new ClipError(`${name}: ${percent(share)} of the frames show a hand, expected at least `
      + `${percent(LEAST_HAND_SHARE)}; film again with the hands in view`);
  }
  if (!(motion >= motionFloor)) {
    throw new ClipError(`${name}: hand speed ${motion.toFixed(2)} shoulder widths a second, signing has at least `
      + `${motionFloor.toFixed(2)}; the hands rest, so film the signing`);
  }
  const doubts = implausibilities(clip), hopeless = doubts.find(({ isHopeless }) => isHopeless);
  if (hopeless) throw new ClipError(`${name}: ${hopeless.message}`);
  return doubts.map(({ message }) => `${name}: ${message}`);
}

/**
 * References of newly encoded clips: {entry, embedding, frames}; a sentence that is known keeps its text and id.
 *
 * @param {SentenceIndex} index
 * @param {{text: string, category: string}} sentence
 * @param {Encoded[]} encoded
 * @returns {Promise<Reference[]>}
 */
export async function newReferences(index, { text, category }, encoded) {
  const key = textKey(text), twin = index.find(key);
  const known = twin ? index.named(twin) : { sentence_id: await newSentenceId(key), sentence: text, category: "" };
  return Promise.all(encoded.map(async (each) => {
    const frames = referenceFrames(each);
    const clipId = `enrolled-${(await sha256(frames.buffer)).slice(0, 16)}`;
    /** @type {Entry} */
    const entry = {
      clip_id: clipId, video_file: "", feature_path: "", sentence_id: known.sentence_id, sentence: known.sentence,
      category: category || known.category, text_key: key, kind: "clip",
    };
    return { entry, embedding: each.embedding.slice(), frames };
  }));
}

/**
 * The id of a sentence that no index knew before it was taught.
 *
 * @param {string} key its text_key
 */
export async function newSentenceId(key) {
  return `${ENROLLED_ID}${(await sha256(new TextEncoder().encode(key))).slice(0, 16)}`;
}

/**
 * What a reference keeps of a clip's frames: those that count, in half precision.
 *
 * @param {Encoded} encoded
 */
export function referenceFrames(encoded) {
  const width = encoded.projections.length / encoded.valid.length;
  return encoded.projections.slice(0, validFrames(encoded) * width).map(halfRounded);
}

/**
 * No clip may be there twice: it would find itself, and count as a second opinion.
 *
 * @param {SentenceIndex} index
 * @param {Reference[]} references
 */
export function refuseKnown(index, references) {
  references.forEach((reference, place) => {
    const twin = sameReference(reference, [...references.slice(0, place), ...index.references]);
    if (!twin) return;
    throw new ClipError(`clip ${place + 1} is there already, as a clip of '${twin.entry.sentence}'; film another`);
  });
}

/**
 * The one of some references that is this very clip, whatever its name.
 *
 * @param {Reference} reference
 * @param {Reference[]} others
 */
export function sameReference(reference, others) {
  return others.find((other) => same(reference, other));
}

/**
 * @param {Reference} a
 * @param {Reference} b
 */
function same(a, b) {
  return a.frames.length === b.frames.length && cosine(a, b) >= SAME_COSINE
    && a.frames.every((value, i) => Math.abs(value - b.frames[i]) <= SAME_TOLERANCE * (1 + Math.abs(b.frames[i])));
}

/**
 * @param {Reference} a
 * @param {Reference} b
 */
function cosine(a, b) {
  return dot(a.embedding, 0, b.embedding, 0, a.embedding.length);
}

/**
 * What is told of an enrolment, by the names of Python's `Enrolled`.
 *
 * @param {Reference[]} references
 * @param {Encoded[]} encoded
 * @param {number[]} motions
 * @param {Parts} parts
 */
export async function lookedAt(references, encoded, motions, parts) {
  const { entry } = references[0], sentence = parts.index.find(entry.text_key);
  const own = sentence && !sentence.written ? sentence.rows.map((row) => parts.index.references[row]) : [];
  const others = parts.index.references.filter(({ entry: e }) => e.text_key !== entry.text_key && e.kind !== "written");
  const agreements = agreement(references, own, others);
  const confusions = await nearest(references, encoded, motions, parts);
  return {
    sentence: entry.sentence,
    sentence_id: entry.sentence_id,
    category: entry.category,
    clip_ids: references.map((each) => each.entry.clip_id),
    num_references: own.length + references.length,
    agreement: agreements.least,
    nearest: confusions.nearest,
    confused_with: [...new Set([...agreements.warnings.values(), ...confusions.warnings.values()])],
    warnings: [...agreements.warnings.keys(), ...confusions.warnings.keys()],
  };
}

/**
 * A clip contradicts the sentence's others where some other sentence's clip is nearer; the sentence of each warning.
 *
 * @param {Reference[]} references
 * @param {Reference[]} own
 * @param {Reference[]} others
 */
function agreement(references, own, others) {
  /** @type {Map<string, string>} */
  const warnings = new Map();
  if (references.length + own.length === 1) return { least: null, warnings };
  const closest = references.map((each) => Math.max(
    ...[...references, ...own].filter((other) => other !== each).map((other) => cosine(each, other))));
  references.forEach((each, place) => {
    const near = others.map((other) => cosine(each, other)), highest = Math.max(...near, -Infinity);
    if (closest[place] < highest) {
      const { sentence } = others[near.indexOf(highest)].entry;
      warnings.set(`clip ${place + 1} is less like the sentence's other clips (${closest[place].toFixed(2)}) than `
        + `like a clip of '${sentence}' (${highest.toFixed(2)}); see whether it says the same`, sentence);
    }
  });
  return { least: Math.min(...closest), warnings };
}

/**
 * What the clips would have been taken for without their own sentence; the sentence of a warning where surely.
 *
 * @param {Reference[]} references
 * @param {Encoded[]} encoded
 * @param {number[]} motions
 * @param {Parts} parts
 */
async function nearest(references, encoded, motions, parts) {
  const { entry } = references[0];
  /** @type {Map<string, string>} */
  const warnings = new Map();
  /** @type {Map<string, NearSentence>} */
  const closest = new Map();
  const without = { ...parts, index: parts.index.withoutSentence(entry.text_key), decoder: null };
  for (const [place, each] of encoded.entries()) {
    const taken = await answer(each, motions[place], without, SHOWN_NEAREST);
    for (const near of taken.candidates) {
      if (!((closest.get(near.text_key)?.score ?? -Infinity) >= near.similarity)) {
        closest.set(near.text_key, {
          sentence: near.sentence, score: near.similarity, similarity: near.raw_similarity, confidence: near.confidence,
        });
      }
    }
    if (taken.accepted || taken.reason === "not_proven" || (taken.candidates.length && taken.confidence >= CONFUSED)) {
      const [{ sentence }] = taken.candidates;
      warnings.set(`'${entry.sentence}' and '${sentence}' are easily confused: without the first, clip ${place + 1} `
        + `would be taken for the second (confidence ${taken.confidence.toFixed(2)})`, sentence);
    }
  }
  return { nearest: [...closest.values()].sort((a, b) => b.score - a.score).slice(0, SHOWN_NEAREST), warnings };
}
