/**
 * Finds sentences in a stream, frame by frame: the same events as `signtalk.segmentation.segmenter`.
 *
 *   frame, time --ActivityTracker--> probability --Hysteresis--> changes --Segmenter--> events with the frames
 */

import { ActivityTracker } from "./activity.js";
import { checkedClip, clipFromFrames } from "./landmarks.js";
import { MOST_FPS } from "./tables.js";

/** @import { ActivityModel } from "./activity.js" */
/** @import { Frame } from "./landmarks.js" */

/** @typedef {"start" | "end" | "cancel"} Kind */

/** @typedef {{kind: Kind, start: number, end: number, mean: number, cause: string}} Change seconds */

/**
 * A sentence that begins, ends, or was none.
 *
 * @typedef {object} SegmentEvent
 * @property {Kind} kind
 * @property {number} start seconds
 * @property {number} end seconds
 * @property {number} first number of its first frame, the stream's first being 0
 * @property {number} stop number of the frame past its last
 * @property {number} activity mean probability
 * @property {string} cause
 */

/**
 * @typedef {{[name in "rise_threshold" | "start_threshold" | "stop_threshold" | "confirm_s" | "lookback_s" | "hold_s"
 *   | "start_shift_s" | "end_shift_s" | "shortest_s" | "longest_s" | "least_mean" | "lowest_hand"]: number}
 *   } SegmenterConfig
 */

/** @typedef {{config: SegmenterConfig, model: ActivityModel}} SegmenterSettings content of segmenter.json */

/** Start and stop from probabilities and the height of a hand. */
export class Hysteresis {
  /** @param {SegmenterConfig} config */
  constructor(config) {
    this.config = config;
    /** @type {"idle" | "signing"} */
    this.state = "idle";
    this.time = NaN;
    this.rose = NaN; // since when the probability is at or above rise_threshold
    this.high = NaN; // since when it is at or above start_threshold
    this.low = NaN; // while signing: since when it is below stop_threshold
    this.start = NaN;
    this.freeFrom = -Infinity; // the last sentence ended there
    this.sum = 0; // probability times seconds since the rise
    this.lowSum = 0; // likewise shoulder widths times seconds
    this.lasted = 0;
    this.beforeDrop = [0, 0, 0];
  }

  /**
   * @param {number} probability
   * @param {number} time seconds
   * @param {number} below shoulder widths from the shoulders down to the higher hand
   * @returns {Change[]}
   */
  push(probability, time, below) {
    const elapsed = Number.isNaN(this.time) ? 0 : time - this.time;
    this.time = time;
    if (this.state === "idle") return this.#whileIdle(probability, below, elapsed);
    return this.#whileSigning(probability, below, elapsed);
  }

  /** End a sentence that is open: the stream is over, or the memory for its frames is. */
  finish(cause = "end of stream") {
    if (this.state === "idle") return [];
    return [this.#close(Number.isNaN(this.low) ? this.time : this.low, cause)];
  }

  /**
   * @param {number} probability
   * @param {number} below
   * @param {number} elapsed seconds
   * @returns {Change[]}
   */
  #whileIdle(probability, below, elapsed) {
    const config = this.config, now = this.time;
    if (probability < config.rise_threshold) {
      this.rose = this.high = NaN;
      return [];
    }
    if (Number.isNaN(this.rose)) [this.rose, this.sum, this.lowSum, this.lasted] = [now, 0, 0, 0];
    this.#count(probability, below, elapsed);
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

  /**
   * @param {number} probability
   * @param {number} below
   * @param {number} elapsed seconds
   * @returns {Change[]}
   */
  #whileSigning(probability, below, elapsed) {
    const config = this.config, now = this.time;
    if (probability >= config.stop_threshold) this.low = NaN;
    else if (Number.isNaN(this.low)) [this.low, this.beforeDrop] = [now, [this.sum, this.lowSum, this.lasted]];
    this.#count(probability, below, elapsed);
    if (now - this.low >= config.hold_s - 1e-9) {
      [this.sum, this.lowSum, this.lasted] = this.beforeDrop;
      return [this.#close(this.low, "rest")];
    }
    return now - this.start >= config.longest_s ? [this.#close(now, "longest")] : [];
  }

  /**
   * @param {number} until seconds
   * @param {string} cause
   * @returns {Change}
   */
  #close(until, cause) {
    const start = this.start, end = Math.min(Math.max(until - this.config.end_shift_s, start), this.time);
    const mean = this.#mean();
    [this.state, this.rose, this.high, this.freeFrom] = ["idle", NaN, NaN, end];
    if (end - start < this.config.shortest_s) return { kind: "cancel", start, end, mean, cause: "too short" };
    if (mean < this.config.least_mean) return { kind: "cancel", start, end, mean, cause: "too faint" };
    const below = this.lasted ? this.lowSum / this.lasted : 0;
    if (below > this.config.lowest_hand) return { kind: "cancel", start, end, mean, cause: "too low" };
    return { kind: "end", start, end, mean, cause };
  }

  /**
   * @param {number} probability
   * @param {number} below
   * @param {number} elapsed seconds
   */
  #count(probability, below, elapsed) {
    this.sum += probability * elapsed;
    this.lowSum += below * elapsed;
    this.lasted += elapsed;
  }

