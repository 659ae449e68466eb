// A thumb up or down says yes or no, from the landmarks that come anyway. Pure.

import { hasPart } from "../engine/landmarks.js";
import { PARTS } from "../engine/tables.js";

/** @import { Frame } from "../engine/landmarks.js" */

/** @typedef {"yes" | "no" | ""} Thumb "" = neither */

export const HOLD_S = 0.8; // so long it is held until it counts
const GAP_S = 0.3; // a hand that is lost for a picture or two was not put down
const FREE_S = 0.3; // without a thumb, before another one counts
const UPRIGHT = 0.86; // cosine against the vertical: 30 degrees
const LONGEST_STEP_S = 0.7; // between two pictures that are told apart; on a slower camera nothing is held
const EXTENDED = 0.4; // of the palm's length, from the thumb's joint to its tip
const STRAIGHT = 0.75; // cosine between the thumb's last two bones
const NEAR = 2.5; // palms between the middles of two hands that touch
const APART = 0.45; // of the palm's length, from the thumb's tip to the index finger's knuckles

const WRIST = 0, THUMB = [2, 3, 4], MIDDLE = 9, FINGERS = [5, 9, 13, 17];
const HANDS = /** @type {const} */ (["left_hand", "right_hand"]);

/**
 * What the hands of a frame say; nothing where they disagree, or touch each other: a thumb on the other palm is a sign.
 *
 * @param {Frame} frame
 * @param {number} aspect of the picture
 * @returns {Thumb}
 */
export function thumbOf(frame, aspect) {
  const seen = HANDS.filter((hand) => hasPart(frame, hand)).map((hand) => PARTS[hand][0]);
  const told = seen.map((first) => ofHand(frame, first, aspect)).filter(Boolean);
  if (!told.length || told.some((each) => each !== told[0])) return "";
  return seen.length > 1 && touch(frame, seen, aspect) ? "" : told[0];
}

/**
 * Whether the middles of both hands are near each other.
 *
 * @param {Frame} frame
 * @param {number[]} hands first places of both
 * @param {number} aspect
 */
function touch({ landmarks }, hands, aspect) {
  const [one, other] = hands.map((first) => [WRIST, MIDDLE].map((i) => {
    const [x, y] = landmarks.subarray(3 * (first + i), 3 * (first + i) + 2);
    return [x * aspect, y];
  }));
  const palm = Math.max(...[one, other].map(([wrist, middle]) => Math.hypot(...minus(wrist, middle))));
  return Math.hypot(...minus(one[1], other[1])) < NEAR * palm;
}

/**
 * @param {Frame} frame
 * @param {number} first place of the hand
 * @param {number} aspect
 * @returns {Thumb}
 */
function ofHand({ landmarks }, first, aspect) {
  const point = (/** @type {number} */ i) => {
    const [x, y, z] = landmarks.subarray(3 * (first + i), 3 * (first + i) + 3);
    return [x * aspect, y, z * aspect];
  };
  const far = (/** @type {number} */ a, /** @type {number} */ b) => Math.hypot(...minus(point(a), point(b)));
  const palm = far(WRIST, MIDDLE);
  const isCurled = FINGERS.every((knuckle) => far(knuckle + 3, WRIST) < far(knuckle + 1, WRIST));
  if (!(palm > 0) || !isCurled) return "";
  const [joint, middle, tip] = THUMB.map(point);
  const isOut = far(THUMB[2], THUMB[0]) > EXTENDED * palm && cosine(minus(middle, joint), minus(tip, middle)) > STRAIGHT;
  const isApart = [FINGERS[0], FINGERS[0] + 1].every((knuckle) => far(THUMB[2], knuckle) > APART * palm);
  if (!isOut || !isApart) return "";
  const [right, down] = minus(tip, joint), upright = down / Math.hypot(right, down);
  const heights = Array.from({ length: 21 }, (_, i) => point(i)[1]);
  if (upright < -UPRIGHT && Math.min(...heights) === tip[1]) return "yes";
  return upright > UPRIGHT && Math.max(...heights) === tip[1] ? "no" : "";
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function minus(a, b) {
  return a.map((value, i) => value - b[i]);
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function cosine(a, b) {
  return a.reduce((sum, value, i) => sum + value * b[i], 0) / (Math.hypot(...a) * Math.hypot(...b));
}

/** A thumb counts once it was held for a while; put down before that, it was none. */
export class ThumbHold {
  /** @type {Thumb} */
  #held = "";
  #beganS = 0;
  #lastS = -Infinity; // when it was seen last
  #lookedS = -Infinity;
  #freeS = 0; // how long no thumb was seen
  #isFree = false;

  /** A question stands there anew: whoever still holds a thumb up puts it down first. */
  begin() {
    this.#held = "";
    this.#isFree = false;
    this.#freeS = 0;
  }

  /**
   * One more frame.
   *
   * @param {Thumb} thumb
   * @param {number} timeS
   * @returns {{thumb: Thumb, share: number, done: boolean}} what is held, and how much of the time
   */
  look(thumb, timeS) {
    const stepS = timeS - this.#lookedS;
    this.#lookedS = timeS;
    if (stepS > LONGEST_STEP_S || stepS < 0) this.#held = ""; // nothing is known of what lies between
    if (!this.#isFree) return this.#wait(thumb, Math.min(stepS, LONGEST_STEP_S));
    if (thumb && thumb !== this.#held) {
      this.#held = thumb;
      this.#beganS = timeS;
    } else if (!thumb && timeS - this.#lastS > GAP_S) {
      this.#held = "";
    }
    if (thumb) this.#lastS = timeS;
    const share = this.#held ? Math.min(1, (timeS - this.#beganS) / HOLD_S) : 0, done = share === 1 && thumb !== "";
    const told = { thumb: this.#held, share, done };
    if (done) this.begin();
    return told;
  }

  /**
   * @param {Thumb} thumb
   * @param {number} stepS
   * @returns {{thumb: Thumb, share: number, done: boolean}}
   */
  #wait(thumb, stepS) {
    this.#freeS = thumb ? 0 : this.#freeS + Math.max(0, stepS);
    this.#isFree = this.#freeS >= FREE_S;
    return { thumb: "", share: 0, done: false };
  }
}
