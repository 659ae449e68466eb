/**
 * Everything that the service does, in the browser: recognise, enroll, search, listen to a stream.
 *
 *   import * as ort from "./vendor/ort.wasm.min.mjs";
 *   const engine = await Engine.open("./bundle/", ort);
 *   const answer = await engine.recognize(clip);  // the same JSON as the service gives
 *
 * Nothing leaves the page. Clips: landmarks.js. Format of the bundle: docs/offline-page.md.
 */

import { fetchBytes, readBundle } from "./bundle.js";
import { today } from "./day.js";
import { checkClip, checkedText, lookedAt, newReferences, newSentenceId, referenceFrames, refuseKnown } from "./enrolment.js";
import { extractFeatures } from "./features.js";
import { openModels } from "./models.js";
import { dot } from "./numbers.js";
import { answer } from "./recognition.js";
import { compareTexts } from "./sentence_index.js";
import { fitSigner } from "./signer_fit.js";
import { nextSentences } from "./signer_prompts.js";
import { applied } from "./signer_transform.js";
import { BrowserStorage } from "./storage.js";
import { StreamSession } from "./stream.js";
import { EOS_ID, GOLDEN_TOLERANCE, MOST_ENROLLED } from "./tables.js";
import { asTold, checkedTake, entryOf, isTaught, saidId, sentencesOf } from "./takes.js";
import { textKey } from "./tokenizer.js";
import { clipFromBytes, clipsFromBytes, clipToBytes } from "./wire.js";

/** @import { Bundle, Golden } from "./bundle.js" */
/** @import { Clip } from "./landmarks.js" */
/** @import { Encoded, Models, OrtModule } from "./models.js" */
/** @import { Answer } from "./recognition.js" */
/** @import { SignerTransform } from "./signer_transform.js" */
/** @import { SignerLesson } from "./stream_signer.js" */
/** @import { Kept, Storage, Vectors } from "./storage.js" */
/** @import { StreamOptions } from "./stream.js" */
/** @import { Consent, Origin, Take } from "./takes.js" */

/** @typedef {{category?: string, signer?: string, language?: string, consent?: Consent}} Told of a taught sentence */

/** @typedef {{origin: Origin, consent: Consent, signer?: string, language?: string}} SaidTold of a confirmed answer */

/**
 * @typedef {object} EngineOptions
 * @property {Storage} [storage] IndexedDB without it
 * @property {(url: string) => Promise<ArrayBuffer>} [fetcher] bytes of a URL
 * @property {Models} [models] instead of those of the bundle, for tests
 */

const TEXTS = /** @type {const} */ (["outcome", "reason", "text", "translation", "num_possible"]);
const SCORES = /** @type {const} */ (["similarity", "raw_similarity", "text_score", "dtw_score"]);

export class Engine {
  /**
   * Read a bundle and what was taught before; what another model was taught is taught again where its clips are kept.
   *
   * @param {string} baseUrl ends with "/"
   * @param {OrtModule} ort
   * @param {EngineOptions} [options]
   */
  static async open(baseUrl, ort, options = {}) {
    const bundle = await readBundle(baseUrl, options.fetcher ?? fetchBytes);
    const models = options.models ?? await openModels(ort, bundle.read, bundle.config.model);
    const engine = new Engine(bundle, models, options.storage ?? new BrowserStorage());
    await engine.#teachAgain();
    await engine.#readTaught();
    return engine;
  }

  /**
   * @param {Bundle} bundle
   * @param {Models} models
   * @param {Storage} storage
   */
  constructor(bundle, models, storage) {
    this.bundle = bundle;
    this.models = models;
    this.storage = storage;
    this.index = bundle.index; // the bundle's references and those that were enrolled here
    this.encoderId = bundle.manifest.encoder_id;
    /** @type {Set<string>} */
    this.personal = new Set(); // ids of the enrolled clips
    /** @type {Take[]} */
    this.takes = []; // of every clip that was taught here, to whichever model
  }

  /**
   * The answer to a clip.
   *
   * @param {Clip} clip
   * @param {{candidates?: number}} [options] how many sentences it lists
   */
  async recognize(clip, options = {}) {
    return (await this.answered(clip, options)).answer;
  }

