// A conversation on the page with answers as they are wanted: made_up_talk.mjs sends them. `page_browser.mjs` has what
// the job holds.

import { KNOWN, answered, heard, lines, listening, offered, said, spoken } from "./made_up_talk.mjs";
import { card, FILM, keptWorkers, look, open, post, ready, run, seen, settings, state } from "./page_browser.mjs";
import { noticed, over, until } from "./patience.mjs";

async function confirms() {
  const { browser, page } = await listening();
  const { steps } = seen;
  await said(KNOWN[0]);
  await card(page, "confirm");
  await page.waitForSelector("#answer-sign:not([hidden]) canvas");
  steps.question = await page.textContent("#answer .question");
  steps.early = [await spoken(page), await lines(page)];
  await look(page, "confirm");
  await said(KNOWN[1]);
  await answered({});
  await page.waitForFunction(() => document.querySelector("#answer-waiting")?.textContent?.includes("not understood"));
  steps.stands = await page.textContent("#answer .question");
  await page.click(".reply.yes");
  steps.said = [await heard(page), await lines(page)];
  steps.next = [await page.textContent("#answer-before span"), await page.textContent("#answer .question")];
  await look(page, "before");
  await page.click(".reply.no");
  await card(page, "asking");
  await page.waitForFunction(() => document.querySelectorAll(".choice canvas:not([hidden])").length === 3);
  steps.others = await page.locator(".choice").allTextContents();
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
  steps.chosen = [(await heard(page, 2)).at(-1), (await lines(page)).at(-1)];
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
  steps.said = [await heard(page), await lines(page)];
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
  await page.click('role=button[name="Pick from the list"]');
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
  await page.waitForSelector('#hint[data-reason="nobody"]'); // the answer is about frames, and a slow machine sees none at once
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

/** The service's process stands still, twice, and goes on. */
async function stalled() {
  const { browser, page } = await listening();
  const { steps } = seen;
  steps.noticed = [];
  for (let round = 0; round < 2; round += 1) {
    steps.noticed.push(await noticed(page, "silent", () => process.kill(settings.process, "SIGSTOP")));
    await state(page, "lost");
    if (!round) {
      await look(page, "stalled");
      await page.fill("#nurse-text", "fever");
      await page.waitForFunction(() => document.querySelector("#nurse-told")?.textContent?.includes("cannot be reached"));
    }
    process.kill(settings.process, "SIGCONT");
    await over(page, "silent");
    await state(page, "idle");
  }
  await said(KNOWN[0]);
  await card(page, "confirm");
  seen.console = seen.console.filter((line) => !/ERR_|Firefox can|while the page was loading/.test(line)); // what the browser says of a line that hung
  await browser.close();
}

/** A camera of the test's own, whose pictures can be stopped, repeated and darkened. */
function ownCamera() {
  if (!globalThis.navigator.mediaDevices) return; // no page yet
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  const camera = { mode: "well", opened: 0 };
  let count = 0;
  setInterval(() => {
    if (camera.mode === "stopped") return;
    if (camera.mode !== "same") count += 1;
    context.fillStyle = "black";
    context.fillRect(0, 0, 320, 240);
    if (camera.mode !== "covered") {
      context.fillStyle = camera.mode === "dark" ? "#303030" : "#e0e0e0";
      context.fillRect(7 * count % 250, 40, 60, 120);
    }
    context.fillStyle = `rgb(0, 0, ${camera.mode === "same" ? 0 : count % 2})`; // so that each is drawn anew
    context.fillRect(0, 0, 1, 1);
  }, 100);
  navigator.mediaDevices.getUserMedia = async () => {
    camera.opened += 1;
    return canvas.captureStream(10);
  };
  Object.assign(globalThis, { camera });
}

/** Pictures stop, come again and again, or show nothing. */
async function blind() {
  const { browser, page } = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] }, madeUp: true, script: ownCamera });
  const { steps } = seen;
  await page.click("#start-camera");
  await state(page, "idle");
  await page.waitForFunction(() => parseFloat(document.querySelector("#rate")?.textContent ?? "") > 0);
  const set = (/** @type {string} */ mode) => page.evaluate((wanted) => {
    /** @type {any} */ (globalThis).camera.mode = wanted;
  }, mode);
  for (const [mode, code] of [["stopped", "camera_frozen"], ["same", "camera_frozen"], ["covered", "camera_covered"]]) {
    steps[mode] = await noticed(page, code, () => set(mode));
    await state(page, "blind");
    if (mode === "stopped") await look(page, "frozen");
    await set("well");
    await over(page, code);
    await state(page, "idle");
  }
  steps.opened = await page.evaluate(() => /** @type {any} */ (globalThis).camera.opened);
  await set("dark");
  await page.waitForSelector("#hint[data-reason=dark]");
  steps.dark = await until(() => page.getAttribute("#state", "data-state"), (name) => name === "idle");
  await set("covered");
  await page.waitForSelector("#notices [data-code=camera_covered]");
  await page.click("#stop-camera");
  steps.off = [await page.textContent("#notices"), await page.getAttribute("#state", "data-state")];
  await browser.close();
}

