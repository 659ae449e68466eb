// What outlives a reload: `node --test talk_memory.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { keepLines, keptLines } from "../../src/signtalk/service/web/page/talk_memory.js";
import { FORBIDDEN, storage } from "./made_up_storage.mjs";

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
  keepLines([], FORBIDDEN);
  assert.deepEqual(keptLines(FORBIDDEN), []);
});
