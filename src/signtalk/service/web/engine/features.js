/**
 * From a raw clip to what the network reads; the same arithmetic as `signtalk.landmarks.features`, in its precision.
 *
 *   clip -> normaliseClip -> (T, L, C) -> resample -> (T', L, C) -> derive -> (T', F)
 *
 * `config` is the bundle's FeatureConfig of the preset "landmarks"; the prototype's preset is not exported.
 */

import {
  ClipError, duration, frameRate, LEFT_HAND_NAMES, NUM_LANDMARKS, positions, RIGHT_HAND_NAMES,
  shareSeen,
} from "./landmarks.js";
import { handColumns, NUM_HAND_COLUMNS } from "./handAngles.js";
import { median, roundHalfEven } from "./numbers.js";
import {
  BODY_NAMES, DEFAULT_FEATURES, FACE_POINT_NAMES, HAND_POINTS, LEAST_HAND_SHARE, MIN_BONE, MIN_PALM,
  MIN_SHOULDER_SHARE, MIN_SHOULDER_WIDTH, MOTION_RATE, POSE_HAND_NAMES, TIP_NAMES,
} from "./tables.js";

/** @import { Clip } from "./landmarks.js" */

/** @typedef {typeof DEFAULT_FEATURES} FeatureConfig */

/**
 * Chosen landmarks of a clip, in shoulder widths from the chest.
 *
 * @typedef {object} Points
 * @property {Float32Array} values (frames * landmarks * coordinates); NaN = missing
 * @property {number} frames
 * @property {number} landmarks
 * @property {number} coordinates 2 or 3
 */

/**
 * What the network reads of a clip.
 *
 * @typedef {object} ClipFeatures
 * @property {Float32Array} features (T' * F)
 * @property {Uint8Array} valid (T') 0 in padding
 * @property {number} numFrames T'
 * @property {number} numFeatures F
 * @property {number} motion see `signingSpeed`
 */

const HANDS = [LEFT_HAND_NAMES, RIGHT_HAND_NAMES];
const KNUCKLE = HAND_POINTS.indexOf("middle_mcp");

/**
 * The landmarks of a normalised clip, by name.
 *
 * @param {FeatureConfig} config
 */
export function layoutNames(config) {
  return [
    ...BODY_NAMES, ...(config.use_pose_hands ? POSE_HAND_NAMES : []),
    ...(config.use_hands ? [...LEFT_HAND_NAMES, ...RIGHT_HAND_NAMES] : []), ...(config.use_face ? FACE_POINT_NAMES : []),
  ];
}

/**
 * The whole way from a clip to what the network reads.
 *
 * @param {Clip} clip
 * @param {FeatureConfig} config
 * @returns {ClipFeatures}
 */
export function extractFeatures(clip, config) {
  const numFrames = clip.times.length;
  if (!numFrames) throw new ClipError("the clip has no frame");
  const { at, valid } = framePositions(numFrames, frameRate(clip), config);
  const points = resample(normaliseClip(clip, config), at);
  const { features, numFeatures } = derive(points, valid, config);
  return { features, valid, numFrames: valid.length, numFeatures, motion: signingSpeed(clip, config) };
}

/**
 * The chosen landmarks relative to the signer's chest, in shoulder widths.
 *
 * @param {Clip} clip
 * @param {FeatureConfig} config
 * @returns {Points}
 */
export function normaliseClip(clip, config) {
  const frames = clip.times.length, aspect = clip.aspect || 1;
  const coordinates = config.use_depth || config.use_hand_angles ? 3 : 2;
  const upright = Float64Array.from(clip.landmarks, (value, i) => (i % 3 === 1 ? value : value * aspect));
  if (config.frontal) faceCamera(upright, frames);
  const names = layoutNames(config);
  const shoulders = picked(upright, frames, positions(["left_shoulder", "right_shoulder"]), 3);
  bridgeGaps(shoulders, frames, 2, 3, frames);
  const width = Float64Array.from({ length: frames }, (_, t) =>
    Math.hypot(shoulders[6 * t] - shoulders[6 * t + 3], shoulders[6 * t + 1] - shoulders[6 * t + 4]));
  if (!width.some((each) => each > MIN_SHOULDER_WIDTH)) {
    throw new ClipError("no frame shows both shoulders, so there is no unit to measure in; film the upper body");
  }
  const typical = median(width), unit = Math.max(typical, Math.max(MIN_SHOULDER_WIDTH, MIN_SHOULDER_SHARE * typical));
  const chosen = picked(upright, frames, positions(names), coordinates);
  bridgeGaps(chosen, frames, names.length, coordinates, roundHalfEven(config.max_gap_s * frameRate(clip)));
  const values = new Float32Array(chosen.length);
  for (let t = 0, place = 0; t < frames; t++) {
    for (let l = 0; l < names.length; l++) {
      for (let c = 0; c < coordinates; c++, place++) {
        const origin = (shoulders[6 * t + c] + shoulders[6 * t + 3 + c]) / 2;
        const value = (chosen[place] - origin) / unit; // NaN stays NaN through min and max
        values[place] = Math.min(Math.max(value, -config.limit), config.limit);
      }
    }
  }
  return { values, frames, landmarks: names.length, coordinates };
}

