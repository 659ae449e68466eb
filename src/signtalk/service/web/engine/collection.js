/**
 * What was taught as one file, which belongs to no model (`signtalk.bundle.collection`): out of a browser, and into one.
 *
 *   takes, landmarks -> packCollection -> zip (takes.csv, clips/*.npz, processed_metadata.csv) -> teachCollection
 *
 * Unpacked it is a data folder, whose table lists the clips that may train models, and no others.
 */

import { rowOf } from "./data_table.js";
import { checkedText, newSentenceId, sameReference } from "./enrolment.js";
import { checkedClip } from "./landmarks.js";
import { clipFromNpz, clipToNpz } from "./npz.js";
import { tableOfText, tableToText } from "./table.js";
import { CLIPS_FOLDER, TABLE_COLUMNS, TABLE_NAME, TAKE_COLUMNS, TAKES_NAME } from "./tables.js";
import { asTold, checkedTake, clipName, isTaught, saidId } from "./takes.js";
import { textKey } from "./tokenizer.js";
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
 * @property {number} num_said new clips of answers that were confirmed or corrected; they answer nothing
 * @property {{clip_id: string, message: string}[]} left_out clips that cannot be used, and why
 */

const MOST = { entries: 5000, bytes: 1024 ** 3 }; // unpacked: a thousand clips take some 150 MB
const BEFORE = TAKE_COLUMNS.slice(0, -1); // without `origin`: everything was taught

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
  const takes = [], rows = [];
  for (const take of engine.takes) {
    const kept = take.consent && (take.consent === "train" || !trainingOnly) ? await engine.keptClip(take.clip_id) : null;
    if (!kept) continue;
    const clip = fromZero(kept), name = `${await clipName(take.clip_id)}.npz`;
    files.set(`${CLIPS_FOLDER}/${name}`, clipToNpz(zip, clip));
    takes.push(take);
    if (take.consent === "train") rows.push(rowOf(take, clip, name));
  }
  if (!takes.length) throw new NothingKept("no such clip is kept here; clips are kept where the person agreed to that");
  files.set(TAKES_NAME, new TextEncoder().encode(tableToText(TAKE_COLUMNS, /** @type {any[]} */ (takes))));
  files.set(TABLE_NAME, new TextEncoder().encode(tableToText(TABLE_COLUMNS, rows)));
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
  if (![TAKE_COLUMNS, BEFORE].some((each) => columns.join() === each.join())) {
    throw new Error(`${TAKES_NAME}: other columns than ${TAKE_COLUMNS.join(", ")}`);
  }
  const takes = rows.map((row) => checkedTake(asTold(/** @type {any} */ (row))));
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
  for (const take of engine.takes) if (!isTaught(take)) known.add(take.clip_id);
  /** @type {Vectors[]} */
  const vectors = [];
  const fresh = [], landmarks = [], leftOut = [];
  for (const raw of takes.filter((take) => !known.has(take.clip_id))) {
    try {
      const read = usable(raw), file = files.get(`${CLIPS_FOLDER}/${await clipName(read.clip_id)}.npz`);
      if (!file) throw new Error(`no clip of '${read.sentence}' is in the file`);
      const clip = clipFromNpz(zip, file), take = isTaught(read) ? read : await asSaid(read, clip);
      if (isTaught(take)) {
        const { motion_floor: floor } = engine.bundle.config.decision.gate;
        const made = await engine.vectorsOf(take, (await engine.encodedSigning(take.clip_id, clip, floor)).encoded);
        if (sameReference(made, [...vectors, ...engine.index.references])) continue; // known under another id
        vectors.push(made);
        take.sentence_id = made.entry.sentence_id;
      } else if (known.has(take.clip_id)) continue;
      known.add(take.clip_id);
      fresh.push(take);
      landmarks.push({ clipId: take.clip_id, bytes: clipToBytes(clip) });
    } catch (error) {
      leftOut.push({ clip_id: raw.clip_id, message: error instanceof Error ? error.message : String(error) });
    }
  }
  if (leftOut.length && leftOut.length === takes.length) {
    throw new Error(`none of its ${takes.length} clips can be taught; first: ${leftOut[0].message}`);
  }
  await engine.keep({ vectors, takes: fresh, landmarks });
  const taught = fresh.filter(isTaught);
  return {
    clip_ids: taught.map((take) => take.clip_id), sentences: [...new Set(taught.map((take) => take.sentence))],
    num_known: takes.length - leftOut.length - fresh.length, num_said: fresh.length - taught.length, left_out: leftOut,
  };
}

/**
 * A take of what was said elsewhere, under the ids that it has everywhere.
 *
 * @param {Take} take
 * @param {Clip} clip
 * @returns {Promise<Take>}
 */
async function asSaid(take, clip) {
  return { ...take, clip_id: await saidId(checkedClip(clip)), sentence_id: await newSentenceId(textKey(take.sentence)) };
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
