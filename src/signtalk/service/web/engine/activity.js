/**
 * Does the person sign in this frame? The small learned model of `signtalk.segmentation.activity`, frame by frame.
 *
 *   frame at a time --ActivityFeatures--> 16 numbers --probability--> 0-1
 *
 * All memory is exponential averages whose weights follow from the time between two frames.
 */

import { NUM_LANDMARKS, positions } from "./landmarks.js";
import { ACTIVITY, ACTIVITY_FEATURES, TIP_NAMES } from "./tables.js";

/**
 * What segmenter.json says of the network.
 *
 * @typedef {object} ActivityModel
 * @property {string[]} feature_names
 * @property {number[]} mean
 * @property {number[]} spread
 * @property {number[][]} hidden
 * @property {number[]} hidden_bias
 * @property {number[]} output
 * @property {number} output_bias
 */

const SIDES = ["left", "right"];
const SHOULDERS = positions(SIDES.map((side) => `${side}_shoulder`));
const WRISTS = positions(SIDES.map((side) => `${side}_wrist`));
const HAND_WRISTS = positions(SIDES.map((side) => `${side}_hand_wrist`));
const TIPS = SIDES.map((side) => positions(TIP_NAMES.map((tip) => `${side}_hand_${tip}`)));
const HIGHER_Y = ACTIVITY_FEATURES.indexOf("higher_y");
const LAG_S = ACTIVITY.slow_s - ACTIVITY.fast_s;

const known = (/** @type {number} */ value) => (Number.isNaN(value) ? 0 : value);
const clipped = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) => Math.min(Math.max(value, low), high); // NaN stays NaN
const weight = (/** @type {number} */ elapsed, /** @type {number} */ constant) => -Math.expm1(-elapsed / constant);
const points = (/** @type {number} */ count) => Array.from({ length: count }, () => [NaN, NaN]);

/** One hand: averages of its wrist and its fingertips. */
function newHand() {
  return {
    fast: [NaN, NaN], slow: [NaN, NaN], rest: [NaN, NaN], unseen: Infinity, velocity: [0, 0], speed: 0,
    tipsFast: points(5), tipsSlow: points(5), tipsRest: points(5),
    quick: 0, long: 0, fingers: 0, seen: 0, shape: 0,
  };
}

/** @typedef {ReturnType<typeof newHand>} Hand */

/** Features of a stream. */
export class ActivityFeatures {
  /** @param {number} [aspect] image width over height */
  constructor(aspect = 1) {
    this.aspect = aspect;
    this.time = NaN;
    this.width = NaN;
    this.centre = [0, 0];
    this.hands = [newHand(), newHand()];
    this.raised = 0;
  }

  /**
   * Take a frame: 16 features, or null until a frame has shown both shoulders.
   *
   * @param {Float32Array} landmarks (169 * 3), NaN = missing
   * @param {number} time seconds
   */
  push(landmarks, time) {
    if (landmarks.length !== 3 * NUM_LANDMARKS) throw new Error(`a frame of ${landmarks.length} numbers`);
    if (!Number.isFinite(time) || time <= this.time) {
      throw new Error(`a frame at ${time} s after one at ${this.time} s; times must increase`);
    }
    const elapsed = Number.isNaN(this.time) ? 0 : time - this.time;
    this.time = time;
    const point = (/** @type {number} */ place) => [landmarks[3 * place] * this.aspect, landmarks[3 * place + 1]];
    this.#measure(SHOULDERS.map(point), elapsed);
    if (Number.isNaN(this.width)) return null;
    this.hands.forEach((hand, side) => {
      const body = point(WRISTS[side]), tracked = point(HAND_WRISTS[side]);
      const wrist = body.map((value, c) => clipped(
        ((Number.isNaN(value) ? tracked[c] : value) - this.centre[c]) / this.width, -ACTIVITY.lowest, ACTIVITY.lowest));
      followWrist(hand, wrist, elapsed);
      const tips = TIPS[side].map((tip) => point(tip).map((value, c) => (value - tracked[c]) / this.width));
      const seen = followFingers(hand, tips, elapsed);
      hand.quick += weight(elapsed, ACTIVITY.quick_s) * (hand.speed - hand.quick);
      hand.long += weight(elapsed, ACTIVITY.long_s) * (hand.speed - hand.long);
      hand.seen += weight(elapsed, ACTIVITY.seen_s) * (seen - hand.seen);
    });
    return this.#gathered(elapsed);
  }

