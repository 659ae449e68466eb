// Draws skeletons: over the camera's picture, and as a moving figure of a clip.

import { NUM_POINTS, NUM_POSE, PARTS } from "./frames.js";

const COLOURS = { pose: "#e6ebf2", left_hand: "#ff9f1c", right_hand: "#2ec4ff", face: "#b4bcc8" };
const BACKGROUND = "#12161e";
const MIN_VISIBILITY = 0.5; // what the detector itself thinks hidden is not drawn
const POSE_LINES = [
  [11, 12], [11, 13], [13, 15], [12, 14], [14, 16], [11, 23], [12, 24], [23, 24], [9, 10],
];
const POSE_DOTS = [0, 2, 5, 7, 8];
const HAND_LINES = [
  ...Array.from({ length: 20 }, (_, i) => [i % 4 === 0 ? 0 : i, i + 1]), [5, 9], [9, 13], [13, 17], [0, 17],
];
const SHOWN = new Set([...POSE_LINES.flat(), ...POSE_DOTS]);

/** Draw one frame; `place(x, y)` gives the pixel of a point. */
export function drawSkeleton(context, frame, place, unit) {
  const pixel = (i) => place(frame.points[i * 3], frame.points[i * 3 + 1]);
  const seen = (i) => !Number.isNaN(frame.points[i * 3]) && !(i < NUM_POSE && frame.visibility[i] < MIN_VISIBILITY);
  const line = (a, b) => {
    if (!seen(a) || !seen(b)) return;
    context.beginPath();
    context.moveTo(...pixel(a));
    context.lineTo(...pixel(b));
    context.stroke();
  };
  const dot = (i, radius) => {
    if (!seen(i)) return;
    context.beginPath();
    context.arc(...pixel(i), radius, 0, 2 * Math.PI);
    context.fill();
  };
  context.lineCap = "round";
  colour(context, COLOURS.pose);
  context.lineWidth = unit * 3;
  for (const [a, b] of POSE_LINES) line(a, b);
  for (const i of POSE_DOTS) dot(i, unit * 2.5);
  colour(context, COLOURS.face);
  for (let i = PARTS.face[0]; i < PARTS.face[1]; i += 1) dot(i, unit);
  context.lineWidth = unit * 2;
  for (const hand of ["left_hand", "right_hand"]) {
    const [from, to] = PARTS[hand];
    colour(context, COLOURS[hand]);
    for (const [a, b] of HAND_LINES) line(from + a, from + b);
    for (let i = from; i < to; i += 1) dot(i, unit * 2);
  }
}

function colour(context, value) {
  context.strokeStyle = value;
  context.fillStyle = value;
}

/** Draw a frame over a picture of this size. */
export function drawOverlay(canvas, frame, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  if (frame) drawSkeleton(context, frame, (x, y) => [x * width, y * height], height / 480);
}

/** Shows a clip as a moving skeleton, the whole of its movement in view. */
export class SkeletonPlayer {
  #clip = null;
  #view = null;
  #request = 0;
  #atS = 0;
  #lastMs = 0;

  constructor(canvas) {
    this.canvas = canvas;
    this.speed = 1;
    this.onchange = () => {};
  }

  get playing() {
    return this.#request !== 0;
  }

  get durationS() {
    const frames = this.#clip?.frames ?? [];
    return frames.length ? frames.at(-1).timeS - frames[0].timeS : 0;
  }

  /** Take a clip ({aspect, frames}), or null for an empty picture; it is played unless motion is unwelcome. */
  show(clip) {
    this.pause();
    this.#clip = clip;
    this.#view = clip && view(clip);
    this.#atS = 0;
    this.#draw();
    if (clip && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.play();
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

  #step(now) {
    this.#atS += ((now - this.#lastMs) / 1000) * this.speed;
    this.#lastMs = now;
    if (this.#atS > this.durationS + 0.6) this.#atS = 0; // a short hold, then from the beginning
    this.#draw();
    this.#request = requestAnimationFrame((next) => this.#step(next));
  }

  #draw() {
    const { canvas } = this;
    const context = canvas.getContext("2d");
    context.fillStyle = BACKGROUND;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!this.#clip) return;
    const { frames, aspect } = this.#clip;
    const start = frames[0].timeS;
    let shown = frames[0];
    for (const frame of frames) if (frame.timeS - start <= this.#atS) shown = frame;
    const { x, y, size } = this.#view;
    const side = Math.min(canvas.width, canvas.height);
    const place = (px, py) => [
      canvas.width / 2 + ((px * (aspect ?? 1) - x) / size) * side * 0.84,
      canvas.height / 2 + ((py - y) / size) * side * 0.84,
    ];
    drawSkeleton(context, shown, place, side / 480);
  }
}

/** Middle and size of what a clip moves in, in image heights; a tracker's few jumps may not shrink the person. */
function view({ frames, aspect }) {
  const xs = [];
  const ys = [];
  for (const { points, visibility } of frames) {
    for (let i = 0; i < NUM_POINTS; i += 1) {
      if (Number.isNaN(points[i * 3]) || (i < NUM_POSE && (!SHOWN.has(i) || visibility[i] < MIN_VISIBILITY))) continue;
      xs.push(points[i * 3] * (aspect ?? 1));
      ys.push(points[i * 3 + 1]);
    }
  }
  if (!xs.length) return { x: 0.5, y: 0.5, size: 1 };
  const [left, right] = span(xs);
  const [top, bottom] = span(ys);
  return { x: (left + right) / 2, y: (top + bottom) / 2, size: Math.max(right - left, bottom - top) || 1 };
}

function span(values) {
  const sorted = Float32Array.from(values).sort();
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return [at(0.002), at(0.998)];
}
