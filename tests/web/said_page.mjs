// A conversation in which what is confirmed and corrected is kept, because the person agreed; and what the tab "Taught"
// shows of it. The job of page_browser.mjs holds more: `takes`, three files of clips that a made-up landmarker finds, of
// words that the service was taught; or, on an offline page, `taught`: [words, file] that this script teaches it.

import { readFile } from "node:fs/promises";

import { savedFile } from "./browsers.mjs";
import { signed } from "./made_up_takes.mjs";
import { FILM, look, open, PATIENCE, run, seen, settings } from "./page_browser.mjs";

/** @import { Page } from "playwright-core" */

const { steps } = seen;

/**
 * Runs in an offline page: teaches it what the service of the other test was taught.
 *
 * @param {[string, string][]} taught words, and a clip in base64
 */
async function teachHere(taught) {
  const load = (/** @type {string} */ name) => import(new URL(name, document.baseURI).href);
  const [ort, { Engine }, { clipFromBytes }] = await Promise.all(
    ["vendor/ort.wasm.min.mjs", "engine/engine.js", "engine/wire.js"].map(load));
  ort.env.wasm.numThreads = 1;
  const engine = await Engine.open("./bundle/", ort);
  for (const [words, clip] of taught) {
    const bytes = Uint8Array.from(atob(clip), (letter) => letter.charCodeAt(0));
    await engine.enroll(words, [clipFromBytes(bytes.buffer)]);
  }
}

/** @param {Page} page */
async function opened(page) {
  await page.goto(settings.url);
  await page.waitForFunction(() => /\d/.test(document.querySelector("#nurse-told")?.textContent ?? ""));
}

/**
 * The person is asked, refuses, is asked again and agrees.
 *
 * @param {Page} page
 */
async function agreed(page) {
  await page.click("#open-settings");
  await page.check("[name=mode][value=button]");
  const box = page.locator("#setting-remember");
  await box.click();
  await page.waitForSelector("#remember-dialog[open]");
  await look(page, "remember");
  await page.click("#remember-refuse");
  await page.waitForSelector("#remember-dialog:not([open])", { state: "attached" });
  steps.refused = [await box.isChecked(), await page.isVisible("#remember")];
  await box.click();
  await page.fill("#remember-signer", "s08");
  if (settings.key) await page.fill("#remember-key", settings.key);
  await page.click("#remember-agree");
  steps.agreed = await box.isChecked();
  await page.click("#close-settings");
  steps.shown = [await page.isVisible("#remember"), await page.textContent("#remember-shown")];
}

/**
 * Sign a take between two presses of the button, and say yes to what is offered; what was said, and whether the answer
 * itself offered it.
 *
 * @param {Page} page
 * @param {string} take
 */
async function said(page, take) {
  await signed(page, take);
  await page.waitForSelector("#answer-card:is(.confirm, .asking, .unsure)", PATIENCE);
  const isOffered = await page.locator("#answer-card.unsure").count() === 0;
  if (await page.locator("#answer-card.confirm").count()) await page.click(".reply.yes");
  else return { words: await chosen(page), isOffered };
  return { words: await page.textContent("#answer .said"), isOffered };
}

/** @param {Page} page */
async function chosen(page) {
  if (await page.locator("#answer-card.unsure").count()) await page.click('role=button[name="Show what it could be"]');
  await page.click(".choice >> nth=0");
  await page.waitForSelector("#answer-card.said");
  return page.textContent("#answer .said");
}

/**
 * @param {Page} page
 * @param {number} count
 */
async function counted(page, count) {
  await page.waitForFunction((number) => (
    document.querySelector("#remember-shown")?.textContent?.includes(` ${number} `)
  ), count);
}

/** @param {Page} page */
async function listed(page) {
  await page.click("#tab-own");
  await page.waitForSelector("#own-list[aria-busy=false] li"); // else it is asked for again
  return page.locator("#own-list li").evaluateAll((items) => items.map((item) => (
    [item.querySelector("h3")?.textContent, item.querySelector(".about")?.textContent]
  )));
}

async function conversation() {
  const { browser, context, page } = await open({
    flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] }, madeUp: true,
  });
  if (settings.taught) {
    await page.evaluate(teachHere, await Promise.all(settings.taught.map(async (/** @type {string[]} */ [words, file]) => (
      [words, (await readFile(file)).toString("base64")]
    ))));
  }
  await opened(page);
  await agreed(page);
  await page.click("#start-camera");
  await page.waitForSelector("#state[data-state=idle]", PATIENCE);
  if (settings.taught) await context.setOffline(true); // from here on such a page needs no network
  const [first, second, third] = settings.takes;
  steps.first = await said(page, first);
  await counted(page, 1);
  await look(page, "remembering");
  await page.click('role=button[name="That is wrong"]');
  await counted(page, 0);
  steps.corrected = await chosen(page);
  await counted(page, 1);
  steps.second = await said(page, second);
  await counted(page, 2);
  steps.listed = await listed(page);
  await look(page, "listed");
  await page.click(`[aria-label="Play: ${steps.corrected}"]`);
  await page.waitForFunction((words) => document.querySelector("#own-words")?.textContent === words, steps.corrected);
  steps.played = await page.isVisible("#own-player canvas");
  await savedFile(page, "#copy-save", `${settings.out}/saved.zip`);

  await page.click("#tab-talk");
  await page.click("#new-person");
  steps.another = [await page.isVisible("#remember"), await page.isChecked("#setting-remember")];
  await page.click("#undo button");
  steps.same = await page.isVisible("#remember");
  await page.click("#new-person");
  steps.third = await said(page, third);
  steps.later = await listed(page);
  await page.click(`[aria-label="Delete: ${steps.corrected}"]`);
  await page.waitForSelector("#own-undo:not([hidden])");
  steps.deleted = await listed(page);
  await page.click("#own-undo");
  await page.waitForSelector("#own-undo", { state: "hidden" });
  steps.restored = await listed(page);
  await browser.close();
}

await run({ conversation });