  /**
   * @param {number[][]} shoulders left and right
   * @param {number} elapsed seconds
   */
  #measure([left, right], elapsed) {
    const width = Math.hypot(left[0] - right[0], left[1] - right[1]);
    if (!(width > ACTIVITY.min_width)) return; // NaN as well
    this.centre = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
    this.width = Number.isNaN(this.width) ? width : this.width + weight(elapsed, ACTIVITY.width_s) * (width - this.width);
  }

  /** @param {number} elapsed seconds */
  #gathered(elapsed) {
    const places = this.hands.map((hand, side) => (Number.isNaN(hand.fast[0]) ? ACTIVITY.resting[side] : hand.fast));
    const rise = this.hands.map((hand) => known(Math.hypot(hand.fast[0] - hand.rest[0], hand.fast[1] - hand.rest[1])));
    const both = (/** @type {"quick" | "long" | "fingers" | "seen" | "shape"} */ name) => this.hands.map((hand) => hand[name]);
    const largest = (/** @type {Parameters<typeof both>[0]} */ name) => Math.max(...both(name));
    const smallest = (/** @type {Parameters<typeof both>[0]} */ name) => Math.min(...both(name));
    this.raised = Math.max(...rise) > ACTIVITY.raised ? Math.min(this.raised + elapsed, ACTIVITY.longest_raised_s) : 0;
    const higher = places[1][1] < places[0][1] ? 1 : 0;
    return [
      places[higher][1], places[1 - higher][1], Math.max(...rise), Math.min(...rise),
      Math.log1p(largest("quick")), Math.log1p(smallest("quick")),
      Math.log1p(largest("long")), Math.log1p(smallest("long")),
      this.hands[higher].velocity[1], Math.log1p(largest("fingers")), largest("seen"), smallest("seen"),
      Math.hypot(places[0][0] - places[1][0], places[0][1] - places[1][1]), Math.abs(places[higher][0]),
      this.raised, largest("shape"),
    ];
  }
}

/**
 * Velocity of a wrist in shoulder widths a second; one that is lost is held for a while, then taken to rest.
 *
 * @param {Hand} hand
 * @param {number[]} wrist
 * @param {number} elapsed seconds
 */
function followWrist(hand, wrist, elapsed) {
  const seen = !wrist.some(Number.isNaN);
  if (seen && hand.unseen > ACTIVITY.held_s) {
    hand.fast = [...wrist];
    hand.slow = [...wrist];
    if (Number.isNaN(hand.rest[0])) hand.rest = [...wrist];
  }
  hand.unseen = seen ? 0 : hand.unseen + elapsed;
  const gone = hand.unseen > ACTIVITY.held_s;
  for (let c = 0; c < 2; c++) {
    const towards = seen ? wrist[c] : gone ? hand.rest[c] : hand.fast[c];
    hand.fast[c] += weight(elapsed, ACTIVITY.fast_s) * (towards - hand.fast[c]);
    hand.slow[c] += weight(elapsed, ACTIVITY.slow_s) * ((gone ? hand.fast[c] : towards) - hand.slow[c]);
    hand.velocity[c] = known((hand.fast[c] - hand.slow[c]) / LAG_S);
  }
  hand.speed = Math.hypot(...hand.velocity);
  const still = clipped(1 - hand.speed / ACTIVITY.still_speed, 0, 1);
  const settles = still * weight(elapsed, hand.fast[1] > hand.rest[1] ? ACTIVITY.lower_rest_s : ACTIVITY.rest_s);
  for (let c = 0; c < 2; c++) hand.rest[c] += settles * (hand.fast[c] - hand.rest[c]);
}

