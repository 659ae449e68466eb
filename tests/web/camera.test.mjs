// The camera without a browser: streams come when the test lets them. `node --test camera.test.mjs`.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { begin, settle } from "./made_up_page.mjs";

const { Camera } = await import("../../src/signtalk/service/web/page/camera.js");

/** A stream of one track. */
class Stream {
  /** @type {Stream[]} */
  static all = [];
  isOn = true;
  /** @type {() => void} */
  unplug = () => {};

  /** @param {any} video what was asked for */
  constructor(video) {
    this.device = video.deviceId?.ideal ?? "";
    this.facing = video.facingMode ?? (this.device.startsWith("back") ? "environment" : "");
    Stream.all.push(this);
  }

  getVideoTracks() {
    return [{
      addEventListener: (/** @type {string} */ _, /** @type {() => void} */ listener) => { this.unplug = listener; },
      getSettings: () => ({ facingMode: this.facing }),
    }];
  }

  getTracks() {
    return [{ stop: () => { this.isOn = false; } }];
  }
}

/** @type {{device: string, on: number, come: () => void, fail: (name: string) => void}[]} requests that wait */
let asked = [];
const on = () => Stream.all.filter(({ isOn }) => isOn).map(({ device }) => device);

/** @returns {any} */
const video = () => ({ srcObject: null, videoWidth: 0, videoHeight: 0, play: async () => {} });

beforeEach(async () => {
  await begin();
  Object.assign(globalThis, { OffscreenCanvas: class { getContext() { return null; } } });
  Object.assign(navigator, {
    mediaDevices: {
      getUserMedia: (/** @type {any} */ { video: wanted }) => new Promise((resolve, reject) => {
        asked.push({
          device: wanted.deviceId?.ideal ?? "", on: on().length,
          come: () => resolve(new Stream(wanted)),
          fail: (name) => reject(Object.assign(new Error("no"), { name })),
        });
      }),
    },
  });
  Stream.all = [];
  asked = [];
});

/** What is waited for comes. */
async function come() {
  for (const each of asked.splice(0)) each.come();
  await settle();
}

/** A camera that runs. */
async function running() {
  const camera = new Camera(video());
  const started = camera.start();
  await come();
  await started;
  return camera;
}

test("it runs when its stream is there, and not before", async () => {
  const camera = new Camera(video());
  const started = camera.start();
  assert.equal(camera.running, false);
  await come();
  await started;
  assert.deepEqual([camera.running, on()], [true, [""]]);
  camera.stop();
  assert.deepEqual([camera.running, on(), camera.video.srcObject], [false, [], null]);
});

test("a stream that comes after it was stopped is stopped at once, and not used", async () => {
  const camera = new Camera(video());
  const started = camera.start();
  camera.stop();
  await come();
  await started;
  assert.deepEqual([camera.running, on(), camera.video.srcObject], [false, [], null]);
});

test("so is one that is stopped before its first picture", async () => {
  const camera = new Camera(video());
  /** @type {(error: Error) => void} */
  let interrupt = () => {};
  camera.video.play = () => new Promise((_, reject) => { interrupt = reject; });
  const started = camera.start();
  await come();
  camera.stop();
  interrupt(new Error("interrupted by a new load request"));
  await started;
  assert.deepEqual([camera.running, on()], [false, []]);
});

test("so is another camera's, and of two that were chosen the last one counts", async () => {
  const camera = await running();
  const chosen = camera.choose("back");
  camera.stop();
  await come();
  await chosen;
  assert.deepEqual([camera.running, on()], [false, []]);
  const started = camera.start();
  await come();
  await started;
  const both = [camera.choose("one"), camera.choose("two")];
  const [one, two] = asked.splice(0);
  two.come();
  await settle();
  one.come();
  await Promise.all(both);
  await settle();
  assert.deepEqual([camera.device, on(), camera.running], ["two", ["two"], true]);
  camera.stop();
});