  /**
   * The answer to a clip of a person who may be known, and the clip as the encoder of everybody gives it.
   *
   * @param {Clip} clip
   * @param {{candidates?: number, signer?: SignerTransform | null}} [options]
   */
  async answered(clip, { candidates = 5, signer = null } = {}) {
    const { encoded, motion } = await this.#encoded(clip), own = signer ? applied(signer, encoded) : encoded;
    return { answer: await answer(own, motion, this.#parts(), candidates), encoded };
  }

  /**
   * What is peculiar to a person; null where the model knows nothing of what they said.
   *
   * @param {SignerLesson} lesson
   */
  learn({ clips, texts }) {
    return fitSigner(clips, texts, this.index, this.bundle.tokenizer);
  }

  /**
   * Known sentences to ask a person for, the one that tells most first.
   *
   * @param {string[]} signed what they signed already
   * @param {number} limit
   */
  prompts(signed, limit) {
    return nextSentences(this.index, this.bundle.tokenizer, signed, limit);
  }

  /**
   * Sentences of both layers in order of text.
   *
   * @param {{query?: string, category?: string, limit?: number, offset?: number}} [options] of one category alone where
   *   that is given
   */
  sentences({ query = "", category, limit = Infinity, offset = 0 } = {}) {
    const key = query.trim() ? textKey(query) : "";
    const wanted = this.index.classes.filter((each) => (
      each.key.includes(key) && (category === undefined || this.index.named(each).category === category)
    ));
    return wanted.slice(offset, offset + limit).map((each) => {
      const named = this.index.named(each);
      const own = each.rows.some((row) => this.personal.has(this.index.references[row].entry.clip_id));
      return {
        sentence_id: named.sentence_id, sentence: named.sentence, category: named.category,
        num_clips: each.written ? 0 : each.rows.length, layer: own ? "personal" : "base",
      };
    });
  }

  /** The categories of all sentences with how many are in each, in order of their names; "" = of none. */
  categories() {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const { category } of this.sentences()) counts.set(category, (counts.get(category) ?? 0) + 1);
    return [...counts].sort(([a], [b]) => compareTexts(a, b)).map(([category, sentences]) => ({ category, sentences }));
  }

  /**
   * The clips that mean a text, nearest first; needs a model with a text encoder.
   *
   * @param {string} text
   * @param {number} [limit]
   */
  async search(text, limit = 10) {
    const point = await this.#embedded(checkedText(text));
    const hits = this.index.references.filter(({ entry }) => entry.kind !== "written").map(({ entry, embedding }) => ({
      similarity: dot(point, 0, embedding, 0, point.length), clip_id: entry.clip_id, sentence_id: entry.sentence_id,
      sentence: entry.sentence, category: entry.category,
    }));
    return hits.sort((a, b) => b.similarity - a.similarity).slice(0, limit).map((hit, i) => ({ rank: i + 1, ...hit }));
  }

  /**
   * Enroll a sentence from one to three clips; all of them or none. Vectors are kept in the browser, and the landmarks
   * where consent is told. Gives what `Enrolled.to_dict` tells in Python: what was enrolled, and warnings.
   *
   * @param {string} text
   * @param {Clip[]} clips
   * @param {Told} [told]
   */
  async enroll(text, clips, { category = "", signer = "", language = "", consent = "" } = {}) {
    const sentence = checkedText(text);
    if (!clips.length || clips.length > MOST_ENROLLED) {
      throw new Error(`${clips.length} clips; give one to ${MOST_ENROLLED}`);
    }
    const encoded = [], motions = [], { decision } = this.bundle.config;
    /** @type {string[]} */
    const odd = [];
    for (const [place, clip] of clips.entries()) {
      const signing = await this.encodedSigning(`clip ${place + 1}`, clip, decision.gate.motion_floor);
      encoded.push(signing.encoded);
      motions.push(signing.motion);
      odd.push(...signing.odd);
    }
    const references = await newReferences(this.index, { text: sentence, category }, encoded);
    refuseKnown(this.index, references);
    const takes = references.map(({ entry }) => checkedTake({
      clip_id: entry.clip_id, sentence_id: entry.sentence_id, sentence: entry.sentence, category: entry.category,
      signer_id: signer, language, consent, date: today(), origin: "taught",
    }));
    const report = await lookedAt(references, encoded, motions, this.#parts());
    await this.keep({
      vectors: references.map((each) => ({ ...each, clipId: each.entry.clip_id, encoderId: this.encoderId })), takes,
      landmarks: consent ? takes.map(({ clip_id: id }, n) => ({ clipId: id, bytes: clipToBytes(clips[n]) })) : [],
    });
    if (consent) for (const clip of clips) await this.unremember(await saidId(clip)); // it answers now
    return { ...report, warnings: [...odd, ...report.warnings] };
  }

  /**
   * Keep what was signed under the sentence that the patient confirmed, to train models; it answers nothing by itself
   * (`signtalk.recognition.said`). Gives its id.
   *
   * @param {string} text
   * @param {Clip} clip
   * @param {SaidTold} told
   */
  async remember(text, clip, { origin, consent, signer = "", language = "" }) {
    if (consent !== "train" || origin === "taught") throw new Error("kept with consent to training alone");
    const sentence = checkedText(text), key = textKey(sentence), known = this.index.find(key), { config } = this.bundle;
    checkClip("clip", clip, extractFeatures(clip, config.features).motion, config.features, config.decision.gate.motion_floor);
    const take = checkedTake({
      clip_id: await saidId(clip), sentence_id: await newSentenceId(key), sentence,
      category: known ? this.index.named(known).category : "", signer_id: signer, language, consent, date: today(), origin,
    });
    await this.storage.put({ takes: [take], landmarks: [{ clipId: take.clip_id, bytes: clipToBytes(clip) }] });
    this.takes = [...this.takes.filter(({ clip_id: id }) => id !== take.clip_id), take];
    return take.clip_id;
  }

  /**
   * Take a clip out that was said, because it said something else.
   *
   * @param {string} clipId
   */
  async unremember(clipId) {
    if (!this.takes.some((take) => take.clip_id === clipId && !isTaught(take))) return;
    await this.storage.remove([clipId]);
    this.takes = this.takes.filter((take) => take.clip_id !== clipId);
  }

  /**
   * What was taught here, as `/v1/taught` lists it.
   *
   * @param {{query?: string}} [options]
   */
  taught({ query = "" } = {}) {
    return sentencesOf(this.takes, this.personal, query);
  }

  /**
   * The clip that a sentence was taught with; null where it is not kept.
   *
   * @param {string} clipId
   */
  async keptClip(clipId) {
    const bytes = await this.storage.landmarks(clipId);
    return bytes && clipFromBytes(bytes);
  }

  /**
   * The takes that can be shown as the sign of their sentence, the last one first.
   *
   * @param {string} sentenceId
   */
  signsOf(sentenceId) {
    const own = this.index.references.filter(({ entry }) => entry.sentence_id === sentenceId);
    const ids = new Set(own.map(({ entry }) => entry.clip_id));
    const kept = this.takes.filter(({ clip_id: id, consent }) => consent && ids.has(id));
    return kept.sort((a, b) => compareTexts(b.date, a.date));
  }

  /**
   * Give the clips of a taught sentence another text; gives their ids.
   *
   * @param {string} text
   * @param {string} newText
   */
  async rename(text, newText) {
    const sentence = checkedText(newText), key = textKey(sentence), oldKey = textKey(text), own = this.#takesOf(text);
    const taught = this.takes.filter(isTaught), isKnown = this.bundle.index.find(key)
      || taught.some((take) => textKey(take.sentence) === key);
    if (!own.some(isTaught)) throw new Error(`no enrolled sentence '${text}'`);
    if (key !== oldKey && isKnown) throw new Error(`'${sentence}' is known already; teach it further clips`);
    const takes = await Promise.all(own.map(async (take) => {
      const { sentence_id: id } = await entryOf({ ...take, sentence }, this.bundle.index);
      return { ...take, sentence, sentence_id: isTaught(take) ? id : await newSentenceId(key) };
    }));
    await this.keep({ takes });
    return own.filter(isTaught).map((take) => take.clip_id);
  }

  /**
   * Forget what was taught of a sentence here, for every model; gives what was kept of it, which `keep` puts back.
   *
   * @param {string} text
   */
  async forget(text) {
    const kept = await this.storage.remove(this.#takesOf(text).map((take) => take.clip_id));
    await this.#readTaught();
    return kept;
  }

  /**
   * Keep taught clips; they answer from now on.
   *
   * @param {Partial<Kept>} kept
   */
  async keep(kept) {
    await this.storage.put(kept);
    await this.#readTaught();
  }

  /**
   * A live session; see stream.js.
   *
   * @param {StreamOptions} [options]
   */
  stream(options = {}) {
    return new StreamSession(this, options);
  }

  /**
   * Replay the bundle's golden clips: {clips, largest_difference, different: [numbers of clips]}. A clip is different
   * where outcome, reason or the order of candidates is, or a score by more than 1e-3. Without what was enrolled.
   */
  async verify() {
    /** @type {Golden} */
    const golden = await this.bundle.json("golden.json");
    const { buffer } = await this.bundle.read("golden.bin"), parts = { ...this.#parts(), index: this.bundle.index };
    let largest = 0;
    const different = [];
    for (const [number, clip] of clipsFromBytes(buffer, golden.num_frames).entries()) {
      const { encoded, motion } = await this.#encoded(clip);
      const { same, difference } = compared(await answer(encoded, motion, parts), golden.answers[number]);
      largest = Math.max(largest, difference);
      if (!same || difference > GOLDEN_TOLERANCE) different.push(number);
    }
    return { clips: golden.answers.length, largest_difference: largest, different };
  }

  /** @param {Clip} clip */
  async #encoded(clip) {
    const features = extractFeatures(clip, this.bundle.config.features);
    return { encoded: await this.models.encode(features), motion: features.motion };
  }

  /** @param {string} text */
  async #embedded(text) {
    const { embedText } = this.models;
    if (!embedText) throw new Error("the model has no text encoder, so texts and signs cannot be compared");
    return embedText([...this.bundle.tokenizer.encode(text), EOS_ID]);
  }

  #parts() {
    return {
      index: this.index, decision: this.bundle.config.decision, tokenizer: this.bundle.tokenizer,
      decoder: this.models.decoder,
    };
  }

  /**
   * What the networks make of a clip in which somebody signs.
   *
   * @param {string} name what it is called
   * @param {Clip} clip
   * @param {number} motionFloor
   */
  async encodedSigning(name, clip, motionFloor) {
    const { encoded, motion } = await this.#encoded(clip);
    const odd = checkClip(name, clip, motion, this.bundle.config.features, motionFloor);
    return { encoded, motion, odd };
  }

  /** @param {string} text */
  #takesOf(text) {
    const key = textKey(text);
    return this.takes.filter((take) => textKey(take.sentence) === key);
  }