/**
 * Turn all landmarks about the vertical axis so that the median line of the shoulders has no depth; in place.
 *
 * @param {Float64Array} upright (frames * 169 * 3)
 * @param {number} frames
 */
function faceCamera(upright, frames) {
  const [left, right] = positions(["left_shoulder", "right_shoulder"]);
  const across = [], deep = [];
  for (let t = 0; t < frames; t++) {
    const a = 3 * (NUM_LANDMARKS * t + left), b = 3 * (NUM_LANDMARKS * t + right);
    if ([0, 1, 2].some((c) => Number.isNaN(upright[a + c] - upright[b + c]))) continue;
    across.push(upright[a] - upright[b]);
    deep.push(upright[a + 2] - upright[b + 2]);
  }
  if (!across.length) return;
  const middle = median(across), angle = Math.atan2(median(deep) * Math.sign(middle), Math.abs(middle));
  const cos = Math.cos(angle), sin = Math.sin(angle);
  for (let i = 0; i < upright.length; i += 3) {
    const x = upright[i], z = upright[i + 2];
    upright[i] = cos * x + sin * z;
    upright[i + 2] = cos * z - sin * x;
  }
}

/**
 * @param {Float64Array} upright (frames * 169 * 3)
 * @param {number} frames
 * @param {number[]} places
 * @param {number} coordinates
 */
function picked(upright, frames, places, coordinates) {
  const values = new Float64Array(frames * places.length * coordinates);
  let place = 0;
  for (let t = 0; t < frames; t++) {
    for (const landmark of places) {
      for (let c = 0; c < coordinates; c++) values[place++] = upright[3 * (NUM_LANDMARKS * t + landmark) + c];
    }
  }
  return values;
}

/**
 * Fill runs of at most `maxGap` missing frames of each landmark linearly, at the ends by the nearest; in place.
 *
 * @param {Float64Array} values
 * @param {number} frames
 * @param {number} landmarks
 * @param {number} coordinates
 * @param {number} maxGap
 */
export function bridgeGaps(values, frames, landmarks, coordinates, maxGap) {
  if (maxGap < 1) return;
  const row = landmarks * coordinates;
  for (let l = 0; l < landmarks; l++) {
    const at = (/** @type {number} */ t, /** @type {number} */ c) => row * t + coordinates * l + c;
    const missing = (/** @type {number} */ t) => Number.isNaN(values[at(t, 0)]);
    for (let t = 0; t < frames; t++) {
      if (!missing(t)) continue;
      const before = t - 1;
      let after = t;
      while (after < frames && missing(after)) after += 1;
      if (after - t <= maxGap && (before >= 0 || after < frames)) {
        const left = before < 0 ? after : before, right = after >= frames ? before : after;
        for (let hole = t; hole < after; hole++) {
          const weight = (hole - left) / Math.max(right - left, 1);
          for (let c = 0; c < coordinates; c++) {
            values[at(hole, c)] = values[at(left, c)] * (1 - weight) + values[at(right, c)] * weight;
          }
        }
      }
      t = after;
    }
  }
}

/**
 * Which moments of a clip the network sees: {at: Float64Array (T') frame positions, valid: Uint8Array (T')}.
 *
 * @param {number} numFrames
 * @param {number} fps
 * @param {FeatureConfig} config
 */
export function framePositions(numFrames, fps, config) {
  const total = config.num_frames, last = numFrames - 1;
  let kept = total, start = 0, scale = 1;
  if (config.resampling === "rate") {
    kept = Math.min(Math.max(roundHalfEven((numFrames / fps) * config.target_fps), 1), total);
  } else if (config.resampling === "crop") {
    kept = Math.min(numFrames, total);
    start = Math.floor((numFrames - kept) / 2);
  }
  if (config.resampling !== "crop") scale = last / Math.max(kept - 1, 1);
  const at = Float64Array.from({ length: total }, (_, step) => Math.min(start + step * scale, last));
  return { at, valid: Uint8Array.from({ length: total }, (_, step) => (step < kept ? 1 : 0)) };
}

/**
 * Read a normalised clip at fractional frame positions; where a neighbour is missing the nearer one decides alone.
 *
 * @param {Points} points
 * @param {Float64Array} at
 * @returns {Points}
 */
