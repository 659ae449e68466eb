/**
 * Learns a signer for the tests as the page does: `node signer_runner.mjs JOB.json` prints a JSON document. Arrays of a job
 * are lists of numbers.
 */
import { readFile } from "node:fs/promises";

import { alignWords, isSpelled } from "../../src/signtalk/service/web/engine/ctc_alignment.js";
import { warpingPath } from "../../src/signtalk/service/web/engine/dtw.js";
import { Engine } from "../../src/signtalk/service/web/engine/engine.js";
import { frameAt } from "../../src/signtalk/service/web/engine/landmarks.js";
import { largestEigenvalue, product, solvePositive, transposedProduct } from "../../src/signtalk/service/web/engine/matrices.js";
import { SentenceIndex } from "../../src/signtalk/service/web/engine/sentence_index.js";
import { fitSigner } from "../../src/signtalk/service/web/engine/signer_fit.js";
import { nextSentences } from "../../src/signtalk/service/web/engine/signer_prompts.js";
import { applied } from "../../src/signtalk/service/web/engine/signer_transform.js";
import { MemoryStorage } from "../../src/signtalk/service/web/engine/storage.js";
import { Tokenizer } from "../../src/signtalk/service/web/engine/tokenizer.js";
import { clipFromBytes } from "../../src/signtalk/service/web/engine/wire.js";

/** @import { Encoded } from "../../src/signtalk/service/web/engine/models.js" */
/** @import { Reference } from "../../src/signtalk/service/web/engine/sentence_index.js" */
/** @import { StreamEvent } from "../../src/signtalk/service/web/engine/stream.js" */

const job = JSON.parse(await readFile(process.argv[2], "utf8"));
const doubles = (/** @type {number[]} */ numbers) => Float64Array.from(numbers);
const floats = (/** @type {number[]} */ numbers) => Float32Array.from(numbers);

/** JSON has neither NaN nor typed arrays. @param {unknown} value */
const plain = (value) => JSON.stringify(value, (_, each) => {
  if (typeof each === "number" && !Number.isFinite(each)) return String(each);
  return ArrayBuffer.isView(each) ? Array.from(/** @type {Float32Array} */ (each)) : each;
});

/** @returns {Encoded[]} */
const encodedClips = () => job.encoded.map((/** @type {any} */ each) => ({
  embedding: floats(each.embedding), projections: floats(each.projections), memory: floats(each.memory),
  valid: Uint8Array.from(each.valid), attentionMean: 0, wordLogProbs: floats(each.words), vocabulary: job.vocabulary,
}));

function indexOf() {
  const references = job.references.map((/** @type {any} */ { entry, embedding, frames }) => (
    /** @type {Reference} */ ({ entry, embedding: floats(embedding), frames: floats(frames) })
  ));
  return new SentenceIndex(references, new Map());
}

/** @param {string} file */
async function bytesOf(file) {
  const bytes = await readFile(file);
  return /** @type {ArrayBuffer} */ (bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** @type {Record<string, () => unknown>} */
const TASKS = {
  matrices() {
    const [a, b, right] = [doubles(job.a), doubles(job.b), doubles(job.right)], { size, width } = job;
    const gram = transposedProduct(a, a, size, size), held = gram.map((each, place) => each + (place % (size + 1) ? 0 : 1));
    let refusal = "";
    try {
      solvePositive(gram.map((each) => -each), right, size, width);
    } catch (error) {
      refusal = String(error);
    }
    return {
      product: product(a, b, size, width), gram, solved: solvePositive(held, right, size, width),
      largest: largestEigenvalue(gram, size), none: largestEigenvalue(new Float64Array(4), 2), refusal,
    };
  },
  paths() {
    return job.costs.map((/** @type {{values: number[], width: number}} */ { values, width }) => warpingPath(doubles(values), width));
  },
  alignments() {
    return job.cases.map((/** @type {any} */ { logProbs, numFrames, vocabulary, words }) => ({
      ...alignWords(doubles(logProbs), 0, numFrames, vocabulary, words), spelled: isSpelled(words, vocabulary),
    }));
  },
  async fit() {
    const clips = encodedClips(), index = indexOf(), tokenizer = new Tokenizer(job.tokenizer);
    const signers = [], moved = [];
    for (const texts of job.texts) {
      const signer = await fitSigner(clips, texts, index, tokenizer);
      signers.push(signer);
      moved.push(signer && clips.map((clip) => applied(signer, clip)));
    }
    return { signers, moved };
  },
  prompts() {
    const index = indexOf(), tokenizer = new Tokenizer(job.tokenizer);
    return job.signed.map((/** @type {string[]} */ signed) => nextSentences(index, tokenizer, signed, job.limit));
  },
  async conversation() {
    const [encoded] = encodedClips(), storage = new MemoryStorage(), [clip] = await Promise.all(job.clips.map(async (
      /** @type {string} */ file,
    ) => clipFromBytes(await bytesOf(file))));
    const models = { encode: async () => encoded, decoder: null, embedText: null };
    const engine = await Engine.open(`${job.bundle}/`, /** @type {any} */ (null), { fetcher: bytesOf, storage, models });
    /** @type {StreamEvent[]} */
    const heard = [];
    const session = engine.stream({ aspect: clip.aspect, mode: "button", learn: job.learn, onEvent: (event) => { heard.push(event); } });
    let beganS = 0;
    const sign = async () => {
      for (const t of clip.times.keys()) {
        const frame = frameAt(clip, t);
        session.push({ ...frame, timeS: frame.timeS + beganS });
        if (!t) session.start();
      }
      beganS += 50;
      await session.stop();
    };
    /** @type {string[]} */
    const texts = job.texts;
    const learned = async () => {
      for (const [number, text] of texts.entries()) {
        await sign();
        await session.confirm(number + 1, text);
      }
    };
    session.next(3);
    await learned();
    await session.confirm(1, "nobody offered this");
    await sign();
    session.reset();
    await session.confirm(1, texts[0]);
    await learned();
    await engine.enroll("Something new", [clip]);
    const kept = storage.kept.vectors[0];
    return { heard: heard.filter(({ type }) => type !== "activity" && type !== "state"), taught: kept.frames };
  },
};

process.stdout.write(plain(await TASKS[job.task]()));
