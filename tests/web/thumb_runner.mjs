// How many clips would answer a question that stands there: `node thumb_runner.mjs JOB.json` prints each clip's answers.

import { readFile } from "node:fs/promises";

import { clipsFromBytes } from "../../src/signtalk/service/web/engine/wire.js";
import { frameAt } from "../../src/signtalk/service/web/engine/landmarks.js";
import { ThumbHold, thumbOf } from "../../src/signtalk/service/web/page/thumb.js";

const job = JSON.parse(await readFile(process.argv[2], "utf8"));
const bytes = await readFile(job.file);
const buffer = /** @type {ArrayBuffer} */ (bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const answers = clipsFromBytes(buffer, job.counts).map((clip) => {
  const hold = new ThumbHold();
  hold.begin();
  for (const timeS of [-0.8, -0.6, -0.4, -0.2]) hold.look("", clip.times[0] + timeS); // hands were down before
  return Array.from(clip.times, (_, t) => frameAt(clip, t)).flatMap((frame) => {
    const { thumb, done } = hold.look(thumbOf(frame, clip.aspect ?? 1), frame.timeS);
    return done ? [thumb] : [];
  });
});
console.log(JSON.stringify(answers));