export function resample(points, at) {
  const row = points.landmarks * points.coordinates, values = new Float32Array(at.length * row);
  at.forEach((position, t) => {
    const low = Math.floor(position), high = Math.ceil(position), weight = Math.fround(position - low);
    for (let i = 0; i < row; i++) {
      const first = points.values[low * row + i], second = points.values[high * row + i];
      const mixed = Math.fround(first + Math.fround(Math.fround(second - first) * weight));
      values[t * row + i] = Number.isNaN(mixed) ? (weight < 0.5 ? first : second) : mixed;
    }
  });
  return { ...points, values, frames: at.length };
}

/**
 * The network's columns of resampled landmarks: {features: Float32Array (T' * F), numFeatures: F}.
 *
 * @param {Points} deep
 * @param {Uint8Array} valid
 * @param {FeatureConfig} config
 */
export function derive(deep, valid, config) {
  const { frames } = deep, names = layoutNames(config), place = new Map(names.map((n, i) => [n, i]));
  const at = (/** @type {string} */ name) => place.get(name) ?? NaN; // NaN reads undefined, which is not there
  const whole = deep.landmarks * deep.coordinates;
  for (let t = 0; t < frames; t++) if (!valid[t]) deep.values.fill(NaN, t * whole, (t + 1) * whole);
  const bent = config.use_hand_angles ? HANDS.map((hand, side) => handColumns(deep, at(hand[0]), side === 0)) : [];
  const points = config.use_depth || deep.coordinates === 2 ? deep : flattened(deep);
  const { coordinates } = points, own = points.landmarks * coordinates;
  const blocks = [points.values];
  if (config.use_hand_local) {
    for (const hand of HANDS) blocks.push(handLocal(points, at(hand[0])));
  }
  if (config.use_bones) blocks.push(boneDirections(points, place));
  const stacked = joinedColumns(blocks, frames), wide = stacked.length / frames;
  const parts = [BODY_NAMES, ...(config.use_hands ? HANDS : []), ...(config.use_face ? [FACE_POINT_NAMES] : [])];
  const motion = frameMotion(points, names), centre = config.use_centred ? meanOverFrames(points) : null;
  const numFeatures =
    wide * (1 + config.num_differences) + (centre?.length ?? 0) + bent.length * NUM_HAND_COLUMNS + parts.length + 1;
  const features = new Float32Array(frames * numFeatures);
  for (let t = 0; t < frames; t++) {
    let column = t * numFeatures;
    for (let step = 0; step <= config.num_differences; step++) {
      for (let i = 0; i < wide; i++, column++) {
        if (step && t + step >= frames) continue;
        const value = step ? stacked[(t + step) * wide + i] - stacked[t * wide + i] : stacked[t * wide + i];
        features[column] = Number.isNaN(value) ? 0 : value;
      }
    }
    centre?.forEach((mean, i) => {
      const value = points.values[t * own + i] - mean;
      features[column++] = Number.isNaN(value) ? 0 : value;
    });
    for (const hand of bent) {
      for (let i = t * NUM_HAND_COLUMNS; i < (t + 1) * NUM_HAND_COLUMNS; i++) {
        features[column++] = Number.isNaN(hand[i]) ? 0 : hand[i];
      }
    }
    for (const part of parts) {
      const seen = part.some((name) => !Number.isNaN(points.values[t * own + coordinates * at(name)]));
      features[column++] = seen ? 1 : 0;
    }
    features[column] = motion[t];
  }
  return { features, numFeatures };
}

/**
 * (L * C) the mean of each coordinate over the frames that show it; 0 where none does.
 *
 * @param {Points} points
 */
function meanOverFrames({ values, frames, landmarks, coordinates }) {
  const own = landmarks * coordinates, sums = new Float64Array(own), counts = new Float64Array(own);
  for (let i = 0; i < frames * own; i++) {
    if (Number.isNaN(values[i])) continue;
    sums[i % own] += values[i];
    counts[i % own]++;
  }
  return sums.map((sum, i) => sum / Math.max(counts[i], 1));
}

/**
 * The points without their depth.
 *
 * @param {Points} points
 * @returns {Points}
 */
function flattened(points) {
  return { ...points, values: points.values.filter((_, i) => i % 3 !== 2), coordinates: 2 };
}

/**
 * @param {Float32Array[]} blocks
 * @param {number} frames
 */
function joinedColumns(blocks, frames) {
  const widths = blocks.map((block) => block.length / frames), wide = widths.reduce((a, b) => a + b, 0);
  const joined = new Float32Array(frames * wide);
  for (let t = 0; t < frames; t++) {
    let place = t * wide;
    blocks.forEach((block, b) => {
      joined.set(block.subarray(t * widths[b], (t + 1) * widths[b]), place);
      place += widths[b];
    });
  }
  return joined;
}

/**
 * (T', 21, C) a hand relative to its wrist, in the clip's mean palm length.
 *
 * @param {Points} points
 * @param {number} first place of its wrist
 */
