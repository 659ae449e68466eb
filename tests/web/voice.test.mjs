// What is said aloud, and what is not any longer: `node --test voice.test.mjs`.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { begin, settle } from "./made_up_page.mjs";
import { spoken } from "./made_up_voice.mjs";

const { Voice } = await import("../../src/signtalk/service/web/page/voice.js");

beforeEach(async () => {
  await begin();
  spoken.length = 0;
});

const said = () => spoken.filter((words) => words !== "stop");

test("a sentence is spoken once its language is known", async () => {
  const voice = new Voice();
  voice.say("Good morning.", Promise.resolve("en"));
  assert.deepEqual(said(), []);
  await settle();
  assert.deepEqual(said(), ["Good morning."]);
});

test("of two that wait the newest is spoken, whichever language comes first", async () => {
  const voice = new Voice();
  /** @type {(tag: string) => void} */
  let late = () => {};
  voice.say("first", new Promise((resolve) => { late = resolve; }));
  voice.say("second", "en");
  await settle();
  late("en");
  await settle();
  assert.deepEqual(said(), ["second"]);
});

test("what is dropped or stopped is not spoken afterwards, and stopping ends what is spoken", async () => {
  const voice = new Voice();
  voice.say("dropped", "en");
  voice.drop();
  await settle();
  assert.deepEqual(spoken, []);
  voice.say("stopped", "en");
  voice.stop();
  await settle();
  assert.deepEqual(spoken, ["stop"]);
});
