// What staff shows to the patient: `node --test nurse.test.mjs`.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { begin, byId, settle } from "./made_up_page.mjs";

const { Conversation } = await import("../../src/signtalk/service/web/page/conversation.js");
const { NurseSide } = await import("../../src/signtalk/service/web/page/nurse.js");

beforeEach(begin);

/** Staff's side with a service that answers when the test lets it. */
function nurse() {
  /** @type {(() => void)[]} */
  const waiting = [];
  let shown = 0;
  const listed = () => new Promise((resolve) => { waiting.push(() => resolve({ total: 0, sentences: [] })); });
  const conversation = new Conversation(/** @type {any} */ ({}));
  const side = new NurseSide({
    answerer: /** @type {any} */ ({ sentences: listed }), conversation, shown: () => { shown += 1; },
  });
  return {
    side, conversation, shown: () => shown,
    /** @param {string} words */
    type(words) {
      byId("nurse-text").value = words;
      byId("nurse-form").onsubmit({ preventDefault: () => {} });
    },
    async answer() {
      for (const each of waiting.splice(0)) each();
      await settle();
    },
  };
}

test("typed words are shown, and it is told that there is something to look at", async () => {
  const { type, answer, conversation, shown } = nurse();
  type("Please wait.");
  await answer();
  assert.deepEqual(conversation.lines.map(({ who, words }) => [who, words]), [["staff", "Please wait."]]);
  assert.deepEqual([byId("nurse-words").textContent, byId("nurse-shown").hidden, shown()], ["Please wait.", false, 1]);
});

test("what was typed for one person is not shown to the next", async () => {
  const { side, type, answer, conversation, shown } = nurse();
  type("Your test is positive.");
  side.clear();
  await answer();
  assert.deepEqual(conversation.lines, []);
  assert.deepEqual([byId("nurse-words").textContent, byId("nurse-shown").hidden, shown()], ["", true, 0]);
  /** @type {string[]} */
  const partner = [];
  side.partner = (words) => partner.push(words);
  type("It is negative.");
  side.clear();
  await answer();
  assert.deepEqual(partner, []);
});
