// Whether the graphics card or the processor finds landmarks: `node --test delegate.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyFrame, positions } from "../../src/signtalk/service/web/engine/landmarks.js";
import { PARTS } from "../../src/signtalk/service/web/engine/tables.js";
import { isCard, judge } from "../../src/signtalk/service/web/page/delegate.js";

/** @import { Look } from "../../src/signtalk/service/web/page/delegate.js" */

const ARMS = positions(["left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"]);

/**
 * A person whose shoulders are 0.2 wide, with a right hand.
 *
 * @param {{tookMs?: number, aside?: number, hand?: boolean}} [options] `aside`: picture widths to the right
 * @returns {Look}
 */
function look({ tookMs = 100, aside = 0, hand = true } = {}) {
  const frame = emptyFrame(0), [first, last] = PARTS.right_hand;
  ARMS.forEach((i, place) => frame.landmarks.set([0.4 + 0.2 * (place % 2) + aside, 0.3 + 0.1 * place, 0], 3 * i));
  if (!hand) return { frame, tookMs };
  for (let i = first; i < last; i += 1) frame.landmarks.set([0.5 + 0.002 * i + aside, 0.5, 0], 3 * i);
  return { frame, tookMs };
}

/** @param {Parameters<typeof look>[0]} gpu */
const pairs = (gpu) => Array.from({ length: 10 }, () => ({ cpu: look(), gpu: look(gpu) }));

test("a program that stands in for a card is none", () => {
  for (const name of [
    "", "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)",
    "llvmpipe (LLVM 15.0.7, 256 bits)", "ANGLE (Microsoft, Microsoft Basic Render Driver Direct3D11 vs_5_0 ps_5_0, D3D11)",
  ]) assert.equal(isCard(name), false, name);
  for (const name of ["ANGLE (Intel, Mesa Intel(R) UHD Graphics 620 (KBL GT2), OpenGL 4.6)", "Adreno (TM) 640", "Apple GPU"]) {
    assert.equal(isCard(name), true, name);
  }
});

test("a card that is faster and finds the same is used", () => {
  assert.equal(judge(pairs({ tookMs: 40, aside: 0.004 }), 4 / 3), "used");
});

test("a card that is hardly faster is not worth the change", () => {
  assert.equal(judge(pairs({ tookMs: 90 }), 4 / 3), "slower");
  assert.equal(judge(pairs({ tookMs: 300 }), 4 / 3), "slower");
});

test("a card that finds other places, or other hands, is not used, however fast", () => {
  assert.equal(judge(pairs({ tookMs: 10, aside: 0.03 }), 4 / 3), "differs");
  assert.equal(judge(pairs({ tookMs: 10, hand: false }), 4 / 3), "differs");
});

test("one picture of ten that both see otherwise is forgiven", () => {
  const most = pairs({ tookMs: 40 });
  most[3].gpu = look({ tookMs: 900, hand: false, aside: 0.2 });
  assert.equal(judge(most, 4 / 3), "used");
});

test("nothing seen proves nothing", () => {
  const empty = { frame: emptyFrame(0), tookMs: 1 };
  assert.equal(judge([{ cpu: empty, gpu: empty }], 4 / 3), "differs");
});
