/**
 * What a person before a camera cannot look like (`signtalk.landmarks.plausible`). Units, orders and times of files are
 * not looked at: the page's own landmarker gives those as they are.
 */

import { NUM_LANDMARKS, positions } from "./landmarks.js";
import { median } from "./numbers.js";
import { HANDS_APART, HANDS_ELSEWHERE, HANDS_EXCHANGED, HEAD_OVER_SHOULDERS, PARTS, POSE_NAMES } from "./tables.js";

/** @import { Clip } from "./landmarks.js" */

/** @typedef {{kind: string, message: string, isHopeless: boolean}} Implausibility */
/** @typedef {[number, number]} Place of a point, in picture heights */

const SHOULDERS = positions(["left_shoulder", "right_shoulder"]), HIPS = positions(["left_hip", "right_hip"]);
const HEAD = POSE_NAMES.slice(0, POSE_NAMES.indexOf("mouth_right") + 1).map((_, i) => i);

/** @type {(place: Place) => boolean} */
const isSeen = ([x, y]) => Number.isFinite(x) && Number.isFinite(y);

/** @type {(a: Place, b: Place) => Place} */
const difference = (a, b) => [a[0] - b[0], a[1] - b[1]];

/** @type {(a: Place, b: Place) => number} */
const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/**
 * @param {string} kind
 * @param {string} message
 * @param {boolean} isHopeless
 */
const doubt = (kind, message, isHopeless) => ({ kind, message, isHopeless });

/**
 * What is odd about how a person stands and where the hands are; none for a usual clip.
 *
 * @param {Clip} clip
 * @returns {Implausibility[]}
 */
export function implausibilities(clip) {
  const frames = Array.from(clip.times, (_, t) => t);
  /** @type {(t: number, point: number) => Place} */
  const place = (t, point) => {
    const start = 3 * (t * NUM_LANDMARKS + point);
    return [clip.landmarks[start] * (clip.aspect ?? 1), clip.landmarks[start + 1]];
  };
  const width = medianOf(frames.map((t) => distance(place(t, SHOULDERS[0]), place(t, SHOULDERS[1]))));
  if (!(width > 0)) {
    return [doubt("no_shoulders", "no frame shows both shoulders, by which all is measured; film the upper body", true)];
  }
  const middles = frames.map((t) => mean(SHOULDERS.map((point) => place(t, point))));
  const across = frames.map((t) => difference(place(t, SHOULDERS[0]), place(t, SHOULDERS[1])));
  const heads = frames.map((t) => mean(HEAD.map((point) => place(t, point)).filter(isSeen)));
  const hips = frames.map((t) => mean(HIPS.map((point) => place(t, point))));
  const up = [upwards(middles, heads, width), upwards(hips, middles, width)].find(isSeen);
  const doubts = up ? standing(up, across) : [];
  for (const [side, other] of [["left", "right"], ["right", "left"]]) {
    const [from, to] = PARTS[side === "left" ? "left_hand" : "right_hand"];
    const wrists = frames.map((t) => {
      const points = Array.from({ length: to - from }, (_, i) => place(t, from + i));
      return isSeen(points[0]) ? points[0] : mean(points.filter(isSeen));
    });
    const [own, others] = [side, other].map((name) => {
      const [wrist] = positions([`${name}_wrist`]);
      return medianOf(frames.map((t) => distance(wrists[t], place(t, wrist)))) / width;
    });
    if (own > HANDS_EXCHANGED && others < own / 2) {
      doubts.push(doubt("hands_exchanged", `the ${side} hand lies at the ${other} wrist of the body`, false));
    } else if (own > HANDS_APART) {
      const message = `the ${side} hand lies ${own.toFixed(1)} shoulder widths from the ${side} wrist of the body; see `
        + "whether another person's hand was in the picture";
      doubts.push(doubt("hands_apart", message, own > HANDS_ELSEWHERE));
    }
  }
  return doubts;
}

/**
 * @param {Place} up from the shoulders to the head, shoulder widths
 * @param {Place[]} across from the right shoulder to the left one, a frame each
 */
function standing(up, across) {
  const [wide, high] = [0, 1].map((axis) => medianOf(across.map((each) => Math.abs(each[axis]))));
  if (Math.abs(up[0]) > 2 * Math.abs(up[1]) && high > 2 * wide) {
    return [doubt("on_its_side", "the person lies on the side; turn the camera by a quarter, unless it is so", false)];
  }
  if (up[1] < -HEAD_OVER_SHOULDERS) {
    return [doubt("upside_down", "the person is upside down; turn the camera", true)];
  }
  return medianOf(across.map(([x]) => x)) < 0
    ? [doubt("mirrored", "the left shoulder lies left of the right one; the camera mirrors its picture", false)] : [];
}

/**
 * @param {Place[]} below
 * @param {Place[]} above
 * @param {number} width
 * @returns {Place}
 */
function upwards(below, above, width) {
  const rise = below.map((each, t) => difference(each, above[t]));
  return [medianOf(rise.map(([x]) => x)) / width, medianOf(rise.map(([, y]) => y)) / width];
}

/**
 * @param {Place[]} places
 * @returns {Place} NaN of none
 */
function mean(places) {
  const sum = places.reduce((total, each) => [total[0] + each[0], total[1] + each[1]], [0, 0]);
  return [sum[0] / places.length, sum[1] / places.length];
}

/**
 * Of what is known; NaN where nothing is.
 *
 * @param {number[]} values
 */
function medianOf(values) {
  const known = values.filter(Number.isFinite);
  return known.length ? median(known) : NaN;
}
