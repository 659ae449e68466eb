// The card of answers: what is spoken, and the way back: `node --test answer.test.mjs`.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { begin, byId, settle } from "./made_up_page.mjs";
import { spoken } from "./made_up_voice.mjs";

const { AnswerView } = await import("../../src/signtalk/service/web/page/answer.js");
const { Conversation } = await import("../../src/signtalk/service/web/page/conversation.js");
const { Voice } = await import("../../src/signtalk/service/web/page/voice.js");

beforeEach(async () => {
  await begin();
  spoken.length = 0;
});

const KNOWN = ["A.", "B.", "C.", "D."];
const clip = /** @type {any} */ ({ times: [], landmarks: [] });

/** An answer, whose other candidates are the other known sentences. @param {string} sentence @returns {any} */
const answer = (sentence) => ({
  outcome: "answer", text: sentence, text_source: "sentence", promise: { proven: true }, reason: "", choices: [],
  candidates: [sentence, ...KNOWN.filter((each) => each !== sentence)].map((each, i) => (
    { rank: i + 1, sentence: each, sentence_id: each }
  )),
});

/** A card whose sentences get their language when the test lets them. */
function card({ asksFirst = true } = {}) {
  /** @type {(() => void)[]} */
  const languages = [];
  const conversation = new Conversation(/** @type {any} */ ({}));
  /** @type {string[]} */
  const steps = [], /** @type {string[]} */ declined = [];
  const view = new AnswerView({
    conversation,
    settings: /** @type {any} */ ({ get: (/** @type {string} */ name) => name !== "confirm" || asksFirst }),
    signs: /** @type {any} */ ({
      shown: async () => null,
      languageOf: () => new Promise((resolve) => { languages.push(() => resolve("en")); }),
    }),
    voice: new Voice(),
    teach: () => {},
    declined: (sentences) => { declined.push(...sentences); },
    changed: ({ kind }) => steps.push(kind),
  });
  return {
    view, steps, declined,
    show: (/** @type {string} */ sentence) => view.show(answer(sentence), clip),
    said: () => conversation.lines.map(({ words, how }) => `${words} ${how}`),
    async known() {
      for (const each of languages.splice(0)) each();
      await settle();
    },
  };
}

/** Press a button of the card. @param {string} words */
function press(words) {
  const buttons = [...byId("answer-actions").querySelectorAll("button"), ...byId("answer-before").querySelectorAll("button")];
  const found = buttons.find((each) => each.textContent === words);
  assert(found, `no button '${words}' among ${buttons.map((each) => each.textContent)}`);
  found.click();
}

const WRONG = "That is wrong";
const loud = () => spoken.filter((words) => words !== "stop");

test("what was confirmed is spoken when its language is known", async () => {
  const { show, known } = card();
  show("A.");
  press("Yes");
  assert.deepEqual(loud(), []);
  await known();
  assert.deepEqual(loud(), ["A."]);
});

test("what was taken back is not spoken, and a voice that speaks is stopped", async () => {
  const { show, known, said } = card();
  show("A.");
  press("Yes");
  press(WRONG);
  await known();
  assert.deepEqual([loud(), said()], [[], []]);
  press("B?");
  await known();
  assert.deepEqual(spoken.slice(-2), ["stop", "B."]);
  press(WRONG);
  assert.equal(spoken.at(-1), "stop");
});

test("nothing is spoken to another person, nor of a step that has passed", async () => {
  const { view, show, known } = card();
  show("A.");
  press("Yes");
  view.clear();
  await known();
  show("B.");
  press("Yes");
  show("C.");
  await known();
  press("Yes");
  view.fail("busy");
  await known();
  show("D.");
  press("Yes");
  await known();
  press("Speak");
  press(WRONG);
  await known();
  assert.deepEqual(loud(), ["C.", "D."]); // a failure takes nothing back
});

