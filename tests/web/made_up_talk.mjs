// A conversation with answers as they are wanted: the stand-in for the service sends them, and a made-up landmarker finds
// nobody, so that nothing else is answered.

import { FILM, open, post, state } from "./page_browser.mjs";
import { until } from "./patience.mjs";

/** @import { Page } from "playwright-core" */

export const KNOWN = ["Where does it hurt?", "I have a fever.", "Good morning.", "Please sit down.", "Do you take any medicine?"];
const CANDIDATES = KNOWN.map((sentence, i) => ({ sentence, sentence_id: `s${i + 1}`, rank: i + 1 }));
const LATE_S = 1e9; // after every press of "New person"

/**
 * An answer comes.
 *
 * @param {object} parts
 */
export function answered(parts) {
  const answer = {
    outcome: "not_sure", text: null, text_source: "", reason: "low_similarity", promise: null,
    candidates: CANDIDATES, choices: [], ...parts,
  };
  return post("test/say", { type: "answer", segment: 0, start_s: 0, end_s: LATE_S, cause: "rest", answer });
}

export const said = (/** @type {string} */ text, proven = true) => answered({
  outcome: "answer", text, text_source: "sentence", reason: "", promise: { proven },
  candidates: [...CANDIDATES].sort((a, b) => Number(b.sentence === text) - Number(a.sentence === text)),
});
export const offered = (count = 2) => answered({
  outcome: "choices", reason: "ambiguous_top2", choices: CANDIDATES.slice(0, count), promise: { proven: true },
});

/** @param {Page} page */
export const spoken = (page) => page.evaluate(() => [.../** @type {any} */ (globalThis).spoken]);
/**
 * The same once so many were: the sentence's language is looked up before that.
 *
 * @param {Page} page
 * @param {number} [count]
 */
export const heard = (page, count = 1) => until(() => spoken(page), (all) => all.length >= count);
/** @param {Page} page */
export const lines = (page) => page.locator("#history li").evaluateAll((items) => (
  items.map((item) => [item.className, item.querySelector(".words")?.textContent])
));

/** A page that listens. */
export async function listening() {
  const opened = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] }, madeUp: true });
  await opened.page.click("#start-camera");
  await state(opened.page, "idle");
  return opened;
}
