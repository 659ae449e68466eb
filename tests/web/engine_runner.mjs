/**
 * Runs the page's engine for the tests: `node engine_runner.mjs JOB.json` prints a JSON document.
 * A job is {task, ...}; arrays travel as files of little-endian float64.
 */
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import { beamSearch, JointDecoder } from "../../src/signtalk/service/web/engine/beam_search.js";
import { criticalWords, keepsCriticalWords, spelledText } from "../../src/signtalk/service/web/engine/critical_words.js";
import { Engine } from "../../src/signtalk/service/web/engine/engine.js";
import { extractFeatures } from "../../src/signtalk/service/web/engine/features.js";
import { frameAt } from "../../src/signtalk/service/web/engine/landmarks.js";
import { implausibilities } from "../../src/signtalk/service/web/engine/plausible.js";
import { Segmenter } from "../../src/signtalk/service/web/engine/segmenter.js";
import { MemoryStorage } from "../../src/signtalk/service/web/engine/storage.js";
import { textKey, Tokenizer } from "../../src/signtalk/service/web/engine/tokenizer.js";
import { agreement } from "../../src/signtalk/service/web/engine/translation.js";
import { clipFromBytes } from "../../src/signtalk/service/web/engine/wire.js";

/** @import { EngineOptions } from "../../src/signtalk/service/web/engine/engine.js" */
/** @import { FeatureConfig } from "../../src/signtalk/service/web/engine/features.js" */
/** @import { Clip } from "../../src/signtalk/service/web/engine/landmarks.js" */
/** @import { Models, OrtModule } from "../../src/signtalk/service/web/engine/models.js" */
/** @import { StreamEvent } from "../../src/signtalk/service/web/engine/stream.js" */

const job = JSON.parse(await readFile(process.argv[2], "utf8"));