  #mean() {
    return this.lasted ? this.sum / this.lasted : 0;
  }
}

/** Sentences of one person's stream. */
export class Segmenter {
  probability = 0;
  /** @type {Frame[]} */
  frames = []; // the newest last; cut when twice as many are kept as needed
  oldest = 0;
  numFrames = 0;
  start = NaN;

  /**
   * @param {SegmenterSettings} settings
   * @param {number | null} [aspect] image width over height
   */
  constructor(settings, aspect = null) {
    const { longest_s, confirm_s, lookback_s, hold_s } = settings.config;
    this.settings = settings;
    this.aspect = aspect;
    this.mostFrames = Math.ceil((longest_s + confirm_s + lookback_s + hold_s + 2) * MOST_FPS);
    this.tracker = new ActivityTracker(settings.model, aspect || 1);
    this.hysteresis = new Hysteresis(settings.config);
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
    this.frames = [];
    this.oldest = 0;
    this.numFrames = 0;
    this.start = NaN;
  }

  /**
   * Take a frame; what changed with it, mostly nothing.
   *
   * @param {Frame} frame
   */
  push(frame) {
    this.probability = this.tracker.push(frame.landmarks, frame.timeS);
    /** @type {SegmentEvent[]} */
    const events = [];
    const first = Math.max(this.oldest, this.numFrames - this.mostFrames);
    const full = this.numFrames - first >= this.mostFrames - 1;
    if (full && this.state === "signing" && this.#kept(first + 1).timeS >= this.start) {
      events.push(...this.hysteresis.finish("longest").map((change) => this.#event(change)));
    }
    this.frames.push(frame);
    this.numFrames += 1;
    if (this.frames.length >= 2 * this.mostFrames) {
      this.frames.splice(0, this.frames.length - this.mostFrames);
      this.oldest = this.numFrames - this.mostFrames;
    }
    const pushed = this.hysteresis.push(this.probability, frame.timeS, this.tracker.below);
    return [...events, ...pushed.map((change) => this.#event(change))];
  }

  /** The stream is over: end the sentence that is open. */
  finish() {
    return this.hysteresis.finish().map((change) => this.#event(change));
  }

  /**
   * The frames of an event of the last `push` or `finish`, as a clip with the times they had.
   *
   * @param {SegmentEvent} event
   */
  clip(event) {
    if (!(event.first >= this.oldest && event.stop > event.first && event.stop <= this.numFrames)) {
      throw new Error(`frames ${event.first} to ${event.stop} are no longer in memory`);
    }
    const frames = this.frames.slice(event.first - this.oldest, event.stop - this.oldest);
    return checkedClip(clipFromFrames(frames, this.aspect));
  }

  /**
   * The frames between two times in seconds, as a clip.
   *
   * @param {number} start
   * @param {number} end
   */
  between(start, end) {
    const frames = this.frames.filter(({ timeS }) => timeS >= start - 1e-9 && timeS <= end + 1e-9);
    return checkedClip(clipFromFrames(frames, this.aspect));
  }

  /** @param {number} number */
  #kept(number) {
    return this.frames[number - this.oldest];
  }

  /**
   * @param {Change} change
   * @returns {SegmentEvent}
   */
  #event({ kind, start, end, mean, cause }) {
    this.start = kind === "start" ? start : NaN;
    const least = Math.max(this.oldest, this.numFrames - this.mostFrames);
    let stop = this.numFrames;
    while (stop > least && this.#kept(stop - 1).timeS > end + 1e-9) stop -= 1;
    let first = stop;
    while (first > least && this.#kept(first - 1).timeS >= start - 1e-9) first -= 1;
    if (first === stop) first = stop = this.numFrames;
    return { kind, start, end, first, stop, activity: mean, cause };
  }
}
