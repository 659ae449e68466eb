// The screen stays on, or does not: `node --test wake.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Wake } from "../../src/signtalk/service/web/page/wake.js";

let held = 0;
const request = async () => {
  held += 1;
  return { release: async () => { held -= 1; } };
};
Object.defineProperty(globalThis, "navigator", { value: { wakeLock: { request } }, configurable: true });

test("however often and soon it is wanted, one lock is held, and none where the last wish was none", async () => {
  const wake = new Wake();
  await Promise.all([wake.keep(true), wake.keep(true), wake.keep(true)]);
  assert.equal(held, 1);
  await Promise.all([wake.keep(true), wake.keep(false)]);
  assert.equal(held, 0);
  await Promise.all([wake.keep(false), wake.keep(true)]);
  assert.equal(held, 1);
  await wake.keep(false);
  assert.equal(held, 0);
});