/** @param {string} file */
async function bytesOf(file) {
  const bytes = await readFile(file);
  return /** @type {ArrayBuffer} */ (bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** @param {string} file */
const doubles = async (file) => new Float64Array(await bytesOf(file));

/** @param {number} value */
const finiteOrText = (value) => (Number.isFinite(value) ? value : String(value));

/** JSON has neither NaN nor typed arrays. @param {unknown} value */
const plain = (value) => JSON.parse(JSON.stringify(value, (_, each) => {
  if (typeof each === "number" && !Number.isFinite(each)) return String(each);
  return ArrayBuffer.isView(each) ? Array.from(/** @type {Float32Array} */ (each), finiteOrText) : each;
}));

/** @type {Clip[]} */
const clips = await Promise.all((job.clips ?? []).map(async (/** @type {string} */ file) => clipFromBytes(await bytesOf(file))));

const unusedOrt = /** @type {any} */ (null);

/**
 * The engine on a job's bundle; with the network's outputs in the job, or by ONNX Runtime Web.
 *
 * @param {EngineOptions} [options]
 */
async function openEngine(options = {}) {
  const own = { fetcher: bytesOf, storage: new MemoryStorage(), ...options };
  if (job.encoded) return Engine.open(`${job.bundle}/`, unusedOrt, { ...own, models: await givenModels() });
  /** @type {OrtModule} */
  const ort = await import(pathToFileURL(job.ort).href);
  ort.env.wasm.numThreads = 1;
  return Engine.open(`${job.bundle}/`, ort, own);
}

/**
 * Models that give for each clip of the job what Python's encoder gave.
 *
 * @returns {Promise<Models>}
 */
async function givenModels() {
  /** @type {FeatureConfig} */
  const config = JSON.parse(await readFile(`${job.bundle}/config.json`, "utf8")).features;
  const encoded = await Promise.all(clips.map(async (clip, n) => {
    const outputs = job.encoded[n];
    const floats = async (/** @type {string} */ name) => Float32Array.from(await doubles(outputs[name]));
    return {
      features: extractFeatures(clip, config).features,
      embedding: await floats("embedding"), projections: await floats("projections"), memory: await floats("memory"),
      valid: Uint8Array.from(await doubles(outputs.valid)), attentionMean: outputs.attention_mean,
      wordLogProbs: await floats("words"), vocabulary: outputs.vocabulary,
    };
  }));
  return {
    encode: async ({ features }) => {
      const one = encoded.find((each) => each.features.every((value, i) => value === features[i]));
      if (!one) throw new Error("a clip was to be encoded that is not in the job");
      return one;
    },
    decoder: null,
    embedText: null,
  };
}

/** @type {Record<string, () => unknown>} */
const TASKS = {
  features() {
    return job.configs.map((/** @type {FeatureConfig} */ config) => clips.map((clip) => {
      const { features, valid, motion, numFeatures } = extractFeatures(clip, config);
      return { features, valid, motion, numFeatures };
    }));
  },
  texts() {
    /** @type {string[]} */
    const texts = job.texts;
    const tokenizer = new Tokenizer(job.vocabulary);
    return {
      keys: texts.map(textKey),
      ids: texts.map((text) => tokenizer.encode(text)),
      words: texts.map((text) => tokenizer.decodeWords(tokenizer.encode(text))),
      agreements: job.pairs.map((/** @type {[string, string]} */ [a, b]) => agreement(a, b)),
    };
  },
  critical() {
    /** @type {string[]} */
    const texts = job.texts;
    const kept = texts.map((a) => [...texts, null].map((b) => keepsCriticalWords(a, b)));
    return { said: texts.map(criticalWords), kept };
  },
  async spelled() {
    const tokenizer = new Tokenizer(job.vocabulary), wordLogProbs = Float32Array.from(await doubles(job.words));
    const vocabulary = tokenizer.tokens.length, none = new Float32Array();
    const valid = new Uint8Array(wordLogProbs.length / vocabulary).fill(1, 0, job.num_valid);
    const unread = { embedding: none, projections: none, memory: none, attentionMean: NaN };
    return spelledText({ ...unread, wordLogProbs, vocabulary, valid }, tokenizer);
  },
  async decode() {
    const table = Float32Array.from(await doubles(job.table)), vocabulary = job.vocabulary;
    const decoder = {
      vocabulary, start: async () => null, select: () => null,
      step: async (/** @type {number[]} */ tokens) => ({
        logProbs: Float32Array.from(tokens.flatMap((t) => [...table.subarray(t * vocabulary, (t + 1) * vocabulary)])),
        state: null,
      }),
    };
    const wordLogProbs = Float32Array.from(await doubles(job.words));
    const valid = new Uint8Array(wordLogProbs.length / vocabulary).fill(1, 0, job.num_valid);
    const joint = job.weight ? new JointDecoder(decoder, job.weight) : decoder, none = new Float32Array();
    const unread = { embedding: none, projections: none, memory: none, attentionMean: NaN };
    return beamSearch(joint, { ...unread, wordLogProbs, vocabulary, valid }, job.options);
  },
  async given() {
    const engine = await openEngine();
    const answers = [];
    for (const clip of clips) answers.push(await engine.recognize(clip, { candidates: job.candidates ?? 5 }));
    return answers;
  },
  async whole() {
    const engine = await openEngine();
    const answers = [], milliseconds = [];
    for (const clip of clips) {
      const started = performance.now();
      answers.push(await engine.recognize(clip));
      milliseconds.push(performance.now() - started);
    }
    const hits = job.search ? await engine.search(job.search, 5) : null;
    const categories = engine.categories();
    const listed = categories.map(({ category }) => engine.sentences({ category }).map(({ sentence }) => sentence));
    return { answers, milliseconds, verified: await engine.verify(), sentences: engine.sentences(), categories, listed, hits };
  },
  plausible: () => clips.map((clip) => implausibilities(clip).map(({ kind, isHopeless }) => [kind, isHopeless])),

  async enroll() {
    const storage = new MemoryStorage(), engine = await openEngine({ storage });
    /** @type {string[]} */
    const refusals = [];
    const attempt = async (/** @type {Parameters<typeof engine.enroll>} */ ...enrolment) =>
      engine.enroll(...enrolment).catch((error) => { refusals.push(error.message); });
    const told = /** @type {const} */ ({ category: "here", signer: "s07", language: "en", consent: "recognize" });
    const enrolled = await attempt(job.text, clips.slice(0, 2), told);
    await attempt(job.text, [clips[0]]);
    await attempt(job.text, [clips[3]]);
    await attempt("?!", [clips[2]]);
    const again = await openEngine({ storage });
    const answer = await again.recognize(clips[2]);
    const listed = again.sentences({ query: job.text });
    const taught = again.taught(), again1 = await again.keptClip(taught[0].takes[0].clip_id);
    const kept = { frames: again1?.times.length, signs: again.signsOf(taught[0].sentence_id).length };
    await again.rename(job.text, "Another text");
    const renamed = again.taught();
    await again.rename("another text!", job.text);
    const forgotten = await again.forget(job.text), left = again.sentences({ query: job.text });
    await again.keep(forgotten);
    const restored = again.taught();
    return { enrolled, refusals, answer, listed, taught, kept, renamed, restored, left, forgotten: forgotten.takes.length };
  },
  async lessons() {
    const engine = await openEngine(), told = [];
    for (const [text, places] of job.lessons) {
      told.push(await engine.enroll(text, places.map((/** @type {number} */ n) => clips[n])));
    }
    return told;
  },
  async carried() {
    const storage = new MemoryStorage(), engine = await openEngine({ storage });
    await engine.enroll("The pump beeps.", [clips[0]], { consent: "recognize", language: "en" });
    await engine.enroll("Open your mouth", [clips[1]]);
    const before = engine.taught(), vectors = storage.kept.vectors.length;
    job.bundle = job.newer;
    const newer = await openEngine({ storage }), after = newer.taught(), answer = await newer.recognize(clips[0]);
    const again = (await openEngine({ storage })).taught();
    await newer.forget("Open your mouth");
    return {
      before, after, again, answer, vectors: [vectors, storage.kept.vectors.length],
      encoders: [...new Set(storage.kept.vectors.map(({ encoderId }) => encoderId))],
    };
  },
  async segments() {
    const settings = JSON.parse(await readFile(job.settings, "utf8"));
    return clips.map((clip) => {
      const segmenter = new Segmenter(settings, clip.aspect);
      /** @type {number[]} */
      const probabilities = [];
      const events = Array.from(clip.times, (_, t) => {
        const changes = segmenter.push(frameAt(clip, t));
        probabilities.push(segmenter.probability);
        return changes;
      }).flat();
      return { probabilities, events: [...events, ...segmenter.finish()] };
    });
  },
  async stream() {
    const engine = await openEngine();
    /** @type {StreamEvent[]} */
    const heard = [];
    const session = engine.stream({
      aspect: clips[0].aspect, mode: job.mode, candidates: 3, onEvent: (event) => { heard.push(event); },
    });
    const [from, to] = job.button ?? [-1, -1], waiting = [];
    for (const t of clips[0].times.keys()) {
      waiting.push(session.push(frameAt(clips[0], t)));
      if (t === from) waiting.push(session.start());
      if (t === to) waiting.push(session.stop());
    }
    waiting.push(session.finish());
    await Promise.all(waiting);
    return heard;
  },
};

process.stdout.write(JSON.stringify(plain(await TASKS[job.task]())));
