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
import { checkClip, checkedText, lookedAt, newReferences, refuseKnown } from "./enrolment.js";
import { extractFeatures } from "./features.js";
import { openModels } from "./models.js";
import { dot } from "./numbers.js";
import { answer } from "./recognition.js";
import { BrowserStorage } from "./storage.js";
import { StreamSession } from "./stream.js";
import { EOS_ID, GOLDEN_TOLERANCE, MOST_ENROLLED } from "./tables.js";
import { textKey } from "./tokenizer.js";
import { clipsFromBytes } from "./wire.js";

/** @import { Bundle, Golden } from "./bundle.js" */
/** @import { Clip } from "./landmarks.js" */
/** @import { Models, OrtModule } from "./models.js" */
/** @import { Answer } from "./recognition.js" */
/** @import { Storage } from "./storage.js" */
/** @import { StreamOptions } from "./stream.js" */

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
   * Read a bundle and what was enrolled on it before.
   *
   * @param {string} baseUrl ends with "/"
   * @param {OrtModule} ort
   * @param {EngineOptions} [options]
   */
  static async open(baseUrl, ort, options = {}) {
    const bundle = await readBundle(baseUrl, options.fetcher ?? fetchBytes);
    const models = options.models ?? await openModels(ort, bundle.read, bundle.config.model);
    const engine = new Engine(bundle, models, options.storage ?? new BrowserStorage());
    await engine.#readEnrolled();
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
  }

  /**
   * The answer to a clip.
   *
   * @param {Clip} clip
   * @param {{candidates?: number}} [options] how many sentences it lists
   */
  async recognize(clip, options = {}) {
    const { encoded, motion } = await this.#encoded(clip);
    return answer(encoded, motion, this.#parts(), options.candidates ?? 5);
  }

  /**
   * Sentences of both layers in order of text.
   *
   * @param {{query?: string, limit?: number, offset?: number}} [options]
   */
  sentences({ query = "", limit = Infinity, offset = 0 } = {}) {
    const key = query.trim() ? textKey(query) : "";
    const wanted = this.index.classes.filter((each) => each.key.includes(key));
    return wanted.slice(offset, offset + limit).map((each) => {
      const named = this.index.named(each);
      const own = each.rows.some((row) => this.personal.has(this.index.references[row].entry.clip_id));
      return {
        sentence_id: named.sentence_id, sentence: named.sentence, category: named.category,
        num_clips: each.written ? 0 : each.rows.length, layer: own ? "personal" : "base",
      };
    });
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
   * Enroll a sentence from one to three clips; all of them or none. They are kept in the browser, as vectors, not as
   * landmarks. Gives what `Enrolled.to_dict` tells in Python: what was enrolled, and warnings.
   *
   * @param {string} text
   * @param {Clip[]} clips
   * @param {{category?: string}} [options]
   */
  async enroll(text, clips, { category = "" } = {}) {
    const sentence = checkedText(text);
    if (!clips.length || clips.length > MOST_ENROLLED) {
      throw new Error(`${clips.length} clips; give one to ${MOST_ENROLLED}`);
    }
    const encoded = [], motions = [], { decision, features } = this.bundle.config;
    for (const [place, clip] of clips.entries()) {
      const { encoded: one, motion } = await this.#encoded(clip);
      checkClip(`clip ${place + 1}`, clip, motion, features, decision.gate.motion_floor);
      encoded.push(one);
      motions.push(motion);
    }
    const references = await newReferences(this.index, { text: sentence, category }, encoded);
    refuseKnown(this.index, references);
    const report = await lookedAt(references, encoded, motions, this.#parts());
    await this.storage.put(this.encoderId, references.map((each) => ({ clipId: each.entry.clip_id, ...each })));
    await this.#readEnrolled();
    return report;
  }

  /**
   * Forget what was enrolled of a sentence here; how many clips that were.
   *
   * @param {string} text
   */
  async forget(text) {
    const key = textKey(text);
    const ids = (await this.storage.all(this.encoderId)).filter(({ entry }) => entry.text_key === key)
      .map(({ clipId }) => clipId);
    await this.storage.remove(this.encoderId, ids);
    await this.#readEnrolled();
    return ids.length;
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

  async #readEnrolled() {
    const references = await this.storage.all(this.encoderId), texts = new Map();
    for (const { entry } of references) {
      if (texts.has(entry.text_key) || this.bundle.index.texts.has(entry.text_key)) continue;
      const textEmbedding = this.bundle.index.anyWritten ? await this.#embedded(entry.sentence) : null;
      texts.set(entry.text_key, { words: this.bundle.tokenizer.encode(entry.sentence), textEmbedding });
    }
    this.personal = new Set(references.map(({ clipId }) => clipId));
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
