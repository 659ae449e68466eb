// How the page asks: the interface `Answerer`, and the one that asks the service.
//
// An Answerer has, beside on(event, fn):
//   connect(aspect, mode)          open a stream of frames; mode "auto" (signing is found) or "button"
//   disconnect()                   close it
//   pushFrame(frame)               one frame of the stream (frames.js); times increase
//   start(), stop(), reset()       signing begins, ends (button); another person stands there
//   keep()                         make the page load without network
//   config()                       -> {can_enroll, can_search, needs_key ...}
//   sentences(query)               -> {total, sentences: [{sentence_id, sentence, category, has_sign ...}]}, the first ones
//   sign(sentenceId)               -> a clip to draw, or null
//   search(text)                   -> [{sentence, sentence_id ...}], nearest meaning first
//   recognize(clip, sentenceId)    -> an answer
//   enroll(text, clip, {category, key}) -> {sentence, warnings ...}
// Events: "ready", "lost" ({code}), "state", "activity", "answer", "cancel", "error": the service's messages
// (docs/protocol.md). What fails throws an AnswererError with a code.

import { Events } from "./events.js";
import { CLIP_MEDIA_TYPE, clipToJson, packClip, packFrame, unpackClip } from "./frames.js";

const MOST_WAITING_BYTES = 1 << 20; // on a slow line frames are left out rather than sent late
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15000;
const NUM_CANDIDATES = 5;
const MOST_LISTED = 30;
const TOO_BUSY = 1013;

export class AnswererError extends Error {
  constructor(code, message, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The Answerer of this page: the service, or in an offline page (`signtalk bundle web`) the page itself. */
export async function openAnswerer() {
  if (document.documentElement.dataset.answers !== "engine") return new ServiceAnswerer(document.baseURI);
  const { EngineAnswerer } = await import("./engine_answerer.js");
  return new EngineAnswerer(document.baseURI);
}

export class ServiceAnswerer extends Events {
  #base;
  #socket = null;
  #retry = 0;
  #retryMs = FIRST_RETRY_MS;
  #ready = false;
  #lastS = -Infinity;

  constructor(base) {
    super();
    this.#base = base;
  }

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

  pushFrame(frame) {
    if (!this.#ready || this.#socket.readyState !== WebSocket.OPEN) return;
    if (frame.timeS <= this.#lastS || this.#socket.bufferedAmount > MOST_WAITING_BYTES) return;
    this.#lastS = frame.timeS;
    this.#socket.send(packFrame(frame));
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

  sentences(query) {
    return this.#json(`v1/sentences?${new URLSearchParams({ query, limit: MOST_LISTED })}`);
  }

  async sign(sentenceId) {
    try {
      const answer = await this.#fetch(`v1/sentences/${encodeURIComponent(sentenceId)}/sign`);
      return unpackClip(await answer.arrayBuffer());
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }

  async search(text) {
    return (await this.#post("v1/search", JSON.stringify({ text, limit: 20 }))).hits;
  }

  recognize(clip, sentenceId = "") {
    const asked = new URLSearchParams({ candidates: NUM_CANDIDATES, ...(sentenceId && { sentence_id: sentenceId }) });
    return this.#post(`v1/recognize?${asked}`, packClip(clip), { "Content-Type": CLIP_MEDIA_TYPE });
  }

  enroll(text, clip, { category = "", key = "" } = {}) {
    const body = JSON.stringify({ text, category, clips: [clipToJson(clip)] });
    return this.#post("v1/enroll", body, key ? { Authorization: `Bearer ${key}` } : {});
  }

  #say(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #hear(message) {
    if (message.type === "ready") {
      this.#ready = true;
      this.#retryMs = FIRST_RETRY_MS;
    }
    this.emit(message.type, message);
  }

  async #json(path) {
    return (await this.#fetch(path)).json();
  }

  async #post(path, body, headers = {}) {
    const sent = { "Content-Type": "application/json", ...headers };
    return (await this.#fetch(path, { method: "POST", body, headers: sent })).json();
  }

  async #fetch(path, options) {
    let answer = null;
    try {
      answer = await fetch(new URL(path, this.#base), { cache: "no-store", ...options });
    } catch (error) {
      throw new AnswererError("unreachable", error.message);
    }
    if (answer.ok) return answer;
    const told = await answer.json().catch(() => ({}));
    throw new AnswererError(told.error?.code ?? "unknown", told.error?.message ?? answer.statusText, answer.status);
  }
}
