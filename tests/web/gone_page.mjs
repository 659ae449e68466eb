// A page that is really hidden, and one whose network is really cut. `page_browser.mjs` has what the job holds; for the
// latter it holds `take`, too, the file of a clip that a made-up landmarker finds, `typed` by staff, and how many sentences
// are `listed` after it.

import { tabInFrontOf } from "./browsers.mjs";
import { KNOWN, lines, said } from "./made_up_talk.mjs";
import { signed } from "./made_up_takes.mjs";
import { card, FILM, keptWorkers, open, run, seen, settings, state } from "./page_browser.mjs";
import { noticed, over, until } from "./patience.mjs";

/** @import { Page } from "playwright-core" */

const HIDDEN_MS = 4000; // longer than anything that is wrong may go unnoticed
const STARTED_MS = 1000; // a camera has started by then
const FAR_APART = 4; // tries to connect, after which the next one is eight seconds away
const { steps } = seen;

/** Where the page is hidden it draws nothing, and Playwright waits for what is drawn. @param {Page} page */
const standing = (page) => page.evaluate(() => ({
  seen: document.visibilityState,
  state: document.querySelector("#state")?.getAttribute("data-state"),
  title: document.title,
  notices: document.querySelector("#notices")?.textContent,
}));

/**
 * Milliseconds, from when the page is seen again, until it shows a state and looks at new pictures.
 *
 * @param {Page} page
 * @param {string} wanted
 * @param {() => unknown} cause
 */
async function back(page, wanted, cause) {
  await page.evaluate((name) => {
    const { frames } = /** @type {any} */ (globalThis);
    const tookMs = new Promise((resolve) => {
      document.addEventListener("visibilitychange", () => {
        const seenMs = performance.now();
        const timer = setInterval(() => {
          const isThere = document.querySelector("#state")?.getAttribute("data-state") === name;
          if (!isThere || /** @type {any} */ (globalThis).frames <= frames + 1) return;
          clearInterval(timer);
          resolve(Math.round(performance.now() - seenMs));
        }, 20);
      }, { once: true });
    });
    Object.assign(globalThis, { tookMs });
  }, wanted);
  await cause();
  return page.evaluate(() => /** @type {any} */ (globalThis).tookMs);
}

/** @param {Page} page */
async function byButton(page) {
  await page.click("#open-settings");
  await page.check("[name=mode][value=button]");
  await page.click("#close-settings");
}

/** Another tab is in front: while a question stands, while the person signs, and while the camera is started. */
async function hidden() {
  const { browser, page } = await open({ flags: FILM, madeUp: true, script: keptWorkers, isWindow: true });
  await page.click("#start-camera");
  await state(page, "idle");
  await said(KNOWN[0]);
  await card(page, "confirm");
  let show = await tabInFrontOf(page);
  await until(() => standing(page), (now) => now.state === "paused");
  await page.waitForTimeout(HIDDEN_MS);
  steps.hidden = await standing(page);
  steps.asking = await back(page, "asking", show);
  steps.seen = await standing(page);
  await page.click(".reply.yes");
  steps.lines = await lines(page);

  await byButton(page);
  await page.click("#new-person");
  await state(page, "idle");
  await page.click("#sign-button");
  await state(page, "signing");
  show = await tabInFrontOf(page);
  await until(() => standing(page), (now) => now.state === "paused");
  steps.signing = await back(page, "idle", show);
  await page.click("#sign-button"); // the sign is begun anew
  await state(page, "signing");

  await page.click("#stop-camera");
  await page.click("#start-camera");
  show = await tabInFrontOf(page);
  await page.waitForTimeout(STARTED_MS);
  steps.starting = await back(page, "idle", show);

  show = await tabInFrontOf(page);
  process.kill(settings.process, "SIGSTOP");
  await page.waitForTimeout(STARTED_MS);
  steps.stalled = await noticed(page, "silent", show);
  process.kill(settings.process, "SIGCONT");
  await over(page, "silent");
  await state(page, "idle");
  seen.console = seen.console.filter((line) => !/ERR_|Firefox can|while the page was loading/.test(line));
  await browser.close();
}

/** The window is made small, and the browser lets the page stand still, as one of a device that sleeps. */
async function asleep() {
  const { browser, context, page } = await open({ flags: FILM, madeUp: true, script: keptWorkers, isWindow: true });
  await page.click("#start-camera");
  await state(page, "idle");
  await said(KNOWN[0]);
  await card(page, "confirm");
  const session = await context.newCDPSession(page);
  const { windowId } = await session.send("Browser.getWindowForTarget");
  const become = (/** @type {"minimized" | "normal"} */ windowState) => (
    session.send("Browser.setWindowBounds", { windowId, bounds: { windowState } }));
  await become("minimized");
  await until(() => standing(page), (now) => now.state === "paused");
  steps.small = await standing(page);
  steps.asking = await back(page, "asking", async () => {
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    await new Promise((resolve) => { setTimeout(resolve, HIDDEN_MS); });
    await session.send("Page.setWebLifecycleState", { state: "active" });
    await become("normal");
  });
  steps.seen = await standing(page);
  await page.click(".reply.yes");
  steps.lines = await lines(page);
  await browser.close();
}

/** What is answered to a sign of this person. @param {Page} page */
async function answerOf(page) {
  await page.click("#new-person");
  await card(page, "empty");
  await signed(page, settings.take);
  await card(page, "unsure");
  return page.textContent("#answer");
}

/** The network is cut, and is back. */
async function cut() {
  const { browser, context, page } = await open({
    flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] }, madeUp: true,
  });
  await byButton(page);
  await page.click("#start-camera");
  await state(page, "idle");
  steps.before = await answerOf(page);
  let tries = 0;
  page.on("websocket", () => { tries += 1; });
  steps.noticed = await noticed(page, "silent", () => context.setOffline(true));
  await state(page, "lost");
  await page.fill("#nurse-text", settings.typed);
  await page.keyboard.press("Enter");
  await page.waitForFunction((words) => document.querySelector("#nurse-words")?.textContent === words, settings.typed);
  await until(async () => tries, (count) => count >= FAR_APART);
  steps.told = await page.textContent("#notices");
  steps.stands = [await page.textContent("#answer"), await page.isDisabled("#sign-button")];
  await context.setOffline(false);
  const backMs = performance.now();
  await state(page, "unsure"); // the answer stands
  steps.back = performance.now() - backMs;
  steps.lines = await lines(page);
  steps.after = await answerOf(page);
  steps.notices = await page.textContent("#notices");
  await page.fill("#nurse-text", "wait");
  await page.waitForFunction((told) => document.querySelector("#nurse-told")?.textContent === told, settings.listed);
  seen.console = seen.console.filter((line) => !line.includes("ERR_INTERNET_DISCONNECTED")); // what the browser says of it
  await browser.close();
}

await run({ hidden, asleep, cut });
