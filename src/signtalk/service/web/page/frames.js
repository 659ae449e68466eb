// Landmarks of one frame, and clips of them, as the service's protocol has them (docs/protocol.md).
//
//   result of MediaPipe --frameFromResult--> frame --packFrame--> bytes of a stream
//   frames --packClip, clipToJson--> a request;   bytes --unpackClip--> clip to draw
//
// A frame is {timeS, points: Float32Array(169 * 3), visibility: Float32Array(33)}: seconds; x in image widths,
// y in image heights, raw and not mirrored; NaN = missing. A clip is {aspect, frames}.

export const PARTS = { pose: [0, 33], left_hand: [33, 54], right_hand: [54, 75], face: [75, 169] };
export const NUM_POINTS = 169;
export const NUM_POSE = 33;
export const FRAME_BYTES = 8 + 4 * (NUM_POINTS * 3 + NUM_POSE);
export const CLIP_MEDIA_TYPE = "application/vnd.signtalk.clip";

const HEADER_BYTES = 12;
const MAGIC = "SGT1";
const FACE_STEP = 5; // every fifth of the 468 points of the face mesh
const FACE_MESH = 468;

/** A frame in which nothing was found. */
export function emptyFrame(timeS) {
  return {
    timeS,
    points: new Float32Array(NUM_POINTS * 3).fill(NaN),
    visibility: new Float32Array(NUM_POSE).fill(NaN),
  };
}

/** A frame from a HolisticLandmarkerResult; a part with fewer points than it should have is missing as a whole. */
export function frameFromResult(result, timeS) {
  const frame = emptyFrame(timeS);
  const pose = result.poseLandmarks?.[0] ?? [];
  if (pose.length >= NUM_POSE) {
    for (let i = 0; i < NUM_POSE; i += 1) frame.visibility[i] = Math.min(1, Math.max(0, pose[i].visibility ?? NaN));
  }
  const face = result.faceLandmarks?.[0] ?? [];
  const kept = face.length >= FACE_MESH ? face.slice(0, FACE_MESH).filter((_, i) => i % FACE_STEP === 0) : [];
  fill(frame.points, PARTS.pose, pose);
  fill(frame.points, PARTS.left_hand, result.leftHandLandmarks?.[0] ?? []);
  fill(frame.points, PARTS.right_hand, result.rightHandLandmarks?.[0] ?? []);
  fill(frame.points, PARTS.face, kept);
  return frame;
}

function fill(points, [from, to], landmarks) {
  if (landmarks.length < to - from) return;
  for (let i = 0; i < to - from; i += 1) {
    const { x, y, z } = landmarks[i];
    points.set([x, y, z], (from + i) * 3);
  }
}

/** Whether a part ("pose", "left_hand" ...) was found in this frame. */
export function hasPart(frame, part) {
  return !Number.isNaN(frame.points[PARTS[part][0] * 3]);
}

/** The 2,168 bytes of a frame. */
export function packFrame(frame) {
  const buffer = new ArrayBuffer(FRAME_BYTES);
  writeFrame(new DataView(buffer), 0, frame);
  return buffer;
}

/** A clip as bytes. */
export function packClip(clip) {
  const buffer = new ArrayBuffer(HEADER_BYTES + clip.frames.length * FRAME_BYTES);
  const view = new DataView(buffer);
  for (let i = 0; i < MAGIC.length; i += 1) view.setUint8(i, MAGIC.charCodeAt(i));
  view.setUint32(4, clip.frames.length, true);
  view.setFloat32(8, clip.aspect ?? NaN, true);
  clip.frames.forEach((frame, i) => writeFrame(view, HEADER_BYTES + i * FRAME_BYTES, frame));
  return buffer;
}

/** A clip from bytes; throws where they are no clip. */
export function unpackClip(buffer) {
  const view = new DataView(buffer);
  const magic = buffer.byteLength < HEADER_BYTES ? "" : String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  if (magic !== MAGIC) throw new Error(`not a clip: begins with '${magic}', expected '${MAGIC}'`);
  const count = view.getUint32(4, true);
  if (buffer.byteLength !== HEADER_BYTES + count * FRAME_BYTES) {
    throw new Error(`a clip of ${count} frames in ${buffer.byteLength} bytes`);
  }
  const aspect = view.getFloat32(8, true);
  const frames = Array.from({ length: count }, (_, i) => readFrame(view, HEADER_BYTES + i * FRAME_BYTES));
  return { aspect: Number.isNaN(aspect) ? null : aspect, frames };
}

/** A clip as the JSON of the protocol. */
export function clipToJson(clip) {
  const frames = clip.frames.map((frame) => {
    const told = { time_s: frame.timeS };
    for (const [part, [from, to]] of Object.entries(PARTS)) {
      told[part] = hasPart(frame, part) ? rows(frame, part, from, to) : null;
    }
    return told;
  });
  return { aspect: clip.aspect, frames };
}

function rows(frame, part, from, to) {
  const found = [];
  for (let i = from; i < to; i += 1) {
    const row = Array.from(frame.points.subarray(i * 3, i * 3 + 3));
    if (part === "pose" && !Number.isNaN(frame.visibility[i])) row.push(frame.visibility[i]);
    found.push(row);
  }
  return found;
}

function writeFrame(view, offset, frame) {
  view.setFloat64(offset, frame.timeS, true);
  const numbers = [frame.points, frame.visibility];
  let at = offset + 8;
  for (const array of numbers) {
    for (const value of array) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
}

function readFrame(view, offset) {
  const frame = emptyFrame(view.getFloat64(offset, true));
  let at = offset + 8;
  for (const array of [frame.points, frame.visibility]) {
    for (let i = 0; i < array.length; i += 1) {
      array[i] = view.getFloat32(at, true);
      at += 4;
    }
  }
  return frame;
}

/** The last seconds of frames, in memory alone. */
export class FrameRing {
  constructor(seconds = 60) {
    this.seconds = seconds;
    this.frames = [];
  }

  push(frame) {
    this.frames.push(frame);
    while (this.frames[0].timeS < frame.timeS - this.seconds) this.frames.shift();
  }

  /** The frames between two times, both included. */
  between(startS, endS) {
    return this.frames.filter((frame) => frame.timeS >= startS - 1e-6 && frame.timeS <= endS + 1e-6);
  }

  clear() {
    this.frames = [];
  }
}

const WRISTS = [15, 16];
const SHOULDERS = [11, 12];

/** How fast the wrists move, in shoulder widths a second; NaN where either frame lacks them. */
export function wristSpeed(before, after, aspect) {
  const seconds = after.timeS - before.timeS;
  const place = (frame, i) => [frame.points[i * 3] * aspect, frame.points[i * 3 + 1]];
  const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const width = far(place(after, SHOULDERS[0]), place(after, SHOULDERS[1]));
  return Math.max(...WRISTS.map((i) => far(place(before, i), place(after, i)) / width / seconds));
}
