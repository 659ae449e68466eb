// Made-up clips that stand in for what the landmarker finds before a browser's fake camera.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { frameAt } from "../../src/signtalk/service/web/engine/landmarks.js";
import { clipFromBytes } from "../../src/signtalk/service/web/engine/wire.js";

/** @import { BrowserContext, Page } from "playwright-core" */

const HELD_MS = 400; // still before and after a take
const LONGEST_MS = 60_000; // until a clip of some seconds has ended
const WORKER = fileURLToPath(new URL("made_landmarks.mjs", import.meta.url));

/**
 * Let the stand-in find the landmarks on every page of a context.
 *
 * @param {BrowserContext} context
 */
export async function standIn(context) {
  const answer = { path: WORKER, contentType: "text/javascript" };
  await context.route("**/page/landmarker_worker.js", (route) => route.fulfill(answer));
}

/**
 * Hold a clip at its first frame; what plays it, until the page has seen its end.
 *
 * @param {Page} page
 * @param {string} path of the clip's bytes
 */
export async function madeUp(page, path) {
  const { buffer, byteOffset, byteLength } = await readFile(path);
  const clip = clipFromBytes(/** @type {ArrayBuffer} */ (buffer.slice(byteOffset, byteOffset + byteLength)));
  const plain = Array.from(clip.times, (_, t) => {
    const { timeS, landmarks, visibility } = frameAt(clip, t);
    return { timeS, landmarks: [...landmarks].map(orNull), visibility: [...visibility].map(orNull) };
  });
  await page.evaluate((frames) => {
    const numbers = (/** @type {(number | null)[]} */ values) => Float32Array.from(values, (value) => value ?? NaN);
    const held = frames.map(({ timeS, landmarks, visibility }) => (
      { timeS, landmarks: numbers(landmarks), visibility: numbers(visibility) }
    ));
    const channel = new BroadcastChannel("made-up clip");
    Object.assign(globalThis, { channel });
    channel.postMessage({ clip: held });
  }, plain);
  return () => page.evaluate((longestMs) => new Promise((resolve, reject) => {
    const { channel } = /** @type {any} */ (globalThis);
    channel.onmessage = () => resolve(null);
    setTimeout(() => reject(new Error("the page did not see the end of the clip")), longestMs);
    channel.postMessage({ go: true });
  }), LONGEST_MS);
}

/**
 * Sign between two presses of the button.
 *
 * @param {Page} page
 * @param {() => Promise<unknown>} play what is signed, held still before and after
 */
export async function pressed(page, play) {
  await page.waitForTimeout(HELD_MS);
  await page.click("#sign-button");
  await page.waitForSelector("#state[data-state=signing]");
  await play();
  await page.waitForTimeout(HELD_MS);
  await page.click("#sign-button");
}

/**
 * Sign a take between two presses of the button.
 *
 * @param {Page} page
 * @param {string} path of the clip's bytes
 */
export async function signed(page, path) {
  await pressed(page, await madeUp(page, path));
}

/** @param {number} value */
function orNull(value) {
  return Number.isNaN(value) ? null : value;
}
