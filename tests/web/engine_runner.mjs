/**
 * Runs the page's engine for test_web_engine.py: `node web_engine_runner.mjs ENGINE JOB.json` prints a JSON document.
 * A job is {task, ...}; arrays travel as {shape, file} of little-endian float64 beside the job.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , engineFolder, jobFile] = process.argv;
const job = JSON.parse(await readFile(jobFile, "utf8"));
const load = (name) => import(pathToFileURL(path.join(engineFolder, `${name}.js`)));

const bytesOf = async (file) => {
  const bytes = await readFile(file);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
};
const doubles = async (file) => new Float64Array(await bytesOf(file));
const plain = (value) => JSON.parse(JSON.stringify(value, (_, each) => {
  if (typeof each === "number" && !Number.isFinite(each)) return String(each);
  return ArrayBuffer.isView(each) ? Array.from(each, (v) => (Number.isFinite(v) ? v : String(v))) : each;
}));

const { clipFromBytes, clipToBytes, clipFromJson, frameFromHolistic, NAMES } = await load("landmarks");
const clips = await Promise.all((job.clips ?? []).map(async (file) => clipFromBytes(await bytesOf(file))));

async function openEngine(options = {}) {
  const { Engine } = await load("engine");
  const { MemoryStorage } = await load("storage");
  const ort = job.ort && await import(pathToFileURL(job.ort));
  if (ort) ort.env.wasm.numThreads = 1;
  return Engine.open(`${job.bundle}/`, ort, { fetcher: bytesOf, storage: new MemoryStorage(), ...options });
}

/** A model that gives for each asked clip what Python's encoder gave. */
async function givenModels() {
  const encoded = await Promise.all(job.encoded.map(async (given) => {
    const floats = async (name) => Float32Array.from(await doubles(given[name]));
    return {
      embedding: await floats("embedding"), projections: await floats("projections"), memory: await floats("memory"),
      valid: Uint8Array.from(await doubles(given.valid)), attentionMean: given.attention_mean,
      wordLogProbs: await floats("words"), vocabulary: given.vocabulary,
    };
  }));
  return { models: { encode: async () => encoded.shift(), decoder: null, embedText: null } };
}

const frameOf = (clip, t) => ({
  landmarks: clip.landmarks.slice(507 * t, 507 * (t + 1)), visibility: clip.visibility.slice(33 * t, 33 * (t + 1)),
});

const TASKS = {
  async landmarks() {
    const holistic = job.holistic.map(frameFromHolistic);
    const same = clips.map((clip) => Buffer.from(clipToBytes(clip)).toString("base64"));
    return { names: NAMES, holistic, bytes: same, json: job.json.map((each) => clipFromJson(each)) };
  },
  async features() {
    const { extractFeatures } = await load("features");
    return job.configs.map((config) => clips.map((clip) => {
      const { features, valid, motion, numFeatures } = extractFeatures(clip, config);
      return { features, valid, motion, numFeatures };
    }));
  },
  async texts() {
    const { textKey, Tokenizer } = await load("tokenizer");
    const { agreement } = await load("translation");
    const tokenizer = new Tokenizer(job.vocabulary);
    return {
      keys: job.texts.map(textKey),
      ids: job.texts.map((text) => tokenizer.encode(text)),
      words: job.texts.map((text) => tokenizer.decodeWords(tokenizer.encode(text))),
      agreements: job.pairs.map(([a, b]) => agreement(a, b)),
    };
  },
  async decode() {
    const { beamSearch, JointDecoder } = await load("decoding");
    const table = Float32Array.from(await doubles(job.table)), vocabulary = job.vocabulary;
    const decoder = {
      vocabulary, start: async () => null, select: () => null,
      step: async (tokens) => ({
        logProbs: Float32Array.from(tokens.flatMap((t) => [...table.subarray(t * vocabulary, (t + 1) * vocabulary)])),
        state: null,
      }),
    };
    const wordLogProbs = Float32Array.from(await doubles(job.words));
    const valid = new Uint8Array(wordLogProbs.length / vocabulary).fill(1, 0, job.num_valid);
    const asked = job.weight ? new JointDecoder(decoder, job.weight) : decoder;
    return beamSearch(asked, { wordLogProbs, vocabulary, valid }, job.options);
  },
  async given() {
    const engine = await openEngine(await givenModels());
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
    const found = job.search ? await engine.search(job.search, 5) : null;
    return { answers, milliseconds, verified: await engine.verify(), sentences: engine.sentences(), found };
  },
  async enroll() {
    const { MemoryStorage } = await load("storage");
    const storage = new MemoryStorage(), engine = await openEngine({ storage });
    const refusals = [];
    const attempt = async (...asked) => engine.enroll(...asked).catch((error) => { refusals.push(error.message); });
    const told = await attempt(job.text, clips.slice(0, 2), { category: "here" });
    await attempt(job.text, [clips[0]]);
    await attempt(job.text, [clips[3]]);
    await attempt("?!", [clips[2]]);
    const again = await openEngine({ storage });
    const answer = await again.recognize(clips[2]);
    const listed = again.sentences({ query: job.text });
    const forgotten = await again.forget(job.text);
    return { told, refusals, answer, listed, forgotten, left: again.sentences({ query: job.text }) };
  },
  async segments() {
    const { Segmenter } = await load("segmenter");
    const settings = JSON.parse(await readFile(job.settings, "utf8"));
    return clips.map((clip) => {
      const segmenter = new Segmenter(settings, clip.aspect), probabilities = [], events = [];
      clip.times.forEach((time, t) => {
        events.push(...segmenter.push(frameOf(clip, t), time));
        probabilities.push(segmenter.probability);
      });
      return { probabilities, events: [...events, ...segmenter.finish()] };
    });
  },
  async stream() {
    const engine = await openEngine(), heard = [];
    const onEvent = (event) => heard.push(event);
    const session = engine.stream({ aspect: clips[0].aspect, mode: job.mode, candidates: 3, onEvent });
    const [from, to] = job.button ?? [-1, -1], waiting = [];
    for (const [t, time] of clips[0].times.entries()) {
      waiting.push(session.push(frameOf(clips[0], t), time));
      if (t === from) waiting.push(session.start());
      if (t === to) waiting.push(session.stop());
    }
    waiting.push(session.finish());
    await Promise.all(waiting);
    return heard;
  },
};

process.stdout.write(JSON.stringify(plain(await TASKS[job.task]())));