test("a yes by mistake can be taken back while the next question stands", async () => {
  const { show, known, said } = card();
  show("A.");
  show("B.");
  press("Yes");
  await known();
  assert.equal(byId("answer").querySelector(".question").textContent, "B?");
  assert.deepEqual([loud(), byId("answer-before").hidden], [["A."], false]);
  press(WRONG);
  assert.deepEqual([said(), byId("answer-before").hidden, spoken.at(-1)], [[], true, "stop"]);
  assert.deepEqual(byId("answer-actions").querySelectorAll(".choice").map((/** @type {any} */ each) => each.textContent), ["B?", "C?", "D?"]);
  press("C?");
  assert.equal(byId("answer").querySelector(".question").textContent, "B?"); // it waited
  press("Yes");
  assert.deepEqual(said(), ["C. chosen", "B. confirmed"]);
});

test("what was said can be taken back when something else was signed since", () => {
  const { show, said, view } = card({ asksFirst: false });
  show("A.");
  show("B.");
  assert.deepEqual(said(), ["A. signed", "B. signed"]);
  byId("answer-before").querySelector("button").click();
  assert.deepEqual(said(), ["B. signed"]);
  view.clear();
  show("C.");
  view.fail("busy");
  assert.equal(byId("answer-before").querySelector("button").ariaLabel, `${WRONG}: C.`);
});

test("both of two that were said can be taken back one after the other, and neither comes back", () => {
  const { show, said } = card({ asksFirst: false });
  const before = () => byId("answer-before").querySelector("button")?.ariaLabel;
  const wrongBefore = () => byId("answer-before").querySelector("button").click();
  show("A.");
  show("B.");
  wrongBefore();
  assert.deepEqual([said(), before()], [["B. signed"], `${WRONG}: B.`]);
  press("C?");
  assert.deepEqual([said(), before()], [["B. signed", "C. chosen"], `${WRONG}: B.`]);
  wrongBefore();
  assert.deepEqual([said(), before()], [["C. chosen"], `${WRONG}: C.`]);
  wrongBefore();
  assert.deepEqual([said(), byId("answer-before").hidden], [[], true]);
  press("D?");
  assert.equal(byId("answer-actions").querySelectorAll(".choice")[0].textContent, "A?"); // the question that waited
  assert.deepEqual([said(), before()], [["D. chosen"], `${WRONG}: D.`]);
});

test("it can be taken back where nothing was meant in place of the other one", () => {
  const { show, said } = card({ asksFirst: false });
  show("A.");
  show("B.");
  byId("answer-before").querySelector("button").click();
  press("None of these");
  byId("answer-before").querySelector("button").click();
  assert.deepEqual(said(), ["B? C? D? declined"]);
});

test("what stands as said is spoken though the next signing is not understood", async () => {
  const { view, show, known } = card({ asksFirst: false });
  show("A.");
  view.show({ ...answer("B."), outcome: "not_sure", text: "", reason: "low_similarity" }, clip);
  await known();
  assert.deepEqual(loud(), ["A."]);
  show("C.");
  show("D.");
  await known();
  assert.deepEqual(loud(), ["A.", "D."]); // another one was said
  show("A.");
  view.show({ ...answer("B."), outcome: "not_sure", text: "", reason: "low_similarity" }, clip);
  press(WRONG);
  await known();
  assert.deepEqual(loud(), ["A.", "D."]);
});

test("what was brought back after another person is not spoken again, and can be taken back", async () => {
  const { view, show, known, said } = card();
  show("A.");
  show("B.");
  press("Yes");
  const { standing } = view;
  view.clear();
  view.restore(standing);
  await known();
  assert.deepEqual(loud(), []);
  press(WRONG);
  assert.deepEqual(said(), []);
});

test("what was offered and not meant is told by sentence", () => {
  const { declined, show } = card();
  show("A.");
  press("No");
  press("None of these");
  assert.deepEqual(declined, ["A.", "B.", "C.", "D."]);
  show("A.");
  press("Yes");
  assert.equal(declined.length, 4);
});
