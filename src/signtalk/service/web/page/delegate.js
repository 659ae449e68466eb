// Whether landmarks are found by the graphics card or by the processor: the card where it is faster and finds the same.
// Pure.

import { hasPart, positions } from "../engine/landmarks.js";
import { PARTS } from "../engine/tables.js";

/** @import { Frame, Part } from "../engine/landmarks.js" */

/** @typedef {"CPU" | "GPU"} Delegate as MediaPipe calls them */
/** @typedef {"none" | "failed" | "differs" | "slower" | "used"} GpuReason why the card is used, or is not */
/** @typedef {{frame: Frame, tookMs: number}} Look what was found in a picture, and how long that took */

export const NUM_COMPARED = 10; // pictures with a person
const FASTER = 0.85; // of the processor's time: less is not worth the change
const MOST_APART = 0.05; // shoulder widths: half a finger; a card that MediaPipe was tried on was 0.008 apart
const LEAST_ALIKE = 0.8; // share of the pictures in which both see the same hands

const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render|^$/i;
const [LEFT_SHOULDER, RIGHT_SHOULDER] = positions(["left_shoulder", "right_shoulder"]);
const ARMS = positions(["left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"]);
const HANDS = /** @type {Part[]} */ (["left_hand", "right_hand"]);
const COMPARED = [...ARMS, ...HANDS.flatMap((part) => Array.from({ length: PARTS[part][1] - PARTS[part][0] }, (_, i) => PARTS[part][0] + i))];

/**
 * Whether what draws is a graphics card, and no program that stands in for one.
 *
 * @param {string} renderer as WebGL names it; "" = there is none
 */
export function isCard(renderer) {
  return !SOFTWARE.test(renderer);
}

/**
 * Which of the two is to be used, of what both found in the same pictures.
 *
 * @param {{cpu: Look, gpu: Look}[]} pairs
 * @param {number} aspect of the pictures
 * @returns {GpuReason}
 */
export function judge(pairs, aspect) {
  const alike = pairs.filter(({ cpu, gpu }) => HANDS.every((part) => hasPart(cpu.frame, part) === hasPart(gpu.frame, part)));
  const distances = pairs.flatMap(({ cpu, gpu }) => apart(cpu.frame, gpu.frame, aspect));
  if (alike.length < LEAST_ALIKE * pairs.length || !(median(distances) <= MOST_APART)) return "differs";
  const times = (/** @type {"cpu" | "gpu"} */ side) => median(pairs.map((pair) => pair[side].tookMs));
  return times("gpu") <= FASTER * times("cpu") ? "used" : "slower";
}

/**
 * How far the points of arms and hands lie apart that both have, in shoulder widths.
 *
 * @param {Frame} one
 * @param {Frame} other
 * @param {number} aspect
 */
function apart({ landmarks: one }, { landmarks: other }, aspect) {
  const far = (/** @type {Float32Array} */ a, /** @type {number} */ i, /** @type {Float32Array} */ b, /** @type {number} */ j) => (
    Math.hypot((a[3 * i] - b[3 * j]) * aspect, a[3 * i + 1] - b[3 * j + 1])
  );
  const width = far(one, LEFT_SHOULDER, one, RIGHT_SHOULDER);
  return COMPARED.map((i) => far(one, i, other, i) / width).filter((distance) => !Number.isNaN(distance));
}

/** @param {number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
