// Takes the picture of the live page for make_page.py, which gives {url, chromium, clip, picture, text} as JSON.
//
// The page runs as it is, but for two things: its landmarker gives the frames of the made-up clip, and its camera shows
// a figure that is drawn from them.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** @type {typeof import("playwright-core")} */
const { chromium } = createRequire(new URL("../../web/package.json", import.meta.url))("playwright-core");
const { url, chromium: executablePath, clip, picture, text } = JSON.parse(process.argv[2]);

/** In place of page/landmarker.js: the clip's frames, from when signing begins; else its first one. */
const LANDMARKER = `
  import { frameAt } from "../engine/landmarks.js";
  import { clipFromBytes } from "../engine/wire.js";

  const clip = clipFromBytes(await (await fetch(new URL("made-up.clip", document.baseURI))).arrayBuffer());
  let beganS = null;

  function frameOf(timeS) {
    if (document.getElementById("state").dataset.state === "signing") beganS ??= timeS;
    else beganS = null;
    const passedS = beganS === null ? 0 : timeS - beganS;
    const t = clip.times.findIndex((time) => time - clip.times[0] >= passedS);
    globalThis.share = t < 0 ? 1 : t / clip.times.length;
    return { ...frameAt(clip, t < 0 ? clip.times.length - 1 : t), timeS };
  }

  export class LandmarkerError extends Error {}

  export class Landmarker {
    busy = false;
    usualMs = 0;
    tookMs = 0;

    static async open() {
      return new Landmarker();
    }

    async detect({ pixels, timeS }) {
      pixels.close();
      const frame = frameOf(timeS);
      globalThis.drawFigure(frame);
      return frame;
    }

    close() {}
  }
`;

/** In place of the camera: a canvas with a figure in a room. Runs in the page before its own scripts. */
function madeUpCamera() {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 640, height: 480 });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

  const room = () => {
    const wall = context.createLinearGradient(0, 0, 0, 480);
    wall.addColorStop(0, "#5d7486");
    wall.addColorStop(1, "#3d5060");
    context.fillStyle = wall;
    context.fillRect(0, 0, 640, 480);
  };

  /** @param {{landmarks: Float32Array}} frame */
  const drawFigure = ({ landmarks }) => {
    const at = (/** @type {number} */ i) => /** @type {[number, number]} */ (
      [landmarks[3 * i] * canvas.width, landmarks[3 * i + 1] * canvas.height]);
    const [nose, left, right, leftHip, rightHip] = [0, 11, 12, 23, 24].map(at);
    const width = Math.hypot(left[0] - right[0], left[1] - right[1]);
    room();
    if (Number.isNaN(width)) return;
    Object.assign(context, { lineCap: "round", lineJoin: "round", strokeStyle: "#27485f", fillStyle: "#27485f" });
    context.lineWidth = width * 0.3;
    context.beginPath();
    for (const point of [left, right, rightHip, leftHip]) context.lineTo(...point);
    context.closePath();
    context.stroke();
    context.fill();
    for (const arm of [[11, 13, 15], [12, 14, 16]]) {
      context.lineWidth = width * 0.2;
      context.beginPath();
      for (const joint of arm) if (!Number.isNaN(at(joint)[0])) context.lineTo(...at(joint));
      context.stroke();
    }
    Object.assign(context, { strokeStyle: "#b58f76", fillStyle: "#c9a389", lineWidth: width * 0.24 });
    context.beginPath();
    context.moveTo((left[0] + right[0]) / 2, (left[1] + right[1]) / 2 - width * 0.1);
    context.lineTo(...nose);
    context.stroke();
    context.beginPath();
    context.ellipse(nose[0], nose[1] - width * 0.05, width * 0.27, width * 0.36, 0, 0, 2 * Math.PI);
    context.fill();
  };
  room();
  Object.assign(globalThis, { drawFigure });
  const camera = Object.assign(new EventTarget(), {
    getUserMedia: async () => canvas.captureStream(15), enumerateDevices: async () => [],
  });
  Object.defineProperty(navigator, "mediaDevices", { value: camera });
  // A canvas that does not change gives no new picture, and a real camera trembles.
  setInterval(() => {
    context.fillStyle = `hsl(0 0% ${40 + 4 * Math.random()}%)`;
    context.fillRect(0, canvas.height - 12, canvas.width, 12);
  }, 50);
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, serviceWorkers: "block" });
  await context.route("**/page/landmarker.js", (route) => (
    route.fulfill({ body: LANDMARKER, contentType: "text/javascript" })));
  const bytes = await readFile(clip);
  await context.route("**/made-up.clip", (route) => (
    route.fulfill({ body: bytes, contentType: "application/octet-stream" })));
  await context.addInitScript(madeUpCamera);
  const page = await context.newPage();
  page.on("pageerror", (error) => console.error(error));
  await page.goto(url);
  await page.waitForFunction(() => document.querySelectorAll("#nurse-list button").length > 0);
  await page.click("#open-settings");
  await page.check("[name=mode][value=button]");
  await page.click("#close-settings");
  await page.click("#start-camera");
  await page.click("#sign-button", { timeout: 60_000 });
  await page.waitForFunction(() => /** @type {any} */ (globalThis).share === 1, null, { timeout: 60_000 });
  await page.click("#sign-button");
  await page.waitForSelector("#answer-card.confirm, #answer-card.unsure, #answer-card.asking", { timeout: 60_000 });
  const answer = await page.textContent("#answer .question").catch(() => null);
  if (answer !== text) throw new Error(`the page says '${await page.textContent("#answer")}', not '${text}'`);
  await page.click("#sign-button"); // signed once more, so that hands are in the picture
  await page.waitForFunction(() => /** @type {any} */ (globalThis).share > 0.55, null, { timeout: 60_000 });
  await page.screenshot({ path: picture });
  console.log(`${picture}: ${answer}`);
} finally {
  await browser.close();
}
