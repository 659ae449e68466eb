// Getting to know a person, without a service: `node --test acquaintance.test.mjs`.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { begin, byId } from "./made_up_page.mjs";

const { Acquaintance } = await import("../../src/signtalk/service/web/page/acquaintance.js");
const { Events } = await import("../../src/signtalk/service/web/page/events.js");

beforeEach(async () => {
  await begin();
  mock.timers.enable({ apis: ["setTimeout"] });
});
afterEach(() => mock.timers.reset());

const ANSWERING_MS = 6000;
const answer = /** @type {any} */ ({ outcome: "answer", reason: "" });
const told = () => byId("acquaint-told").textContent;

/** The panel, opened, and whoever chooses the sentences. */
function opened() {
  const answerer = /** @type {any} */ (Object.assign(new Events(), { askNext: () => {}, confirm: () => {} }));
  const acquaintance = new Acquaintance({ answerer, signs: /** @type {any} */ ({ shown: async () => null }) });
  acquaintance.allow(true);
  byId("acquaint-open").click();
  const come = () => answerer.emit("next", { sentences: [{ sentence: "A.", sentence_id: "a" }] });
  return { acquaintance, come };
}

test("what is signed for a sentence that was asked for is no talk", () => {
  const { acquaintance, come } = opened();
  come();
  assert.deepEqual([acquaintance.isAsking, acquaintance.take(answer, 1), told().startsWith("Was this")], [true, true, true]);
  byId("acquaint-yes").click();
  assert.deepEqual([acquaintance.isAsking, acquaintance.take(answer, 2)], [false, false]);
});

test("while sentences are waited for, and when none come, the talk goes on, and that is told", () => {
  const { acquaintance, come } = opened();
  assert.deepEqual([acquaintance.isAsking, acquaintance.take(answer, 1), acquaintance.fail()], [false, false, false]);
  mock.timers.tick(ANSWERING_MS);
  assert.equal(told(), "No sentence can be asked for now. The talk goes on; try again later.");
  come(); // too late
  assert.deepEqual([acquaintance.isAsking, acquaintance.take(answer, 2)], [false, false]);
  byId("acquaint-close").click();
  byId("acquaint-open").click();
  come();
  assert.equal(acquaintance.isAsking, true);
  mock.timers.tick(ANSWERING_MS);
  assert.equal(acquaintance.isAsking, true);
});

test("what was closed asks nothing when sentences come", () => {
  const { acquaintance, come } = opened();
  byId("acquaint-close").click();
  come();
  mock.timers.tick(ANSWERING_MS);
  assert.deepEqual([acquaintance.isAsking, byId("acquaint").hidden], [false, true]);
});
