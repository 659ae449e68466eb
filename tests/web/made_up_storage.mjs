// A browser's storage without a browser.

/** @param {Record<string, string>} [kept] */
export function storage(kept = {}) {
  return {
    kept,
    getItem: (/** @type {string} */ name) => kept[name] ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => { kept[name] = value; },
    removeItem: (/** @type {string} */ name) => { delete kept[name]; },
  };
}

const forbid = () => { throw new Error("forbidden"); };
export const FORBIDDEN = { getItem: forbid, setItem: forbid, removeItem: forbid };
