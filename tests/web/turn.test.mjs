// What becomes of an answer, reply by reply: `node --test turn.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  afterAgain, afterChoice, afterNo, afterNone, afterYes, firstStep, isQuestion, originOf, placeOf,
} from "../../src/signtalk/service/web/page/turn.js";

/** @import { PageAnswer } from "../../src/signtalk/service/web/page/answerer.js" */

const CANDIDATES = ["A", "B", "C", "D", "E"].map((sentence, i) => ({ sentence, sentence_id: `id ${sentence}`, rank: i + 1 }));

/**
 * @param {Partial<PageAnswer>} parts
 * @returns {PageAnswer}
 */
const answer = (parts) => ({
  outcome: "not_sure", text: null, text_source: "", promise: null, reason: "low_similarity", candidates: CANDIDATES, choices: [], ...parts,
});
const SAID = answer({ outcome: "answer", text: "A", text_source: "sentence", reason: "", promise: { proven: true } });
const UNPROVEN = { ...SAID, promise: { proven: false } };
const CHOICES = answer({ outcome: "choices", reason: "ambiguous_top2", choices: CANDIDATES.slice(0, 2), promise: { proven: true } });
const confirm = firstStep(SAID, true);
const ask = firstStep(CHOICES, true);

test("an answer is confirmed before it counts as said", () => {
  assert.deepEqual(confirm, { kind: "confirm", offer: { sentence: "A", sentence_id: "id A" }, proven: true, translated: false });
  assert(confirm.kind === "confirm" && isQuestion(confirm));
  assert.deepEqual(afterYes(confirm), { kind: "said", words: "A", how: "confirmed", aloud: true });
});

test("where nobody is asked first, only what is proven is spoken", () => {
  assert.deepEqual(firstStep(SAID, false), { kind: "said", words: "A", how: "signed", aloud: true });
  assert.deepEqual(firstStep(UNPROVEN, false), { kind: "said", words: "A", how: "signed_unproven", aloud: false });
  const translated = firstStep({ ...SAID, text: "Z", text_source: "translation", promise: null }, false);
  assert.deepEqual(translated, { kind: "said", words: "Z", how: "translated_unproven", aloud: false });
});

test("what the answer offered is confirmed, what the patient chose beside it is a correction", () => {
  assert.equal(originOf(SAID, "A"), "confirmed");
  assert.equal(originOf(SAID, "B"), "corrected");
  assert.deepEqual(["A", "B", "C"].map((words) => originOf(CHOICES, words)), ["confirmed", "confirmed", "corrected"]);
  assert.equal(originOf(answer({}), "A"), "corrected"); // it was not sure of any
});

test("a translation that is no sentence has no sign", () => {
  const step = firstStep({ ...SAID, text: "Z", text_source: "translation" }, true);
  assert.deepEqual(step, { kind: "confirm", offer: { sentence: "Z", sentence_id: "" }, proven: true, translated: true });
});

test("no offers the next ones, then the rest, then what the page can do", () => {
  const next = afterNo("A", CANDIDATES);
  assert(next.kind === "ask");
  assert.deepEqual(next.offers.map(({ sentence }) => sentence), ["B", "C", "D"]);
  assert.equal(next.proven, false);
  const rest = afterNone(next);
  assert(rest.kind === "ask");
  assert.deepEqual(rest.offers.map(({ sentence }) => sentence), ["E"]);
  assert.deepEqual(afterNone(rest), { kind: "help", declined: ["B", "C", "D", "E"] });
});

test("no without another candidate leads to what the page can do", () => {
  assert.deepEqual(afterNo("A", CANDIDATES.slice(0, 1)), { kind: "help", declined: [] });
});

test("a choice counts as said; again leaves a trace of what was offered", () => {
  assert(ask.kind === "ask" && ask.proven);
  assert.deepEqual(afterChoice(ask.offers[1]), { kind: "said", words: "B", how: "chosen", aloud: true });
  assert.deepEqual(afterAgain(ask), { kind: "again", declined: ["A", "B"] });
  assert.deepEqual(afterAgain(confirm), { kind: "again", declined: [] });
});

test("the same sentence is offered once", () => {
  const step = firstStep({ ...CHOICES, choices: [...CANDIDATES.slice(0, 2), CANDIDATES[0]] }, true);
  assert(step.kind === "ask");
  assert.deepEqual(step.offers.map(({ sentence }) => sentence), ["A", "B"]);
});

test("questions stand: an answer waits, a refusal is mentioned, hands that were put down are nothing", () => {
  const refused = answer({}), still = answer({ reason: "low_motion" });
  for (const step of [confirm, ask]) {
    assert.equal(placeOf(step, SAID), "wait");
    assert.equal(placeOf(step, CHOICES), "wait");
    assert.equal(placeOf(step, refused), "mention");
    assert.equal(placeOf(step, still), "ignore");
  }
  assert.equal(placeOf(afterChoice(CANDIDATES[0]), still), "ignore");
  assert.equal(placeOf(afterChoice(CANDIDATES[0]), SAID), "show");
  assert.equal(placeOf({ kind: "empty" }, still), "show");
});
