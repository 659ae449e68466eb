// A thumb that says yes or no, on made-up hands: `node --test thumb.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyFrame } from "../../src/signtalk/service/web/engine/landmarks.js";
import { HOLD_S, ThumbHold, thumbOf } from "../../src/signtalk/service/web/page/thumb.js";
import { ASPECT, FIST, hand, LEFT, OPEN, RIGHT, THUMB_IN } from "./made_up_hands.mjs";

/** @import { Thumb } from "../../src/signtalk/service/web/page/thumb.js" */

test("a thumb up is yes and a thumb down no, of either hand, mirrored or small", () => {
  for (const first of [LEFT, RIGHT]) {
    for (const mirrored of [false, true]) {
      for (const size of [0.03, 0.12, 0.3]) {
        for (const tilt of [-20, 0, 20]) {
          assert.equal(thumbOf(hand(FIST, { first, mirrored, size, degrees: tilt }), ASPECT), "yes");
          assert.equal(thumbOf(hand(FIST, { first, mirrored, size, degrees: 180 + tilt }), ASPECT), "no");
        }
      }
    }
  }
});

test("a thumb to the side, an open hand and a fist say nothing", () => {
  for (const degrees of [60, 90, 120, 240, 270, 300]) assert.equal(thumbOf(hand(FIST, { degrees }), ASPECT), "");
  for (const degrees of [0, 180]) {
    assert.equal(thumbOf(hand(OPEN, { degrees }), ASPECT), "");
    assert.equal(thumbOf(hand(THUMB_IN, { degrees }), ASPECT), "");
  }
  assert.equal(thumbOf(emptyFrame(0), ASPECT), "");
});

test("a thumb on the other palm is a sign", () => {
  const frame = hand(FIST);
  hand(OPEN, { first: LEFT, frame });
  assert.equal(thumbOf(frame, ASPECT), "");
  for (let i = LEFT; i < LEFT + 21; i += 1) frame.landmarks[3 * i] += 0.4; // it hangs down elsewhere
  assert.equal(thumbOf(frame, ASPECT), "yes");
});

test("hands that disagree say nothing", () => {
  const frame = hand(FIST, { first: LEFT, degrees: 180, frame: hand(FIST) });
  assert.equal(thumbOf(frame, ASPECT), "");
});

/**
 * What a hold tells of thumbs at these times.
 *
 * @param {[Thumb, number, number][]} parts thumb, from, until, in seconds
 * @param {number} [rate] pictures a second
 */
function held(parts, rate = 10) {
  const hold = new ThumbHold();
  hold.begin();
  const done = [];
  let most = 0;
  for (const [thumb, from, until] of parts) {
    for (let i = Math.round(from * rate); i < Math.round(until * rate); i += 1) {
      const told = hold.look(thumb, i / rate);
      most = Math.max(most, told.share);
      if (told.done) done.push([told.thumb, i / rate]);
    }
  }
  return { done, most };
}

test("it counts after it was held, once", () => {
  const { done } = held([["", 0, 1], ["yes", 1, 5]]);
  assert.equal(done.length, 1);
  assert.deepEqual(done[0][0], "yes");
  assert(Math.abs(Number(done[0][1]) - 1 - HOLD_S) < 0.11);
});

test("put down before that, it was none", () => {
  const { done, most } = held([["", 0, 1], ["yes", 1, 1.6], ["", 1.6, 3], ["no", 3, 3.6], ["", 3.6, 5]]);
  assert.deepEqual(done, []);
  assert(most > 0.5 && most < 1); // the ring was seen to fill
});

test("another thumb begins anew, and a picture without the hand does not", () => {
  assert.deepEqual(held([["", 0, 1], ["yes", 1, 1.6], ["no", 1.6, 2.2]]).done, []);
  assert.equal(held([["", 0, 1], ["no", 1, 1.4], ["", 1.4, 1.6], ["no", 1.6, 2.2]]).done.length, 1);
});

test("a thumb that was up before the question counts only after it was put down", () => {
  assert.deepEqual(held([["yes", 0, 5]]).done, []);
  assert.equal(held([["yes", 0, 2], ["", 2, 3], ["yes", 3, 4]]).done.length, 1);
});

test("pictures that come too seldom hold nothing", () => {
  assert.deepEqual(held([["", 0, 3], ["yes", 3, 12]], 1).done, []);
});
