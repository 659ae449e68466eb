// Answers of one tap: what is spoken of them, and told. `node --test board.test.mjs`.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { begin, byId, settle } from "./made_up_page.mjs";
import { spoken } from "./made_up_voice.mjs";

const { Board } = await import("../../src/signtalk/service/web/page/board.js");
const { Conversation } = await import("../../src/signtalk/service/web/page/conversation.js");
const { Voice } = await import("../../src/signtalk/service/web/page/voice.js");

beforeEach(async () => {
  await begin();
  spoken.length = 0;
});

/** A board, and what it told. */
function board({ speaks = true } = {}) {
  const conversation = new Conversation(/** @type {any} */ ({})), voice = new Voice();
  /** @type {string[]} */
  const told = [];
  const made = new Board({
    answerer: /** @type {any} */ ({}), signs: /** @type {any} */ ({}), conversation, voice,
    settings: /** @type {any} */ ({ get: () => speaks }), said: (words) => told.push(words), counts: () => false,
  });
  return { made, voice, told };
}

const head = /** @type {const} */ ({ row: "where", words: "Head", count: "several" });
const knee = /** @type {const} */ ({ row: "where", words: "Knee", count: "several" });
const loud = () => spoken.filter((words) => words !== "stop");

test("a tap is spoken, and the turn is told", async () => {
  const { made, told } = board();
  for (const tap of [head, knee]) {
    made.tap(tap);
    await settle();
  }
  assert.deepEqual([loud(), told, byId("board-said").textContent], [["Head", "Knee"], ["Head", "Head · Knee"], "Head · Knee"]);
});

test("what was taken back, or came before another tap or person, is not spoken afterwards", async () => {
  const { made, voice, told } = board();
  /** @type {(tag: string) => void} */
  let known = () => {};
  const tag = () => new Promise((/** @type {(tag: string) => void} */ resolve) => { known = resolve; });
  for (const next of [() => made.tap(head), () => made.tap({ row: "reply", words: "Yes", count: "one" }), () => voice.stop()]) {
    made.tap(head, tag());
    const late = known;
    next();
    late("en");
    await settle();
    made.clear();
  }
  assert.deepEqual(loud(), ["Yes"]);
  assert.equal(told[1], "");
});

test("nothing is spoken where that is not wanted", async () => {
  const { made } = board({ speaks: false });
  made.tap(head);
  await settle();
  assert.deepEqual(spoken, []);
});
