/**
 * What a landmark is called, what a clip of landmarks is, and how it travels.
 *
 * A clip is {aspect, times, landmarks, visibility}: image width over height or null; Float64Array (T) seconds;
 * Float32Array (T * 169 * 3), x right in image widths, y down in image heights, z; Float32Array (T * 33).
 * What was not detected is NaN in all three coordinates.
 */

const POSE = [
  "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
  "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
  "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
  "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
  "left_heel", "right_heel", "left_foot_index", "right_foot_index",
];
const FINGERS = ["index", "middle", "ring", "pinky"].flatMap((finger) =>
  ["mcp", "pip", "dip", "tip"].map((joint) => `${finger}_${joint}`));
const HAND = ["wrist", "thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip", ...FINGERS];

export const LEFT_HAND_NAMES = HAND.map((name) => `left_hand_${name}`);
export const RIGHT_HAND_NAMES = HAND.map((name) => `right_hand_${name}`);
/** The face mesh points that are kept: every fifth of 468. */
export const FACE_INDICES = Array.from({ length: 94 }, (_, i) => 5 * i);
/** The 169 landmarks: pose 33, left hand 21, right hand 21, face 94. */
export const NAMES = [...POSE, ...LEFT_HAND_NAMES, ...RIGHT_HAND_NAMES, ...FACE_INDICES.map((i) => `face_${i}`)];
export const NUM_LANDMARKS = NAMES.length;
export const NUM_POSE = POSE.length;
/** Where each part begins and how many points it has. */
export const PARTS = { pose: [0, 33], left_hand: [33, 21], right_hand: [54, 21], face: [75, 94] };
export const FRAME_BYTES = 8 + 4 * (3 * NUM_LANDMARKS + NUM_POSE);

const INDEX = new Map(NAMES.map((name, i) => [name, i]));
const HEADER_BYTES = 12;
const MAGIC = 0x31544753; // "SGT1", little-endian
const MAX_COORDINATE = 1e4;
const MAX_FRAMES = 20000;
const DEFAULT_FPS = 30;

/** A clip that cannot be used; its message can be shown. */
export class ClipError extends Error {
  constructor(message) {
    super(message);
    this.name = "ClipError";
  }
}

/** Places of names among the 169. */
export function positions(names) {
  return names.map((name) => INDEX.get(name));
}

/** One frame from what MediaPipe's HolisticLandmarker gives: {landmarks: Float32Array (507), visibility: (33)}. */
export function frameFromHolistic(result) {
  const landmarks = new Float32Array(3 * NUM_LANDMARKS).fill(NaN), visibility = new Float32Array(NUM_POSE).fill(NaN);
  const found = {
    pose: result.poseLandmarks?.[0], left_hand: result.leftHandLandmarks?.[0],
    right_hand: result.rightHandLandmarks?.[0], face: result.faceLandmarks?.[0],
  };
  for (const [part, [first, count]] of Object.entries(PARTS)) {
    const points = found[part];
    if (!points?.length) continue;
    for (let i = 0; i < count; i++) {
      const point = points[part === "face" ? FACE_INDICES[i] : i];
      landmarks.set([point.x, point.y, point.z], 3 * (first + i));
      if (part === "pose") visibility[i] = point.visibility ?? NaN;
    }
  }
  return { landmarks, visibility };
}

/** A clip of frames as `frameFromHolistic` gives them, and their times in seconds. */
export function clipFromFrames(frames, times, aspect = null) {
  const clip = emptyClip(frames.length, aspect);
  frames.forEach((frame, t) => {
    clip.times[t] = times[t];
    clip.landmarks.set(frame.landmarks, 3 * NUM_LANDMARKS * t);
    clip.visibility.set(frame.visibility, NUM_POSE * t);
  });
  return checkedClip(clip);
}

/** A clip as the service takes it in JSON. */
export function clipFromJson(content) {
  if (!Array.isArray(content?.frames)) throw new ClipError("a clip without a list of frames");
  const clip = emptyClip(content.frames.length, content.aspect ?? null);
  content.frames.forEach((frame, t) => {
    clip.times[t] = frame.time_s;
    for (const [part, [first, count]] of Object.entries(PARTS)) {
      const points = frame[part];
      if (points === null || points === undefined) continue;
      if (points.length !== count) throw new ClipError(`frame ${t}: ${part} of ${points.length} points, not ${count}`);
      points.forEach((point, i) => {
        clip.landmarks.set(point.slice(0, 3), 3 * (NUM_LANDMARKS * t + first + i));
        if (part === "pose") clip.visibility[NUM_POSE * t + i] = point[3] ?? NaN;
      });
    }
  });
  return checkedClip(clip);
}

