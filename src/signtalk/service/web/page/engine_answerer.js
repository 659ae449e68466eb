// The Answerer of an offline page: everything happens in the browser, by engine/ (docs/offline-page.md). It runs in a
// worker (engine_worker.js) or in a page; `keep` is the page's.

import { NothingKept, packCollection, teachCollection } from "../engine/collection.js";
import { Engine } from "../engine/engine.js";
import { checkedClip } from "../engine/landmarks.js";
import { MOST_SIGNER_SENTENCES } from "../engine/tables.js";
import { clipFromBytes } from "../engine/wire.js";
import * as fflate from "../vendor/fflate.mjs";
import * as ort from "../vendor/ort.wasm.min.mjs";
import { AnswererError, MOST_FOUND, MOST_LISTED, NUM_CANDIDATES } from "./answerer.js";
import { messageOf } from "./errors.js";
import { Events } from "./events.js";

/** @import { Clip, Frame } from "../engine/landmarks.js" */
/** @import { Kept } from "../engine/storage.js" */
/** @import { StreamEvent, StreamSession } from "../engine/stream.js" */
/** @import { ZipModule } from "../engine/zip.js" */
/** @import { AnswererEvents, AnswererMethods, ListedPart, Mode, TaughtMethods, ToldAnswer, ToldSentence } from "./answerer.js" */

const zip = /** @type {ZipModule} */ (/** @type {unknown} */ (fflate));
const EVERY_SENTENCE = 1e6;
const SIGNS = "signs"; // files of the bundle

/**
 * @extends {Events<AnswererEvents>}
 * @implements {Omit<AnswererMethods, "keep">}
 * @implements {TaughtMethods}
 */
export class EngineAnswerer extends Events {
  #engine;
  #base;
  /** @type {Promise<Record<string, [number, number]>> | null} */
  #signs = null;
  /** @type {StreamSession | null} */
  #session = null;
  #turn = 0;
  #lastS = -Infinity;

  /** @param {string} base address of the page */
  constructor(base) {
    super();
    ort.env.wasm.numThreads = 1; // more would need headers that a plain web server does not send
    this.#base = new URL("bundle/", base);
    this.#engine = Engine.open(this.#base.href, ort);
    this.#engine.catch((error) => console.error(error));
  }

