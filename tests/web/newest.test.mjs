// The newest picture, held until it can be looked at: `node --test newest.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

/** What a video shows, until it is closed. */
class MadeFrame {
  isClosed = false;

  /** @param {{shows: string}} video */
  constructor(video) {
    if (video.shows === "nothing") throw new Error("no picture");
    this.shows = video.shows;
  }

  close() {
    this.isClosed = true;
  }
}

/** @type {(() => void)[]} */
const copies = [];
Object.assign(globalThis, {
  VideoFrame: MadeFrame,
  createImageBitmap: (/** @type {any} */ video) => new Promise((resolve) => {
    const { shows } = video;
    copies.push(() => resolve(new MadeFrame({ shows })));
  }),
});
const { copyPictures, NewestPicture } = await import("../../src/signtalk/service/web/page/newest.js");
const video = /** @type {any} */ ({ shows: "" });

/**
 * @param {InstanceType<typeof NewestPicture>} newest
 * @param {string} shows
 * @param {number} timeS
 */
function hold(newest, shows, timeS) {
  video.shows = shows;
  return newest.hold(video, timeS);
}

test("the newest one is given, once, with its time; older ones are closed", async () => {
  const newest = new NewestPicture();
  await hold(newest, "old", 1);
  const old = /** @type {any} */ (newest.take());
  await hold(newest, "older", 2);
  await hold(newest, "new", 3);
  const picture = /** @type {any} */ (newest.take());
  assert.deepEqual([picture.pixels.shows, picture.timeS, picture.pixels.isClosed], ["new", 3, false]);
  assert.equal(newest.take(), null);
  assert.equal(old.pixels.isClosed, false); // who took it closes it
});

test("what is dropped is closed", async () => {
  const newest = new NewestPicture();
  await hold(newest, "one", 1);
  newest.clear();
  assert.equal(newest.take(), null);
});

test("where pictures must be copied, one is at a time, and none outlives the camera", async () => {
  copyPictures();
  const newest = new NewestPicture();
  const first = hold(newest, "first", 1);
  await hold(newest, "second", 2);
  assert.equal(copies.length, 1);
  copies.pop()?.();
  await first;
  const picture = /** @type {any} */ (newest.take());
  assert.deepEqual([picture.pixels.shows, picture.timeS], ["first", 1]);
  const late = hold(newest, "late", 3);
  newest.clear();
  copies.pop()?.();
  await late;
  assert.equal(newest.take(), null);
});
