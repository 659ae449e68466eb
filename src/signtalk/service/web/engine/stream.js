/**
 * A live session: frames in, the events of the service's stream out (docs/protocol.md), without a socket.
 *
 *   const session = engine.stream({aspect, candidates, mode: "auto" | "button", onEvent});
 *   session.push(frame)  // as landmarks.js `frameFromHolistic` gives it
 *
 * Every event goes to `onEvent`. `push`, `start`, `stop` and `finish` also give a promise of the events they caused,
 * answers included; a page need not wait for it, for answers are made one after another while frames come.
 */

import { Segmenter } from "./segmenter.js";
import { namedSentences, StreamSigner } from "./stream_signer.js";
import { ACTIVITY_EVERY_S, MOST_SIGNER_SENTENCES } from "./tables.js";

/** @import { Clip, Frame } from "./landmarks.js" */
/** @import { Encoded } from "./models.js" */
/** @import { Answer } from "./recognition.js" */
/** @import { SegmentEvent, SegmenterSettings } from "./segmenter.js" */
/** @import { SignerTransform } from "./signer_transform.js" */
/** @import { SignerLesson } from "./stream_signer.js" */

/** @typedef {"auto" | "button"} Mode signing is found, or begins and ends by a button */

/** @typedef {"idle" | "signing" | "thinking" | "answer"} StreamState */

/** @typedef {{segment: number, start_s: number, end_s: number, cause: string}} Segment */

/**
 * @typedef {{type: "activity", time_s: number, probability: number, motion: number}
 *   | {type: "state", state: StreamState, time_s: number}
 *   | {type: "cancel", segment: number, cause: string}
 *   | {type: "answer", answer: Answer, signer_sentences: number} & Segment
 *   | {type: "signer", sentences: number}
 *   | {type: "next", sentences: {sentence_id: string, sentence: string}[]}
 *   | {type: "error", error: {code: string, message: string}} & (Segment | {segment: number})} StreamEvent
 */

/**
 * @typedef {object} StreamOptions
 * @property {number | null} [aspect] image width over height
 * @property {number} [candidates] how many sentences an answer lists
 * @property {Mode} [mode]
 * @property {boolean} [learn] whether the person is learned from what they confirm
 * @property {(event: StreamEvent) => void} [onEvent]
 */

/**
 * What a session asks.
 *
 * @typedef {object} Recogniser
 * @property {{segmenter: SegmenterSettings}} bundle
 * @property {(clip: Clip, options: {candidates: number, signer: SignerTransform | null}) =>
 *   Promise<{answer: Answer, encoded: Encoded}>} answered
 * @property {(lesson: SignerLesson) => Promise<SignerTransform | null>} learn
 * @property {(signed: string[], limit: number) => {sentence_id: string, sentence: string}[]} prompts
 */

export class StreamSession {
  /** @type {StreamState} */
  state = "idle";
  segment = 0;
  /** @type {number | null} */
  signing = null; // since when, in button mode
  time = NaN;
  activityTime = -Infinity;
  person = 0;
  /** @type {Promise<void>} */
  answers = Promise.resolve(); // made one after another

  /**
   * @param {Recogniser} engine
   * @param {StreamOptions} [options]
   */
  constructor(engine, { aspect = null, candidates = 5, mode = "auto", learn = true, onEvent = () => {} } = {}) {
    if (mode !== "auto" && mode !== "button") throw new Error(`mode '${mode}'; expected auto or button`);
    this.engine = engine;
    this.candidates = candidates;
    this.signer = new StreamSigner(learn ? MOST_SIGNER_SENTENCES : 0);
    this.learning = Promise.resolve();
    this.mode = mode;
    this.onEvent = onEvent;
    this.segmenter = new Segmenter(engine.bundle.segmenter, aspect);
  }

  /** Forget what was sent, and answers that are still being made; another person. */
  reset() {
    this.segmenter.reset();
    this.state = "idle";
    this.segment = 0;
    this.signing = null;
    this.time = NaN;
    this.activityTime = -Infinity;
    this.person += 1;
    const wasKnown = this.signer.numSentences > 0;
    this.signer.forget();
    if (wasKnown) this.#tellKnown();
  }

