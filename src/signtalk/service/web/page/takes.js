// What the recorder asks of its service: the plan, and takes kept and deleted.

import { CLIP_MEDIA_TYPE } from "../engine/tables.js";
import { clipFromBytes, clipToBytes } from "../engine/wire.js";
import { text } from "./texts.js";

/** @import { Clip } from "../engine/landmarks.js" */

/** @typedef {{sentence: string, category: string, takes: number, has_sign: boolean}} PromptedSentence */

/**
 * @typedef {object} RecordingPlan
 * @property {PromptedSentence[]} sentences
 * @property {number} takes_each
 * @property {string} consent_form
 * @property {string} form
 * @property {boolean} has_agreed
 * @property {boolean} keeps_videos where the person allows it
 */

const ANSWERING_MS = 30_000;
const SLOWEST_BYTES_S = 8192; // a line that a take, of up to two megabytes, or its film is sent over

/** A refusal in the service's own words, for whoever records. */
export class RecorderError extends Error {}

export class Takes {
  /** @param {string} base address of the page */
  constructor(base) {
    this.base = base;
  }

  /**
   * @param {string} signer
   * @returns {Promise<RecordingPlan>}
   */
  async plan(signer) {
    const answer = await this.#fetch(`recorder/plan?${new URLSearchParams({ signer })}`);
    if (answer.status === 404) throw new Error(text("recorder.none")); // a service that records nothing has the page, too
    return (await this.#checked(answer)).json();
  }

  /**
   * @param {number} number of the sentence
   * @returns {Promise<Clip>}
   */
  async sign(number) {
    const answer = await this.#asked(`recorder/sign?number=${number}`);
    return clipFromBytes(await answer.arrayBuffer());
  }

  /**
   * @param {string} signer
   * @param {string} form which the person saw
   * @param {{videos: boolean, shown: boolean}} pictures whether they may be kept, too, and whether others may see them
   */
  async agree(signer, form, pictures) {
    await this.#told("agree", { signer, form, ...pictures });
  }

  /**
   * @param {{number: number, signer: string, session: string}} take
   * @param {Clip} clip
   * @returns {Promise<{clip_id: string, takes: number}>}
   */
  async keep({ number, signer, session }, clip) {
    const where = new URLSearchParams({ number: String(number), signer, session });
    const answer = await this.#asked(`recorder/take?${where}`, {
      method: "POST", headers: { "Content-Type": CLIP_MEDIA_TYPE }, body: clipToBytes(clip),
    });
    return answer.json();
  }

  /**
   * @param {string} clipId of a take that is kept
   * @param {Blob} video
   */
  async film(clipId, video) {
    const where = new URLSearchParams({ clip_id: clipId });
    await this.#asked(`recorder/video?${where}`, {
      method: "POST", headers: { "Content-Type": video.type }, body: await video.arrayBuffer(),
    });
  }

  /**
   * @param {number} number
   * @param {string} signer
   * @returns {Promise<{takes: number}>}
   */
  async undo(number, signer) {
    return this.#told("undo", { number, signer });
  }

  /**
   * @param {string} signer
   * @returns {Promise<{takes: number}>}
   */
  async withdraw(signer) {
    return this.#told("withdraw", { signer });
  }

  /**
   * @param {string} path
   * @param {object} body
   */
  async #told(path, body) {
    const headers = { "Content-Type": "application/json" };
    return (await this.#asked(`recorder/${path}`, { method: "POST", headers, body: JSON.stringify(body) })).json();
  }

  /**
   * @param {string} path
   * @param {RequestInit} [options]
   */
  async #asked(path, options) {
    return this.#checked(await this.#fetch(path, options));
  }

  /**
   * The answer with all that it holds: a service may stop within it, too.
   *
   * @param {string} path
   * @param {RequestInit} [options]
   */
  async #fetch(path, options) {
    const sentBytes = options?.body instanceof ArrayBuffer ? options.body.byteLength : 0;
    const mostMs = ANSWERING_MS + 1000 * sentBytes / SLOWEST_BYTES_S;
    const abort = new AbortController(), timer = setTimeout(() => abort.abort(), mostMs);
    try {
      const answer = await fetch(new URL(path, this.base), { ...options, signal: abort.signal });
      return new Response(await answer.arrayBuffer(), { status: answer.status });
    } catch {
      throw new Error(text("error.unreachable"));
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {Response} answer */
  async #checked(answer) {
    if (answer.ok) return answer;
    const told = await answer.json().catch(() => null);
    const kind = answer.status < 500 ? RecorderError : Error;
    throw new kind(told?.error?.message ?? `status ${answer.status}`);
  }
}
