/**
 * What was taught as one file, which belongs to no model (`signtalk.bundle.collection`): out of a browser, and into one.
 *
 *   takes, landmarks -> packCollection -> zip (takes.csv, clips/*.npz) -> teachCollection
 *
 * Python adds the table of a data folder, whose figures it computes.
 */

import { checkedText, sameReference } from "./enrolment.js";
import { clipFromNpz, clipToNpz } from "./npz.js";
import { tableOfText, tableToText } from "./table.js";
import { TAKE_COLUMNS } from "./tables.js";
import { checkedTake, clipName } from "./takes.js";
import { clipToBytes } from "./wire.js";
import { unzipped, zipped } from "./zip.js";

/** @import { Engine } from "./engine.js" */
/** @import { Clip } from "./landmarks.js" */
/** @import { Vectors } from "./storage.js" */
/** @import { Take } from "./takes.js" */
/** @import { ZipModule } from "./zip.js" */

/**
 * What was taken from a collection, by the names of Python's `ImportedCollection`.
 *
 * @typedef {object} ImportedCollection
 * @property {string[]} clip_ids of the clips that are new here
 * @property {string[]} sentences that they say
 * @property {number} num_known clips that were here already
 * @property {{clip_id: string, message: string}[]} left_out clips that cannot be used, and why
 */

const MOST = { entries: 5000, bytes: 1024 ** 3 }; // unpacked: a thousand clips take some 150 MB
const TAKES_NAME = "takes.csv", CLIPS_FOLDER = "clips";

/** There is nothing to be packed. */
export class NothingKept extends Error {}

/**
 * The kept clips of a browser, as one zip.
 *
 * @param {ZipModule} zip
 * @param {Engine} engine
 * @param {boolean} trainingOnly only clips that may train models
 */
export async function packCollection(zip, engine, trainingOnly) {
  /** @type {Map<string, Uint8Array>} */
  const files = new Map();
  const takes = [];
  for (const take of engine.takes) {
    const clip = take.consent && (take.consent === "train" || !trainingOnly) ? await engine.keptClip(take.clip_id) : null;
    if (!clip) continue;
    const path = `${CLIPS_FOLDER}/${await clipName(take.clip_id)}.npz`;
    files.set(path, clipToNpz(zip, fromZero(clip)));
    takes.push(take);
  }
  if (!takes.length) throw new NothingKept("no such clip is kept here; clips are kept where the person agreed to that");
  files.set(TAKES_NAME, new TextEncoder().encode(tableToText(TAKE_COLUMNS, /** @type {any[]} */ (takes))));
  return zipped(zip, files, 6);
}

/** @param {Clip} clip */
function fromZero(clip) {
  return { ...clip, times: clip.times.map((time) => time - clip.times[0]) }; // as the service keeps them
}

/**
 * The takes of a collection, and their clips' files.
 *
 * @param {ZipModule} zip
 * @param {Uint8Array} bytes
 */
function readCollection(zip, bytes) {
  const files = unzipped(zip, bytes, "this file", MOST), table = files.get(TAKES_NAME);
  if (!table) throw new Error(`this file: no ${TAKES_NAME} in it; give what was saved as a collection`);
  const { columns, rows } = tableOfText(new TextDecoder("utf-8", { fatal: true }).decode(table));
  if (columns.join() !== TAKE_COLUMNS.join()) throw new Error(`${TAKES_NAME}: other columns than ${TAKE_COLUMNS.join(", ")}`);
  const takes = rows.map((row) => checkedTake(/** @type {any} */ (row)));
  if (new Set(takes.map((take) => take.clip_id)).size < takes.length) throw new Error(`${TAKES_NAME}: a clip is there twice`);
  return { takes, files };
}

/**
 * Teach what a collection holds, all of it at once; clips that are here already stay as they are.
 *
 * @param {ZipModule} zip
 * @param {Engine} engine
 * @param {Uint8Array} bytes
 * @returns {Promise<ImportedCollection>}
 */
export async function teachCollection(zip, engine, bytes) {
  const { takes, files } = readCollection(zip, bytes), known = new Set(engine.index.references.map((r) => r.entry.clip_id));
  /** @type {Vectors[]} */
  const vectors = [];
  const fresh = [], landmarks = [], leftOut = [];
  for (const raw of takes.filter((take) => !known.has(take.clip_id))) {
    try {
      const take = usable(raw), file = files.get(`${CLIPS_FOLDER}/${await clipName(take.clip_id)}.npz`);
      if (!file) throw new Error(`no clip of '${take.sentence}' is in the file`);
      const clip = clipFromNpz(zip, file), { motion_floor: floor } = engine.bundle.config.decision.gate;
      const made = await engine.vectorsOf(take, (await engine.encodedSigning(take.clip_id, clip, floor)).encoded);
      if (sameReference(made, [...vectors, ...engine.index.references])) continue; // known under another id
      vectors.push(made);
      fresh.push({ ...take, sentence_id: made.entry.sentence_id });
      landmarks.push({ clipId: take.clip_id, bytes: clipToBytes(clip) });
    } catch (error) {
      leftOut.push({ clip_id: raw.clip_id, message: error instanceof Error ? error.message : String(error) });
    }
  }
  if (leftOut.length && leftOut.length === takes.length) {
    throw new Error(`none of its ${takes.length} clips can be taught; first: ${leftOut[0].message}`);
  }
  await engine.keep({ vectors, takes: fresh, landmarks });
  return {
    clip_ids: fresh.map((take) => take.clip_id), sentences: [...new Set(fresh.map((take) => take.sentence))],
    num_known: takes.length - leftOut.length - fresh.length, left_out: leftOut,
  };
}

/** @param {Take} take */
function usable(take) {
  if (!take.consent || !take.sentence_id) throw new Error(`no ${take.sentence_id ? "consent" : "sentence_id"} is told`);
  return { ...take, sentence: checkedText(take.sentence), category: tidy(take.category), signer_id: tidy(take.signer_id) };
}

/** @param {string} text */
function tidy(text) {
  if (/\p{Cc}/u.test(text)) throw new Error("a text with control characters");
  return text.split(/\s+/u).filter(Boolean).join(" ");
}
