/**
 * What a landmark is called, and what frames and clips of landmarks are.
 *
 * Coordinates: x right in image widths, y down in image heights, z; raw and not mirrored. What was not detected is NaN
 * in all three. How frames and clips travel: wire.js.
 */

import {
  DEFAULT_FPS, FACE_INDICES, HAND_POINTS, MAX_ASPECT, MAX_COORDINATE, MAX_FRAMES, MIN_ASPECT, PARTS, POSE_NAMES,
} from "./tables.js";

/**
 * One moment of a person.
 *
 * @typedef {object} Frame
 * @property {number} timeS seconds
 * @property {Float32Array} landmarks (169 * 3)
 * @property {Float32Array} visibility (33) of the pose, 0 to 1; NaN where it is not known
 */

/**
 * Frames one after the other.
 *
 * @typedef {object} Clip
 * @property {number | null} aspect image width over height; null = not known
 * @property {Float64Array} times (T) seconds
 * @property {Float32Array} landmarks (T * 169 * 3)
 * @property {Float32Array} visibility (T * 33)
 */

/** @typedef {keyof typeof PARTS} Part */

/** @typedef {{x: number, y: number, z: number, visibility?: number}} Point */

/**
 * What MediaPipe's HolisticLandmarker gives, as far as it is read here.
 *
 * @typedef {{[name in "poseLandmarks" | "leftHandLandmarks" | "rightHandLandmarks" | "faceLandmarks"]?: Point[][]}}
 *   HolisticResult
 */

export const LEFT_HAND_NAMES = HAND_POINTS.map((name) => `left_hand_${name}`);
export const RIGHT_HAND_NAMES = HAND_POINTS.map((name) => `right_hand_${name}`);
/** The 169 landmarks: pose 33, left hand 21, right hand 21, face 94. */
export const NAMES = [
  ...POSE_NAMES, ...LEFT_HAND_NAMES, ...RIGHT_HAND_NAMES, ...FACE_INDICES.map((i) => `face_${i}`),
];
export const NUM_LANDMARKS = NAMES.length;
export const NUM_POSE = POSE_NAMES.length;

const PLACES = new Map(NAMES.map((name, i) => [name, i]));

/** A clip that cannot be used; its message can be shown. */
export class ClipError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "ClipError";
  }
}

/**
 * Places of names among the 169.
 *
 * @param {string[]} names
 */
export function positions(names) {
  return names.map((name) => {
    const place = PLACES.get(name);
    if (place === undefined) throw new Error(`no landmark is called '${name}'`);
    return place;
  });
}

/**
 * A frame in which nothing was detected.
 *
 * @param {number} timeS
 * @returns {Frame}
 */
export function emptyFrame(timeS) {
  return {
    timeS,
    landmarks: new Float32Array(3 * NUM_LANDMARKS).fill(NaN),
    visibility: new Float32Array(NUM_POSE).fill(NaN),
  };
}

/**
 * A frame of what MediaPipe gives; a part with fewer points than it should have is missing as a whole.
 *
 * @param {HolisticResult} result
 * @param {number} timeS
 */
export function frameFromHolistic(result, timeS) {
  const frame = emptyFrame(timeS), face = result.faceLandmarks?.[0] ?? [];
  const last = FACE_INDICES[FACE_INDICES.length - 1];
  setPart(frame, "pose", result.poseLandmarks?.[0] ?? []);
  setPart(frame, "left_hand", result.leftHandLandmarks?.[0] ?? []);
  setPart(frame, "right_hand", result.rightHandLandmarks?.[0] ?? []);
  setPart(frame, "face", face.length > last ? FACE_INDICES.map((i) => face[i]) : []);
  return frame;
}

/**
 * @param {Frame} frame
 * @param {Part} part
 * @param {Point[]} points
 */
function setPart(frame, part, points) {
  const [from, to] = PARTS[part];
  if (points.length < to - from) return;
  for (let i = 0; i < to - from; i++) {
    const { x, y, z, visibility } = points[i];
    frame.landmarks.set([x, y, z], 3 * (from + i));
    if (part === "pose") frame.visibility[i] = Math.min(1, Math.max(0, visibility ?? NaN)); // NaN stays NaN
  }
}

/**
 * Whether a part was detected in a frame.
 *
 * @param {Frame} frame
 * @param {Part} part
 */
