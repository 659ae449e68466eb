// A conversation on the page with answers as they are wanted: the stand-in for the service sends them, and a made-up
// landmarker finds nobody, so that nothing else is answered. `page_browser.mjs` has what the job holds.

import { card, FILM, look, open, post, run, seen, state } from "./page_browser.mjs";

/** @import { Page } from "playwright-core" */

const KNOWN = ["Where does it hurt?", "I have a fever.", "Good morning.", "Please sit down.", "Do you take any medicine?"];
const CANDIDATES = KNOWN.map((sentence, i) => ({ sentence, sentence_id: `s${i + 1}`, rank: i + 1 }));
const LATE_S = 1e9; // after every press of "New person"

/**
 * An answer comes.
 *
 * @param {object} parts
 */
function answered(parts) {
  const answer = {
    outcome: "not_sure", text: null, text_source: "", reason: "low_similarity", promise: null,
    candidates: CANDIDATES, choices: [], ...parts,
  };
  return post("test/say", { type: "answer", segment: 0, start_s: 0, end_s: LATE_S, cause: "rest", answer });
}

const said = (/** @type {string} */ text, proven = true) => answered({
  outcome: "answer", text, text_source: "sentence", reason: "", promise: { proven },
  candidates: [...CANDIDATES].sort((a, b) => Number(b.sentence === text) - Number(a.sentence === text)),
});
const offered = (count = 2) => answered({
  outcome: "choices", reason: "ambiguous_top2", choices: CANDIDATES.slice(0, count), promise: { proven: true },
});

/** @param {Page} page */
const spoken = (page) => page.evaluate(() => [.../** @type {any} */ (globalThis).spoken]);
/** @param {Page} page */
const lines = (page) => page.locator("#history li").evaluateAll((items) => (
  items.map((item) => [item.className, item.querySelector(".words")?.textContent])
));

/** A page that listens. */
async function listening() {
  const opened = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] }, madeUp: true });
  await opened.page.click("#start-camera");
  await state(opened.page, "idle");
  return opened;
}

async function confirms() {
  const { browser, page } = await listening();
  const { steps } = seen;
  await said(KNOWN[0]);
  await card(page, "confirm");
  await page.waitForSelector("#answer-sign:not([hidden]) canvas");
  steps.question = await page.textContent("#answer .question");
  steps.early = [await spoken(page), await lines(page)];
  await page.waitForTimeout(400);
  await look(page, "confirm");
  await said(KNOWN[1]);
  await answered({});
  await page.waitForFunction(() => document.querySelector("#answer-waiting")?.textContent?.includes("not understood"));
  steps.stands = await page.textContent("#answer .question");
  await page.click(".reply.yes");
  steps.said = [await spoken(page), await lines(page)];
  steps.next = [await page.textContent("#answer-before"), await page.textContent("#answer .question")];
  await page.click(".reply.no");
  await card(page, "asking");
  await page.waitForFunction(() => document.querySelectorAll(".choice canvas:not([hidden])").length === 3);
  steps.others = await page.locator(".choice").allTextContents();
  await page.waitForTimeout(400);
  await look(page, "choices");
  await offered();
  await page.waitForFunction(() => document.querySelector("#answer-waiting")?.textContent?.includes("1"));
  steps.still = await page.locator(".choice").allTextContents();
  await page.click("#answer-actions .reply.no");
  steps.rest = await page.locator(".choice").allTextContents();
  await page.waitForFunction(() => !document.querySelector(".choice canvas:not([hidden])"));
  await page.click("#answer-actions .reply.no");
  steps.declined = (await lines(page)).at(-1);
  steps.waited = await page.locator(".choice").allTextContents();
  await page.click("#answer-actions .reply.again");
  await card(page, "empty");
  steps.again = await page.textContent("#answer .label span");
  await look(page, "again");
  await offered(3);
  await page.click(".choice >> nth=2");
  await card(page, "said");
  steps.chosen = [(await spoken(page)).at(-1), (await lines(page)).at(-1)];
  await browser.close();
}

/** Nobody is asked first; then what is not meant leads to what the page can do. */
async function unasked() {
  const { browser, page } = await listening();
  const { steps } = seen;
  await page.click("#open-settings");
  await page.uncheck("#setting-confirm");
  await page.click("#close-settings");
  await said(KNOWN[0]);
  await card(page, "said");
  steps.said = [await spoken(page), await lines(page)];
  await page.click("#open-settings");
  await page.check("#setting-confirm");
  await page.click("#close-settings");
  await answered({ outcome: "answer", text: "Help", text_source: "translation", candidates: [], promise: { proven: false } });
  await card(page, "confirm");
  steps.marks = await page.textContent("#answer .hint");
  await page.click(".reply.no");
  await card(page, "unsure");
  steps.help = await page.locator("#answer-actions button").allTextContents();
  await look(page, "help");
  await page.click("text=Pick from the list");
  steps.focus = await page.evaluate(() => document.activeElement?.id);
  await browser.close();
}

/** What is shown for eyes: a picture and a colour for each state, and one for the reason of a refusal. */
async function states() {
  const { browser, page } = await listening();
  const shown = async () => page.evaluate(() => {
    const element = document.querySelector("#state");
    if (!element) throw new Error("no state");
    const { backgroundColor, color } = getComputedStyle(element);
    const { animationName } = getComputedStyle(element.querySelector(".icon") ?? element);
    return [element.querySelector("use")?.getAttribute("href"), backgroundColor, color, animationName];
  });
  /** @type {Record<string, any>} */
  const pictures = { idle: await shown() };
  for (const name of ["signing", "thinking"]) {
    await post("test/say", { type: "state", state: name, time_s: 0 });
    await state(page, name);
    pictures[name] = await shown();
  }
  await post("test/say", { type: "state", state: "answer", time_s: 0 });
  await answered({});
  await state(page, "unsure");
  pictures.unsure = await shown();
  seen.steps.reason = await page.getAttribute("#answer .hint use", "href");
  await look(page, "unsure");
  await said(KNOWN[0]);
  await state(page, "asking");
  pictures.asking = await shown();
  await page.click(".reply.yes");
  await state(page, "answer");
  pictures.answer = await shown();
  await page.emulateMedia({ reducedMotion: "reduce" });
  seen.steps.calm = (await shown())[3];
  seen.steps.hint = [await page.getAttribute("#hint", "data-reason"), await page.locator("#hint use").count()];
  await page.emulateMedia({ reducedMotion: "no-preference" });
  await page.click("#stop-camera");
  pictures.off = await shown();
  await look(page, "off");
  seen.steps.pictures = pictures;
  await browser.close();
}

await run({ confirms, unasked, states });
