// Practise: a reference is shown, one signs it oneself, and both are compared.

import { clipFromFrames } from "../engine/landmarks.js";
import { buttonById, byId, inputById, make } from "./dom.js";
import { codeOf } from "./errors.js";
import { SentencePicker, signOf } from "./picker.js";
import { addPlayer } from "./player.js";
import { text, textOf } from "./texts.js";

const LEAST_FRAMES = 5;

/** @import { Answerer, ListedSentence, PageAnswer } from "./answerer.js" */
/** @import { FrameRing } from "./frames.js" */

/**
 * @typedef {object} PractiseParts
 * @property {Answerer} answerer
 * @property {FrameRing} ring the last frames
 * @property {() => number} aspect of the camera's picture
 * @property {(recording: boolean) => void} changed called when recording begins or ends
 */

export class Practise {
  /** @type {ListedSentence | null} */
  #sentence = null;
  /** @type {number | null} */
  #beganS = null;
  #reference = addPlayer(byId("practise-reference"), text("practise.reference"));
  #own = addPlayer(byId("practise-own"), text("practise.own"));

  /** @param {PractiseParts} parts */
  constructor({ answerer, ring, aspect, changed }) {
    this.answerer = answerer;
    this.ring = ring;
    this.aspect = aspect;
    this.changed = changed;
    this.running = false; // whether there are frames to record
    this.picker = new SentencePicker({
      field: inputById("practise-text"),
      list: byId("practise-list"),
      count: byId("practise-told"),
      answerer,
      chosen: (sentence) => this.#choose(sentence),
    });
    byId("practise-record").onclick = () => (this.recording ? this.#stop() : this.#start());
    this.#label();
  }

  get recording() {
    return this.#beganS !== null;
  }

  /**
   * The camera was started or stopped.
   *
   * @param {boolean} running
   */
  setCamera(running) {
    this.running = running;
    if (!running) this.#beganS = null;
    this.#label();
  }

  /** @param {ListedSentence} sentence */
  async #choose(sentence) {
    this.#sentence = sentence;
    byId("practise-shown").hidden = false;
    byId("practise-words").textContent = sentence.sentence;
    byId("practise-result").replaceChildren();
    byId("practise-own").hidden = true;
    byId("practise-reference").hidden = true; // until then it is that of another sentence
    byId("practise-no-sign").textContent = text("nurse.loading");
    this.#reference.show(null);
    this.#label();
    const { clip, film, lacks } = await signOf(this.answerer, sentence);
    if (this.#sentence !== sentence) return;
    byId("practise-reference").hidden = clip === null && !film;
    byId("practise-no-sign").textContent = lacks;
    this.#reference.show(clip, film);
    byId("practise-shown").scrollIntoView({ block: "nearest" });
  }

  #start() {
    this.#beganS = performance.now() / 1000;
    byId("practise-result").replaceChildren(make("p", {}, text("practise.recording")));
    this.#label();
  }

  async #stop() {
    const sentence = this.#sentence;
    if (!sentence || this.#beganS === null) return;
    const frames = this.ring.between(this.#beganS, performance.now() / 1000);
    const clip = clipFromFrames(frames, this.aspect());
    this.#beganS = null;
    this.#label();
    if (frames.length < LEAST_FRAMES) {
      byId("practise-result").replaceChildren(make("p", {}, text("practise.too_short")));
      return;
    }
    byId("practise-own").hidden = false;
    this.#own.show(clip);
    byId("practise-result").replaceChildren(make("p", {}, text("practise.comparing")));
    try {
      const answer = await this.answerer.recognize(clip, sentence.sentence_id);
      if (this.#sentence === sentence) this.#tell(sentence, answer);
    } catch (error) {
      byId("practise-result").replaceChildren(make("p", {}, textOf("error", codeOf(error), "error.unknown")));
    }
  }

  /**
   * @param {ListedSentence} sentence
   * @param {PageAnswer} answer
   */
  #tell({ sentence_id: id }, answer) {
    const { asked, candidates, text_source: source } = answer;
    const right = answer.outcome === "answer" && source === "sentence" && candidates[0]?.sentence_id === id;
    const among = candidates.find((each) => each.sentence_id === id);
    const verdict = right ? "practise.right" : among ? "practise.among" : "practise.not_yet";
    const parts = [make("p", { className: "verdict" }, text(verdict, { rank: among?.rank }))];
    if (asked) {
      const share = Math.round(100 * Math.min(1, Math.max(0, asked.similarity)));
      const bar = make("meter", { min: 0, max: 100, value: share, ariaLabel: text("practise.similarity_name") });
      parts.push(make("p", {}, text("practise.similarity", { share }), bar));
    }
    if (answer.outcome === "not_sure" && answer.reason) {
      parts.push(make("p", {}, textOf("reason", answer.reason, "reason.unknown")));
    }
    byId("practise-result").replaceChildren(...parts);
    byId("practise-result").scrollIntoView({ block: "nearest" });
  }

  #label() {
    const record = buttonById("practise-record");
    record.disabled = !this.running || !this.#sentence;
    record.textContent = text(this.recording ? "practise.stop" : "practise.start");
    byId("practise-needs-camera").hidden = this.running;
    this.changed(this.recording);
  }
}
