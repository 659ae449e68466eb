// How many pictures a second the camera is asked for: `node --test pace.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { paceOf, SMOOTH, SPARING } from "../../src/signtalk/service/web/page/pace.js";

test("a slow device shows fewer pictures, once that is sure", () => {
  assert.equal(paceOf(SMOOTH, 5, 1), SMOOTH);
  assert.equal(paceOf(SMOOTH, 5, 6), SPARING);
});

test("a quick one shows all of them, also after it was slow", () => {
  assert.equal(paceOf(SMOOTH, 25, 6), SMOOTH);
  assert.equal(paceOf(SPARING, 14, 6), SMOOTH);
});

test("between the two nothing goes to and fro", () => {
  assert.equal(paceOf(SPARING, 9, 6), SPARING);
  assert.equal(paceOf(SMOOTH, 9, 6), SMOOTH);
});
