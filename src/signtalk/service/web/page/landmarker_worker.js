// A module worker around MediaPipe's HolisticLandmarker: a picture in, the points of one frame out.
//
//   {type: "open", model, delegate}  -> {type: "opened"} or {type: "failed", code, message}; before that {type: "loading"}
//                                      when bytes are asked for and arrive, {type: "loaded"} when a file is there
//   {type: "detect", pixels, timeS}  -> {type: "frame", frame, tookMs} or {type: "failed", code, message}

import { frameFromHolistic } from "../engine/landmarks.js";
import { FilesetResolver, HolisticLandmarker } from "../vendor/vision_bundle.mjs";
import { codeOf, messageOf } from "./errors.js";

/** @import { Delegate } from "./delegate.js" */

const VENDOR = new URL("../vendor", import.meta.url).href;

// A module worker has no importScripts; MediaPipe then asks for this function, and reads the global below.
/** @type {Record<string, unknown>} */
const own = /** @type {any} */ (self);
own.import = async (/** @type {string} */ url) => {
  own.ModuleFactory = (await import(url)).default;
};
// What the library logs is no error of the page: only its lines of level E and F are.
const say = (/** @type {string} */ text) => (/^[EF]\d{4} /.test(text) ? console.error(text) : console.debug(text));
own.Module = { print: console.debug, printErr: say };
// The library's module build calls a function of this name that it defines out of reach.
own.custom_dbg = say;

// The library fetches by this function, too: bytes that arrive tell a slow line from one that stands still.
const { fetch: plainFetch } = self;
own.fetch = async (/** @type {Parameters<typeof fetch>} */ ...asked) => {
  self.postMessage({ type: "loading" });
  const answer = await plainFetch(...asked);
  follow(answer.clone());
  return answer;
};

/** @type {HolisticLandmarker | null} */
let landmarker = null;

self.onmessage = async ({ data }) => {
  if (data.type === "open") {
    await open(data.model, data.delegate);
  } else {
    detect(data.pixels, data.timeS);
  }
};

/**
 * @param {string} url of the models
 * @param {Delegate} delegate
 */
async function open(url, delegate) {
  try {
    const model = await load(url);
    const files = await FilesetResolver.forVisionTasks(VENDOR, true);
    landmarker = await HolisticLandmarker.createFromOptions(files, {
      baseOptions: { modelAssetBuffer: model, delegate },
      runningMode: "VIDEO",
    });
    self.postMessage({ type: "opened" });
  } catch (error) {
    self.postMessage({ type: "failed", code: codeOf(error) || "landmarker", message: messageOf(error) });
  }
}

/** @param {string} url */
async function load(url) {
  let answer;
  try {
    answer = await fetch(url);
  } catch (error) {
    throw Object.assign(new Error(messageOf(error)), { code: "model_unreachable" });
  }
  if (!answer.ok) throw Object.assign(new Error(`${url}: status ${answer.status}`), { code: "model_missing" });
  return new Uint8Array(await answer.arrayBuffer());
}

/** @param {Response} answer whose bytes are told of as they come */
async function follow(answer) {
  const reader = answer.body?.getReader();
  if (!reader) return;
  try {
    while (!(await reader.read()).done) self.postMessage({ type: "loading" });
    self.postMessage({ type: "loaded" });
  } catch {
    // Who asked for it is told.
  }
}

/**
 * @param {ImageBitmap} pixels
 * @param {number} timeS
 */
function detect(pixels, timeS) {
  try {
    if (!landmarker) throw new Error("a picture came before the models");
    const beganMs = performance.now();
    const result = landmarker.detectForVideo(pixels, timeS * 1000);
    const frame = frameFromHolistic(result, timeS);
    const tookMs = performance.now() - beganMs;
    self.postMessage({ type: "frame", frame, tookMs }, [frame.landmarks.buffer, frame.visibility.buffer]);
  } catch (error) {
    self.postMessage({ type: "failed", code: "landmarker", message: messageOf(error) });
  } finally {
    pixels.close();
  }
}
