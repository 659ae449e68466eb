// Two devices of one talk, as two browsers: of two pages of one, Firefox pauses that which is behind. `page_browser.mjs` has the job.

import { KNOWN, lines, listening, said } from "./made_up_talk.mjs";
import { look, open, PATIENCE, PHONE, run, seen, settings, state } from "./page_browser.mjs";
import { until } from "./patience.mjs";

/** @import { Page } from "playwright-core" */

/** The patient's tablet, which listens, and staff's phone; and how both are put away. */
async function twoDevices() {
  const tablet = await listening(), phone = await open({ context: { viewport: PHONE, serviceWorkers: "block" } });
  await phone.page.waitForSelector("#open-pair");
  const close = () => Promise.all([tablet, phone].map(({ browser }) => browser.close()));
  return { tablet: tablet.page, phone: phone.page, close };
}

/** @param {Page} page @param {string} name */
const bar = (page, name) => page.waitForSelector(`#pair-bar[data-state=${name}]:not([hidden])`, PATIENCE);
/** @param {Page} page */
const visible = async (page) => {
  const parts = ["#camera", "#patient-half", "#staff-half", "#partner", "[role=tablist]"];
  const shown = await Promise.all(parts.map((part) => page.isVisible(part)));
  return parts.filter((_, i) => shown[i]);
};

/**
 * Pair both.
 *
 * @param {Page} tablet
 * @param {Page} phone
 */
async function paired(tablet, phone) {
  await tablet.click("#open-pair");
  await tablet.click("#pair-open");
  await tablet.waitForSelector("#pair-code:not([hidden])");
  const code = (await tablet.textContent("#pair-code")) ?? "";
  await phone.click("#open-pair");
  await phone.fill("#pair-typed", code === "000 000" ? "000001" : "000000");
  await phone.keyboard.press("Enter");
  await phone.waitForFunction(() => document.querySelector("#pair-told")?.textContent?.startsWith("No device"));
  seen.steps.wrong = await phone.textContent("#pair-told");
  await look(tablet, "pair-code");
  await look(phone, "pair-typed");
  await phone.fill("#pair-typed", code);
  await phone.keyboard.press("Enter");
  await Promise.all([bar(tablet, "together"), bar(phone, "together")]);
}

/** A whole conversation on two devices. */
async function conversation() {
  const { tablet, phone, close } = await twoDevices();
  const { steps } = seen;
  await paired(tablet, phone);
  steps.visible = [await visible(tablet), await visible(phone)];
  await phone.waitForSelector("#partner-state >> text=Ready");
  await said(KNOWN[0]);
  await phone.waitForSelector("#partner-standing.asking");
  steps.asked = await phone.textContent("#partner-standing");
  await look(phone, "paired-phone");
  await phone.emulateMedia({ colorScheme: "dark" });
  await look(phone, "paired-phone-dark");
  await look(tablet, "paired-tablet");
  await tablet.click(".reply.yes");
  await phone.waitForSelector("#history .words >> text=hurt");
  steps.told = [await lines(phone), await phone.textContent("#partner-standing")];
  await phone.click("#nurse-list button >> nth=2");
  await tablet.waitForSelector("#nurse-player:not([hidden]) canvas");
  steps.shown = await tablet.textContent("#nurse-words");
  await phone.fill("#nurse-text", "Please wait outside");
  await phone.keyboard.press("Enter");
  await tablet.waitForFunction(() => document.querySelector("#nurse-words")?.textContent === "Please wait outside");
  await tablet.click("#board summary");
  await tablet.click("#board >> role=button[name='Yes']");
  await phone.waitForSelector("#history li.tapped");
  steps.lines = [await lines(tablet), await lines(phone)];
  const standing = (/** @type {string} */ wanted) => until(() => phone.textContent("#partner-standing"), (words) => words === wanted);
  steps.pointed = await standing("Yes");
  await phone.reload();
  await bar(phone, "together");
  await phone.waitForSelector("#history li.tapped");
  steps.reloaded = [await visible(phone), await lines(phone)];
  await said(KNOWN[1]);
  await tablet.click(".reply.yes");
  steps.confirmed = await standing(KNOWN[1]);
  await tablet.click('role=button[name="That is wrong"]');
  await phone.waitForSelector("#partner-standing.asking");
  await tablet.click(".reply.again");
  steps.takenBack = await standing("");
  await tablet.click("#new-person");
  await phone.waitForSelector("#pair-bar[data-state=off]", { state: "attached" }); // what it tells is gone soon
  steps.ended = [await visible(tablet), await visible(phone), await lines(phone)];
  steps.left = await Promise.all([tablet, phone].map((page) => page.evaluate(() => sessionStorage.getItem("signtalk-pair"))));
  await close();
}

/** A device whose network is cut, and a service that stands still, are noticed; both are found again. */
async function lost() {
  const { tablet, phone, close } = await twoDevices();
  const { steps } = seen;
  await paired(tablet, phone);
  const beganMs = performance.now();
  await phone.context().setOffline(true);
  await bar(tablet, "alone");
  steps.silent = performance.now() - beganMs;
  await look(tablet, "pair-alone");
  await bar(phone, "lost");
  await phone.context().setOffline(false);
  await Promise.all([bar(tablet, "together"), bar(phone, "together")]);
  process.kill(settings.process, "SIGSTOP");
  const stoppedMs = performance.now();
  await Promise.all([bar(tablet, "lost"), bar(phone, "lost")]);
  steps.stopped = performance.now() - stoppedMs;
  process.kill(settings.process, "SIGCONT");
  await Promise.all([bar(tablet, "together"), bar(phone, "together")]);
  await state(tablet, "idle");
  await phone.click("#unpair");
  await tablet.waitForSelector("#pair-bar[data-state=off]", { state: "attached" });
  steps.unpaired = [await visible(tablet), await visible(phone)];
  seen.console = seen.console.filter((line) => !line.includes("ERR_INTERNET_DISCONNECTED")); // what the browser says of a network that is cut
  await close();
}

/** A page without a service is one device; what needs none works. */
async function offline() {
  const { browser, page } = await open({ context: { serviceWorkers: "block" } });
  const { steps } = seen;
  steps.offered = await page.isVisible("#open-pair");
  await page.click("#board summary");
  await page.waitForSelector("#phrases .tile");
  steps.tiles = await page.locator("#phrases-groups .tile").allTextContents();
  await page.click("#board >> role=button[name='Yes']");
  steps.lines = await lines(page);
  await look(page, "offline");
  await browser.close();
}

await run({ conversation, lost, offline });
