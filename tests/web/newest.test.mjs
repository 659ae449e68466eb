// The newest picture, held until it can be looked at: `node --test newest.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

/** A copy of what a video shows, until it is closed. */
class MadeCopy {
  isClosed = false;

  /** @param {string} shows */
  constructor(shows) {
    this.shows = shows;
  }

  close() {
    this.isClosed = true;
  }
}

/** @type {(() => void)[]} copies that are being made */
const copies = [];
/** @type {MadeCopy[]} */
const made = [];
Object.assign(globalThis, {
  createImageBitmap: (/** @type {{shows: string}} */ { shows }) => new Promise((resolve) => {
    copies.push(() => {
      made.push(new MadeCopy(shows));
      resolve(made.at(-1));
    });
  }),
});
const { NewestPicture } = await import("../../src/signtalk/service/web/page/newest.js");
const video = /** @type {any} */ ({ shows: "" });

/**
 * @param {InstanceType<typeof NewestPicture>} newest
 * @param {string} shows
 * @param {number} timeS
 */
async function hold(newest, shows, timeS) {
  video.shows = shows;
  const held = newest.hold(video, timeS);
  copies.pop()?.();
  await held;
}

test("the newest one is given, once, with its time; older ones are closed", async () => {
  const newest = new NewestPicture();
  await hold(newest, "old", 1);
  const old = newest.take();
  await hold(newest, "older", 2);
  await hold(newest, "new", 3);
  const picture = newest.take();
  assert.deepEqual([picture?.pixels, picture?.timeS], [made[2], 3]);
  assert.deepEqual(made.map(({ isClosed }) => isClosed), [false, true, false]); // who took one closes it
  assert.equal(old?.pixels, made[0]);
  assert.equal(newest.take(), null);
});

test("what is dropped is closed", async () => {
  const newest = new NewestPicture();
  await hold(newest, "one", 1);
  newest.clear();
  assert.equal(newest.take(), null);
  assert.equal(made.at(-1)?.isClosed, true);
});

test("one copy is made at a time, and none outlives the camera", async () => {
  const newest = new NewestPicture();
  const late = newest.hold(video, 3);
  await newest.hold(video, 4);
  assert.equal(copies.length, 1);
  newest.clear();
  copies.pop()?.();
  await late;
  assert.equal(newest.take(), null);
  assert.equal(made.at(-1)?.isClosed, true);
});
