// The first screen, answers by pointing, keeping a talk, and one screen for two sides. `page_browser.mjs` has the job.

import { readFile } from "node:fs/promises";

import { savedFile } from "./browsers.mjs";
import { madeUp } from "./made_up_takes.mjs";
import { answered, heard, KNOWN, lines, listening, offered, said, spoken } from "./made_up_talk.mjs";
import { look, open, ready, run, seen, settings } from "./page_browser.mjs";
import { resize, until } from "./patience.mjs";

/** @import { Page } from "playwright-core" */

const BLOCKED = { context: { serviceWorkers: /** @type {const} */ ("block") } };

/** What the first screen tells who does not read. */
async function welcome() {
  const { browser, page } = await open(BLOCKED);
  const { steps } = seen;
  await page.waitForSelector("#welcome-steps canvas:not([hidden])");
  const drawn = () => page.locator("#welcome-steps canvas").evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL());
  const moves = async () => {
    const before = await drawn();
    return before !== await until(drawn, (now) => now !== before);
  };
  const stands = async () => {
    const before = await drawn();
    await page.waitForTimeout(1000);
    return before === await drawn();
  };
  steps.pictures = await page.locator("#welcome-steps li").evaluateAll((items) => items.map((item) => [
    item.className, item.querySelectorAll(".pictures :is(svg, canvas)").length, item.textContent,
  ]));
  steps.moving = [await moves(), await page.locator("#welcome-steps li.camera .pictures").evaluate((each) => getComputedStyle(each).animationName)];
  await look(page, "welcome");
  await page.click("#welcome-moves");
  steps.stopped = [await stands(), await page.locator("#welcome-steps li.camera .pictures").evaluate((each) => getComputedStyle(each).animationName)];
  await page.emulateMedia({ reducedMotion: "reduce", colorScheme: "dark" });
  await page.reload();
  await page.waitForSelector("#welcome-steps canvas:not([hidden])");
  steps.calm = await stands();
  await look(page, "welcome-dark");
  await page.click("#welcome-moves");
  steps.wanted = await moves();
  await browser.close();
}

/** @param {Page} page */
const cards = (page) => page.locator("#phrases .choice .words").allTextContents();
/** @param {Page} page */
const tiles = (page) => page.locator("#phrases-groups .tile").allTextContents();

/** Sentences by pictures of their categories, starred, used, and used after each other. */
async function phrases() {
  const { browser, page } = await open(BLOCKED);
  const { steps } = seen;
  const phrase = (/** @type {string} */ words) => page.click(`#phrases .choice >> text=${words}`);
  const tile = async (/** @type {string} */ words) => {
    await page.click(`#phrases .tile >> text="${words}"`);
    await page.waitForSelector(`#phrases .tile[aria-pressed=true] >> text="${words}"`);
    await page.waitForSelector("#phrases-list[aria-busy=false]"); // its sentences are there
  };
  await page.click("#board summary");
  await page.waitForSelector("#phrases .choice canvas:not([hidden])");
  steps.first = [await tiles(page), await cards(page)];
  await tile("All");
  steps.all = await cards(page);
  await phrase("I have a fever.");
  await page.waitForFunction(() => document.querySelector("#board-said")?.textContent);
  await phrase("Please sit down.");
  await page.waitForFunction(() => document.querySelector("#board-said")?.textContent?.includes(" · "));
  steps.lines = await lines(page);
  steps.spoken = await heard(page, 2);
  await phrase("I have a fever."); // after this the other one comes often
  await page.waitForSelector("#phrases .tile[data-group=next]");
  await tile("Often next");
  steps.next = await cards(page);
  await tile("Used now");
  steps.recent = await cards(page);
  await page.click("#phrases .star >> nth=0");
  steps.kept = await page.evaluate(() => ["favourites", "together"].map((name) => localStorage.getItem(`signtalk-${name}`)));
  await look(page, "phrases");
  await page.emulateMedia({ colorScheme: "dark" });
  await look(page, "phrases-dark");
  await page.click("#new-person");
  steps.newPerson = await tiles(page);
  await page.reload();
  await ready(page);
  await page.click("#board summary");
  await page.waitForSelector("#phrases .choice");
  steps.starred = [await tiles(page), await cards(page)];
  await browser.close();
}

