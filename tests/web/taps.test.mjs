// Quick taps as one line of the conversation: `node --test taps.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { tapped, Taps, TURN_MS } from "../../src/signtalk/service/web/page/taps.js";

/** @import { Conversation, Line } from "../../src/signtalk/service/web/page/conversation.js" */
/** @import { Tap } from "../../src/signtalk/service/web/page/taps.js" */

/** @type {(row: string, words: string, count?: Tap["count"]) => Tap} */
const tap = (row, words, count = "one") => ({ row, words, count });

/** A conversation without a page, and taps on it whose clock stands still. */
function talk() {
  /** @type {Line[]} */
  const lines = [];
  const conversation = /** @type {Conversation} */ (/** @type {unknown} */ ({
    lines,
    add: (/** @type {Line["who"]} */ who, /** @type {string} */ words, /** @type {Line["how"]} */ how) => {
      lines.push({ who, words, how, at: new Date(0) });
      return lines[lines.length - 1];
    },
    replace: (/** @type {Line} */ line, /** @type {string} */ words) => Object.assign(line, { words }),
    remove: (/** @type {Line} */ line) => lines.splice(lines.indexOf(line), 1),
    isLast: (/** @type {Line} */ line) => lines.at(-1) === line,
  }));
  const clock = { ms: 0 };
  const taps = new Taps({ conversation, who: "patient", how: "tapped", now: () => clock.ms });
  return { taps, conversation, clock, words: () => lines.map((line) => line.words) };
}

test("of one row the last tap counts, in its place", () => {
  const taps = [tap("reply", "Yes"), tap("pain", "3")];
  assert.deepEqual(tapped(taps, tap("reply", "No")).map(({ words }) => words), ["No", "3"]);
});

test("of several places each counts, and a second tap takes one back", () => {
  const head = tap("where", "Head", "several"), knee = tap("where", "Knee", "several");
  assert.deepEqual(tapped([head], knee), [head, knee]);
  assert.deepEqual(tapped([head, knee], head), [knee]);
});

test("sentences follow each other; the same one twice is one", () => {
  const one = tap("sentence", "A", "each"), other = tap("sentence", "B", "each");
  assert.deepEqual(tapped(tapped(tapped([one], one), other), one), [one, other, one]);
});

test("taps of one turn are one line", () => {
  const { taps, words } = talk();
  taps.add(tap("reply", "Yes"));
  assert.equal(taps.add(tap("pain", "3")), "Yes · 3");
  taps.add(tap("pain", "7"));
  assert.deepEqual(words(), ["Yes · 7"]);
  assert.equal(taps.open.length, 2);
});

test("a pause ends the turn", () => {
  const { taps, words, clock } = talk();
  taps.add(tap("reply", "Yes"));
  clock.ms += TURN_MS - 1;
  taps.add(tap("pain", "3"));
  clock.ms += TURN_MS;
  assert.deepEqual(taps.open, []);
  taps.add(tap("pain", "4"));
  assert.deepEqual(words(), ["Yes · 3", "4"]);
});

test("another line ends the turn", () => {
  const { taps, words, conversation } = talk();
  taps.add(tap("reply", "Yes"));
  conversation.add("staff", "Where?", "shown");
  taps.add(tap("reply", "No"));
  assert.deepEqual(words(), ["Yes", "Where?", "No"]);
});

test("taking back the only tap takes the line back", () => {
  const { taps, words } = talk();
  const head = tap("where", "Head", "several");
  taps.add(head);
  assert.equal(taps.add(head), "");
  assert.deepEqual(words(), []);
  taps.add(head);
  assert.deepEqual(words(), ["Head"]);
});

test("nothing is joined once it was ended", () => {
  const { taps, words } = talk();
  taps.add(tap("reply", "Yes"));
  taps.end();
  taps.add(tap("pain", "3"));
  assert.deepEqual(words(), ["Yes", "3"]);
});
