/**
 * How frames and clips travel: as bytes to and from the service and in a bundle, as JSON in a request
 * (`signtalk.landmarks.wire`; docs/protocol.md).
 */

import { checkedClip, ClipError, emptyClip, emptyFrame, frameAt, hasPart, NUM_POSE } from "./landmarks.js";
import { FRAME_BYTES, HEADER_BYTES, MAGIC, PARTS } from "./tables.js";

/** @import { Clip, Frame, Part } from "./landmarks.js" */

/**
 * How many bytes a clip of so many frames has.
 *
 * @param {number} numFrames
 */
export function clipBytes(numFrames) {
  return HEADER_BYTES + numFrames * FRAME_BYTES;
}

/**
 * The 2,168 bytes of a frame.
 *
 * @param {Frame} frame
 */
export function frameToBytes(frame) {
  const buffer = new ArrayBuffer(FRAME_BYTES);
  writeFrame(new DataView(buffer), 0, frame);
  return buffer;
}

/**
 * The bytes of a clip.
 *
 * @param {Clip} clip
 */
export function clipToBytes(clip) {
  const numFrames = clip.times.length, buffer = new ArrayBuffer(clipBytes(numFrames)), view = new DataView(buffer);
  for (let i = 0; i < MAGIC.length; i++) view.setUint8(i, MAGIC.charCodeAt(i));
  view.setUint32(4, numFrames, true);
  view.setFloat32(8, clip.aspect ?? NaN, true);
  for (let t = 0; t < numFrames; t++) writeFrame(view, clipBytes(t), frameAt(clip, t));
  return buffer;
}

/**
 * A clip of bytes, checked.
 *
 * @param {ArrayBuffer} buffer
 */
export function clipFromBytes(buffer) {
  const view = new DataView(buffer);
  const magic = buffer.byteLength < HEADER_BYTES ? "" : String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  if (magic !== MAGIC) throw new ClipError(`no clip: begins with '${magic}', expected '${MAGIC}'`);
  const numFrames = view.getUint32(4, true), aspect = view.getFloat32(8, true);
  if (buffer.byteLength !== clipBytes(numFrames)) {
    throw new ClipError(`${numFrames} frames in ${buffer.byteLength} bytes; the clip is cut`);
  }
  const clip = emptyClip(numFrames, Number.isNaN(aspect) ? null : aspect);
  for (let t = 0; t < numFrames; t++) {
    const frame = frameAt(clip, t);
    clip.times[t] = view.getFloat64(clipBytes(t), true);
    readPoints(view, clipBytes(t) + 8, frame);
  }
  return checkedClip(clip);
}

/**
 * The first frame of a stream's message.
 *
 * @param {ArrayBuffer} buffer
 */
export function frameFromBytes(buffer) {
  const view = new DataView(buffer), frame = emptyFrame(view.getFloat64(0, true));
  readPoints(view, 8, frame);
  return frame;
}

/**
 * @param {DataView} view
 * @param {number} start
 * @param {Pick<Frame, "landmarks" | "visibility">} frame that takes them
 */
function readPoints(view, start, { landmarks, visibility }) {
  let place = start;
  for (const numbers of [landmarks, visibility]) {
    for (let i = 0; i < numbers.length; i++, place += 4) numbers[i] = view.getFloat32(place, true);
  }
}

/**
 * @param {DataView} view
 * @param {number} start
 * @param {Frame} frame
 */
function writeFrame(view, start, { timeS, landmarks, visibility }) {
  view.setFloat64(start, timeS, true);
  let place = start + 8;
  for (const numbers of [landmarks, visibility]) {
    for (let i = 0; i < numbers.length; i++, place += 4) view.setFloat32(place, numbers[i], true);
  }
}

/**
 * A clip as the service takes it in JSON: each part's points, or null where it was not detected.
 *
 * @param {Clip} clip
 */
export function clipToJson(clip) {
  const frames = Array.from(clip.times, (time, t) => {
    const frame = frameAt(clip, t), parts = /** @type {[Part, number[]][]} */ (Object.entries(PARTS));
    const rows = parts.map(([part, [from, to]]) => [part, hasPart(frame, part) ? pointRows(frame, from, to) : null]);
    return { time_s: time, ...Object.fromEntries(rows) };
  });
  return { aspect: clip.aspect, frames };
}

/**
 * @param {Frame} frame
 * @param {number} from
 * @param {number} to
 */
function pointRows({ landmarks, visibility }, from, to) {
  return Array.from({ length: to - from }, (_, i) => {
    const place = from + i, row = Array.from(landmarks.subarray(3 * place, 3 * place + 3));
    return place < NUM_POSE && !Number.isNaN(visibility[place]) ? [...row, visibility[place]] : row;
  });
}

/**
 * The clips of a file that holds one after the other.
 *
 * @param {ArrayBuffer} buffer
 * @param {number[]} numFrames of each clip
 */
export function clipsFromBytes(buffer, numFrames) {
  let place = 0;
  return numFrames.map((count) => clipFromBytes(buffer.slice(place, place += clipBytes(count))));
}
