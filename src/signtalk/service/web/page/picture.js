// Whether the camera's pictures are of use: dark, covered, or the same one again and again. Pure: pixels in, a word out.

/** Pictures are looked at in this size: enough to tell, and cheap. */
export const SIZE = { width: 32, height: 24 };

const DARK_MEAN = 40; // of 255
const COVERED_SPREAD = 4; // standard deviation: a finger or a lid has no shapes
const DARK_S = 1.5; // a lamp may flicker, a hand may pass
const FROZEN_S = 1.8; // a real camera never gives the same pixels twice

/** @typedef {"" | "covered" | "dark" | "frozen"} PictureProblem */

export class PictureWatch {
  /** @type {Uint8ClampedArray | null} */
  #last = null;
  /** @type {Record<string, number>} since when each is so */
  #sinceS = {};
  #timeS = 0;
  #num = 0;

  /** The camera starts anew. */
  clear() {
    this.#last = null;
    this.#sinceS = {};
    this.#num = 0;
  }

  /**
   * Look at a picture.
   *
   * @param {Uint8ClampedArray} pixels RGBA of SIZE
   * @param {number} timeS
   */
  push(pixels, timeS) {
    const { mean, spread } = brightness(pixels);
    this.#timeS = timeS;
    this.#note("frozen", this.#last !== null && this.#last.every((value, i) => value === pixels[i]));
    this.#note("covered", spread < COVERED_SPREAD);
    this.#note("dark", mean < DARK_MEAN);
    this.#last = pixels;
    this.#num += 1;
  }

  /** Whether the last two pictures differ. */
  get moves() {
    return this.#last !== null && !("frozen" in this.#sinceS) && this.#num > 1;
  }

  /** What is wrong, for a while now. @returns {PictureProblem} */
  get problem() {
    if (this.#lasts("covered", DARK_S)) return "covered";
    if (this.#lasts("frozen", FROZEN_S)) return "frozen";
    return this.#lasts("dark", DARK_S) ? "dark" : "";
  }

  /**
   * @param {string} what
   * @param {boolean} isSo
   */
  #note(what, isSo) {
    if (!isSo) delete this.#sinceS[what];
    else this.#sinceS[what] ??= this.#timeS;
  }

  /**
   * @param {string} what
   * @param {number} seconds
   */
  #lasts(what, seconds) {
    return this.#timeS - (this.#sinceS[what] ?? Infinity) >= seconds;
  }
}

/**
 * Mean and standard deviation of how bright the pixels are.
 *
 * @param {Uint8ClampedArray} pixels RGBA
 */
export function brightness(pixels) {
  const count = pixels.length / 4;
  let sum = 0, squares = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    const value = 0.3 * pixels[i] + 0.59 * pixels[i + 1] + 0.11 * pixels[i + 2];
    sum += value;
    squares += value * value;
  }
  const mean = sum / count;
  return { mean, spread: Math.sqrt(Math.max(0, squares / count - mean * mean)) };
}