  /**
   * Somebody said which sentence a segment is: one that was offered, or "" = none of them. The person is learned from it.
   *
   * @param {number} segment
   * @param {string} text
   */
  confirm(segment, text) {
    const wasKnown = this.signer.numSentences > 0;
    if (!this.signer.confirm(segment, text)) {
      const message = `segment ${segment}: no answer that is kept offered this`;
      this.onEvent({ type: "error", segment, error: { code: "not_offered", message } });
    }
    if (wasKnown && !this.signer.numSentences) this.#tellKnown();
    this.learning = this.learning.then(() => this.#learn());
    return this.learning;
  }

  /**
   * Tell which sentences to ask the person for; none where nothing is learned.
   *
   * @param {number} limit
   */
  next(limit) {
    const sentences = this.signer.most ? this.engine.prompts(this.signer.knownTexts, limit) : [];
    this.signer.asked(sentences.map(({ sentence }) => sentence));
    this.onEvent({ type: "next", sentences });
  }

  async #learn() {
    const lesson = this.signer.lesson();
    if (!lesson) return;
    const signer = await this.engine.learn(lesson).catch((error) => {
      console.warn(error); // the answers go on as before
    });
    if (signer !== undefined && this.signer.learned(lesson, signer)) this.#tellKnown();
  }

  #tellKnown() {
    this.onEvent({ type: "signer", sentences: this.signer.numSentences });
  }

  /**
   * Take a frame; times increase over the whole stream.
   *
   * @param {Frame} frame
   */
  async push(frame) {
    /** @type {StreamEvent[]} */
    const events = [];
    const changes = this.segmenter.push(frame), time = frame.timeS;
    this.time = time;
    if (time - this.activityTime >= ACTIVITY_EVERY_S - 1e-9) {
      this.activityTime = time;
      const { probability, motion } = this.segmenter;
      this.#tell(events, { type: "activity", time_s: time, probability, motion });
    }
    return this.mode === "auto" ? this.#follow(events, changes) : events;
  }

  /** Signing begins now (button). */
  async start() {
    /** @type {StreamEvent[]} */
    const events = [];
    if (this.mode === "button" && this.signing === null && !Number.isNaN(this.time)) {
      this.signing = this.time;
      this.segment += 1;
      this.#change(events, "signing");
    }
    return events;
  }

  /** Signing ends now (button). */
  async stop() {
    if (this.signing === null) return [];
    const start = this.signing;
    this.signing = null;
    const signed = { start, end: this.time, cause: "button" };
    return this.#answer([], signed, () => this.segmenter.between(signed.start, signed.end));
  }

  /** The stream is over: an open sentence is answered. */
  async finish() {
    return this.mode === "auto" ? this.#follow([], this.segmenter.finish()) : this.stop();
  }

  /**
   * @param {StreamEvent[]} events
   * @param {SegmentEvent[]} changes
   */
  async #follow(events, changes) {
    const answers = [];
    for (const event of changes) {
      if (event.kind === "start") {
        this.segment += 1;
        this.#change(events, "signing");
      } else if (event.kind === "cancel") {
        this.#tell(events, { type: "cancel", segment: this.segment, cause: event.cause });
        this.#change(events, "idle");
      } else {
        answers.push(this.#answer(events, event, () => this.segmenter.clip(event)));
      }
    }
    await Promise.all(answers);
    return events;
  }

  /**
   * @param {StreamEvent[]} events
   * @param {{start: number, end: number, cause: string}} span
   * @param {() => Clip} clipOf
   */
  async #answer(events, { start, end, cause }, clipOf) {
    const { person } = this, segment = { segment: this.segment, start_s: start, end_s: end, cause };
    /** @type {Promise<Clip>} */
    const clip = new Promise((resolve) => { resolve(clipOf()); }); // at once, for the memory goes on; an error waits
    clip.catch(() => {}); // it is told below
    this.#change(events, "thinking");
    const answered = this.answers.then(async () => {
      /** @type {StreamEvent} */
      let event;
      const { signer, numSentences } = this.signer;
      /** @type {Encoded | null} */
      let heard = null;
      try {
        const { answer, encoded } = await this.engine.answered(await clip, { candidates: this.candidates, signer });
        event = { type: "answer", ...segment, signer_sentences: numSentences, answer };
        heard = encoded;
      } catch (error) {
        event = { type: "error", ...segment, error: { code: "bad_clip", message: messageOf(error) } };
      }
      if (person !== this.person) return;
      if (heard && event.type === "answer") this.signer.heard(segment.segment, heard, namedSentences(event.answer));
      this.#tell(events, event);
      if (this.state === "thinking") this.#change(events, event.type === "answer" ? "answer" : "idle");
    });
    this.answers = answered;
    await answered;
    return events;
  }

  /**
   * @param {StreamEvent[]} events
   * @param {StreamState} state
   */
  #change(events, state) {
    if (state === this.state) return;
    this.state = state;
    this.#tell(events, { type: "state", state, time_s: this.time });
  }

  /**
   * @param {StreamEvent[]} events
   * @param {StreamEvent} event
   */
  #tell(events, event) {
    events.push(event);
    this.onEvent(event);
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
