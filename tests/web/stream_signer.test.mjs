// From how many sentences an offline page knows its person: `node --test stream_signer.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { StreamSigner } from "../../src/signtalk/service/web/engine/stream_signer.js";

test("clips of one sentence count once", () => {
  const person = new StreamSigner(9);
  const texts = ["one", "two", "three", "four", "one"];
  texts.forEach((text, segment) => {
    person.heard(segment, /** @type {any} */ ({}), new Set(texts));
    assert.equal(person.confirm(segment, text), true);
  });
  const lesson = person.lesson();
  assert.ok(lesson);
  const signer = /** @type {any} */ ({ numClips: 5 });
  assert.equal(person.learned(lesson, signer), true);
  assert.deepEqual([lesson.texts.length, person.numSentences], [5, 4]);
  person.forget();
  assert.equal(person.numSentences, 0);
});
