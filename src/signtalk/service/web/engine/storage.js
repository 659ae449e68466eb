/**
 * Where enrolled clips are kept. A storage has all(encoderId), put(encoderId, records) and remove(encoderId, clipIds),
 * which give promises; a record is {clipId, ...} and can be cloned. Records of another model are left alone.
 */

/** Keeps them in the browser's IndexedDB, until they are forgotten or the site's data are cleared. */
export class BrowserStorage {
  constructor(name = "signtalk") {
    this.name = name;
  }

  async all(encoderId) {
    const range = IDBKeyRange.bound([encoderId], [encoderId, []]);
    return this.#with("readonly", (store) => store.getAll(range));
  }

  async put(encoderId, records) {
    await this.#with("readwrite", (store) => records.map((record) => store.put({ ...record, encoderId })).at(-1));
  }

  async remove(encoderId, clipIds) {
    await this.#with("readwrite", (store) => clipIds.map((clipId) => store.delete([encoderId, clipId])).at(-1));
  }

  /** Run requests in one transaction: all of them are kept or none. */
  async #with(mode, ask) {
    const database = await promised(this.#opened());
    try {
      const transaction = database.transaction("clips", mode);
      const request = ask(transaction.objectStore("clips"));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      });
      return request?.result;
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

function promised(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Keeps them as long as the page is open: for tests, and where a browser forbids IndexedDB. */
export class MemoryStorage {
  constructor() {
    this.records = new Map();
  }

  async all(encoderId) {
    return [...this.records.values()].filter((record) => record.encoderId === encoderId);
  }

  async put(encoderId, records) {
    for (const record of records) this.records.set(`${encoderId} ${record.clipId}`, { ...record, encoderId });
  }

  async remove(encoderId, clipIds) {
    for (const clipId of clipIds) this.records.delete(`${encoderId} ${clipId}`);
  }
}
