/**
 * A live session: frames in, the events of the service's stream out (docs of the protocol), without a socket.
 *
 *   const session = engine.stream({aspect, candidates, mode: "auto" | "button", onEvent});
 *   session.push(frame, time)  // frame as landmarks.js `frameFromHolistic` gives it
 *
 * Every event goes to `onEvent`. `push`, `start`, `stop` and `finish` also give a promise of the events they caused,
 * answers included; a page need not wait for it, for answers are made one after another while frames come.
 */

import { Segmenter } from "./segmenter.js";

const ACTIVITY_S = 0.2;

export class StreamSession {
  constructor(engine, { aspect = null, candidates = 5, mode = "auto", onEvent = () => {} } = {}) {
    if (mode !== "auto" && mode !== "button") throw new Error(`mode '${mode}'; expected auto or button`);
    this.engine = engine;
    this.options = { candidates };
    this.mode = mode;
    this.onEvent = onEvent;
    this.segmenter = new Segmenter(engine.bundle.segmenter, aspect);
    this.answers = Promise.resolve(); // made one after another
    this.reset();
  }

  /** Forget what was sent, and answers that are still being made; another person. */
  reset() {
    this.segmenter.reset();
    this.state = "idle";
    this.segment = 0;
    this.signing = null; // since when, in button mode
    this.time = NaN;
    this.toldActivity = -Infinity;
    this.person = (this.person ?? 0) + 1;
  }

  /** Take a frame; times in seconds increase over the whole stream. */
  async push(frame, time) {
    const events = [];
    const found = this.segmenter.push(frame, time);
    this.time = time;
    if (time - this.toldActivity >= ACTIVITY_S - 1e-9) {
      this.toldActivity = time;
      const { probability, motion } = this.segmenter;
      this.#tell(events, { type: "activity", time_s: time, probability, motion });
    }
    return this.mode === "auto" ? this.#follow(events, found) : events;
  }

  /** Signing begins now (button). */
  async start() {
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

  async #follow(events, found) {
    const answers = [];
    for (const event of found) {
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

  async #answer(events, { start, end, cause }, clipOf) {
    const { segment, person } = this;
    const clip = new Promise((resolve) => resolve(clipOf())); // at once, for the memory goes on; an error waits
    clip.catch(() => {}); // told below
    this.#change(events, "thinking");
    const made = this.answers.then(async () => {
      let told;
      try {
        const answer = await this.engine.recognize(await clip, this.options);
        told = { type: "answer", segment, start_s: start, end_s: end, cause, answer };
      } catch (error) {
        told = {
          type: "error", segment, start_s: start, end_s: end, cause, error: { code: "bad_clip", message: error.message },
        };
      }
      if (person !== this.person) return;
      this.#tell(events, told);
      if (this.state === "thinking") this.#change(events, told.type === "answer" ? "answer" : "idle");
    });
    this.answers = made;
    await made;
    return events;
  }

  #change(events, state) {
    if (state === this.state) return;
    this.state = state;
    this.#tell(events, { type: "state", state, time_s: this.time });
  }

  #tell(events, event) {
    events.push(event);
    this.onEvent(event);
  }
}
