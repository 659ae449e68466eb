/** Where enrolled clips are kept. Records of another model are left alone. */

/** @import { Reference } from "./sentence_index.js" */

/** @typedef {Reference & {clipId: string}} EnrolledClip what is kept of a clip; it can be cloned */

/**
 * @typedef {object} Storage
 * @property {(encoderId: string) => Promise<EnrolledClip[]>} all
 * @property {(encoderId: string, records: EnrolledClip[]) => Promise<void>} put
 * @property {(encoderId: string, clipIds: string[]) => Promise<void>} remove
 */

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

  /**
   * @param {string} encoderId
   * @returns {Promise<EnrolledClip[]>}
   */
  async all(encoderId) {
    const range = IDBKeyRange.bound([encoderId], [encoderId, []]);
    return this.#with("readonly", (store) => store.getAll(range));
  }

  /**
   * @param {string} encoderId
   * @param {EnrolledClip[]} records
   */
  async put(encoderId, records) {
    await this.#with("readwrite", (store) =>
      records.map((record) => store.put({ ...record, encoderId }))[records.length - 1]);
  }

  /**
   * @param {string} encoderId
   * @param {string[]} clipIds
   */
  async remove(encoderId, clipIds) {
    await this.#with("readwrite", (store) =>
      clipIds.map((clipId) => store.delete([encoderId, clipId]))[clipIds.length - 1]);
  }

  /**
   * Run requests in one transaction: all of them are kept or none.
   *
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<T>} ask gives the last request
   * @returns {Promise<T>} its result
   */
  async #with(mode, ask) {
    const database = await promised(this.#opened());
    try {
      const transaction = database.transaction("clips", mode);
      const request = ask(transaction.objectStore("clips"));
      await /** @type {Promise<void>} */ (new Promise((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      }));
      return request?.result; // nothing was asked for where there was nothing to keep
    } finally {
      database.close();
    }
  }

  #opened() {
    const request = indexedDB.open(this.name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("clips", { keyPath: ["encoderId", "clipId"] });
    return request;
  }
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
    /** @type {Map<string, EnrolledClip & {encoderId: string}>} */
    this.records = new Map();
  }

  /** @param {string} encoderId */
  async all(encoderId) {
    return [...this.records.values()].filter((record) => record.encoderId === encoderId);
  }

  /**
   * @param {string} encoderId
   * @param {EnrolledClip[]} records
   */
  async put(encoderId, records) {
    for (const record of records) this.records.set(`${encoderId} ${record.clipId}`, { ...record, encoderId });
  }

  /**
   * @param {string} encoderId
   * @param {string[]} clipIds
   */
  async remove(encoderId, clipIds) {
    for (const clipId of clipIds) this.records.delete(`${encoderId} ${clipId}`);
  }
}
