// Reads {"clip": base64 of a clip, "result": a HolisticLandmarkerResult} and tells what the page makes of them.

import { readFileSync } from "node:fs";

import { clipFromFrames, frameAt, frameFromHolistic, hasPart, NAMES } from "../../src/signtalk/service/web/engine/landmarks.js";
import { clipFromBytes, clipToBytes, clipToJson, frameToBytes } from "../../src/signtalk/service/web/engine/wire.js";
import { FrameRing, wristSpeed } from "../../src/signtalk/service/web/page/frames.js";

/** @import { Part } from "../../src/signtalk/service/web/engine/landmarks.js" */

const base64 = (/** @type {ArrayBuffer} */ buffer) => Buffer.from(buffer).toString("base64");
const { clip: bytes, result } = JSON.parse(readFileSync(0, "utf8"));
const clip = clipFromBytes(Uint8Array.from(Buffer.from(bytes, "base64")).buffer);
const frames = Array.from(clip.times, (_, t) => frameAt(clip, t));
const frame = frameFromHolistic(result, 1.5);
const ring = new FrameRing(2);
for (let i = 0; i < 8; i += 1) ring.push({ ...frame, timeS: i });
const parts = /** @type {Part[]} */ (["pose", "left_hand", "right_hand", "face"]);
let refused = "";
try {
  clipFromBytes(clipToBytes(clip).slice(0, 100));
} catch (error) {
  refused = String(error);
}
console.log(JSON.stringify({
  names: NAMES,
  again: base64(clipToBytes(clipFromFrames(frames, clip.aspect))),
  json: clipToJson(clip),
  frame: base64(frameToBytes(frame)),
  parts: parts.map((part) => hasPart(frame, part)),
  kept: ring.frames.map(({ timeS }) => timeS),
  between: ring.between(6, 6.5).map(({ timeS }) => timeS),
  speed: wristSpeed(frames[0], frames[1], clip.aspect ?? 1),
  refused,
}));