function handLocal(points, first) {
  const { values, frames, landmarks, coordinates } = points, count = LEFT_HAND_NAMES.length;
  const local = new Float32Array(frames * count * coordinates);
  let sum = 0, seen = 0;
  for (let t = 0; t < frames; t++) {
    const wrist = coordinates * (landmarks * t + first);
    for (let i = 0; i < count * coordinates; i++) {
      local[t * count * coordinates + i] = values[wrist + i] - values[wrist + (i % coordinates)];
    }
    const knuckle = coordinates * (count * t + KNUCKLE); // wrist to the middle finger's knuckle
    const palm = Math.hypot(...local.subarray(knuckle, knuckle + coordinates));
    if (!Number.isNaN(palm)) {
      sum += palm;
      seen += 1;
    }
  }
  const unit = Math.max(Math.fround(sum / Math.max(seen, 1)), Math.fround(MIN_PALM));
  return local.map((value) => value / unit);
}

/**
 * (T', J, C) unit vectors along the bones of the arms.
 *
 * @param {Points} points
 * @param {Map<string, number>} place of each landmark
 */
function boneDirections(points, place) {
  const { values, frames, landmarks, coordinates } = points;
  const joints = ["shoulder", "elbow", "wrist", "index"];
  const bones = ["left", "right"].flatMap((side) => joints.slice(1).map((joint, i) => [
    place.get(`${side}_${joints[i]}`), place.get(`${side}_${joint}`),
  ])).filter((ends) => ends.every((end) => end !== undefined));
  const along = new Float32Array(frames * bones.length * coordinates);
  for (let t = 0; t < frames; t++) {
    bones.forEach(([from, to], bone) => {
      const start = coordinates * (bones.length * t + bone);
      const [tail, head] = [from, to].map((end) => coordinates * (landmarks * t + end));
      for (let c = 0; c < coordinates; c++) along[start + c] = values[head + c] - values[tail + c];
      const vector = along.subarray(start, start + coordinates);
      const length = Math.max(Math.fround(Math.hypot(...vector)), Math.fround(MIN_BONE)); // NaN stays NaN
      for (let c = 0; c < coordinates; c++) vector[c] /= length;
    });
  }
  return along;
}

/**
 * (T') movement of the hand that moves most since the frame before; 0 where it cannot be seen.
 *
 * @param {Points} points
 * @param {string[]} names
 */
function frameMotion(points, names) {
  const { values, frames, landmarks, coordinates } = points;
  const sides = ["left", "right"].map((side) => [`${side}_wrist`, ...TIP_NAMES.map((tip) => `${side}_hand_${tip}`)])
    .map((moving) => moving.map((name) => names.indexOf(name)).filter((place) => place >= 0));
  const motion = new Float32Array(frames);
  for (let t = 1; t < frames; t++) {
    for (const side of sides) {
      let sum = 0, seen = 0;
      for (const landmark of side) {
        const now = coordinates * (landmarks * t + landmark), before = now - coordinates * landmarks;
        const step = Math.hypot(values[now] - values[before], values[now + 1] - values[before + 1]);
        if (Number.isNaN(step)) continue;
        sum += step;
        seen += 1;
      }
      motion[t] = Math.max(motion[t], sum / Math.max(seen, 1));
    }
  }
  return motion;
}

/**
 * Mean speed of the hand that moves most, in shoulder widths a second, compared ten times a second.
 *
 * @param {Clip} clip
 */
function motionEnergy(clip) {
  const points = normaliseClip(clip, DEFAULT_FEATURES), last = clip.times.length - 1;
  const numSteps = Math.max(roundHalfEven((last / frameRate(clip)) * MOTION_RATE), 1);
  const at = Float64Array.from({ length: numSteps + 1 }, (_, i) => (i === numSteps ? last : i * (last / numSteps)));
  const moved = frameMotion(resample(points, at), layoutNames(DEFAULT_FEATURES));
  return moved.reduce((sum, each) => sum + each, 0) / Math.max(duration(clip), 1e-3);
}

/**
 * Part of the frames that show a hand; for a network that reads the body alone, a wrist.
 *
 * @param {Clip} clip
 * @param {FeatureConfig} config
 */
export function handShare(clip, config) {
  const hands = [...LEFT_HAND_NAMES, ...RIGHT_HAND_NAMES];
  return shareSeen(clip, config.use_hands ? hands : ["left_wrist", "right_wrist"]);
}

/**
 * Mean hand speed, shoulder widths a second; 0 with hands in too few frames for a network that reads them.
 *
 * @param {Clip} clip
 * @param {FeatureConfig} config
 */
function signingSpeed(clip, config) {
  return handShare(clip, config) >= LEAST_HAND_SHARE ? motionEnergy(clip) : 0;
}
