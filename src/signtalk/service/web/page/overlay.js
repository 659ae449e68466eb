// Draws skeletons: over the camera's picture, and as a moving figure of a clip.

import { frameAt, NUM_LANDMARKS, NUM_POSE } from "../engine/landmarks.js";
import { MIN_VISIBILITY, SKELETON_DOTS, SKELETON_LINES } from "../engine/tables.js";

/** @import { Clip, Frame, Part } from "../engine/landmarks.js" */

/** @typedef {(x: number, y: number) => [number, number]} Place the pixel of a point */

const COLOURS = { pose: "#e6ebf2", left_hand: "#ff9f1c", right_hand: "#2ec4ff", face: "#b4bcc8" };
const LINE_WIDTHS = { pose: 3, left_hand: 2, right_hand: 2, face: 1 };
const DOT_SIZES = { pose: 2.5, left_hand: 2, right_hand: 2, face: 1 };
const BACKGROUND = "#12161e";
const LINES = /** @type {[number, number, Part][]} */ (SKELETON_LINES);
const DOTS = /** @type {[number, Part][]} */ (SKELETON_DOTS);
const PARTS_DRAWN = /** @type {Part[]} */ (Object.keys(COLOURS)).map((part) => ({
  part,
  lines: LINES.filter(([, , each]) => each === part),
  dots: DOTS.filter(([, each]) => each === part).map(([i]) => i),
}));
const DRAWN = new Set([...LINES.flatMap(([a, b]) => [a, b]), ...DOTS.map(([i]) => i)]);

/**
 * Draw one frame.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Frame} frame
 * @param {Place} place
 * @param {number} unit pixels of the thinnest line
 */
function drawSkeleton(context, frame, place, unit) {
  context.lineCap = "round";
  for (const { part, lines } of PARTS_DRAWN) { // one stroke a part: each of its own costs as much
    context.strokeStyle = COLOURS[part];
    context.lineWidth = unit * LINE_WIDTHS[part];
    context.beginPath();
    for (const [a, b] of lines) {
      if (!isSeen(frame, a) || !isSeen(frame, b)) continue;
      context.moveTo(...pixel(frame, a, place));
      context.lineTo(...pixel(frame, b, place));
    }
    context.stroke();
  }
  for (const { part, dots } of PARTS_DRAWN) {
    context.fillStyle = COLOURS[part];
    context.beginPath();
    for (const i of dots) {
      if (!isSeen(frame, i)) continue;
      const [x, y] = pixel(frame, i, place), size = unit * DOT_SIZES[part];
      context.moveTo(x + size, y);
      context.arc(x, y, size, 0, 2 * Math.PI);
    }
    context.fill();
  }
}

/**
 * Whether a point was detected, and not thought hidden by the detector itself.
 *
 * @param {Frame} frame
 * @param {number} i
 */
function isSeen({ landmarks, visibility }, i) {
  return !Number.isNaN(landmarks[3 * i]) && !(i < NUM_POSE && visibility[i] < MIN_VISIBILITY);
}

/**
 * @param {Frame} frame
 * @param {number} i
 * @param {Place} place
 */
function pixel({ landmarks }, i, place) {
  return place(landmarks[3 * i], landmarks[3 * i + 1]);
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser draws nothing into a canvas");
  return context;
}

/**
 * Draw a frame over the picture of a camera, which fits into the canvas. It has as many pixels as are shown and is turned
 * here, for what the browser has to scale and turn costs it time at every picture.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Frame | null} frame null = none
 * @param {{width: number, height: number, isMirrored: boolean}} picture
 */
export function drawOverlay(canvas, frame, picture) {
  const { clientWidth, clientHeight } = canvas;
  const scale = Math.min(devicePixelRatio, Math.max(1, picture.height / clientHeight));
  const width = Math.round(clientWidth * scale), height = Math.round(clientHeight * scale);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = contextOf(canvas);
  context.clearRect(0, 0, width, height);
  if (!frame) return;
  const size = Math.min(width / picture.width, height / picture.height);
  const [wide, high] = [size * picture.width, size * picture.height];
  const [left, top] = [(width - wide) / 2, (height - high) / 2];
  drawSkeleton(context, frame, (x, y) => [left + (picture.isMirrored ? 1 - x : x) * wide, top + y * high], high / 480);
}

