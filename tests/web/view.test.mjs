// How a person stands before the camera, and whether its pictures are of use: `node --test view.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { clipFromFrames, emptyFrame, positions } from "../../src/signtalk/service/web/engine/landmarks.js";
import { PARTS } from "../../src/signtalk/service/web/engine/tables.js";
import { brightness, PictureWatch, SIZE } from "../../src/signtalk/service/web/page/picture.js";
import { handsLeave, isFar, viewProblem } from "../../src/signtalk/service/web/page/view.js";

const NAMES = ["left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"];
const PLACES = positions(NAMES);

/**
 * A person in the middle of the picture, the right hand raised.
 *
 * @param {{size?: number, aside?: number, hand?: boolean}} [options]
 */
function person({ size = 1, aside = 0, hand = true } = {}) {
  const frame = emptyFrame(0);
  const points = [[0.1, 0], [-0.1, 0], [0.12, 0.2], [-0.12, 0.2], [0.12, 0.4], [-0.15 - aside, 0]];
  points.forEach(([x, y], i) => frame.landmarks.set([0.5 + size * x, 0.5 + size * y, 0], 3 * PLACES[i]));
  if (hand) frame.landmarks.fill(0.4, 3 * PARTS.right_hand[0], 3 * PARTS.right_hand[1]);
  return frame;
}

/**
 * @param {{size?: number, aside?: number, hand?: boolean}} options
 * @param {number} [fps]
 */
function signing(options, fps = 15) {
  return clipFromFrames(Array.from({ length: 20 }, (_, t) => ({ ...person(options), timeS: t / fps })), 4 / 3);
}

test("nothing is wrong with a person who stands well", () => {
  assert.equal(viewProblem(signing({}), false), "");
  assert.equal(isFar([person()], 4 / 3), false);
  assert.equal(handsLeave([person()]), false);
});

test("each thing that is wrong has its name", () => {
  assert.equal(viewProblem(signing({}), true), "dark");
  assert.equal(viewProblem(signing({ size: 0.2 }), false), "far");
  assert.equal(viewProblem(signing({ hand: false }), false), "hands");
  assert.equal(viewProblem(signing({ aside: 0.5 }), false), "hands");
  assert.equal(viewProblem(signing({}, 6), false), "fast");
});

test("who is not seen is neither far nor aside", () => {
  assert.equal(isFar([emptyFrame(0)], 1), false);
  assert.equal(handsLeave([emptyFrame(0)]), false);
  assert.equal(isFar([], 1) || handsLeave([]), false);
});

/**
 * A picture of stripes from one brightness to another.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} [shift]
 */
function picture(low, high, shift = 0) {
  const pixels = new Uint8ClampedArray(4 * SIZE.width * SIZE.height);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = (i / 4 + shift) % 8 < 4 ? low : high;
  return pixels;
}

/**
 * What is said of pictures that come five times a second.
 *
 * @param {number} seconds
 * @param {(i: number) => Uint8ClampedArray} of
 */
function lookedAt(seconds, of) {
  const watch = new PictureWatch();
  for (let i = 0; i <= seconds * 5; i += 1) watch.push(of(i), i / 5);
  return watch;
}

test("brightness is that of a picture", () => {
  const { mean, spread } = brightness(picture(0, 200));
  assert.equal(Math.round(mean), 100);
  assert.equal(Math.round(spread), 100);
});

test("pictures that change and are bright are well", () => {
  const watch = lookedAt(5, (i) => picture(50, 200, i));
  assert.equal(watch.problem, "");
  assert.equal(watch.moves, true);
});

test("dark, covered and frozen ones are told after a while, not at once", () => {
  assert.equal(lookedAt(5, (i) => picture(5, 60, i)).problem, "dark");
  assert.equal(lookedAt(5, (i) => picture(20 + i % 2, 20 + i % 2)).problem, "covered");
  assert.equal(lookedAt(2.9, () => picture(50, 200)).problem, "frozen");
  assert.equal(lookedAt(1, () => picture(0, 0)).problem, "");
  assert.equal(lookedAt(5, (i) => (i === 12 ? picture(50, 201) : picture(50, 200))).moves, false);
});

test("what was wrong is over when a good picture comes, and when the camera starts anew", () => {
  const watch = lookedAt(5, () => picture(50, 200));
  watch.push(picture(50, 201), 5.2);
  assert.equal(watch.problem, "");
  assert.equal(watch.moves, true);
  watch.clear();
  assert.equal(watch.moves, false);
});
