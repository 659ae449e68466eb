// The page's end of the landmarker's worker, with a worker of the test's own: `node --test landmarker.test.mjs`.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

const { Landmarker } = await import("../../src/signtalk/service/web/page/landmarker.js");

/** Does what the test says. */
class MadeWorker {
  /** @type {MadeWorker} */
  static last;
  isEnded = false;
  /** @type {(message: {data: any}) => void} */
  onmessage = () => {};

  constructor() {
    MadeWorker.last = this;
  }

  postMessage() {}

  terminate() {
    this.isEnded = true;
  }

  /** @param {string} type */
  say(type) {
    this.onmessage({ data: { type } });
  }
}
Object.assign(globalThis, { Worker: MadeWorker, document: { baseURI: "http://127.0.0.1/page/" } });

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

const LINE_MS = 15_000, BUILDING_MS = 60_000;

test("a line that is cut while the models come is told, and the worker is ended", async () => {
  const opening = Landmarker.open("CPU");
  const worker = MadeWorker.last;
  worker.say("loading");
  mock.timers.tick(LINE_MS);
  await assert.rejects(opening, { code: "model_stalled" });
  assert(worker.isEnded);
});

test("a slow line that brings something is waited for, and a slow device that builds", async () => {
  const opening = Landmarker.open("CPU");
  const worker = MadeWorker.last;
  for (let i = 0; i < 20; i += 1) {
    worker.say("loading");
    mock.timers.tick(LINE_MS - 1000);
  }
  worker.say("loaded");
  mock.timers.tick(BUILDING_MS - 1000);
  worker.say("opened");
  await opening;
  worker.say("loaded"); // of a file that is in use already
  mock.timers.tick(2 * BUILDING_MS);
  assert.equal(worker.isEnded, false);
});

test("a worker that never says anything is given up, too", async () => {
  const opening = Landmarker.open("CPU");
  mock.timers.tick(BUILDING_MS);
  await assert.rejects(opening, { code: "model_stalled" });
});
