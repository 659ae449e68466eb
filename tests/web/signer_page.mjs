// The page learns its person: what is told to whoever answers, and what the page shows of it. The stand-in for the service
// sends the answers, and a made-up landmarker finds nobody. `page_browser.mjs` has what the job holds.

import { card, FILM, look, open, post, run, seen, settings, state } from "./page_browser.mjs";
import { until } from "./patience.mjs";

/** @import { Page } from "playwright-core" */

const KNOWN = ["Where does it hurt?", "I have a fever.", "Good morning.", "Please sit down.", "Do you take any medicine?"];
const CANDIDATES = KNOWN.map((sentence, i) => ({ sentence, sentence_id: `s${i + 1}`, rank: i + 1 }));
const LATE_S = 1e9; // after every press of "New person"

/**
 * An answer comes.
 *
 * @param {number} segment
 * @param {object} parts
 */
function answered(segment, parts) {
  const answer = {
    outcome: "not_sure", text: null, text_source: "", reason: "low_similarity", promise: null,
    candidates: CANDIDATES, choices: [], ...parts,
  };
  return post("test/say", { type: "answer", segment, start_s: 0, end_s: LATE_S, cause: "rest", answer });
}

const said = (/** @type {number} */ segment, /** @type {string} */ text) => answered(segment, {
  outcome: "answer", text, text_source: "sentence", reason: "", promise: { proven: true },
});
const offered = (/** @type {number} */ segment) => answered(segment, {
  outcome: "choices", reason: "ambiguous_top2", choices: CANDIDATES.slice(1, 3), promise: { proven: true },
});

/**
 * What the page told of its person, from some place on, once there is so much of it: it goes another way than this question.
 *
 * @param {number} [from]
 * @param {number} [least]
 * @returns {Promise<object[]>}
 */
function orders(from = 0, least = 0) {
  const read = async () => (await (await fetch(new URL("test/orders", settings.url))).json()).slice(from);
  return until(read, ({ length }) => length >= least);
}

/** The mark, once it says so. @param {Page} page @param {number} count */
async function knows(page, count) {
  await page.waitForFunction((number) => {
    const mark = /** @type {HTMLElement} */ (document.querySelector("#signer-mark"));
    return number ? !mark.hidden && mark.textContent?.endsWith(String(number)) : mark.hidden;
  }, count);
  return page.textContent("#signer-mark");
}

/** A page that listens. */
async function listening() {
  const opened = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] }, madeUp: true });
  await opened.page.click("#start-camera");
  await state(opened.page, "idle");
  await opened.page.waitForSelector("#acquaint-open:not([hidden])");
  return opened;
}

async function confirmed() {
  const { browser, page } = await listening();
  const { steps } = seen;
  await said(3, KNOWN[0]);
  await page.click(".reply.yes");
  steps.mark = await knows(page, 1);
  await offered(4);
  await page.click(".choice >> nth=0");
  await knows(page, 2);
  await look(page, "known");
  await page.click("#answer-actions >> text=That is wrong"); // not of the sentence before
  await knows(page, 1);
  await page.click(".choice >> nth=1");
  await card(page, "said");
  await knows(page, 2);
  steps.told = await orders();
  await said(5, KNOWN[0]);
  await page.waitForSelector("#answer .question");
  await page.click("#new-person");
  await knows(page, 0);
  await page.click("#undo button");
  await page.click(".reply.yes"); // of the person before: whoever stands there now is not learned from it
  await card(page, "said");
  steps.afterwards = await orders(steps.told.length, 1);
  await page.click("#open-settings");
  await page.uncheck("#setting-learn");
  await page.click("#close-settings");
  await page.waitForSelector("#acquaint-open", { state: "hidden" });
  await state(page, "idle");
  await said(6, KNOWN[1]);
  await page.click(".reply.yes");
  await card(page, "said");
  steps.unwanted = await orders(steps.told.length + steps.afterwards.length);
  await browser.close();
}

async function acquainted() {
  const { browser, page } = await listening();
  const { steps } = seen;
  const shown = () => Promise.all(["told", "words"].map((name) => page.textContent(`#acquaint-${name}`)));
  await page.click("#acquaint-open");
  await page.waitForSelector("#acquaint-player:not([hidden]) canvas");
  steps.first = await shown();
  await answered(0, { reason: "low_motion" });
  await answered(1, {});
  await page.waitForSelector("#acquaint-yes:not([hidden])");
  steps.seen = await shown();
  await look(page, "acquaintance");
  await page.click("#acquaint-yes");
  await knows(page, 1);
  steps.second = await shown();
  await post("test/say", { type: "error", segment: 2, error: { code: "bad_clip", message: "" } });
  await page.waitForFunction((words) => document.querySelector("#acquaint-told")?.textContent !== words, steps.second[0]);
  steps.unseen = await shown();
  await page.click("#acquaint-skip");
  steps.third = await shown();
  for (const segment of [3, 4, 5]) {
    await answered(segment, {});
    await page.waitForSelector("#acquaint-yes:not([hidden])");
    await page.click("#acquaint-yes");
  }
  steps.done = await shown();
  await knows(page, 4);
  await page.click("#acquaint-close");
  await page.waitForSelector("#acquaint-open:not([hidden])");
  steps.told = await orders();
  await page.click("#acquaint-open");
  await page.waitForSelector("#acquaint-player:not([hidden]) canvas");
  await answered(6, {});
  await page.click("#acquaint-yes");
  for (let n = 0; n < 4; n++) await page.click("#acquaint-skip");
  steps.few = await shown();
  steps.card = await page.getAttribute("#answer-card", "class");
  await browser.close();
}

await run({ confirmed, acquainted });
