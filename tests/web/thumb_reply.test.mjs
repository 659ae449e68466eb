// Which question a thumb answers: `node --test thumb_reply.test.mjs`.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { begin, byId } from "./made_up_page.mjs";
import { ASPECT, FIST, hand, OPEN } from "./made_up_hands.mjs";

const { button } = await import("../../src/signtalk/service/web/page/dom.js");
const { ThumbReply } = await import("../../src/signtalk/service/web/page/thumb_reply.js");

/** @type {string[]} */
let pressed = [];
let timeS = 0;
const settings = /** @type {any} */ ({ get: () => true });

beforeEach(async () => {
  await begin();
  pressed = [];
});

/** A question stands there. @param {string} name */
function ask(name) {
  byId("answer-actions").replaceChildren(...["yes", "no"].map((each) => (
    button(each, () => pressed.push(`${each} to ${name}`), `reply ${each}`)
  )));
}

/** Hold a thumb up that was down before. @param {InstanceType<typeof ThumbReply>} thumbs */
function hold(thumbs) {
  for (const shape of [OPEN, FIST]) {
    for (let i = 0; i < 12; i += 1) thumbs.look({ ...hand(shape), timeS: (timeS += 0.1) }, ASPECT);
  }
}

const hints = () => byId("answer-actions").querySelectorAll(".thumb").length;

test("a thumb answers the question that stands there, and the next one", () => {
  const thumbs = new ThumbReply({ settings, asksElse: () => false });
  ask("a");
  hold(thumbs);
  assert.equal(hints(), 2);
  ask("b");
  hold(thumbs);
  assert.deepEqual(pressed, ["yes to a", "yes to b"]);
});

test("it answers nothing behind an open dialog, whichever", () => {
  const thumbs = new ThumbReply({ settings, asksElse: () => false });
  ask("a");
  for (const id of ["remember-dialog", "settings-dialog", "enroll-dialog", "pair-dialog", "keep-dialog"]) {
    byId(id).showModal();
    hold(thumbs);
    assert.deepEqual([pressed, hints()], [[], 0], id);
    byId(id).close();
  }
  hold(thumbs);
  assert.deepEqual([pressed, hints()], [["yes to a"], 2]);
});

test("it answers nothing while something else asks, nor when it was held since then", () => {
  let asks = true;
  const thumbs = new ThumbReply({ settings, asksElse: () => asks });
  ask("a");
  hold(thumbs);
  asks = false;
  for (let i = 0; i < 12; i += 1) thumbs.look({ ...hand(FIST), timeS: (timeS += 0.1) }, ASPECT);
  assert.deepEqual(pressed, []);
  hold(thumbs);
  assert.deepEqual(pressed, ["yes to a"]);
});

test("what staff shows, or the patient points at, comes before the question until another one is asked", () => {
  const thumbs = new ThumbReply({ settings, asksElse: () => false });
  ask("a");
  thumbs.turnAway();
  hold(thumbs);
  assert.deepEqual([pressed, hints()], [[], 0]);
  ask("b");
  hold(thumbs);
  thumbs.turnAway();
  ask("c");
  hold(thumbs);
  assert.deepEqual(pressed, ["yes to b", "yes to c"]);
});