/**
 * Whether a hand is tracked (0 or 1); keeps the mean speed of its fingertips about its own wrist.
 *
 * @param {Hand} hand
 * @param {number[][]} tips
 * @param {number} elapsed seconds
 */
function followFingers(hand, tips, elapsed) {
  const tracked = !tips.some((tip) => tip.some(Number.isNaN));
  if (tracked && Number.isNaN(hand.tipsFast[0][0])) {
    hand.tipsFast = tips.map((tip) => [...tip]);
    hand.tipsSlow = tips.map((tip) => [...tip]);
  }
  if (!tracked) hand.tipsFast = points(5);
  let speed = 0;
  tips.forEach((tip, i) => {
    for (let c = 0; c < 2; c++) {
      hand.tipsFast[i][c] += weight(elapsed, ACTIVITY.fast_s) * (tip[c] - hand.tipsFast[i][c]);
      hand.tipsSlow[i][c] += weight(elapsed, ACTIVITY.slow_s) * (tip[c] - hand.tipsSlow[i][c]);
    }
    speed += known(Math.hypot(...[0, 1].map((c) => (hand.tipsFast[i][c] - hand.tipsSlow[i][c]) / LAG_S))) / 5;
  });
  hand.fingers += weight(elapsed, ACTIVITY.seen_s) * (speed - hand.fingers);
  if (tracked && Number.isNaN(hand.tipsRest[0][0])) hand.tipsRest = tips.map((tip) => [...tip]);
  const settles = tracked ? clipped(1 - (speed + hand.quick) / ACTIVITY.still_speed, 0, 1) * weight(elapsed, ACTIVITY.rest_s) : 0;
  hand.shape = 0;
  tips.forEach((_, i) => {
    const away = () => [0, 1].map((c) => known(hand.tipsFast[i][c] - hand.tipsRest[i][c]));
    away().forEach((by, c) => { hand.tipsRest[i][c] += settles * by; });
    hand.shape += Math.hypot(...away()) / 5;
  });
  return tracked ? 1 : 0;
}

/**
 * 0-1, how probably somebody signs, from 16 features and the model of segmenter.json.
 *
 * @param {ActivityModel} model
 * @param {number[]} features
 */
export function probability(model, features) {
  const standard = features.map((value, i) => clipped((value - model.mean[i]) / model.spread[i], -ACTIVITY.limit, ACTIVITY.limit));
  let logit = model.output_bias;
  model.hidden.forEach((row, unit) => {
    const sum = row.reduce((total, each, i) => total + each * standard[i], model.hidden_bias[unit]);
    logit += model.output[unit] * Math.tanh(sum);
  });
  return 1 / (1 + Math.exp(-clipped(logit, -60, 60)));
}

/** Probability that the person signs, frame by frame; 0 until a frame has shown both shoulders. */
export class ActivityTracker {
  /**
   * @param {ActivityModel} model
   * @param {number} [aspect] image width over height
   */
  constructor(model, aspect = 1) {
    if (String(model.feature_names) !== String(ACTIVITY_FEATURES)) {
      throw new Error("segmenter.json reads other features than this page computes; export the page again");
    }
    this.model = model;
    this.features = new ActivityFeatures(aspect);
    this.below = 0; // shoulder widths from the shoulders down to the higher hand in the last frame
  }

  /**
   * @param {Float32Array} landmarks (169 * 3), NaN = missing
   * @param {number} time seconds
   */
  push(landmarks, time) {
    const features = this.features.push(landmarks, time);
    if (features === null) return 0;
    this.below = features[HIGHER_Y];
    return probability(this.model, features);
  }
}
