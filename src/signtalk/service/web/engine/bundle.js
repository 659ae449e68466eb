/** Reads the folder that `signtalk bundle web` wrote; every file is checked against the manifest before it is used. */

import { fromHalf } from "./numbers.js";
import { SentenceIndex } from "./sentence_index.js";
import { Tokenizer } from "./tokenizer.js";

export const WEB_FORMAT_VERSION = 1;

/** Bytes (ArrayBuffer) of a URL. */
export async function fetchBytes(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
  return answer.arrayBuffer();
}

/**
 * {manifest, config, segmenter, tokenizer, index, read}: `read(name)` gives a file's bytes as a Uint8Array, checked.
 * `baseUrl` ends with "/"; `fetcher` gives the ArrayBuffer of a URL.
 */
export async function readBundle(baseUrl, fetcher = fetchBytes) {
  const manifest = decoded(await fetcher(`${baseUrl}manifest.json`));
  if (manifest.web_format_version !== WEB_FORMAT_VERSION) {
    throw new Error(`bundle of web format ${manifest.web_format_version}; this page reads ${WEB_FORMAT_VERSION}`);
  }
  const read = async (name) => {
    const bytes = await fetcher(baseUrl + name);
    if ((await sha256(bytes)) !== manifest.files[name]?.sha256) {
      throw new Error(`${name}: changed since it was exported; load the page again`);
    }
    return new Uint8Array(bytes);
  };
  const json = async (name) => decoded(await read(name));
  const [config, segmenter, vocabulary] = await Promise.all(
    ["config.json", "segmenter.json", "tokenizer_vocab.json"].map(json));
  const index = await readIndex(config, read, json);
  return { manifest, config, segmenter, tokenizer: new Tokenizer(vocabulary), index, read, json };
}

async function readIndex({ index: shape }, read, json) {
  const { entries, sentences } = await json("sentences.json");
  const floats = async (name) => new Float32Array((await read(name)).buffer);
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

function decoded(bytes) {
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** Hex SHA-256 of bytes. */
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) {
    throw new Error("the page must be opened over https or from this machine (localhost)");
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
