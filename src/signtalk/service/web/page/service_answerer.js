// The Answerer that asks the service (docs/protocol.md).

import { CLIP_MEDIA_TYPE } from "../engine/tables.js";
import { clipFromBytes, clipToBytes, clipToJson, frameToBytes } from "../engine/wire.js";
import { AnswererError, MOST_FOUND, MOST_LISTED, NUM_CANDIDATES } from "./answerer.js";
import { messageOf } from "./errors.js";
import { Events } from "./events.js";

/** @import { Clip, Frame } from "../engine/landmarks.js" */
/** @import { AnswererEvents, AnswererMethods, ListedSentence, Mode, PageAnswer, TaughtMethods, ToldSentence } from "./answerer.js" */

const MOST_WAITING_BYTES = 1 << 20; // on a slow line frames are left out rather than sent late
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15000;
const TOO_BUSY = 1013;

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

  /** @param {string} base address of the service */
  constructor(base) {
    super();
    this.#base = base;
  }

  /**
   * @param {number} aspect
   * @param {Mode} mode
   */
  connect(aspect, mode) {
    this.disconnect();
    const url = new URL("v1/stream", this.#base);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#lastS = -Infinity;
    socket.onopen = () => this.#say({ type: "hello", aspect, candidates: NUM_CANDIDATES, mode });
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      this.#ready = false;
      this.emit("lost", { code: code === TOO_BUSY ? "busy" : "lost" });
      this.#retry = setTimeout(() => this.connect(aspect, mode), this.#retryMs);
      this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2);
    };
  }

  disconnect() {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    socket?.close();
  }

  /** @param {Frame} frame */
  pushFrame(frame) {
    if (!this.#ready || this.#socket?.readyState !== WebSocket.OPEN) return;
    if (frame.timeS <= this.#lastS || this.#socket.bufferedAmount > MOST_WAITING_BYTES) return;
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

  keep() {
    return navigator.serviceWorker?.register("sw.js");
  }

  async config() {
    return { needs_key: true, ...await this.#json("v1/config") };
  }

  /** @param {string} query */
  sentences(query) {
    return this.#json(`v1/sentences?${new URLSearchParams({ query, limit: String(MOST_LISTED) })}`);
  }

  /** @param {string} sentenceId */
  sign(sentenceId) {
    return this.#clip(`v1/sentences/${encodeURIComponent(sentenceId)}/sign`);
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
  recognize(clip, sentenceId = "") {
    const query = new URLSearchParams({ candidates: String(NUM_CANDIDATES) });
    if (sentenceId) query.set("sentence_id", sentenceId);
    return this.#post(`v1/recognize?${query}`, clipToBytes(clip), { "Content-Type": CLIP_MEDIA_TYPE });
  }

  /**
   * @param {string} text
   * @param {Clip} clip
   * @param {ToldSentence} [told]
   */
  enroll(text, clip, { category = "", signer = "", language = "", consent = "", key = "" } = {}) {
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

  /** @param {object} message */
  #say(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {{type: keyof AnswererEvents} & Record<string, any>} message */
  #hear(message) {
    if (message.type === "ready") {
      this.#ready = true;
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
    return (await this.#fetch(path, { method: "POST", body, headers: sent })).json();
  }

  /**
   * @param {string} path
   * @param {RequestInit} [options]
   */
  async #fetch(path, options = {}) {
    let answer;
    try {
      answer = await fetch(new URL(path, this.#base), { cache: "no-store", ...options });
    } catch (error) {
      throw new AnswererError("unreachable", messageOf(error));
    }
    if (answer.ok) return answer;
    const body = await answer.json().catch(() => ({}));
    throw new AnswererError(body.error?.code ?? "unknown", body.error?.message ?? answer.statusText, answer.status);
  }
}
