// The Answerer that asks the service (docs/protocol.md).

import { keepOffline } from "../engine/offline.js";
import { CLIP_MEDIA_TYPE } from "../engine/tables.js";
import { clipFromBytes, clipToBytes, clipToJson, frameToBytes } from "../engine/wire.js";
import { AnswererError, MOST_FOUND, MOST_LISTED, NUM_CANDIDATES } from "./answerer.js";
import { messageOf } from "./errors.js";
import { Events } from "./events.js";
import { Heartbeat } from "./heartbeat.js";

/** @import { Clip, Frame } from "../engine/landmarks.js" */
/** @import { AnswererEvents, AnswererMethods, ListedPart, ListedSentence, Mode, PageAnswer, TaughtMethods, ToldAnswer, ToldSentence } from "./answerer.js" */

const MOST_WAITING_BYTES = 1 << 20; // on a slow line frames are left out rather than sent late
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15000;
const LONGEST_OPENING_MS = 12_000; // a stalled service takes the socket up when it goes on
const TOO_BUSY = 1013;
const LISTING_MS = 3000; // until small things are there
const ANSWERING_MS = 25_000; // until an answer is: the service itself gives up after 20 s

/**
 * The header that carries a key.
 *
 * @param {string} key
 * @returns {Record<string, string>}
 */
const bearer = (key) => (key ? { Authorization: `Bearer ${key}` } : {});

/**
 * @extends {Events<AnswererEvents>}
 * @implements {AnswererMethods}
 * @implements {TaughtMethods}
 */
export class ServiceAnswerer extends Events {
  #base;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  #retryMs = FIRST_RETRY_MS;
  #ready = false;
  #lastS = -Infinity;
  #leastStepS = 0;
  #mostFrames = Infinity;
  /** @type {{aspect: number, mode: Mode, learn: boolean} | null} */
  #wanted = null;
  #beat = new Heartbeat({ ping: () => this.#say({ type: "ping" }), silent: (forMs) => this.#stalled(forMs) });

  /** @param {string} base address of the service */
  constructor(base) {
    super();
    this.#base = base;
    globalThis.addEventListener("online", () => this.#again());
  }

  /**
   * @param {number} aspect
   * @param {Mode} mode
   * @param {boolean} learn
   */
  connect(aspect, mode, learn) {
    this.disconnect();
    const url = new URL("v1/stream", this.#base);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#lastS = -Infinity;
    socket.onopen = () => this.#say({ type: "hello", aspect, candidates: NUM_CANDIDATES, mode, learn });
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#hear(JSON.parse(data));
    };
    socket.onclose = ({ code }) => {
      if (socket === this.#socket) this.#lost(code === TOO_BUSY ? "busy" : "lost");
    };
    this.#wanted = { aspect, mode, learn };
    this.#beat.start();
  }

  /**
   * Tell it, and try again later.
   *
   * @param {string} code
   */
  #lost(code) {
    const wanted = this.#wanted;
    this.disconnect();
    this.emit("lost", { code });
    if (!wanted) return;
    this.#wanted = wanted;
    this.#retry = setTimeout(() => this.#again(), this.#retryMs);
    this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2);
  }

  /** Connect again now, where that is waited for. */
  #again() {
    const wanted = this.#wanted;
    if (wanted && !this.#socket) this.connect(wanted.aspect, wanted.mode, wanted.learn);
  }