/** "Where?" is answered on a drawn body, by tap and by keyboard. */
async function body() {
  const { browser, page } = await open(BLOCKED);
  const { steps } = seen;
  const pressed = () => page.locator(".place[aria-pressed=true]").evaluateAll((all) => all.map((each) => each.getAttribute("aria-label")));
  await page.click("#board summary");
  await page.click("#board .tile[data-part=where]");
  await page.click(".place[aria-label='Right knee']");
  await page.click(".place[aria-label=Belly]");
  steps.two = [await lines(page), await pressed()];
  await page.click(".place[aria-label=Belly]"); // taken back
  steps.one = [await lines(page), await pressed()];
  await page.focus(".place[aria-label=Head]");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  steps.focus = await page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  await page.keyboard.press("Enter");
  await page.click(".view >> text=Back");
  await page.click(".place[aria-label='Lower back']");
  await page.click("#board .tile[data-part=pain]");
  await page.click("#board >> role=button[name='Pain: 7 of 10']");
  steps.line = await lines(page);
  await page.click("#board .tile[data-part=where]");
  await page.click(".view >> text=Front");
  await look(page, "body"); // a look takes longer than a turn
  await page.click(".view >> text=Face");
  steps.labels = await page.locator(".place").evaluateAll((all) => all.map((each) => each.getAttribute("aria-label")));
  await page.emulateMedia({ colorScheme: "dark" });
  await look(page, "face-dark");
  await page.click("#new-person");
  steps.cleared = [await lines(page), await pressed()];
  steps.spoken = await spoken(page);
  await browser.close();
}

/** Nothing is saved or printed before the patient agreed; then the talk alone is. */
async function kept() {
  const { browser, page } = await open(BLOCKED);
  const { steps } = seen;
  await page.evaluate(() => { window.print = () => {}; });
  steps.before = await page.isDisabled("#keep-history");
  await page.click("#board summary");
  await page.click("#board >> role=button[name='No']");
  await page.fill("#nurse-text", "<b>Please</b> wait");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#history li").length === 2);
  await page.click("#keep-history");
  const actions = () => page.locator("#keep-text, #keep-page, #keep-print").evaluateAll((all) => (
    all.map((each) => /** @type {HTMLButtonElement} */ (each).disabled)
  ));
  steps.asked = await actions();
  await page.check("#keep-agreed");
  steps.agreed = await actions();
  await look(page, "keep");
  const saved = async (/** @type {string} */ button) => {
    const path = `${settings.out}/kept`;
    return [await savedFile(page, button, path), await readFile(path, "utf8")];
  };
  steps.text = await saved("#keep-text");
  await page.click("#keep-history");
  steps.again = await actions();
  await page.check("#keep-agreed");
  steps.page = await saved("#keep-page");
  await page.emulateMedia({ media: "print" });
  steps.blank = await page.evaluate(() => document.body.innerText.trim());
  await page.emulateMedia({ media: "screen" });
  await page.click("#keep-history");
  await page.check("#keep-agreed");
  await page.click("#keep-print");
  await page.emulateMedia({ media: "print" });
  steps.printed = await page.evaluate(() => document.body.innerText.trim());
  await page.screenshot({ path: `${settings.out}/printed.png` });
  await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  steps.left = await page.evaluate(() => [document.querySelector("#print")?.textContent, Object.keys(localStorage)]);
  await browser.close();
}

const SIZES = { phone: [390, 844], small: [768, 1024], tablet: [1024, 768], laptop: [1280, 800], large: [1920, 1080] };

/** One screen for two sides: the patient's half is turned round, and everything of both can be reached. */
async function turned() {
  const { browser, page } = await listening();
  const { steps } = seen;
  await page.click("#open-settings");
  await page.check("#setting-turned");
  await look(page, "turned-settings");
  await page.click("#close-settings");
  await said(KNOWN[0]);
  await page.waitForSelector("#answer-sign:not([hidden]) canvas");
  for (const [name, [width, height]] of Object.entries(SIZES)) {
    await resize(page, { width, height });
    await page.screenshot({ path: `${settings.out}/turned-${name}.png` });
    const [[patient, staff], high] = await page.evaluate(() => [
      ["#patient-half", "#staff-half"].map((half) => document.querySelector(half)?.getBoundingClientRect().toJSON()),
      document.documentElement.scrollHeight - innerHeight,
    ]);
    steps[name] = [patient.bottom <= staff.top, high];
  }
  await look(page, "turned");
  steps.angle = await page.evaluate(() => ["#patient-half", "#camera", "#staff-half"].map((half) => (
    getComputedStyle(/** @type {Element} */ (document.querySelector(half))).transform
  )));
  await page.click(".reply.yes");
  await page.waitForSelector("#answer .said");
  await page.click("#nurse-list button >> nth=2");
  await page.waitForSelector("#nurse-player:not([hidden])");
  await page.emulateMedia({ colorScheme: "dark" });
  await look(page, "turned-shown");
  steps.lines = await lines(page);
  await page.click("#tab-practise");
  steps.practise = await page.evaluate(() => getComputedStyle(/** @type {Element} */ (document.querySelector("#camera"))).transform);
  await browser.close();
}