  /**
   * @param {number} aspect
   * @param {Mode} mode
   * @param {boolean} learn
   */
  async connect(aspect, mode, learn) {
    this.disconnect();
    const turn = this.#turn;
    const mine = (/** @type {StreamEvent} */ event) => {
      if (turn === this.#turn) this.emit(event.type, /** @type {any} */ (event));
    };
    const engine = await this.#opened().catch(() => null);
    if (turn !== this.#turn) return;
    if (!engine) {
      this.emit("lost", { code: "lost" });
      return;
    }
    this.#lastS = -Infinity;
    this.#session = engine.stream({ aspect, mode, learn, candidates: NUM_CANDIDATES, onEvent: mine });
    this.emit("ready", { limits: { max_signer_sentences: MOST_SIGNER_SENTENCES } });
  }

  disconnect() {
    this.#turn += 1;
    this.#session = null;
  }

  /** @param {Frame} frame */
  pushFrame(frame) {
    if (!this.#session || frame.timeS <= this.#lastS) return;
    this.#lastS = frame.timeS;
    this.#session.push(frame);
  }

  start() {
    this.#session?.start();
  }

  stop() {
    this.#session?.stop();
  }

  reset() {
    this.#session?.reset();
  }

  /**
   * @param {number} segment
   * @param {string} text
   */
  confirm(segment, text) {
    this.#session?.confirm(segment, text);
  }

  /** @param {number} limit */
  askNext(limit) {
    this.#session?.next(limit);
  }

  async config() {
    const engine = await this.#opened();
    const canSearch = Boolean(engine.models.embedText);
    return { can_enroll: true, can_search: canSearch, can_keep_clips: true, needs_key: false };
  }

  /**
   * @param {string} query
   * @param {ListedPart} [part]
   */
  async sentences(query, { category, offset = 0, limit = MOST_LISTED } = {}) {
    const [engine, signs] = await Promise.all([this.#opened(), this.#places()]);
    const matching = engine.sentences({ query, category });
    const listed = matching.slice(offset, offset + limit).map((each) => (
      { ...each, has_sign: each.sentence_id in signs || engine.signsOf(each.sentence_id).length > 0 }
    ));
    return { total: matching.length, sentences: listed };
  }

  async categories() {
    return (await this.#opened()).categories();
  }

  /** @param {string} sentenceId */
  async sign(sentenceId) {
    const place = (await this.#places())[sentenceId], engine = await this.#opened();
    const [last] = engine.signsOf(sentenceId);
    if (!place) return last ? engine.keptClip(last.clip_id) : null;
    const bytes = await engine.bundle.read(`${SIGNS}.bin`);
    return clipFromBytes(bytes.buffer.slice(...place));
  }

  /** @param {string} text */
  async search(text) {
    return this.#tried((engine) => engine.search(text, MOST_FOUND));
  }

  /**
   * @param {Clip} clip
   * @param {string} [sentenceId]
   */
  async recognize(clip, sentenceId = "") {
    const candidates = sentenceId ? EVERY_SENTENCE : NUM_CANDIDATES;
    const answer = await this.#tried((engine) => engine.recognize(checkedClip(clip), { candidates }));
    const asked = answer.candidates.find((each) => each.sentence_id === sentenceId) ?? null;
    return { ...answer, asked, candidates: answer.candidates.slice(0, NUM_CANDIDATES) };
  }

  /**
   * @param {string} text
   * @param {Clip} clip
   * @param {ToldSentence} [told]
   */
  async enroll(text, clip, told = {}) {
    const report = await this.#tried((engine) => engine.enroll(text, [checkedClip(clip)], told));
    askToPersist();
    return report;
  }

  /** @param {string} query */
  async taught(query) {
    const sentences = (await this.#opened()).taught({ query });
    return { total: sentences.length, sentences: sentences.slice(0, MOST_LISTED) };
  }

  /** @param {string} clipId */
  async keptClip(clipId) {
    return (await this.#opened()).keptClip(clipId);
  }

  /**
   * @param {string} text
   * @param {string} newText
   */
  rename(text, newText) {
    return this.#tried((engine) => engine.rename(text, newText));
  }

  /** @param {string} text */
  async forget(text) {
    return (await this.#opened()).forget(text);
  }

  /** @param {Kept} undo */
  async restore(undo) {
    return (await this.#opened()).keep(undo);
  }

  /** @param {boolean} trainingOnly */
  async exportTaught(trainingOnly) {
    const bytes = await this.#tried((engine) => packCollection(zip, engine, trainingOnly));
    return new Blob([bytes], { type: "application/zip" });
  }

  /** @param {Blob} file */
  async importTaught(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const imported = await this.#tried((engine) => teachCollection(zip, engine, bytes));
    askToPersist();
    return imported;
  }

  /**
   * @param {string} text
   * @param {Clip} clip
   * @param {ToldAnswer} told
   */
  async remember(text, clip, { origin, signer, language }) {
    const told = /** @type {const} */ ({ origin, consent: "train", signer, language });
    const id = await this.#tried((engine) => engine.remember(text, checkedClip(clip), told));
    askToPersist();
    return id;
  }

  /** @param {string} clipId */
  async unremember(clipId) {
    return (await this.#opened()).unremember(clipId);
  }

  async #opened() {
    try {
      return await this.#engine;
    } catch (error) {
      throw new AnswererError("unreachable", messageOf(error));
    }
  }

  /** Where each sentence's sign lies in signs.bin; none where the bundle holds no signs. */
  #places() {
    const name = `${SIGNS}.json`;
    this.#signs ??= this.#opened().then(({ bundle }) => (name in bundle.manifest.files ? bundle.json(name) : {}));
    return this.#signs;
  }

  /**
   * @template T
   * @param {(engine: Engine) => Promise<T>} work
   */
  async #tried(work) {
    const engine = await this.#opened();
    try {
      return await work(engine);
    } catch (error) {
      throw new AnswererError(error instanceof NothingKept ? "nothing_kept" : "bad_clip", messageOf(error));
    }
  }
}

/** Ask that the browser clears nothing of this site by itself; where it does not agree, a copy in a file is all there is. */
function askToPersist() {
  const storage = /** @type {{persist?: () => Promise<boolean>} | undefined} */ (navigator.storage);
  if (storage?.persist) storage.persist().catch(() => false);
  else if (!("document" in globalThis)) postMessage({ type: "persist" }); // a worker cannot ask, its page can
}
