// Rounds of bare tasks-vision and of the live page in one browser, one after the other; `page_speed.py` gives the job and
// reads the result. An argument, the job as JSON:
//
//   {"url": ..., "chromium": ..., "camera": ..., "flags": [...], "pairs": 20, "seconds": 6, "steady": 1.5}
//
// Prints {"bare": [[milliseconds of each picture] of each round], "page": the same, "browser": ...}.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../web/package.json", import.meta.url));
/** @type {typeof import("playwright-core")} */
const { chromium } = require("playwright-core");

/** @import { Page } from "playwright-core" */

const WASM = fileURLToPath(new URL("../web/node_modules/@mediapipe/tasks-vision/wasm/", import.meta.url));
const job = JSON.parse(process.argv[2]);
const CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 }, facingMode: "user" };
const BARE = "<!doctype html><title>bare</title><body style='margin: 0'><video muted playsinline></video>";

/** @param {string} text */
const tell = (text) => process.stderr.write(`${text}\n`);

/**
 * What is told by the documentation of tasks-vision, and nothing else: a camera, a video, detectForVideo on it.
 *
 * @param {{camera: object}} options
 */
async function openBare({ camera }) {
  const library = "./vendor/vision_bundle.mjs";
  const { FilesetResolver, HolisticLandmarker } = await import(library);
  const files = await FilesetResolver.forVisionTasks(new URL("bare", document.baseURI).href);
  const landmarker = await HolisticLandmarker.createFromOptions(files, {
    baseOptions: { modelAssetPath: "models/holistic_landmarker.task", delegate: "CPU" }, runningMode: "VIDEO",
  });
  const video = /** @type {HTMLVideoElement} */ (document.querySelector("video"));
  /** @type {number[]} */
  let at = [];
  let on = false, lastS = -1;
  const step = () => {
    if (!on) return;
    if (video.currentTime !== lastS && video.videoWidth) {
      lastS = video.currentTime;
      landmarker.detectForVideo(video, performance.now());
      at.push(performance.now());
    }
    requestAnimationFrame(step);
  };
  Object.assign(globalThis, {
    pictures: () => at,
    begin: async () => {
      [at, lastS] = [[], -1];
      video.srcObject = await navigator.mediaDevices.getUserMedia({ audio: false, video: camera });
      await video.play();
      on = true;
      requestAnimationFrame(step);
    },
    end: () => {
      on = false;
      const stream = /** @type {MediaStream} */ (video.srcObject);
      for (const track of stream.getTracks()) track.stop();
      video.srcObject = null;
    },
  });
}

/** When the live page sends a frame of landmarks to the service. */
function noteSent() {
  /** @type {number[]} */
  let at = [];
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function noted(data) {
    send.call(this, data);
    if (typeof data !== "string") at.push(performance.now());
  };
  Object.assign(globalThis, {
    pictures: () => at,
    begin: () => {
      at = [];
      document.getElementById("start-camera")?.click();
    },
    end: () => document.getElementById("stop-camera")?.click(),
  });
}

/**
 * One round: the milliseconds at which each picture was done, once it runs steadily.
 *
 * @param {Page} page
 */
async function round(page) {
  await page.bringToFront();
  await page.evaluate(() => /** @type {any} */ (globalThis).begin());
  await page.waitForFunction(() => /** @type {any} */ (globalThis).pictures().length > 1, null, { polling: 100, timeout: 120_000 });
  await page.waitForTimeout(1000 * job.steady);
  const begin = await page.evaluate(() => performance.now());
  await page.waitForTimeout(1000 * job.seconds);
  /** @type {number[]} */
  const at = await page.evaluate(() => /** @type {any} */ (globalThis).pictures());
  await page.evaluate(() => /** @type {any} */ (globalThis).end());
  return at.filter((time) => time >= begin);
}

const browser = await chromium.launch({
  executablePath: job.chromium,
  args: ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    `--use-file-for-fake-video-capture=${job.camera}`, ...job.flags],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, permissions: ["camera"], serviceWorkers: "block" });
await context.route("**/bare/*", (route) => route.fulfill({ path: `${WASM}${route.request().url().split("/").at(-1)}` }));
await context.route("**/bare.html", (route) => route.fulfill({ contentType: "text/html", body: BARE }));
const bare = await context.newPage();
await bare.goto(new URL("bare.html", job.url).href);
await bare.evaluate(openBare, { camera: CAMERA });
const live = await context.newPage();
live.on("console", (message) => { if (message.type() === "error" || message.text().startsWith("speed:")) tell(message.text()); });
await live.addInitScript(noteSent);
await live.goto(job.url);
await live.waitForFunction(() => document.querySelector("#nurse-told")?.textContent);
/** @type {{bare: number[][], page: number[][]}} */
const seen = { bare: [], page: [] };
const rate = (/** @type {number[]} */ at) => (1000 * (at.length - 1) / (at[at.length - 1] - at[0])).toFixed(2);
for (let pair = -1; pair < job.pairs; pair += 1) {
  /** @type {Record<string, number[]>} */
  const times = {};
  const order = pair % 2 ? ["page", "bare"] : ["bare", "page"];
  for (const side of order) times[side] = await round(side === "bare" ? bare : live);
  tell(`pair ${pair + 1}: bare ${rate(times.bare)}, page ${rate(times.page)}`);
  if (pair < 0) continue; // both have loaded what they need since then
  seen.bare.push(times.bare);
  seen.page.push(times.page);
}
console.log(JSON.stringify({ ...seen, browser: browser.version() }));
await browser.close();
