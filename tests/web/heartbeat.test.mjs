// Whether the other end of a connection still speaks: `node --test heartbeat.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Heartbeat } from "../../src/signtalk/service/web/page/heartbeat.js";

/** A heartbeat whose clock goes on half a second a tick. */
function beating() {
  let nowMs = 0, pings = 0;
  /** @type {number[]} */
  const silences = [];
  const beat = new Heartbeat({
    ping: () => { pings += 1; }, silent: (forMs) => silences.push(forMs), now: () => nowMs,
  });
  beat.start();
  beat.stop(); // its own timer
  return {
    beat, silences, pings: () => pings,
    /** @param {number} count @param {number} [everyMs] */
    tick(count, everyMs = 500) {
      for (let i = 0; i < count; i += 1) {
        nowMs += everyMs;
        beat.tick();
      }
    },
  };
}

test("it asks once a second", () => {
  const { tick, pings } = beating();
  tick(8);
  assert.equal(pings(), 4);
});

test("silence is told within three seconds, at each tick, until something is heard", () => {
  const { beat, tick, silences } = beating();
  tick(5);
  assert.deepEqual(silences, []);
  tick(2);
  assert.deepEqual(silences, [3000, 3500]);
  beat.heard();
  tick(2);
  assert.equal(silences.length, 2);
});

test("who is heard is never silent", () => {
  const { beat, tick, silences } = beating();
  for (let i = 0; i < 20; i += 1) {
    tick(1);
    beat.heard();
  }
  assert.deepEqual(silences, []);
});

test("a page that slept blames nobody", () => {
  const { tick, silences } = beating();
  tick(3, 60_000);
  assert.deepEqual(silences, []);
});
