// Reads {"clip": base64 of a clip, "result": a HolisticLandmarkerResult} and tells what page/frames.js makes of it.

import { readFileSync } from "node:fs";

import {
  clipToJson, FrameRing, frameFromResult, hasPart, packClip, packFrame, unpackClip, wristSpeed,
} from "../../src/signtalk/service/web/page/frames.js";

const base64 = (buffer) => Buffer.from(buffer).toString("base64");
const { clip: bytes, result } = JSON.parse(readFileSync(0, "utf8"));
const clip = unpackClip(Uint8Array.from(Buffer.from(bytes, "base64")).buffer);
const found = frameFromResult(result, 1.5);
const ring = new FrameRing(2);
for (let i = 0; i < 8; i += 1) ring.push({ ...found, timeS: i });
let refused = "";
try {
  unpackClip(packClip(clip).slice(0, 100));
} catch (error) {
  refused = error.message;
}
console.log(JSON.stringify({
  again: base64(packClip(clip)),
  json: clipToJson(clip),
  found: base64(packFrame(found)),
  parts: ["pose", "left_hand", "right_hand", "face"].map((part) => hasPart(found, part)),
  kept: ring.frames.map(({ timeS }) => timeS),
  between: ring.between(6, 6.5).map(({ timeS }) => timeS),
  speed: wristSpeed(clip.frames[0], clip.frames[1], clip.aspect),
  refused,
}));
