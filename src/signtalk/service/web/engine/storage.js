/**
 * Where taught clips are kept: what is told of each and its landmarks, which outlive every model, and beside them its
 * vectors, one record a model.
 */

/** @import { Reference } from "./sentence_index.js" */
/** @import { Take } from "./takes.js" */

/** @typedef {Reference & {clipId: string, encoderId: string}} Vectors what a model reads of a clip; it can be cloned */

/** @typedef {{clipId: string, bytes: ArrayBuffer}} Landmarks a clip as wire.js has it; kept with consent alone */

/** @typedef {{vectors: Vectors[], takes: Take[], landmarks: Landmarks[]}} Kept */

/**
 * @typedef {object} Storage
 * @property {(encoderId: string) => Promise<Vectors[]>} vectors
 * @property {() => Promise<Take[]>} takes
 * @property {(clipId: string) => Promise<ArrayBuffer | null>} landmarks
 * @property {(kept: Partial<Kept>) => Promise<void>} put all of it or nothing
 * @property {(clipIds: string[]) => Promise<Kept>} remove of every model; gives what was there
 */

const VERSION = 2; // the first one held vectors alone
const STORES = /** @type {const} */ (["clips", "takes", "landmarks"]);

/**
 * Keeps them in the browser's IndexedDB, until they are forgotten or the site's data are cleared.
 *
 * @implements {Storage}
 */
export class BrowserStorage {
  /** @param {string} name of the database */
  constructor(name = "signtalk") {
    this.name = name;
  }

  /** @param {string} encoderId */
  vectors(encoderId) {
    const range = IDBKeyRange.bound([encoderId], [encoderId, []]);
    return this.#with("readonly", (stores) => promised(stores.clips.getAll(range)));
  }

  takes() {
    return this.#with("readonly", (stores) => promised(stores.takes.getAll()));
  }

  /** @param {string} clipId */
  async landmarks(clipId) {
    const record = await this.#with("readonly", (stores) => promised(stores.landmarks.get(clipId)));
    return /** @type {Landmarks | undefined} */ (record)?.bytes ?? null;
  }

  /** @param {Partial<Kept>} kept */
  async put({ vectors = [], takes = [], landmarks = [] }) {
    await this.#with("readwrite", async (stores) => {
      for (const record of vectors) stores.clips.put(record);
      for (const take of takes) stores.takes.put(take);
      for (const record of landmarks) stores.landmarks.put(record);
    });
  }

  /** @param {string[]} clipIds */
  async remove(clipIds) {
    const gone = new Set(clipIds);
    return this.#with("readwrite", async (stores) => {
      const keys = await promised(stores.clips.getAllKeys());
      const ofGone = keys.filter((key) => Array.isArray(key) && gone.has(String(key[1])));
      const kept = {
        vectors: await Promise.all(ofGone.map((key) => promised(stores.clips.get(key)))),
        takes: (await Promise.all(clipIds.map((id) => promised(stores.takes.get(id))))).filter(Boolean),
        landmarks: (await Promise.all(clipIds.map((id) => promised(stores.landmarks.get(id))))).filter(Boolean),
      };
      for (const key of ofGone) stores.clips.delete(key);
      for (const id of clipIds) {
        stores.takes.delete(id);
        stores.landmarks.delete(id);
      }
      return kept;
    });
  }

  /**
   * Work in one transaction: all of it is kept or none.
   *
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(stores: Record<typeof STORES[number], IDBObjectStore>) => Promise<T>} work waits for these requests alone
   * @returns {Promise<T>}
   */
  async #with(mode, work) {
    const database = await promised(this.#opened());
    try {
      const transaction = database.transaction(STORES, mode);
      const stores = Object.fromEntries(STORES.map((name) => [name, transaction.objectStore(name)]));
      const done = /** @type {Promise<void>} */ (new Promise((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      }));
      const [result] = await Promise.all([work(/** @type {any} */ (stores)), done]);
      return result;
    } finally {
      database.close();
    }
  }

  #opened() {
    const request = indexedDB.open(this.name, VERSION);
    request.onupgradeneeded = ({ oldVersion }) => {
      const { result: database, transaction } = request;
      if (oldVersion < 1) database.createObjectStore("clips", { keyPath: ["encoderId", "clipId"] });
      database.createObjectStore("takes", { keyPath: "clip_id" });
      database.createObjectStore("landmarks", { keyPath: "clipId" });
      if (oldVersion === 1 && transaction) tellOfOldClips(transaction);
    };
    return request;
  }
}

/**
 * Of clips of the first version nothing is told but their sentence.
 *
 * @param {IDBTransaction} transaction
 */
function tellOfOldClips(transaction) {
  const walk = transaction.objectStore("clips").openCursor();
  walk.onsuccess = () => {
    const cursor = walk.result;
    if (!cursor) return;
    const { clip_id, sentence_id, sentence, category } = cursor.value.entry;
    const untold = /** @type {const} */ ({ signer_id: "", language: "", consent: "", date: "", origin: "taught" });
    transaction.objectStore("takes").put({ clip_id, sentence_id, sentence, category, ...untold });
    cursor.continue();
  };
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function promised(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * Keeps them as long as the page is open: for tests, and where a browser forbids IndexedDB.
 *
 * @implements {Storage}
 */
export class MemoryStorage {
  constructor() {
    /** @type {Kept} */
    this.kept = { vectors: [], takes: [], landmarks: [] };
  }

  /** @param {string} encoderId */
  async vectors(encoderId) {
    return this.kept.vectors.filter((record) => record.encoderId === encoderId);
  }

  async takes() {
    return [...this.kept.takes];
  }

  /** @param {string} clipId */
  async landmarks(clipId) {
    return this.kept.landmarks.find((record) => record.clipId === clipId)?.bytes ?? null;
  }

  /** @param {Partial<Kept>} kept */
  async put({ vectors = [], takes = [], landmarks = [] }) {
    const isNew = (/** @type {Vectors} */ a) => !vectors.some((b) => a.clipId === b.clipId && a.encoderId === b.encoderId);
    this.kept = {
      vectors: [...this.kept.vectors.filter(isNew), ...vectors],
      takes: [...this.kept.takes.filter((a) => !takes.some((b) => a.clip_id === b.clip_id)), ...takes],
      landmarks: [...this.kept.landmarks.filter((a) => !landmarks.some((b) => a.clipId === b.clipId)), ...landmarks],
    };
  }

  /** @param {string[]} clipIds */
  async remove(clipIds) {
    const parted = (/** @type {boolean} */ gone) => ({
      vectors: this.kept.vectors.filter(({ clipId }) => clipIds.includes(clipId) === gone),
      takes: this.kept.takes.filter((take) => clipIds.includes(take.clip_id) === gone),
      landmarks: this.kept.landmarks.filter(({ clipId }) => clipIds.includes(clipId) === gone),
    });
    const removed = parted(true);
    this.kept = parted(false);
    return removed;
  }
}
