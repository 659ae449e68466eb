// The last frames of the camera, and how fast the wrists move in them.

import { positions } from "../engine/landmarks.js";

/** @import { Frame } from "../engine/landmarks.js" */

/** The last seconds of frames, in memory alone. */
export class FrameRing {
  /** @type {Frame[]} */
  frames = [];

  /** @param {number} seconds */
  constructor(seconds) {
    this.seconds = seconds;
  }

  /** @param {Frame} frame */
  push(frame) {
    this.frames.push(frame);
    while (this.frames[0].timeS < frame.timeS - this.seconds) this.frames.shift();
  }

  /**
   * The frames between two times, both included.
   *
   * @param {number} startS
   * @param {number} endS
   */
  between(startS, endS) {
    return this.frames.filter((frame) => frame.timeS >= startS - 1e-6 && frame.timeS <= endS + 1e-6);
  }

  clear() {
    this.frames = [];
  }
}

const WRISTS = positions(["left_wrist", "right_wrist"]);
const [LEFT_SHOULDER, RIGHT_SHOULDER] = positions(["left_shoulder", "right_shoulder"]);

/**
 * How fast the wrists move, in shoulder widths a second; NaN where either frame lacks them.
 *
 * @param {Frame} before
 * @param {Frame} after
 * @param {number} aspect of the picture
 */
export function wristSpeed(before, after, aspect) {
  const seconds = after.timeS - before.timeS;
  const far = (/** @type {Frame} */ a, /** @type {number} */ i, /** @type {Frame} */ b, /** @type {number} */ j) => Math.hypot(
    (a.landmarks[3 * i] - b.landmarks[3 * j]) * aspect, a.landmarks[3 * i + 1] - b.landmarks[3 * j + 1]);
  const width = far(after, LEFT_SHOULDER, after, RIGHT_SHOULDER);
  return Math.max(...WRISTS.map((i) => far(before, i, after, i) / width / seconds));
}
