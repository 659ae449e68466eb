// What outlives a reload: `node --test talk_memory.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { keepLines, keptLines } from "../../src/signtalk/service/web/page/talk_memory.js";

/** @param {Record<string, string>} [kept] */
function storage(kept = {}) {
  return {
    kept,
    getItem: (/** @type {string} */ name) => kept[name] ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => { kept[name] = value; },
    removeItem: (/** @type {string} */ name) => { delete kept[name]; },
  };
}

test("lines come back as they were", () => {
  const own = storage();
  const line = { who: /** @type {const} */ ("patient"), words: "Où ?", how: /** @type {const} */ ("confirmed"), at: new Date(5000) };
  keepLines([line], own);
  assert.deepEqual(keptLines(own), [line]);
});

test("nothing is left of an empty talk", () => {
  const own = storage({ "signtalk-talk": "[]" });
  keepLines([], own);
  assert.deepEqual(own.kept, {});
  assert.deepEqual(keptLines(own), []);
});

test("damaged and foreign lines are left out", () => {
  for (const value of ["{", "7", "null", '[null, 3, {"who": "nurse", "words": "a", "how": "shown", "at": 1}]']) {
    assert.deepEqual(keptLines(storage({ "signtalk-talk": value })), []);
  }
});

test("a browser that forbids storage holds the talk until a reload", () => {
  const forbid = () => { throw new Error("forbidden"); };
  keepLines([], { setItem: forbid, removeItem: forbid });
  assert.deepEqual(keptLines({ getItem: forbid }), []);
});