const NOTHING = { x: 0.5, y: 0.5, size: 1 };

/** Shows a clip as a moving skeleton, the whole of its movement in view. */
export class SkeletonPlayer {
  /** @type {Clip | null} */
  #clip = null;
  #view = NOTHING;
  #request = 0;
  #atS = 0;
  #lastMs = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} [thickness] of its lines: a small picture needs thick ones
   */
  constructor(canvas, thickness = 1) {
    this.canvas = canvas;
    this.thickness = thickness;
    this.speed = 1;
    /** Called when it begins or stops to play. */
    this.onchange = () => {};
  }

  get playing() {
    return this.#request !== 0;
  }

  get durationS() {
    const times = this.#clip?.times ?? [];
    return times.length ? times[times.length - 1] - times[0] : 0;
  }

  /**
   * Take a clip; it is played unless motion is unwelcome.
   *
   * @param {Clip | null} clip null = an empty picture
   */
  show(clip) {
    this.pause();
    this.#clip = clip?.times.length ? clip : null;
    this.#view = this.#clip ? viewOf(this.#clip) : NOTHING;
    this.#atS = 0;
    this.#draw();
    if (this.#clip && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.play();
  }

  play() {
    if (!this.#clip || this.playing) return;
    this.#lastMs = performance.now();
    this.#request = requestAnimationFrame((now) => this.#step(now));
    this.onchange();
  }

  pause() {
    cancelAnimationFrame(this.#request);
    this.#request = 0;
    this.onchange();
  }

  /** @param {number} now milliseconds */
  #step(now) {
    this.#atS += ((now - this.#lastMs) / 1000) * this.speed;
    this.#lastMs = now;
    if (this.#atS > this.durationS + 0.6) this.#atS = 0; // a short hold, then from the beginning
    this.#draw();
    this.#request = requestAnimationFrame((next) => this.#step(next));
  }

  #draw() {
    const { canvas } = this;
    const context = contextOf(canvas);
    context.fillStyle = BACKGROUND;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!this.#clip) return;
    const { times, aspect } = this.#clip;
    const later = times.findIndex((time) => time - times[0] > this.#atS);
    const frame = frameAt(this.#clip, later < 0 ? times.length - 1 : Math.max(later - 1, 0));
    const { x, y, size } = this.#view;
    const side = Math.min(canvas.width, canvas.height);
    /** @type {Place} */
    const place = (px, py) => [
      canvas.width / 2 + ((px * (aspect ?? 1) - x) / size) * side * 0.84,
      canvas.height / 2 + ((py - y) / size) * side * 0.84,
    ];
    drawSkeleton(context, frame, place, (this.thickness * side) / 480);
  }
}

/**
 * Middle and size of what a clip moves in, in image heights; a tracker's few jumps may not shrink the person.
 *
 * @param {Clip} clip
 */
function viewOf(clip) {
  /** @type {number[]} */
  const xs = [];
  /** @type {number[]} */
  const ys = [];
  for (const t of clip.times.keys()) {
    const frame = frameAt(clip, t);
    for (let i = 0; i < NUM_LANDMARKS; i += 1) {
      if (!DRAWN.has(i) || !isSeen(frame, i)) continue;
      xs.push(frame.landmarks[3 * i] * (clip.aspect ?? 1));
      ys.push(frame.landmarks[3 * i + 1]);
    }
  }
  if (!xs.length) return NOTHING;
  const [left, right] = span(xs);
  const [top, bottom] = span(ys);
  return { x: (left + right) / 2, y: (top + bottom) / 2, size: Math.max(right - left, bottom - top) || 1 };
}

/** @param {number[]} values */
function span(values) {
  const sorted = Float32Array.from(values).sort();
  const at = (/** @type {number} */ share) => sorted[Math.round(share * (sorted.length - 1))];
  return [at(0.002), at(0.998)];
}
