// What is wrong with how the person stands before the camera, by the landmarks alone. Pure.

import { frameAt, frameRate, hasPart, positions } from "../engine/landmarks.js";

/** @import { Clip, Frame } from "../engine/landmarks.js" */

/** @typedef {"dark" | "hands" | "far" | "fast"} ViewProblem */

const SMALLEST_WIDTH = 0.1; // of the shoulders, in picture heights: farther away hands are a few pixels
const MOST_WITHOUT_HANDS = 0.5; // share of a signing's frames
export const SLOW_RATE = 8; // pictures a second, below which quick signs are missed

const [LEFT_SHOULDER, RIGHT_SHOULDER] = positions(["left_shoulder", "right_shoulder"]);
const WRISTS = positions(["left_wrist", "right_wrist"]);
const ELBOWS = positions(["left_elbow", "right_elbow"]);

/**
 * How wide the shoulders are, in picture heights; NaN where they are not seen.
 *
 * @param {Frame} frame
 * @param {number} aspect of the picture
 */
function shoulderWidth({ landmarks }, aspect) {
  return Math.hypot(
    (landmarks[3 * LEFT_SHOULDER] - landmarks[3 * RIGHT_SHOULDER]) * aspect,
    landmarks[3 * LEFT_SHOULDER + 1] - landmarks[3 * RIGHT_SHOULDER + 1]);
}

/**
 * Whether the person is too far away in these frames.
 *
 * @param {Frame[]} frames
 * @param {number} aspect
 */
export function isFar(frames, aspect) {
  const widths = frames.map((frame) => shoulderWidth(frame, aspect)).filter((width) => !Number.isNaN(width));
  return widths.length > 0 && widths.filter((width) => width < SMALLEST_WIDTH).length > widths.length / 2;
}

/**
 * Whether raised hands leave the picture in most of these frames.
 *
 * @param {Frame[]} frames
 */
export function handsLeave(frames) {
  return frames.length > 0 && frames.filter(raisedOutside).length > frames.length / 2;
}

/** @param {Frame} frame */
function raisedOutside({ landmarks }) {
  return WRISTS.some((wrist, side) => {
    const [x, y] = landmarks.subarray(3 * wrist, 3 * wrist + 2);
    return y < landmarks[3 * ELBOWS[side] + 1] && (x < 0 || x > 1 || y < 0);
  });
}

/**
 * What is wrong with a signing that was not understood; "" where nothing is.
 *
 * @param {Clip} clip
 * @param {boolean} dark whether the picture is dark
 * @returns {ViewProblem | ""}
 */
export function viewProblem(clip, dark) {
  if (dark) return "dark";
  const frames = Array.from(clip.times, (_, t) => frameAt(clip, t));
  if (frames.length < 2) return "";
  const handless = frames.filter((frame) => !hasPart(frame, "left_hand") && !hasPart(frame, "right_hand"));
  if (isFar(frames, clip.aspect ?? 1)) return "far";
  if (handless.length > MOST_WITHOUT_HANDS * frames.length || handsLeave(frames)) return "hands";
  return frameRate(clip) < SLOW_RATE ? "fast" : "";
}
