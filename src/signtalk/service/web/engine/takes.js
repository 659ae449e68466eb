/** What is told of each clip that was taught, whatever the model (`signtalk.index.takes`). */

import { sha256 } from "./bundle.js";
import { newSentenceId } from "./enrolment.js";
import { compareTexts } from "./sentence_index.js";
import { CONSENTS, LONGEST_ID, ORIGINS, SAID_ID } from "./tables.js";
import { textKey } from "./tokenizer.js";

/** @import { Clip } from "./landmarks.js" */
/** @import { Entry, SentenceIndex } from "./sentence_index.js" */

/** @typedef {"" | "recognize" | "train"} Consent what its signer agreed to; without it no landmarks are kept */

/** @typedef {"taught" | "confirmed" | "corrected"} Origin how a take got its sentence; only what was taught answers */

/**
 * @typedef {object} Take
 * @property {string} clip_id
 * @property {string} sentence_id
 * @property {string} sentence
 * @property {string} category
 * @property {string} signer_id "" = not told, as of the following
 * @property {string} language a tag such as "fr"
 * @property {Consent} consent
 * @property {string} date when it was taught, as "2026-11-28"
 * @property {Origin} origin
 */

/**
 * A taught sentence, by the names of `/v1/taught` (docs/protocol.md).
 *
 * @typedef {object} TaughtSentence
 * @property {string} sentence_id
 * @property {string} sentence
 * @property {string} category
 * @property {string} language
 * @property {string} date
 * @property {string[]} signers
 * @property {number} num_clips that were taught
 * @property {number} num_kept of them
 * @property {number} num_said clips of answers that were confirmed or corrected
 * @property {number} num_lost clips that this model cannot be taught, for they were not kept under another one
 * @property {boolean} has_sign
 * @property {{clip_id: string, consent: Consent, origin: Origin}[]} takes
 */

const ONE_NAN = 0x7fc00000;
const LANGUAGE = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/;
const PLAIN_ID = /^[a-z0-9][a-z0-9._-]{0,79}$/;

/**
 * Refuse what Python refuses; gives the take.
 *
 * @param {Take} take
 */
export function checkedTake(take) {
  const { clip_id: id, language, consent, date, origin } = take;
  if (!id || id.length > LONGEST_ID) throw new Error(`a clip_id of ${id.length} characters; expected 1 to ${LONGEST_ID}`);
  if (language && !LANGUAGE.test(language)) throw new Error(`language '${language}'; expected a tag such as en, fr or pt-BR`);
  if (!CONSENTS.includes(consent)) throw new Error(`consent '${consent}'; expected recognize or train, or none`);
  if (!ORIGINS.includes(origin)) throw new Error(`origin '${origin}'; expected ${ORIGINS.join(", ")}`);
  if (date && !isDay(date)) throw new Error(`date '${date}'; expected a day such as 2026-11-28`);
  return take;
}

/**
 * A take as it was kept or written: of older ones it is not told that they were taught.
 *
 * @param {Take} take
 * @returns {Take}
 */
export function asTold(take) {
  return { ...take, origin: take.origin || "taught" };
}

/** @param {Take} take */
export function isTaught({ origin }) {
  return origin === "taught";
}

/**
 * The id of a clip that was said: by its landmarks, so that the same signing is never kept twice.
 *
 * @param {Clip} clip
 */
export async function saidId({ landmarks }) {
  const numbers = landmarks.map((value) => value + 0); // one zero; and one NaN, by its bits:
  const bits = new Uint32Array(numbers.buffer).map((word, i) => (Number.isNaN(numbers[i]) ? ONE_NAN : word));
  return `${SAID_ID}${(await sha256(new Uint8Array(bits.buffer))).slice(0, 16)}`;
}

/** @param {string} date */
function isDay(date) {
  const day = new Date(`${date}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(date) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date);
}

/**
 * The name of a kept clip's file without ".npz", which is safe on every file system.
 *
 * @param {string} clipId
 */
export async function clipName(clipId) {
  const id = clipId.trim();
  if (PLAIN_ID.test(id)) return id;
  const safe = id.replace(/[^A-Za-z0-9_-]+/gu, "_").slice(0, 60).replace(/^_+|_+$/g, "");
  return `${safe}-${(await sha256(new TextEncoder().encode(id))).slice(0, 12)}`;
}

/**
 * How a take stands among a model's references; an id is its model's.
 *
 * @param {Take} take
 * @param {SentenceIndex} base
 * @returns {Promise<Entry>}
 */
export async function entryOf(take, base) {
  const key = textKey(take.sentence), known = base.find(key);
  return {
    clip_id: take.clip_id, video_file: "", feature_path: "", sentence: take.sentence, category: take.category,
    sentence_id: known ? base.named(known).sentence_id : await newSentenceId(key), text_key: key, kind: "clip",
  };
}

/**
 * The sentences of takes whose text holds every word of a query, in order of text.
 *
 * @param {Take[]} takes
 * @param {Set<string>} usable ids of the clips that this model was taught
 * @param {string} query
 * @returns {TaughtSentence[]}
 */
export function sentencesOf(takes, usable, query) {
  const words = query.trim() ? textKey(query).split(" ") : [];
  /** @type {Map<string, Take[]>} */
  const byKey = new Map();
  for (const take of takes) {
    const key = textKey(take.sentence);
    byKey.set(key, [...byKey.get(key) ?? [], take]);
  }
  const keys = [...byKey.keys()].filter((key) => words.every((word) => key.includes(word))).sort(compareTexts);
  return keys.map((key) => described(byKey.get(key) ?? [], usable));
}

/**
 * @param {Take[]} takes of one sentence
 * @param {Set<string>} usable
 * @returns {TaughtSentence}
 */
function described(takes, usable) {
  const byDay = [...takes].sort((a, b) => compareTexts(a.date, b.date));
  const taught = byDay.filter(isTaught), said = byDay.filter((take) => !isTaught(take));
  const named = taught.length ? taught : said, last = named[named.length - 1];
  const kept = taught.filter(({ consent }) => consent);
  return {
    sentence_id: last.sentence_id, sentence: last.sentence, category: last.category, date: last.date,
    language: named.findLast(({ language }) => language)?.language ?? "",
    signers: [...new Set(takes.map((take) => take.signer_id).filter(Boolean))].sort(compareTexts),
    num_clips: taught.length, num_kept: kept.length, num_said: said.length,
    num_lost: taught.filter((take) => !usable.has(take.clip_id)).length, has_sign: kept.length > 0,
    takes: [...taught, ...said].map(({ clip_id, consent, origin }) => ({ clip_id, consent, origin })),
  };
}
