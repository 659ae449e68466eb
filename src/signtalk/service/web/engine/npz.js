/** Clips as Python keeps them: an `.npz`, which is a zip of NumPy arrays (`signtalk.landmarks.clip`; docs/data-format.md). */

import { checkedClip, ClipError, emptyClip, NAMES, NUM_LANDMARKS, NUM_POSE } from "./landmarks.js";
import { CLIP_FORMAT_VERSION, DEFAULT_FPS, MAX_FRAMES } from "./tables.js";
import { unzipped, zipped } from "./zip.js";

/** @import { Clip } from "./landmarks.js" */
/** @import { ZipModule } from "./zip.js" */

/** @typedef {{kind: string, shape: number[], numbers: ArrayLike<number>, words: string[]}} NpyArray */

const MAGIC = "\x93NUMPY";
const MOST = { entries: 32, bytes: 128 * 1024 ** 2 };
/** @type {Record<string, (view: DataView, place: number) => number>} */
const READERS = {
  "<f8": (view, place) => view.getFloat64(place, true), "<f4": (view, place) => view.getFloat32(place, true),
  "<i8": (view, place) => Number(view.getBigInt64(place, true)), "<i4": (view, place) => view.getInt32(place, true),
};

/**
 * The bytes of a clip's file.
 *
 * @param {ZipModule} zip
 * @param {Clip} clip
 */
export function clipToNpz(zip, clip) {
  const numFrames = clip.times.length;
  return zipped(zip, new Map([
    ["format_version.npy", npy("<i4", [], new Int32Array([CLIP_FORMAT_VERSION]))],
    ["landmark_names.npy", npyOfWords(NAMES)],
    ["landmarks.npy", npy("<f4", [numFrames, NUM_LANDMARKS, 3], clip.landmarks)],
    ["visibility.npy", npy("<f4", [numFrames, NUM_POSE], clip.visibility)],
    ["timestamps_s.npy", npy("<f8", [numFrames], clip.times)],
    ["aspect.npy", npy("<f8", [], new Float64Array([clip.aspect ?? NaN]))],
  ]), 0);
}

/**
 * A clip of such a file, checked. Landmarks are matched by name: unknown ones are dropped, missing ones are NaN.
 *
 * @param {ZipModule} zip
 * @param {Uint8Array} bytes
 */
export function clipFromNpz(zip, bytes) {
  const files = unzipped(zip, bytes, "clip", MOST);
  const array = (/** @type {string} */ name) => {
    const file = files.get(`${name}.npy`);
    return file && fromNpy(file, name);
  };
  const names = array("landmark_names")?.words ?? [], landmarks = array("landmarks"), times = array("timestamps_s");
  if (array("format_version")?.numbers[0] !== CLIP_FORMAT_VERSION || !landmarks) {
    throw new ClipError("no clip of this format; expected what SignTalk writes");
  }
  const [numFrames, width, axes] = landmarks.shape;
  if (landmarks.shape.length !== 3 || width !== names.length || axes !== 3 || numFrames > MAX_FRAMES) {
    throw new ClipError(`landmarks of shape (${landmarks.shape.join(", ")}) for ${names.length} names`);
  }
  const aspect = array("aspect")?.numbers[0] ?? NaN, clip = emptyClip(numFrames, Number.isNaN(aspect) ? null : aspect);
  NAMES.forEach((name, to) => copyPoints(landmarks.numbers, clip, names.indexOf(name), width, to));
  if (times && times.numbers.length !== numFrames) throw new ClipError("timestamps of another length");
  const fps = array("fps")?.numbers[0] ?? DEFAULT_FPS;
  for (let t = 0; t < numFrames; t++) clip.times[t] = times ? times.numbers[t] : t / fps;
  const visibility = array("visibility");
  if (visibility && visibility.numbers.length !== clip.visibility.length) throw new ClipError("visibility of another shape");
  if (visibility) clip.visibility.set(visibility.numbers);
  return checkedClip(clip);
}

/**
 * @param {ArrayLike<number>} numbers (T * width * 3)
 * @param {Clip} clip
 * @param {number} from place of a landmark among the file's; -1 = it is not there
 * @param {number} width how many landmarks the file has
 * @param {number} to its place among those of a clip
 */
function copyPoints(numbers, clip, from, width, to) {
  if (from < 0) return;
  for (let t = 0; t < clip.times.length; t++) {
    const source = 3 * (width * t + from), target = 3 * (NUM_LANDMARKS * t + to);
    for (let axis = 0; axis < 3; axis++) clip.landmarks[target + axis] = numbers[source + axis];
  }
}

/**
 * @param {string} kind NumPy's name of the type
 * @param {number[]} shape
 * @param {ArrayBufferView} content
 */
function npy(kind, shape, content) {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const header = `{'descr': '${kind}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`; // 10 bytes before it; whole is n * 64
  const bytes = new Uint8Array(10 + padded.length + content.byteLength);
  bytes.set(Array.from(MAGIC, (letter) => letter.charCodeAt(0)));
  bytes.set([1, 0, padded.length & 0xff, padded.length >> 8], 6);
  bytes.set(new TextEncoder().encode(padded), 10);
  bytes.set(new Uint8Array(content.buffer, content.byteOffset, content.byteLength), 10 + padded.length);
  return bytes;
}

/** @param {string[]} words of ASCII */
function npyOfWords(words) {
  const width = Math.max(...words.map((word) => word.length)), letters = new Uint32Array(width * words.length);
  words.forEach((word, row) => letters.set(Array.from(word, (letter) => letter.charCodeAt(0)), row * width));
  return npy(`<U${width}`, [words.length], letters);
}

/**
 * @param {Uint8Array} bytes
 * @param {string} name
 * @returns {NpyArray}
 */
function fromNpy(bytes, name) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begins = bytes.length < 12 ? "" : String.fromCharCode(...bytes.subarray(0, 6)), version = bytes[6];
  const start = version === 1 ? 10 : 12, length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, start + length));
  const kind = /'descr': '([^']+)'/.exec(header)?.[1] ?? "", order = /'fortran_order': (\w+)/.exec(header)?.[1];
  const shape = (/'shape': \(([\d, ]*)\)/.exec(header)?.[1] ?? "?").split(",").filter((part) => part.trim()).map(Number);
  const count = shape.reduce((product, size) => product * size, 1), letters = Number(/^<U(\d+)$/.exec(kind)?.[1] ?? 0);
  const width = letters ? 4 * letters : Number(/^<[fi]([48])$/.exec(kind)?.[1] ?? 0), place = start + length;
  if (begins !== MAGIC || order !== "False" || !width || bytes.length !== place + count * width) {
    throw new ClipError(`${name}: no array that this page reads`);
  }
  if (letters) return { kind, shape, numbers: [], words: wordsAt(view, place, count, letters) };
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = READERS[kind](view, place + i * width);
  return { kind, shape, numbers, words: [] };
}

/**
 * @param {DataView} view
 * @param {number} place
 * @param {number} count
 * @param {number} letters of each, padded with zeros
 */
function wordsAt(view, place, count, letters) {
  return Array.from({ length: count }, (_, row) => {
    const codes = Array.from({ length: letters }, (__, i) => view.getUint32(place + 4 * (row * letters + i), true));
    return String.fromCodePoint(...codes.filter((code) => code > 0 && code <= 0x10ffff));
  });
}
