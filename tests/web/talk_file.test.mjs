// A talk as a file: `node --test talk_file.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { talkAsPage, talkAsText } from "../../src/signtalk/service/web/page/talk_file.js";

/** @import { Line } from "../../src/signtalk/service/web/page/conversation.js" */

const NOW = new Date(2026, 2, 5, 14, 7);
/** @type {Line[]} */
const LINES = [
  { who: "patient", words: "I have <b>pain</b> & fever", how: "confirmed", at: NOW },
  { who: "staff", words: "Où ?", how: "shown", at: NOW },
];
const WORDS = {
  title: "Talk", note: "As understood", language: "en-GB",
  who: (/** @type {Line} */ { who }) => who, how: (/** @type {Line} */ { how }) => how,
};

test("the text holds day, time, who, how and words of each line", () => {
  assert.deepEqual(talkAsText(LINES, WORDS, NOW).split("\n"), [
    "Talk, 5 March 2026", "As understood", "",
    "14:07  patient (confirmed): I have <b>pain</b> & fever", "14:07  staff (shown): Où ?", "",
  ]);
});

test("the page holds the same, and what was said is never markup", () => {
  const page = talkAsPage(LINES, WORDS, NOW);
  assert(page.includes("I have &lt;b&gt;pain&lt;/b&gt; &amp; fever"));
  assert(!page.includes("<b>"));
  assert(page.startsWith("<!doctype html>\n<html lang=\"en-GB\">"));
  assert.equal(page.match(/<tr /g)?.length, 2);
  assert(page.includes("<h1>Talk, 5 March 2026</h1>"));
  assert(!/<script|src=|href=/.test(page)); // it asks for nothing
});
