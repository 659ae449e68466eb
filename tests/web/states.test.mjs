// Which state the page shows, of all that is known: `node --test states.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AT_START, stateOf } from "../../src/signtalk/service/web/page/states.js";

const READY = { ...AT_START, camera: /** @type {const} */ ("on"), connection: /** @type {const} */ ("open") };

test("without a camera nothing else matters", () => {
  assert.equal(stateOf(AT_START), "off");
  assert.equal(stateOf({ ...AT_START, connection: "lost", step: "confirm" }), "off");
  assert.equal(stateOf({ ...READY, camera: "loading" }), "loading");
});

test("what the answerer says is shown while somebody signs, else what stands on the card", () => {
  assert.equal(stateOf(READY), "idle");
  for (const stream of ["signing", "thinking"]) assert.equal(stateOf({ ...READY, stream, step: "confirm" }), stream);
  for (const stream of ["idle", "answer"]) {
    for (const step of ["confirm", "ask"]) assert.equal(stateOf({ ...READY, stream, step }), "asking");
    for (const step of ["unsure", "help"]) assert.equal(stateOf({ ...READY, stream, step }), "unsure");
  }
  assert.equal(stateOf({ ...READY, stream: "answer", step: "said" }), "answer");
  assert.equal(stateOf({ ...READY, stream: "idle", step: "said" }), "idle");
});

test("it never says ready where nobody listens or nothing is seen", () => {
  assert.equal(stateOf({ ...READY, connection: "lost", stream: "signing" }), "lost");
  assert.equal(stateOf({ ...READY, connection: "opening" }), "loading");
  assert.equal(stateOf({ ...READY, blind: true, stream: "signing" }), "blind");
  assert.equal(stateOf({ ...READY, hidden: true, connection: "lost" }), "paused");
});

test("practising needs no connection", () => {
  assert.equal(stateOf({ ...READY, talks: false, connection: "lost" }), "practise");
  assert.equal(stateOf({ ...READY, talks: false, recording: true }), "recording");
  assert.equal(stateOf({ ...READY, talks: false, blind: true }), "blind");
});