/** A clip as the service takes it in bytes (ArrayBuffer). */
export function clipFromBytes(buffer) {
  const view = new DataView(buffer), begun = buffer.byteLength >= HEADER_BYTES && view.getUint32(0, true) === MAGIC;
  if (!begun) throw new ClipError("no clip: a header SGT1 expected");
  const numFrames = view.getUint32(4, true), aspect = view.getFloat32(8, true);
  if (buffer.byteLength !== HEADER_BYTES + numFrames * FRAME_BYTES) {
    throw new ClipError(`${buffer.byteLength} bytes for ${numFrames} frames; the clip is cut`);
  }
  const clip = emptyClip(numFrames, Number.isNaN(aspect) ? null : aspect);
  for (let t = 0; t < numFrames; t++) {
    let place = HEADER_BYTES + t * FRAME_BYTES;
    clip.times[t] = view.getFloat64(place, true);
    place += 8;
    for (let i = 0; i < 3 * NUM_LANDMARKS; i++, place += 4) {
      clip.landmarks[3 * NUM_LANDMARKS * t + i] = view.getFloat32(place, true);
    }
    for (let i = 0; i < NUM_POSE; i++, place += 4) clip.visibility[NUM_POSE * t + i] = view.getFloat32(place, true);
  }
  return checkedClip(clip);
}

/** The bytes of a clip (ArrayBuffer), as the service takes them. */
export function clipToBytes(clip) {
  const buffer = new ArrayBuffer(HEADER_BYTES + clip.times.length * FRAME_BYTES), view = new DataView(buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, clip.times.length, true);
  view.setFloat32(8, clip.aspect ?? NaN, true);
  clip.times.forEach((time, t) => {
    let place = HEADER_BYTES + t * FRAME_BYTES;
    view.setFloat64(place, time, true);
    place += 8;
    for (let i = 0; i < 3 * NUM_LANDMARKS; i++, place += 4) {
      view.setFloat32(place, clip.landmarks[3 * NUM_LANDMARKS * t + i], true);
    }
    for (let i = 0; i < NUM_POSE; i++, place += 4) view.setFloat32(place, clip.visibility[NUM_POSE * t + i], true);
  });
  return buffer;
}

/** Refuse what Python refuses, and make a point that is partly missing wholly missing; gives the clip. */
export function checkedClip(clip) {
  const { times, landmarks, aspect } = clip, numFrames = times.length;
  if (!numFrames) throw new ClipError("the clip has no frame");
  if (numFrames > MAX_FRAMES) throw new ClipError(`${numFrames} frames; expected 1 to ${MAX_FRAMES}`);
  if (aspect !== null && !(aspect > 0.1 && aspect < 10)) {
    throw new ClipError(`image aspect ${aspect}; expected width / height between 0.1 and 10`);
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

/** Seconds covered, the last frame counted as long as a mean one. */
export function duration(clip) {
  const numFrames = clip.times.length;
  if (numFrames < 2) return numFrames / DEFAULT_FPS;
  return ((clip.times[numFrames - 1] - clip.times[0]) * numFrames) / (numFrames - 1);
}

/** Mean frames a second. */
export function frameRate(clip) {
  return clip.times.length / duration(clip);
}

/** Share of the frames that show any point of these names, 0-1. */
export function shareSeen(clip, names) {
  const places = positions(names), numFrames = clip.times.length;
  let seen = 0;
  for (let t = 0; t < numFrames; t++) {
    if (places.some((place) => !Number.isNaN(clip.landmarks[3 * (NUM_LANDMARKS * t + place)]))) seen += 1;
  }
  return seen / numFrames;
}

function emptyClip(numFrames, aspect) {
  return {
    aspect,
    times: new Float64Array(numFrames),
    landmarks: new Float32Array(numFrames * NUM_LANDMARKS * 3).fill(NaN),
    visibility: new Float32Array(numFrames * NUM_POSE).fill(NaN),
  };
}
