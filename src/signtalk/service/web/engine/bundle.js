/** Reads the folder that `signtalk bundle web` wrote; every file is checked against the manifest before it is used. */

import { fromHalf } from "./numbers.js";
import { SentenceIndex } from "./sentence_index.js";
import { WEB_FORMAT_VERSION } from "./tables.js";
import { Tokenizer } from "./tokenizer.js";

/** @import { FeatureConfig } from "./features.js" */
/** @import { ModelConfig } from "./models.js" */
/** @import { Answer, DecisionConfig } from "./recognition.js" */
/** @import { SegmenterSettings } from "./segmenter.js" */
/** @import { Entry } from "./sentence_index.js" */

/** @typedef {{embedding_width: number, projection_width: number, text_embeddings: boolean}} IndexShape */

/**
 * @typedef {object} BundleConfig
 * @property {FeatureConfig} features
 * @property {DecisionConfig} decision
 * @property {ModelConfig} model
 * @property {IndexShape} index
 */

/** @typedef {{web_format_version: number, encoder_id: string, files: Record<string, {sha256: string}>}} Manifest */

/** @typedef {{num_frames: number[], answers: Answer[]}} Golden content of golden.json */

/** @typedef {(name: string) => Promise<Uint8Array<ArrayBuffer>>} ReadFile bytes of a file of the bundle, checked */

/** @typedef {(name: string) => Promise<any>} ReadJson content of a file of the bundle, checked */

/**
 * @typedef {object} Bundle
 * @property {Manifest} manifest
 * @property {BundleConfig} config
 * @property {SegmenterSettings} segmenter
 * @property {Tokenizer} tokenizer
 * @property {SentenceIndex} index
 * @property {ReadFile} read
 * @property {ReadJson} json
 */

/**
 * Bytes of a URL.
 *
 * @param {string} url
 * @returns {Promise<ArrayBuffer>}
 */
export async function fetchBytes(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
  return answer.arrayBuffer();
}

/**
 * The bundle below an address.
 *
 * @param {string} baseUrl ends with "/"
 * @param {(url: string) => Promise<ArrayBuffer>} [fetcher]
 * @returns {Promise<Bundle>}
 */
export async function readBundle(baseUrl, fetcher = fetchBytes) {
  /** @type {Manifest} */
  const manifest = decoded(await fetcher(`${baseUrl}manifest.json`));
  if (manifest.web_format_version !== WEB_FORMAT_VERSION) {
    throw new Error(`bundle of web format ${manifest.web_format_version}; this page reads ${WEB_FORMAT_VERSION}`);
  }
  /** @type {ReadFile} */
  const read = async (name) => {
    const bytes = await fetcher(baseUrl + name);
    if ((await sha256(bytes)) !== manifest.files[name]?.sha256) {
      throw new Error(`${name}: changed since it was exported; load the page again`);
    }
    return new Uint8Array(bytes);
  };
  /** @type {ReadJson} */
  const json = async (name) => decoded(await read(name));
  const [config, segmenter, vocabulary] = await Promise.all(
    ["config.json", "segmenter.json", "tokenizer_vocab.json"].map(json));
  const index = await readIndex(config, read, json);
  return { manifest, config, segmenter, tokenizer: new Tokenizer(vocabulary), index, read, json };
}

/**
 * @param {BundleConfig} config
 * @param {ReadFile} read
 * @param {ReadJson} json
 */
async function readIndex({ index: shape }, read, json) {
  /** @type {{entries: (Entry & {num_frames: number})[], sentences: {text_key: string, words: number[]}[]}} */
  const { entries, sentences } = await json("sentences.json");
  const floats = async (/** @type {string} */ name) => new Float32Array((await read(name)).buffer);
  const embeddings = await floats("embeddings.bin"), width = shape.embedding_width;
  const frames = fromHalf(new Uint16Array((await read("projections.bin")).buffer));
  const texts = shape.text_embeddings ? await floats("text_embeddings.bin") : null;
  let place = 0;
  const references = entries.map(({ num_frames: numFrames, ...entry }, row) => ({
    entry,
    embedding: embeddings.subarray(row * width, (row + 1) * width),
    frames: frames.subarray(place, place += numFrames * shape.projection_width),
  }));
  return new SentenceIndex(references, new Map(sentences.map(({ text_key: key, words }, c) =>
    [key, { words, textEmbedding: texts && texts.subarray(c * width, (c + 1) * width) }])));
}

/** @param {AllowSharedBufferSource} bytes */
function decoded(bytes) {
  return JSON.parse(new TextDecoder().decode(bytes));
}

/**
 * Hex SHA-256 of bytes.
 *
 * @param {BufferSource} bytes
 */
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) {
    throw new Error("the page must be opened over https or from this machine (localhost)");
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
