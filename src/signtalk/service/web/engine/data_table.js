/**
 * Rows of the table of a data folder (`signtalk.data.manifest`): a saved collection that was unpacked is such a folder.
 *
 *   take, clip -> rowOf -> the cells of TABLE_COLUMNS
 *
 * The figures are those of `describe_clip`: of the prototype's rows, its faults included, so that all tables compare.
 */

import { frameRate, NAMES, NUM_LANDMARKS, positions, shareSeen } from "./landmarks.js";
import { CLIPS_FOLDER, DEFAULT_SMOOTHING_ALPHA, MIN_SPAN, MIN_TORSO, PROTOTYPE_COLUMNS, TORSO_NAMES } from "./tables.js";

/** @import { Clip } from "./landmarks.js" */
/** @import { Take } from "./takes.js" */

const WIDTH = 3 * NUM_LANDMARKS;
const TORSO = positions([...TORSO_NAMES]);

/**
 * The cells of a clip's row by column; its session is the day.
 *
 * @param {Take} take
 * @param {Clip} clip
 * @param {string} name of the clip's file
 * @returns {Record<string, string | number>}
 */
export function rowOf(take, clip, name) {
  return {
    video_file: `${take.clip_id}.mp4`, feature_path: `${CLIPS_FOLDER}/${name}`, frame_feature_dim: PROTOTYPE_COLUMNS,
    ...figuresOf(clip), sentence_id: take.sentence_id, sentence: take.sentence, category: take.category,
    text_variations: JSON.stringify([take.sentence]), signer: take.signer_id, session: take.date, fps: frameRate(clip),
    is_idle: 0, smoothing_alpha: DEFAULT_SMOOTHING_ALPHA,
  };
}

/** @param {Clip} clip */
function figuresOf(clip) {
  const { visibility } = clip, numFrames = clip.times.length;
  const scores = visibility.map((score) => (Number.isNaN(score) ? 0 : score));
  const motions = motionsOf(clip), inOrder = [...motions].sort((a, b) => a - b);
  return {
    num_frames: numFrames, detection_ratio: shareSeen(clip, NAMES),
    mean_visibility: visibility.every(Number.isNaN) ? "" : mean(scores), motion_mean: mean(motions),
    motion_p50: percentile(inOrder, 50), motion_p95: percentile(inOrder, 95), motion_max: inOrder[numFrames - 1],
  };
}

/**
 * How far all points moved since the frame before, in the torso frame and smoothed as the prototype did; the first 0.
 *
 * @param {Clip} clip
 */
function motionsOf({ landmarks, times }) {
  const motions = [0];
  let before = inTorsoFrame(landmarks.subarray(0, WIDTH));
  for (let t = 1; t < times.length; t++) {
    const points = inTorsoFrame(landmarks.subarray(WIDTH * t, WIDTH * (t + 1)));
    let squares = 0;
    for (let i = 0; i < WIDTH; i++) {
      points[i] = DEFAULT_SMOOTHING_ALPHA * points[i] + (1 - DEFAULT_SMOOTHING_ALPHA) * before[i];
      squares += (points[i] - before[i]) ** 2;
    }
    motions.push(Math.sqrt(squares));
    before = points;
  }
  return motions;
}

/**
 * The points of a frame around the middle of the torso, in units of it; what was not seen is 0 before that.
 *
 * @param {Float32Array} frame
 */
function inTorsoFrame(frame) {
  const points = frame.map((value) => (Number.isNaN(value) ? 0 : value));
  const [leftShoulder, rightShoulder, leftHip, rightHip] = TORSO.map((place) => [...points.subarray(3 * place, 3 * place + 3)]);
  const torso = [leftShoulder, rightShoulder, leftHip, rightHip];
  if (!(Math.hypot(...torso.flat()) > MIN_TORSO)) return points;
  const centre = middle(torso);
  const spans = [
    distance(leftShoulder, rightShoulder), distance(leftHip, rightHip),
    distance(middle([leftShoulder, rightShoulder]), middle([leftHip, rightHip])),
  ].filter((span) => span > MIN_SPAN).sort((a, b) => a - b);
  const unit = spans.length ? percentile(spans, 50) : 1;
  return points.map((value, i) => (value - centre[i % 3]) / unit);
}

/** @param {number[][]} points */
function middle(points) {
  return [0, 1, 2].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function distance(a, b) {
  return Math.hypot(...a.map((value, axis) => value - b[axis]));
}

/** @param {ArrayLike<number>} values */
function mean(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/**
 * @param {number[]} inOrder
 * @param {number} percent
 */
function percentile(inOrder, percent) {
  const place = ((inOrder.length - 1) * percent) / 100, low = Math.floor(place);
  return inOrder[low] + (place - low) * ((inOrder[low + 1] ?? inOrder[low]) - inOrder[low]);
}