test("one that is chosen while the first one is waited for is the one that runs", async () => {
  const camera = new Camera(video());
  const started = camera.start();
  await camera.choose("back");
  await come();
  await come();
  await started;
  assert.deepEqual([camera.device, on(), camera.running], ["back", ["back"], true]);
  camera.stop();
  const again = camera.start();
  await camera.choose("");
  await come();
  camera.stop(); // before that one comes
  await come();
  await again;
  assert.deepEqual([camera.running, on()], [false, []]);
});

test("where the one that is chosen meanwhile cannot be had, that is told", async () => {
  const camera = new Camera(video());
  const told = assert.rejects(camera.start(), { code: "camera_busy" });
  await camera.choose("back");
  await come();
  asked.splice(0)[0].fail("NotReadableError");
  await told;
  camera.stop();
  assert.deepEqual(on(), []);
});

test("the old stream is stopped before another one is asked for", async () => {
  const camera = await running();
  const chosen = camera.choose("back");
  assert.equal(asked[0].on, 0);
  await come();
  await chosen;
  assert.deepEqual(on(), ["back"]);
  camera.stop();
});

test("where another camera cannot be had, that is told and the one before goes on", async () => {
  const camera = await running();
  const told = assert.rejects(camera.choose("back"), { code: "camera_busy" });
  asked.splice(0)[0].fail("NotReadableError");
  await settle();
  await come();
  await told;
  assert.deepEqual([camera.device, on(), camera.running], ["", [""], true]);
  camera.stop();
});

test("a refused camera that is stopped meanwhile is not opened again", async () => {
  const camera = await running();
  const chosen = camera.choose("back");
  camera.stop();
  asked.splice(0)[0].fail("NotReadableError");
  await chosen;
  await settle();
  assert.deepEqual([asked, on()], [[], []]);
});

test("one that cannot be had at all is told", async () => {
  const camera = new Camera(video());
  const started = camera.start();
  asked[0].fail("NotAllowedError");
  await assert.rejects(started, { code: "camera_denied" });
  assert.equal(camera.running, false);
});

test("a frozen one is opened anew, one request at a time", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  let nowMs = 1e6;
  const clock = mock.method(performance, "now", () => nowMs);
  const camera = await running();
  /** @type {string[]} */
  const problems = [];
  camera.on("problem", (problem) => problems.push(problem));
  const wait = (/** @type {number} */ ms) => {
    nowMs += ms;
    mock.timers.tick(400);
  };
  wait(3000);
  assert.deepEqual([problems, asked.map((each) => each.on)], [["frozen"], [0]]);
  wait(60_000);
  assert.equal(asked.length, 1);
  asked.splice(0)[0].fail("NotReadableError");
  await settle();
  assert.equal(camera.running, true);
  wait(11_000);
  await come();
  assert.deepEqual(on(), [""]);
  camera.stop();
  clock.mock.restore();
  mock.timers.reset();
});

test("a picture that the browser paused goes on, that of a camera that was stopped does not", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const camera = await running();
  const play = mock.method(camera.video, "play");
  const paused = (/** @type {boolean} */ is) => Object.assign(camera.video, { paused: is });
  paused(false);
  mock.timers.tick(400);
  assert.equal(play.mock.callCount(), 0);
  paused(true);
  mock.timers.tick(400);
  assert.equal(play.mock.callCount(), 1);
  camera.stop();
  mock.timers.tick(400);
  assert.equal(play.mock.callCount(), 1);
  mock.timers.reset();
});

test("one that is unplugged is told and stops, one that was put away is not", async () => {
  const camera = await running();
  let ended = 0;
  camera.on("ended", () => { ended += 1; });
  const chosen = camera.choose("back");
  await come();
  await chosen;
  Stream.all[0].unplug();
  assert.equal(ended, 0);
  Stream.all[1].unplug();
  assert.deepEqual([ended, camera.running], [1, false]);
});

test("the camera that looks at the patient is asked for, unless another one is chosen; one that looks away is no mirror", async () => {
  const camera = await running();
  assert.deepEqual([Stream.all[0].facing, camera.looksAway], ["user", false]);
  const chosen = camera.choose("back of the tablet");
  await come();
  await chosen;
  assert.deepEqual([Stream.all[1].facing, camera.looksAway], ["environment", true]);
  camera.stop();
});
