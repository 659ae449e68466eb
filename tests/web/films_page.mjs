// Sentences that a person was filmed signing: the film stands where the skeleton would. `page_browser.mjs` has what the
// job holds, and of the films `person`, `broken` and `unsigned`.

import { KNOWN, listening, offered, said } from "./made_up_talk.mjs";
import { card, look, post, run, seen, settings } from "./page_browser.mjs";

/** @import { Page } from "playwright-core" */

/**
 * Wait until a film moves; what shows the sign then.
 *
 * @param {Page} page
 * @param {string} place
 */
async function moving(page, place) {
  await page.waitForFunction((where) => {
    const film = document.querySelector(`${where} video:not([hidden])`);
    return film instanceof HTMLVideoElement && !film.paused && film.currentTime > 0.1;
  }, place);
  return page.locator(`${place} :is(canvas, video):not([hidden])`).evaluateAll((shown) => shown.map(({ tagName }) => tagName));
}

async function films() {
  const { person, broken, unsigned } = settings.films;
  await post("test/films", { s1: person, s2: broken, s5: unsigned });
  const { browser, page } = await listening();
  const { steps } = seen;
  await offered(3);
  await moving(page, ".choice");
  await page.waitForFunction(() => document.querySelectorAll(".choice canvas:not([hidden])").length === 2);
  steps.cards = await page.locator(".choice").evaluateAll((cards) => cards.map((each) => (
    each.querySelector(":is(canvas, video):not([hidden])")?.tagName
  )));
  await look(page, "films");
  await page.click("#answer-actions >> text=Pause");
  steps.paused = await page.locator(".choice video:not([hidden])").evaluateAll((shown) => shown.map((each) => (
    each instanceof HTMLVideoElement && each.paused
  )));
  await page.click(".choice >> nth=2");
  await card(page, "said");
  await said(KNOWN[0]);
  steps.asked = await moving(page, "#answer-sign");
  await page.click("#answer-sign >> text=Slow");
  steps.rate = await page.locator("#answer-sign video").evaluate((film) => film instanceof HTMLVideoElement && film.playbackRate);
  await page.click(".reply.yes");
  await said(KNOWN[3]);
  await page.waitForSelector("#answer-sign canvas:not([hidden])");
  steps.skeleton = await page.locator("#answer-sign video").evaluate((film) => film.hasAttribute("src"));
  await page.fill("#nurse-text", KNOWN[4]);
  await page.keyboard.press("Enter");
  steps.shown = await moving(page, "#nurse-player");
  await browser.close();
}

await run({ films });
