/** Sentences that are usable at once, from one to three clips, without training (`signtalk.enrolment`). */

import { sha256 } from "./bundle.js";
import { ClipError, LEFT_HAND_NAMES, RIGHT_HAND_NAMES, shareSeen } from "./landmarks.js";
import { dot, halfRounded } from "./numbers.js";
import { answer } from "./recognition.js";
import { validFrames } from "./spelling.js";
import { splitWords, textKey } from "./tokenizer.js";

const LEAST_HAND_SHARE = 0.2, SAME_COSINE = 0.9999, SAME_TOLERANCE = 5e-3, CONFUSED = 0.5, SHOWN_NEAREST = 3;
const percent = (share) => `${Math.round(100 * share)}%`;

/** Refuse a text without a word; gives it with single blanks. */
export function checkedText(text) {
  const tidy = text.split(/\s+/u).filter(Boolean).join(" ");
  if (!splitWords(tidy).length) throw new Error(`the text '${text}' holds no word; give what the clips say`);
  return tidy;
}

/** Refuse a clip in which nobody signs, or in which the hands were not seen; `name` is what it is called. */
export function checkClip(name, clip, motion, features, motionFloor) {
  const names = features.use_hands ? [...LEFT_HAND_NAMES, ...RIGHT_HAND_NAMES] : ["left_wrist", "right_wrist"];
  const share = shareSeen(clip, names);
  if (share < LEAST_HAND_SHARE) {
    throw new ClipError(`${name}: ${percent(share)} of the frames show a hand, expected at least `
      + `${percent(LEAST_HAND_SHARE)}; film again with the hands in view`);
  }
  if (!(motion >= motionFloor)) {
    throw new ClipError(`${name}: hand speed ${motion.toFixed(2)} shoulder widths a second, signing has at least `
      + `${motionFloor.toFixed(2)}; the hands rest, so film the signing`);
  }
}

/** References of newly encoded clips: {entry, embedding, frames}; a sentence that is known keeps its text and id. */
export async function newReferences(index, { text, category }, encoded) {
  const key = textKey(text), found = index.find(key), name = (await sha256(utf8(key))).slice(0, 16);
  const known = found ? index.named(found) : { sentence_id: `enrolled-${name}`, sentence: text, category: "" };
  return Promise.all(encoded.map(async (each) => {
    const width = each.projections.length / each.valid.length;
    const frames = each.projections.slice(0, validFrames(each) * width).map(halfRounded);
    const clipId = `enrolled-${(await sha256(frames.buffer)).slice(0, 16)}`;
    const entry = {
      clip_id: clipId, video_file: "", feature_path: "", sentence_id: known.sentence_id, sentence: known.sentence,
      category: category || known.category, text_key: key, kind: "clip",
    };
    return { entry, embedding: each.embedding.slice(), frames };
  }));
}

/** No clip may be there twice: it would find itself, and count as a second opinion. */
export function refuseKnown(index, references) {
  references.forEach((reference, place) => {
    const twin = [...references.slice(0, place), ...index.references].find((other) => same(reference, other));
    if (!twin) return;
    throw new ClipError(`clip ${place + 1} is there already, as a clip of '${twin.entry.sentence}'; film another`);
  });
}

function same(a, b) {
  return a.frames.length === b.frames.length && cosine(a, b) >= SAME_COSINE
    && a.frames.every((value, i) => Math.abs(value - b.frames[i]) <= SAME_TOLERANCE * (1 + Math.abs(b.frames[i])));
}

const cosine = (a, b) => dot(a.embedding, 0, b.embedding, 0, a.embedding.length);

/** What is told of an enrolment, by the names of Python's `Enrolled`. */
export async function lookedAt(references, encoded, motions, parts) {
  const { entry } = references[0], found = parts.index.find(entry.text_key);
  const own = found && !found.written ? found.rows.map((row) => parts.index.references[row]) : [];
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
    warnings: [...agreements.warnings, ...confusions.warnings],
  };
}

/** A clip contradicts the sentence's others where some other sentence's clip is nearer. */
function agreement(references, own, others) {
  const warnings = [];
  if (references.length + own.length === 1) return { least: null, warnings };
  const closest = references.map((each) => Math.max(
    ...[...references, ...own].filter((other) => other !== each).map((other) => cosine(each, other))));
  references.forEach((each, place) => {
    const near = others.map((other) => cosine(each, other)), highest = Math.max(...near, -Infinity);
    if (closest[place] < highest) {
      const { sentence } = others[near.indexOf(highest)].entry;
      warnings.push(`clip ${place + 1} is less like the sentence's other clips (${closest[place].toFixed(2)}) than `
        + `like a clip of '${sentence}' (${highest.toFixed(2)}); see whether it says the same`);
    }
  });
  return { least: Math.min(...closest), warnings };
}

/** What the clips would have been taken for without their own sentence, and a warning where that was sure. */
async function nearest(references, encoded, motions, parts) {
  const { entry } = references[0], found = new Map(), warnings = [];
  const without = { ...parts, index: parts.index.withoutSentence(entry.text_key), decoder: null };
  for (const [place, each] of encoded.entries()) {
    const told = await answer(each, motions[place], without, SHOWN_NEAREST);
    for (const near of told.candidates) {
      if (!((found.get(near.text_key)?.score ?? -Infinity) >= near.similarity)) {
        found.set(near.text_key, {
          sentence: near.sentence, score: near.similarity, similarity: near.raw_similarity, confidence: near.confidence,
        });
      }
    }
    if (told.accepted || (told.candidates.length && told.confidence >= CONFUSED)) {
      warnings.push(`clip ${place + 1} would be taken for '${told.candidates[0].sentence}' (confidence `
        + `${told.confidence.toFixed(2)}) without '${entry.sentence}'; the two are easily confused`);
    }
  }
  return { nearest: [...found.values()].sort((a, b) => b.score - a.score).slice(0, SHOWN_NEAREST), warnings };
}

function utf8(text) {
  return new TextEncoder().encode(text);
}