export function hasPart(frame, part) {
  return !Number.isNaN(frame.landmarks[3 * PARTS[part][0]]);
}

/**
 * A clip without content, to be filled.
 *
 * @param {number} numFrames
 * @param {number | null} aspect
 * @returns {Clip}
 */
export function emptyClip(numFrames, aspect) {
  return {
    aspect,
    times: new Float64Array(numFrames),
    landmarks: new Float32Array(numFrames * NUM_LANDMARKS * 3).fill(NaN),
    visibility: new Float32Array(numFrames * NUM_POSE).fill(NaN),
  };
}

/**
 * A clip of frames, as they are; whoever computes with it calls `checkedClip`.
 *
 * @param {Frame[]} frames
 * @param {number | null} [aspect]
 */
export function clipFromFrames(frames, aspect = null) {
  const clip = emptyClip(frames.length, aspect);
  frames.forEach((frame, t) => {
    clip.times[t] = frame.timeS;
    clip.landmarks.set(frame.landmarks, 3 * NUM_LANDMARKS * t);
    clip.visibility.set(frame.visibility, NUM_POSE * t);
  });
  return clip;
}

/**
 * Frame t of a clip; its arrays are views of the clip's.
 *
 * @param {Clip} clip
 * @param {number} t
 * @returns {Frame}
 */
export function frameAt(clip, t) {
  return {
    timeS: clip.times[t],
    landmarks: clip.landmarks.subarray(3 * NUM_LANDMARKS * t, 3 * NUM_LANDMARKS * (t + 1)),
    visibility: clip.visibility.subarray(NUM_POSE * t, NUM_POSE * (t + 1)),
  };
}

/**
 * Refuse what Python refuses, and make a point that is partly missing wholly missing; gives the clip.
 *
 * @param {Clip} clip
 */
export function checkedClip(clip) {
  const { times, landmarks, aspect } = clip, numFrames = times.length;
  if (!numFrames) throw new ClipError("the clip has no frame");
  if (numFrames > MAX_FRAMES) throw new ClipError(`${numFrames} frames; expected 1 to ${MAX_FRAMES}`);
  if (aspect !== null && !(aspect > MIN_ASPECT && aspect < MAX_ASPECT)) {
    throw new ClipError(`image aspect ${aspect}; expected width / height between ${MIN_ASPECT} and ${MAX_ASPECT}`);
  }
  for (let t = 0; t < numFrames; t++) {
    if (!Number.isFinite(times[t]) || (t && times[t] <= times[t - 1])) {
      throw new ClipError("timestamps do not increase from frame to frame");
    }
  }
  let seen = false;
  for (let i = 0; i < landmarks.length; i += 3) {
    const [x, y, z] = landmarks.subarray(i, i + 3);
    if (Number.isNaN(x) || Number.isNaN(y) || Number.isNaN(z)) landmarks.fill(NaN, i, i + 3);
    else if (Math.max(Math.abs(x), Math.abs(y), Math.abs(z)) > MAX_COORDINATE) {
      throw new ClipError(`infinite or absurd coordinates (beyond ${MAX_COORDINATE})`);
    } else seen = true;
  }
  if (!seen) throw new ClipError(`nothing was detected in any of its ${numFrames} frames`);
  return clip;
}

/**
 * Seconds covered, the last frame counted as long as a mean one.
 *
 * @param {Clip} clip
 */
export function duration({ times }) {
  const numFrames = times.length;
  if (numFrames < 2) return numFrames / DEFAULT_FPS;
  return ((times[numFrames - 1] - times[0]) * numFrames) / (numFrames - 1);
}

/**
 * Mean frames a second.
 *
 * @param {Clip} clip
 */
export function frameRate(clip) {
  return clip.times.length / duration(clip);
}

/**
 * Share of the frames that show any point of these names, 0-1.
 *
 * @param {Clip} clip
 * @param {string[]} names
 */
export function shareSeen(clip, names) {
  const places = positions(names), numFrames = clip.times.length;
  let seen = 0;
  for (let t = 0; t < numFrames; t++) {
    if (places.some((place) => !Number.isNaN(clip.landmarks[3 * (NUM_LANDMARKS * t + place)]))) seen += 1;
  }
  return seen / numFrames;
}
