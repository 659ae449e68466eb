/**
 * How a hand is bent and turned; the same columns as `signtalk.landmarks.hand_angles`.
 */

import { LEFT_HAND_NAMES } from "./landmarks.js";

/** @import { Points } from "./features.js" */

export const NUM_HAND_COLUMNS = 25;
const NUM_POINTS = LEFT_HAND_NAMES.length;
const WRIST = 0, INDEX = 5, MIDDLE = 9, PINKY = 17, SHORTEST = 1e-6;

/** @typedef {[number, number, number]} Vector */

/**
 * (T', 25): fifteen joint angles, four between fingers, the palm's and the fingers' direction; NaN = missing.
 *
 * @param {Points} points with three coordinates
 * @param {number} first place of the hand's wrist
 * @param {boolean} isLeft
 */
export function handColumns(points, first, isLeft) {
  const columns = new Float32Array(points.frames * NUM_HAND_COLUMNS);
  for (let t = 0; t < points.frames; t++) {
    const start = 3 * (points.landmarks * t + first);
    columns.set(frameColumns(points.values.subarray(start, start + 3 * NUM_POINTS), isLeft), t * NUM_HAND_COLUMNS);
  }
  return columns;
}

/**
 * @param {Float32Array} hand (21 * 3)
 * @param {boolean} isLeft
 */
function frameColumns(hand, isLeft) {
  const between = (/** @type {number} */ from, /** @type {number} */ to) =>
    /** @type {Vector} */ ([0, 1, 2].map((c) => hand[3 * to + c] - hand[3 * from + c]));
  const fingers = [0, 1, 2, 3, 4].map((finger) =>
    [WRIST, 4 * finger + 1, 4 * finger + 2, 4 * finger + 3].map((from, bone) => between(from, 4 * finger + 1 + bone)));
  const joints = fingers.flatMap((bones) => [0, 1, 2].map((joint) => angle(bones[joint], bones[joint + 1])));
  const spread = [0, 1, 2, 3].map((finger) => angle(fingers[finger][1], fingers[finger + 1][1]));
  const across = crossed(between(WRIST, INDEX), between(WRIST, PINKY));
  const outward = unit(/** @type {Vector} */ (isLeft ? across.map((value) => -value) : across));
  return [...joints, ...spread, ...outward, ...unit(between(WRIST, MIDDLE))];
}

/**
 * Radians between two vectors; 0 where one has no length.
 *
 * @param {Vector} a
 * @param {Vector} b
 */
function angle(a, b) {
  return Math.atan2(Math.hypot(...crossed(a, b)), a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
}

/**
 * @param {Vector} a
 * @param {Vector} b
 * @returns {Vector}
 */
function crossed(a, b) {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/**
 * @param {Vector} vector
 * @returns {Vector}
 */
function unit(vector) {
  const length = Math.max(Math.hypot(...vector), SHORTEST);
  return /** @type {Vector} */ (vector.map((value) => value / length));
}