/** What finds hands dies: it is loaded again, once. */
async function died() {
  const { browser, page } = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] }, madeUp: true, script: keptWorkers });
  const { steps } = seen;
  await page.click("#start-camera");
  await state(page, "idle");
  const works = async () => { // after its first pictures it has less time for one
    const before = await page.evaluate(() => /** @type {any} */ (globalThis).frames);
    await page.waitForFunction((count) => /** @type {any} */ (globalThis).frames > count + 2, before);
  };
  await works();
  const kill = () => page.evaluate(() => /** @type {any} */ (globalThis).workers.at(-1).terminate());
  steps.silent = await noticed(page, "landmarker_silent", kill);
  await over(page, "landmarker_silent");
  await state(page, "idle");
  steps.workers = await page.evaluate(() => /** @type {any} */ (globalThis).workers.length);
  await works();
  steps.died = await noticed(page, "landmarker_died", kill);
  steps.state = await page.getAttribute("#state", "data-state");
  await browser.close();
}

/** Texts as long as the service takes them, and no longer. */
async function longTexts() {
  const { browser, page } = await open({ context: { serviceWorkers: "block" } });
  const { steps } = seen;
  await page.fill("#nurse-text", "a".repeat(490));
  await page.waitForFunction(() => document.querySelector("#nurse-told")?.textContent?.includes("like meaning"));
  steps.most = await page.evaluate(() => Object.fromEntries(
    [...document.querySelectorAll("input[data-most]")].map((field) => [field.id, /** @type {HTMLInputElement} */ (field).maxLength]),
  ));
  await browser.close();
}

/** What is wiped can be brought back; a reload keeps the talk, and a new person does not see it. */
async function undone() {
  const { browser, page } = await listening();
  const { steps } = seen;
  await said(KNOWN[0]);
  await page.click(".reply.yes");
  await said(KNOWN[1]);
  await card(page, "confirm");
  await page.click("#new-person");
  steps.cleared = [await lines(page), await page.getAttribute("#answer-card", "class")];
  await page.click("#undo button"); // it is there for some seconds: looked at later
  steps.back = [await lines(page), await page.textContent("#answer .question")];
  await page.click(".reply.yes");
  await heard(page, 2);
  await page.click("#new-person");
  await page.click("#undo button");
  steps.saidBack = [await lines(page), await page.textContent("#answer .said"), await spoken(page)];
  await page.reload();
  await ready(page);
  steps.reloaded = await lines(page);
  await page.click("#clear-history");
  steps.empty = await lines(page);
  await page.click("#undo button");
  steps.unclear = (await lines(page)).length;
  await page.click("#new-person");
  await look(page, "undo");
  await page.waitForSelector("#undo", { state: "hidden" });
  await page.reload();
  await ready(page);
  steps.gone = [await lines(page), await page.evaluate(() => sessionStorage.length)];
  await browser.close();
}

/** A dark page, a slow camera that leads to the button, and the cameras by name. */
async function settled() {
  const { browser, page } = await listening();
  const { steps } = seen;
  await page.emulateMedia({ colorScheme: "dark" });
  await said(KNOWN[0]);
  await card(page, "confirm");
  await look(page, "dark");
  await page.waitForSelector("#slow-offer:not([hidden])");
  await look(page, "slow");
  await page.click("#take-offer");
  await page.waitForSelector("#sign-button:not([hidden])");
  steps.offer = await page.isVisible("#slow-offer");
  await page.click("#open-settings");
  steps.mode = await page.locator("[name=mode]:checked").getAttribute("value");
  steps.cameras = await until(() => page.locator("#setting-camera option").allTextContents(), ({ length }) => length > 1);
  await page.selectOption("#setting-camera", { index: 1 });
  await look(page, "settings");
  await page.click("#close-settings");
  await state(page, "asking");
  steps.kept = await page.evaluate(() => JSON.parse(localStorage.getItem("signtalk-settings") ?? "{}").camera !== "");
  await browser.close();
}

/** Answers by pointing, without a camera. */
async function pointed() {
  const { browser, page } = await open({ context: { serviceWorkers: "block" } });
  const { steps } = seen;
  await page.click("#board summary");
  await page.click("#board >> role=button[name='Yes']");
  await page.click("#board .tile[data-part=pain]");
  await page.click("#board >> role=button[name='Pain: 3 of 10']");
  await page.click("#board >> role=button[name='Pain: 7 of 10']");
  await page.click("#board .tile[data-part=number]");
  await page.click("#board .tile[data-part=day]");
  await page.click("#board >> role=button[name='Monday']");
  steps.said = await page.textContent("#board-said");
  steps.lines = await lines(page);
  steps.spoken = await spoken(page);
  await page.click("#board .tile[data-part=pain]");
  await look(page, "board"); // takes longer than a turn
  await page.click("#new-person");
  steps.cleared = [await page.textContent("#board-said"), await lines(page)];
  await browser.close();
}

/** Another language of the page: what is said keeps its own, and its own voice. */
async function french() {
  const { browser, page } = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] }, madeUp: true });
  const { steps } = seen;
  await page.click("#open-settings");
  await Promise.all([page.waitForEvent("load"), page.selectOption("#setting-language", "fr")]);
  await ready(page);
  await page.click("#start-camera");
  await state(page, "idle");
  steps.page = [await page.evaluate(() => document.documentElement.lang), await page.textContent("#start-camera")];
  await said(KNOWN[0]);
  await page.click(".reply.yes");
  await page.waitForSelector("#answer .said[lang=en]");
  steps.spoken = await spoken(page);
  steps.label = await page.textContent("#answer .label span");
  await look(page, "french");
  steps.day = await page.locator(".tap.day").first().textContent();
  steps.fallback = await page.textContent("#enroll-title");
  await browser.close();
}

await run({ french, pointed, settled, undone, confirms, unasked, states, stalled, blind, died, longTexts });