  /**
   * Nothing is heard any longer. A socket that was open is given up for another one, which opens as soon as the service
   * goes on; one that opens is waited for.
   *
   * @param {number} forMs
   */
  #stalled(forMs) {
    const wasReady = this.#ready, wanted = this.#wanted;
    if (!wasReady && forMs > LONGEST_OPENING_MS) {
      this.#lost("silent");
      return;
    }
    this.emit("lost", { code: "silent" });
    if (wasReady && wanted) this.connect(wanted.aspect, wanted.mode, wanted.learn);
  }

  disconnect() {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    this.#wanted = null;
    this.#beat.stop();
    socket?.close();
  }

  /** @param {Frame} frame */
  pushFrame(frame) {
    if (!this.#ready || this.#socket?.readyState !== WebSocket.OPEN) return;
    if (frame.timeS <= this.#lastS + this.#leastStepS || this.#socket.bufferedAmount > MOST_WAITING_BYTES) return;
    this.#lastS = frame.timeS;
    this.#socket.send(frameToBytes(frame));
  }

  start() {
    this.#say({ type: "start" });
  }

  stop() {
    this.#say({ type: "stop" });
  }

  reset() {
    this.#say({ type: "reset" });
  }

  /**
   * @param {number} segment
   * @param {string} text
   */
  confirm(segment, text) {
    this.#say({ type: "confirmed", segment, text });
  }

  /** @param {number} limit */
  askNext(limit) {
    this.#say({ type: "next", limit });
  }

  /** @param {() => boolean} mayReload */
  keep(mayReload) {
    return keepOffline(mayReload);
  }

  async config() {
    const config = await this.#json("v1/config");
    this.#mostFrames = config.limits?.max_frames ?? Infinity;
    return { needs_key: true, ...config };
  }

  /**
   * @param {string} query
   * @param {ListedPart} [part]
   */
  sentences(query, { category, offset = 0, limit = MOST_LISTED } = {}) {
    const wanted = new URLSearchParams({ query, limit: String(limit), offset: String(offset) });
    if (category !== undefined) wanted.set("category", category);
    return this.#json(`v1/sentences?${wanted}`);
  }

  async categories() {
    return (await this.#json("v1/categories")).categories;
  }

  /** @param {string} sentenceId */
  sign(sentenceId) {
    return this.#clip(`v1/sentences/${encodeURIComponent(sentenceId)}/sign`);
  }

  /** @param {string} sentenceId */
  film(sentenceId) {
    return new URL(`v1/sentences/${encodeURIComponent(sentenceId)}/film`, this.#base).href;
  }

  /**
   * @param {string} path
   * @param {Record<string, string>} [headers]
   */
  async #clip(path, headers = {}) {
    try {
      const answer = await this.#fetch(path, { headers });
      return clipFromBytes(await answer.arrayBuffer());
    } catch (error) {
      if (error instanceof AnswererError && error.status === 404) return null;
      throw error;
    }
  }

  /**
   * @param {string} text
   * @returns {Promise<ListedSentence[]>}
   */
  async search(text) {
    return (await this.#post("v1/search", JSON.stringify({ text, limit: MOST_FOUND }))).hits;
  }

  /**
   * @param {Clip} clip
   * @param {string} [sentenceId]
   * @returns {Promise<PageAnswer>}
   */
  async recognize(clip, sentenceId = "") {
    this.#checkLength(clip);
    const query = new URLSearchParams({ candidates: String(NUM_CANDIDATES) });
    if (sentenceId) query.set("sentence_id", sentenceId);
    return this.#post(`v1/recognize?${query}`, clipToBytes(clip), { "Content-Type": CLIP_MEDIA_TYPE });
  }

  /**
   * @param {string} text
   * @param {Clip} clip
   * @param {ToldSentence} [told]
   */
  async enroll(text, clip, { category = "", signer = "", language = "", consent = "", key = "" } = {}) {
    this.#checkLength(clip);
    const body = { text, category, signer_id: signer, language, consent, clips: [clipToJson(clip)] };
    return this.#post("v1/enroll", JSON.stringify(body), bearer(key));
  }

  /**
   * @param {string} query
   * @param {string} key
   */
  async taught(query, key) {
    const path = `v1/taught?${new URLSearchParams({ query, limit: String(MOST_LISTED) })}`;
    return (await this.#fetch(path, { headers: bearer(key) })).json();
  }

  /**
   * @param {string} clipId
   * @param {string} key
   */
  keptClip(clipId, key) {
    return this.#clip(`v1/taught/clip?${new URLSearchParams({ clip_id: clipId })}`, bearer(key));
  }

  /**
   * @param {string} text
   * @param {string} newText
   * @param {string} key
   */
  rename(text, newText, key) {
    return this.#post("v1/rename", JSON.stringify({ text, new_text: newText }), bearer(key));
  }

  /**
   * @param {string} text
   * @param {string} key
   */
  async forget(text, key) {
    return (await this.#post("v1/forget", JSON.stringify({ text, undo: true }), bearer(key))).undo;
  }

  /**
   * @param {string} undo
   * @param {string} key
   */
  restore(undo, key) {
    return this.#post("v1/restore", JSON.stringify({ undo }), bearer(key));
  }

  /**
   * @param {boolean} trainingOnly
   * @param {string} key
   */
  async exportTaught(trainingOnly, key) {
    const path = `v1/collection?${new URLSearchParams({ training: String(trainingOnly) })}`;
    return (await this.#fetch(path, { headers: bearer(key) })).blob();
  }

  /**
   * @param {Blob} file
   * @param {string} key
   */
  importTaught(file, key) {
    return this.#post("v1/collection", file, { "Content-Type": "application/zip", ...bearer(key) });
  }

  /**
   * @param {string} text
   * @param {Clip} clip
   * @param {ToldAnswer} told
   */
  async remember(text, clip, { origin, signer, language, key }) {
    this.#checkLength(clip);
    const body = { text, origin, consent: "train", signer_id: signer, language, clip: clipToJson(clip) };
    return (await this.#post("v1/said", JSON.stringify(body), bearer(key))).clip_id;
  }

  /**
   * @param {string} clipId
   * @param {string} key
   */
  unremember(clipId, key) {
    return this.#post("v1/unsaid", JSON.stringify({ clip_id: clipId }), bearer(key));
  }

  /** @param {Clip} clip */
  #checkLength({ times }) {
    const most = this.#mostFrames;
    if (times.length > most) throw new AnswererError("too_long", `${times.length} frames; the service takes ${most}`);
  }

  /** @param {object} message */
  #say(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {{type: keyof AnswererEvents} & Record<string, any>} message */
  #hear(message) {
    this.#beat.heard();
    if (message.type === "ready") {
      this.#ready = true;
      this.#leastStepS = 1 / (message.limits?.max_frames_a_second ?? Infinity);
      this.#retryMs = FIRST_RETRY_MS;
    }
    this.emit(message.type, /** @type {any} */ (message));
  }

  /**
   * @param {string} path
   * @returns {Promise<any>}
   */
  async #json(path) {
    return (await this.#fetch(path)).json();
  }

  /**
   * @param {string} path
   * @param {BodyInit} body
   * @param {Record<string, string>} [headers]
   * @returns {Promise<any>}
   */
  async #post(path, body, headers = {}) {
    const sent = { "Content-Type": "application/json", ...headers };
    return (await this.#fetch(path, { method: "POST", body, headers: sent }, ANSWERING_MS)).json();
  }

  /**
   * @param {string} path
   * @param {RequestInit} [options]
   * @param {number} [patienceMs] until it begins to answer
   */
  async #fetch(path, options = {}, patienceMs = LISTING_MS) {
    let answer;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Error(`no answer for ${patienceMs} ms`)), patienceMs);
    try {
      answer = await fetch(new URL(path, this.#base), { cache: "no-store", signal: abort.signal, ...options });
    } catch (error) {
      throw new AnswererError("unreachable", messageOf(error));
    } finally {
      clearTimeout(timer);
    }
    if (answer.ok) return answer;
    const body = await answer.json().catch(() => ({}));
    throw new AnswererError(body.error?.code ?? "unknown", body.error?.message ?? answer.statusText, answer.status);
  }
}