  /** Encode the kept clips that this model was not taught; one that shows it nothing stays told as lost. */
  async #teachAgain() {
    const known = new Set((await this.storage.vectors(this.encoderId)).map(({ clipId }) => clipId));
    /** @type {Vectors[]} */
    const vectors = [];
    for (const take of (await this.#takesKept()).filter(isTaught)) {
      const clip = known.has(take.clip_id) ? null : await this.keptClip(take.clip_id).catch(() => null);
      const made = clip && await this.encodedSigning(take.clip_id, clip, 0).catch(() => null);
      if (made) vectors.push(await this.vectorsOf(take, made.encoded));
    }
    if (vectors.length) await this.storage.put({ vectors });
  }

  /**
   * What is kept of a take for this model.
   *
   * @param {Take} take
   * @param {Encoded} encoded
   * @returns {Promise<Vectors>}
   */
  async vectorsOf(take, encoded) {
    return {
      clipId: take.clip_id, encoderId: this.encoderId, entry: await entryOf(take, this.bundle.index),
      embedding: encoded.embedding.slice(), frames: referenceFrames(encoded),
    };
  }

  async #takesKept() {
    return (await this.storage.takes()).map(asTold);
  }

  async #readTaught() {
    this.takes = await this.#takesKept();
    const told = new Map(this.takes.map((take) => [take.clip_id, take])), references = [], texts = new Map();
    for (const { clipId, embedding, frames } of await this.storage.vectors(this.encoderId)) {
      const take = told.get(clipId);
      if (take) references.push({ entry: await entryOf(take, this.bundle.index), embedding, frames });
    }
    for (const { entry } of references) {
      if (texts.has(entry.text_key) || this.bundle.index.texts.has(entry.text_key)) continue;
      const textEmbedding = this.bundle.index.anyWritten ? await this.#embedded(entry.sentence) : null;
      texts.set(entry.text_key, { words: this.bundle.tokenizer.encode(entry.sentence), textEmbedding });
    }
    this.personal = new Set(references.map(({ entry }) => entry.clip_id));
    this.index = this.bundle.index.withLayer(references, texts);
  }
}

/**
 * Whether two answers say the same, and the largest difference of their numbers.
 *
 * @param {Answer} answered
 * @param {Answer} expected
 */
function compared(answered, expected) {
  const order = (/** @type {Answer} */ { candidates }) => candidates.map((each) => each.text_key).join("\n");
  const same = TEXTS.every((name) => answered[name] === expected[name]) && order(answered) === order(expected);
  const pairs = [[answered.confidence, expected.confidence], [answered.motion_mean, expected.motion_mean]];
  answered.candidates.forEach((each, place) => {
    const other = expected.candidates[place];
    for (const name of SCORES) pairs.push([each[name] ?? NaN, other?.[name] ?? NaN]);
  });
  const differences = pairs.map(([a, b]) => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) === Number.isNaN(b) ? 0 : Infinity;
    return Math.abs(a - b);
  });
  return { same, difference: Math.max(...differences) };
}
