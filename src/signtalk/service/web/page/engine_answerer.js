// The Answerer of an offline page: everything happens in the browser, by engine/ (docs/offline-page.md).

import { Engine } from "../engine/engine.js";
import { clipFromBytes } from "../engine/landmarks.js";
import { keepOffline } from "../engine/offline.js";
import * as ort from "../vendor/ort.wasm.min.mjs";
import { AnswererError } from "./connection.js";
import { Events } from "./events.js";
import { packClip, unpackClip } from "./frames.js";

const NUM_CANDIDATES = 5;
const MOST_LISTED = 30;
const EVERY_SENTENCE = 1e6;
const SIGNS = "signs"; // files of the bundle

export class EngineAnswerer extends Events {
  #engine;
  #base;
  #signs = null;
  #session = null;
  #turn = 0;
  #lastS = -Infinity;

  constructor(base) {
    super();
    ort.env.wasm.numThreads = 1; // more would need headers that a plain web server does not send
    this.#base = new URL("bundle/", base);
    this.#engine = Engine.open(this.#base.href, ort);
    this.#engine.catch((error) => console.error(error));
  }

  keep() {
    return keepOffline();
  }

  async connect(aspect, mode) {
    this.disconnect();
    const turn = this.#turn;
    const mine = (event) => turn === this.#turn && this.emit(event.type, event);
    const engine = await this.#opened().catch(() => null);
    if (turn !== this.#turn) return;
    if (!engine) {
      this.emit("lost", { code: "lost" });
      return;
    }
    this.#lastS = -Infinity;
    this.#session = engine.stream({ aspect, mode, candidates: NUM_CANDIDATES, onEvent: mine });
    this.emit("ready", {});
  }

  disconnect() {
    this.#turn += 1;
    this.#session = null;
  }

  pushFrame(frame) {
    if (!this.#session || frame.timeS <= this.#lastS) return;
    this.#lastS = frame.timeS;
    this.#session.push({ landmarks: frame.points, visibility: frame.visibility }, frame.timeS);
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

  async config() {
    const engine = await this.#opened();
    return { can_enroll: true, can_search: Boolean(engine.models.embedText), needs_key: false };
  }

  async sentences(query) {
    const [engine, signs] = await Promise.all([this.#opened(), this.#places()]);
    const found = engine.sentences({ query });
    const shown = found.slice(0, MOST_LISTED).map((each) => ({ ...each, has_sign: each.sentence_id in signs }));
    return { total: found.length, sentences: shown };
  }

  async sign(sentenceId) {
    const place = (await this.#places())[sentenceId];
    if (!place) return null;
    const { bundle } = await this.#opened();
    const bytes = await bundle.read(`${SIGNS}.bin`);
    return unpackClip(bytes.buffer.slice(bytes.byteOffset + place[0], bytes.byteOffset + place[1]));
  }

  async search(text) {
    return this.#tried((engine) => engine.search(text, 20));
  }

  async recognize(clip, sentenceId = "") {
    const candidates = sentenceId ? EVERY_SENTENCE : NUM_CANDIDATES;
    const answer = await this.#tried((engine) => engine.recognize(clipFromBytes(packClip(clip)), { candidates }));
    const asked = answer.candidates.find((each) => each.sentence_id === sentenceId) ?? null;
    return { ...answer, asked, candidates: answer.candidates.slice(0, NUM_CANDIDATES) };
  }

  async enroll(text, clip, { category = "" } = {}) {
    return this.#tried((engine) => engine.enroll(text, [clipFromBytes(packClip(clip))], { category }));
  }

  async #opened() {
    try {
      return await this.#engine;
    } catch (error) {
      throw new AnswererError("unreachable", error.message);
    }
  }

  /** Where each sentence's sign lies in signs.bin; none where the bundle holds no signs. */
  #places() {
    const name = `${SIGNS}.json`;
    this.#signs ??= this.#opened().then(({ bundle }) => (name in bundle.manifest.files ? bundle.json(name) : {}));
    return this.#signs;
  }

  async #tried(work) {
    const engine = await this.#opened();
    try {
      return await work(engine);
    } catch (error) {
      throw new AnswererError("bad_clip", error.message);
    }
  }
}