/** A thumb up or down answers the question, one that is put down early does not. */
async function thumbs() {
  const { browser, page } = await listening();
  const { steps } = seen;
  const ring = () => page.evaluate(() => Number(/** @type {HTMLElement} */ (document.querySelector(".reply.yes")).style.getPropertyValue("--held")));
  const asked = async (/** @type {string} */ sentence) => {
    await said(sentence);
    await page.waitForSelector("#answer-card.confirm .reply.yes .thumb");
  };
  await asked(KNOWN[0]);
  await (await madeUp(page, settings.brief))();
  steps.withdrawn = [await lines(page), await ring(), await page.isVisible(".reply.yes")];
  const up = await madeUp(page, settings.up);
  await page.evaluate(() => { // between two pictures of a slow machine it may fill, and be gone with the question
    const yes = /** @type {HTMLElement} */ (document.querySelector(".reply.yes"));
    const watch = new MutationObserver(() => {
      if (Number(yes.style.getPropertyValue("--held")) > 0.2) Object.assign(globalThis, { fills: true });
    });
    watch.observe(yes, { attributes: true });
  });
  const done = up();
  await page.waitForFunction(() => /** @type {any} */ (globalThis).fills);
  await page.screenshot({ path: `${settings.out}/ring.png` });
  await page.waitForSelector("#answer .said");
  steps.up = await lines(page);
  await done;
  await asked(KNOWN[1]);
  await (await madeUp(page, settings.down))();
  await page.waitForSelector("#answer-card.asking");
  steps.down = await lines(page);
  await page.click(".reply.again");
  await page.click("#open-settings");
  await page.uncheck("#setting-thumb");
  await page.click("#close-settings");
  await said(KNOWN[2]);
  await page.waitForSelector("#answer-card.confirm");
  await (await madeUp(page, settings.up))();
  steps.off = [await page.isVisible(".reply.yes"), await page.locator(".thumb").count()];
  await look(page, "thumbs");
  await browser.close();
}

/** The new parts in the other languages, of which Twi is a beginning, and long texts. */
async function languages() {
  const { browser, page } = await open(BLOCKED);
  const { steps } = seen;
  for (const language of ["fr", "tw"]) {
    await page.emulateMedia({ colorScheme: language === "fr" ? "light" : "dark" });
    await page.click("#open-settings");
    await Promise.all([page.waitForEvent("load"), page.selectOption("#setting-language", language)]);
    await ready(page);
    await page.click("#board summary");
    await page.waitForSelector("#phrases .choice canvas:not([hidden])");
    await page.click("#board-reply button >> nth=0");
    await look(page, `board-${language}`);
    await page.click("#board .tile[data-part=day]");
    steps[language] = [
      await page.evaluate(() => document.documentElement.lang), await page.textContent("#board-said"),
      await page.textContent(".tap.day"), await page.textContent("#start-camera"),
    ];
    await page.click("#open-pair");
    await look(page, `pair-${language}`);
    await page.click("#pair-cancel");
    await page.click("#new-person");
  }
  await page.fill("#nurse-text", "Please come back tomorrow before breakfast and bring all your papers. ".repeat(7));
  await page.keyboard.press("Enter");
  await page.waitForSelector("#nurse-words.long");
  await look(page, "long");
  await resize(page, { width: 390, height: 844 });
  steps.long = await page.locator("#nurse-words").evaluate((words) => words.getBoundingClientRect().height);
  await browser.close();
}

/** What is signed while somebody points moves no picture away under the finger. */
async function steady() {
  const { browser, page } = await listening();
  const { steps } = seen;
  await page.click("#board summary");
  const tile = "#board .tile[data-part=pain]";
  const place = () => page.locator(tile).evaluate((each) => Math.round(each.getBoundingClientRect().top));
  const card = () => page.evaluate(() => document.getElementById("answer-card")?.offsetHeight ?? 0);
  await page.click(tile);
  const before = [await place(), await card()];
  await offered(3);
  await page.waitForFunction(() => document.querySelectorAll("#answer-actions .choice canvas:not([hidden])").length === 3);
  steps.grown = await card() - before[1];
  steps.moved = [await place() - before[0]];
  await answered({});
  await page.waitForFunction(() => document.querySelector("#answer-waiting")?.textContent);
  steps.moved.push(await place() - before[0]);
  await page.waitForFunction(() => !document.getElementById("answer-card")?.style.minHeight); // nobody points any longer
  await browser.close();
}

await run({ steady, languages, welcome, phrases, body, kept, turned, thumbs });
