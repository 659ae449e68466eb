/**
 * Packs and unpacks for the tests as the page does: `node collection_runner.mjs JOB.json` prints a JSON document.
 */
import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import * as fflate from "../../web/node_modules/fflate/esm/index.mjs";
import { packCollection, teachCollection } from "../../src/signtalk/service/web/engine/collection.js";
import { Engine } from "../../src/signtalk/service/web/engine/engine.js";
import { clipFromNpz, clipToNpz } from "../../src/signtalk/service/web/engine/npz.js";
import { MemoryStorage } from "../../src/signtalk/service/web/engine/storage.js";
import { tableOfText, tableToText } from "../../src/signtalk/service/web/engine/table.js";
import { clipName } from "../../src/signtalk/service/web/engine/takes.js";
import { clipFromBytes, clipToBytes } from "../../src/signtalk/service/web/engine/wire.js";
import { unzipped } from "../../src/signtalk/service/web/engine/zip.js";

/** @import { OrtModule } from "../../src/signtalk/service/web/engine/models.js" */
/** @import { ZipModule } from "../../src/signtalk/service/web/engine/zip.js" */

const job = JSON.parse(await readFile(process.argv[2], "utf8"));
const zip = /** @type {ZipModule} */ (/** @type {unknown} */ (fflate));
const MOST = { entries: 8, bytes: 64 * 1024 ** 2 };

/** @param {string} file */
async function bytesOf(file) {
  const bytes = await readFile(file);
  return /** @type {ArrayBuffer} */ (bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

const clips = await Promise.all((job.clips ?? []).map(async (/** @type {string} */ file) => clipFromBytes(await bytesOf(file))));

async function openEngine(storage = new MemoryStorage()) {
  /** @type {OrtModule} */
  const ort = await import(pathToFileURL(job.ort).href);
  ort.env.wasm.numThreads = 1;
  return Engine.open(`${job.bundle}/`, ort, { fetcher: bytesOf, storage });
}

/**
 * What went wrong, in words.
 *
 * @param {() => unknown} work
 */
async function refusal(work) {
  try {
    await work();
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @type {Record<string, () => unknown>} */
const TASKS = {
  async npz() {
    for (const [number, clip] of clips.entries()) await writeFile(`${job.out}/js${number}.npz`, clipToNpz(zip, clip));
    const read = await Promise.all(job.files.map(async (/** @type {string} */ file) => (
      clipToBytes(clipFromNpz(zip, new Uint8Array(await bytesOf(file))))
    )));
    const refused = await Promise.all(job.odd.map(async (/** @type {string} */ file) => (
      refusal(async () => clipFromNpz(zip, new Uint8Array(await bytesOf(file))))
    )));
    return { read: read.map((bytes) => Buffer.from(bytes).toString("base64")), refused };
  },
  async zips() {
    return Promise.all(job.files.map(async (/** @type {string} */ file) => (
      refusal(async () => unzipped(zip, new Uint8Array(await bytesOf(file)), "it", MOST))
    )));
  },
  async tables() {
    const { columns, rows } = tableOfText(job.text);
    return { columns, rows, text: tableToText(columns, rows), names: await Promise.all(job.ids.map(clipName)) };
  },
  async packed() {
    const engine = await openEngine();
    const nothing = await refusal(() => packCollection(zip, engine, false));
    await engine.enroll('The "pump", beeps', [clips[0]], { consent: "recognize", signer: "s07", language: "en" });
    await engine.enroll("Open your mouth", [clips[1]], { consent: "train", signer: "s08", category: "ward" });
    await engine.enroll("Never kept", [clips[2]]);
    const said = await engine.remember("The pump peeps", clips[3], { origin: "corrected", consent: "train", signer: "s09" });
    await writeFile(`${job.out}/all.zip`, await packCollection(zip, engine, false));
    await writeFile(`${job.out}/again.zip`, await packCollection(zip, engine, false));
    await writeFile(`${job.out}/training.zip`, await packCollection(zip, engine, true));
    return { nothing, takes: engine.takes, said };
  },
  async people() {
    const engine = await openEngine();
    for (const [n, { words, signer }] of job.told.entries()) { // one taught, the next confirmed
      if (n % 2) await engine.remember(words, clips[n], { origin: "confirmed", consent: "train", signer });
      else await engine.enroll(words, [clips[n]], { consent: "train", signer });
    }
    await writeFile(`${job.out}/people.zip`, await packCollection(zip, engine, true));
    return engine.takes.length;
  },
  async said() {
    const storage = new MemoryStorage(), engine = await openEngine(storage), { index } = engine;
    const told = /** @type {const} */ ({ origin: "confirmed", consent: "train", signer: "s07", language: "en" });
    const ids = [await engine.remember("The pump beeps", clips[0], told)];
    ids.push(await engine.remember("the pump beeps", clips[1], { ...told, origin: "corrected" }));
    const untouched = engine.index === index && !engine.sentences().length, listed = engine.taught();
    const kept = await engine.keptClip(ids[0]);
    await engine.remember("Another", clips[0], { ...told, origin: "corrected" }); // the same signing
    const moved = engine.taught();
    const refused = [
      await refusal(() => engine.remember("Another", clips[2], { ...told, consent: "recognize" })),
      await refusal(() => engine.remember("?!", clips[2], told)),
      await refusal(() => engine.remember("Another", clips[3], told)), // hands that rest
    ];
    const again = await openEngine(storage), reopened = again.taught(), references = again.index.references.length;
    await again.enroll("Another", [clips[0]], { consent: "recognize" }); // it answers now, and is kept once
    await again.rename("Another", "One more");
    await again.unremember(ids[1]);
    await again.remember("One more", clips[2], told);
    const forgotten = await again.forget("One more"), bare = again.taught();
    await again.keep(forgotten);
    return {
      ids, untouched, listed, moved, refused, reopened, references, bare, end: again.taught(),
      kept: kept && Buffer.from(clipToBytes(kept)).toString("base64"), stored: storage.kept.landmarks.length,
    };
  },
  async taught() {
    const storage = new MemoryStorage(), engine = await openEngine(storage);
    await engine.enroll("A sentence of this laptop", [clips[0]], { consent: "recognize" });
    const first = await teachCollection(zip, engine, new Uint8Array(await bytesOf(job.file)));
    const again = await teachCollection(zip, engine, new Uint8Array(await bytesOf(job.file)));
    const kept = await Promise.all(first.clip_ids.map((id) => engine.keptClip(id)));
    const refused = await Promise.all(job.odd.map(async (/** @type {string} */ file) => (
      refusal(async () => teachCollection(zip, engine, new Uint8Array(await bytesOf(file))))
    )));
    const listed = engine.taught().map(({ sentence, signers, language, num_kept: kept_ }) => ({ sentence, signers, language, kept_ }));
    return {
      first, again, refused, listed, takes: engine.takes.length,
      kept: kept.map((clip) => clip && Buffer.from(clipToBytes(clip)).toString("base64")),
    };
  },
};

process.stdout.write(JSON.stringify(await TASKS[job.task]()));
