// A module worker around MediaPipe's HolisticLandmarker: a picture in, the points of one frame out.
//
//   {type: "open", model}            -> {type: "opened"} or {type: "failed", code, message}
//   {type: "detect", bitmap, timeS}  -> {type: "frame", frame} or {type: "failed", code, message}

import { FilesetResolver, HolisticLandmarker } from "../vendor/vision_bundle.mjs";
import { frameFromResult } from "./frames.js";

const VENDOR = new URL("../vendor", import.meta.url).href;

// A module worker has no importScripts; MediaPipe then asks for this function, and reads the global below.
self.import = async (url) => {
  self.ModuleFactory = (await import(url)).default;
};
// What the library logs is no error of the page: only its lines of level E and F are.
const say = (text) => (/^[EF]\d{4} /.test(text) ? console.error(text) : console.debug(text));
self.Module = { print: console.debug, printErr: say };
// The library's module build calls a function of this name that it defines out of reach.
self.custom_dbg = say;

let landmarker = null;

self.onmessage = async ({ data }) => {
  if (data.type === "open") {
    await open(data.model);
  } else {
    detect(data.bitmap, data.timeS);
  }
};

async function open(url) {
  try {
    const model = await load(url);
    const files = await FilesetResolver.forVisionTasks(VENDOR, true);
    landmarker = await HolisticLandmarker.createFromOptions(files, {
      baseOptions: { modelAssetBuffer: model, delegate: "CPU" },
      runningMode: "VIDEO",
    });
    self.postMessage({ type: "opened" });
  } catch (error) {
    self.postMessage({ type: "failed", code: error.code ?? "landmarker", message: String(error.message ?? error) });
  }
}

async function load(url) {
  let answer = null;
  try {
    answer = await fetch(url);
  } catch (error) {
    throw Object.assign(error, { code: "model_unreachable" });
  }
  if (!answer.ok) throw Object.assign(new Error(`${url}: status ${answer.status}`), { code: "model_missing" });
  return new Uint8Array(await answer.arrayBuffer());
}

function detect(bitmap, timeS) {
  try {
    const result = landmarker.detectForVideo(bitmap, timeS * 1000);
    const frame = frameFromResult(result, timeS);
    self.postMessage({ type: "frame", frame }, [frame.points.buffer, frame.visibility.buffer]);
  } catch (error) {
    self.postMessage({ type: "failed", code: "landmarker", message: String(error.message ?? error) });
  } finally {
    bitmap.close();
  }
}
