/**
 * Finds sentences in a stream, frame by frame: the same events as `signtalk.segmenter`.
 *
 *   frame, time --ActivityTracker--> probability --Hysteresis--> changes --Segmenter--> events with the frames
 */

import { ActivityTracker } from "./activity.js";
import { clipFromFrames } from "./landmarks.js";

const MOST_FPS = 60;

/** Start and stop from probabilities alone. A change is {kind: "start" | "end" | "cancel", start, end, mean, cause}. */
export class Hysteresis {
  constructor(config) {
    this.config = config;
    this.state = "idle";
    this.time = NaN;
    this.rose = NaN; // since when the probability is at or above rise_threshold
    this.high = NaN; // since when it is at or above start_threshold
    this.low = NaN; // while signing: since when it is below stop_threshold
    this.start = NaN;
    this.freeFrom = -Infinity; // the last sentence ended there
    this.sum = 0; // probability times seconds since the rise
    this.lasted = 0;
    this.beforeDrop = [0, 0];
  }

  push(probability, time) {
    const elapsed = Number.isNaN(this.time) ? 0 : time - this.time;
    this.time = time;
    return this.state === "idle" ? this.#whileIdle(probability, elapsed) : this.#whileSigning(probability, elapsed);
  }

  /** End a sentence that is open: the stream is over, or the memory for its frames is. */
  finish(cause = "end of stream") {
    if (this.state === "idle") return [];
    return [this.#close(Number.isNaN(this.low) ? this.time : this.low, cause)];
  }

  #whileIdle(probability, elapsed) {
    const config = this.config, now = this.time;
    if (probability < config.rise_threshold) {
      this.rose = this.high = NaN;
      return [];
    }
    if (Number.isNaN(this.rose)) [this.rose, this.sum, this.lasted] = [now, 0, 0];
    this.#count(probability, elapsed);
    if (probability < config.start_threshold) {
      this.high = NaN;
      return [];
    }
    if (Number.isNaN(this.high)) this.high = now;
    if (now - this.high < config.confirm_s - 1e-9) return [];
    [this.state, this.low] = ["signing", NaN];
    const began = Math.max(this.rose, now - config.confirm_s - config.lookback_s) - config.start_shift_s;
    this.start = Math.min(Math.max(began, this.freeFrom), now);
    return [{ kind: "start", start: this.start, end: now, mean: this.#mean(), cause: "" }];
  }

  #whileSigning(probability, elapsed) {
    const config = this.config, now = this.time;
    if (probability >= config.stop_threshold) this.low = NaN;
    else if (Number.isNaN(this.low)) [this.low, this.beforeDrop] = [now, [this.sum, this.lasted]];
    this.#count(probability, elapsed);
    if (now - this.low >= config.hold_s - 1e-9) {
      [this.sum, this.lasted] = this.beforeDrop;
      return [this.#close(this.low, "rest")];
    }
    return now - this.start >= config.longest_s ? [this.#close(now, "longest")] : [];
  }

  #close(until, cause) {
    const start = this.start, end = Math.min(Math.max(until - this.config.end_shift_s, start), this.time);
    const mean = this.#mean();
    [this.state, this.rose, this.high, this.freeFrom] = ["idle", NaN, NaN, end];
    if (end - start < this.config.shortest_s) return { kind: "cancel", start, end, mean, cause: "too short" };
    if (mean < this.config.least_mean) return { kind: "cancel", start, end, mean, cause: "too faint" };
    return { kind: "end", start, end, mean, cause };
  }

  #count(probability, elapsed) {
    this.sum += probability * elapsed;
    this.lasted += elapsed;
  }

  #mean() {
    return this.lasted ? this.sum / this.lasted : 0;
  }
}

/**
 * Sentences of one person's stream. An event is {kind, start, end, first, stop, activity, cause}: seconds, and the
 * numbers of its first frame and of the one past its last, the stream's first being 0.
 */
export class Segmenter {
  constructor(settings, aspect = null) {
    const { longest_s, confirm_s, lookback_s, hold_s } = settings.config;
    this.settings = settings;
    this.aspect = aspect;
    this.mostFrames = Math.ceil((longest_s + confirm_s + lookback_s + hold_s + 2) * MOST_FPS);
    this.reset();
  }

  get state() {
    return this.hysteresis.state;
  }

  /** Speed of the hand that moves most, in shoulder widths a second, over the last moments. */
  get motion() {
    return Math.max(...this.tracker.features.hands.map((hand) => hand.quick));
  }

  /** Forget the stream, as for another person. */
  reset() {
    this.tracker = new ActivityTracker(this.settings.model, this.aspect || 1);
    this.hysteresis = new Hysteresis(this.settings.config);
    this.probability = 0;
    this.frames = []; // the newest last; cut when twice as many are kept as needed
    this.oldest = 0;
    this.numFrames = 0;
    this.start = NaN;
  }

  /** Take a frame {landmarks, visibility} at a time in seconds; what changed with it, mostly nothing. */
  push(frame, time) {
    this.probability = this.tracker.push(frame.landmarks, time);
    const events = [];
    const first = Math.max(this.oldest, this.numFrames - this.mostFrames);
    const full = this.numFrames - first >= this.mostFrames - 1;
    if (full && this.state === "signing" && this.#kept(first + 1).time >= this.start) {
      events.push(...this.hysteresis.finish("longest").map((change) => this.#event(change)));
    }
    this.frames.push({ landmarks: frame.landmarks, visibility: frame.visibility, time });
    this.numFrames += 1;
    if (this.frames.length >= 2 * this.mostFrames) {
      this.frames.splice(0, this.frames.length - this.mostFrames);
      this.oldest = this.numFrames - this.mostFrames;
    }
    return [...events, ...this.hysteresis.push(this.probability, time).map((change) => this.#event(change))];
  }

  /** The stream is over: end the sentence that is open. */
  finish() {
    return this.hysteresis.finish().map((change) => this.#event(change));
  }

  /** The frames of an event of the last `push` or `finish`, as a clip with the times they had. */
  clip(event) {
    if (!(event.first >= this.oldest && event.stop > event.first && event.stop <= this.numFrames)) {
      throw new Error(`frames ${event.first} to ${event.stop} are no longer in memory`);
    }
    const frames = this.frames.slice(event.first - this.oldest, event.stop - this.oldest);
    return clipFromFrames(frames, frames.map((frame) => frame.time), this.aspect);
  }

  /** The frames between two times in seconds, as a clip. */
  between(start, end) {
    const frames = this.frames.filter((frame) => frame.time >= start - 1e-9 && frame.time <= end + 1e-9);
    return clipFromFrames(frames, frames.map((frame) => frame.time), this.aspect);
  }

  #kept(number) {
    return this.frames[number - this.oldest];
  }

  #event({ kind, start, end, mean, cause }) {
    this.start = kind === "start" ? start : NaN;
    const least = Math.max(this.oldest, this.numFrames - this.mostFrames);
    let stop = this.numFrames;
    while (stop > least && this.#kept(stop - 1).time > end + 1e-9) stop -= 1;
    let first = stop;
    while (first > least && this.#kept(first - 1).time >= start - 1e-9) first -= 1;
    if (first === stop) first = stop = this.numFrames;
    return { kind, start, end, first, stop, activity: mean, cause };
  }
}
