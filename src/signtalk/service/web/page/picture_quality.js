// Whether the camera's picture is good enough to record: hands, distance, pictures a second, light.

import { positions } from "../engine/landmarks.js";
import { text } from "./texts.js";

/** @import { Frame } from "../engine/landmarks.js" */

const LEAST_RATE = 8;
const LEAST_LIGHT = 50; // of 255
const NEAREST = 0.6; // shoulders, of the picture's width
const FARTHEST = 0.1;
const LOOK = 32; // pixels a side: the mean needs no more
const [LEFT, RIGHT] = positions(["left_shoulder", "right_shoulder"]);

/**
 * Mean light of a picture, 0 to 255; NaN where it cannot be read.
 *
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas to draw it small on
 */
export function lightOf(video, canvas) {
  canvas.width = canvas.height = LOOK;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context || !video.videoWidth) return NaN;
  context.drawImage(video, 0, 0, LOOK, LOOK);
  const { data } = context.getImageData(0, 0, LOOK, LOOK);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
  return sum / (data.length / 4);
}

/**
 * What is wrong with the picture now, the gravest first; "" where nothing is.
 *
 * @param {{frame: Frame | undefined, rate: number, light: number, somebody: boolean}} seen
 */
export function complaint({ frame, rate, light, somebody }) {
  if (light < LEAST_LIGHT) return text("quality.dark");
  if (!frame || !somebody) return text("hint.nobody");
  const width = Math.abs(frame.landmarks[3 * LEFT] - frame.landmarks[3 * RIGHT]);
  if (width > NEAREST) return text("quality.near");
  if (width < FARTHEST) return text("quality.far");
  if (rate > 0 && rate < LEAST_RATE) return text("quality.rate", { rate: rate.toFixed(1) });
  return "";
}
