// Drives the live page in Chromium against tests/made/page_service.py, and tells what was seen as JSON.
//
//   node live_page.mjs '{"url": ..., "chromium": ..., "camera": ..., "out": FOLDER, "scenario": "talk", "key": ...}'

import { card, FILM, look, open, PATIENCE, post, run, seen, settings, state } from "./page_browser.mjs";
import { until } from "./patience.mjs";

/** @import { Page } from "playwright-core" */

const ENROLLED = "I want to greet you.";
/** A busy machine sees few of the film's pictures, and others each time: a sentence is known by some clips of it then. */
const MOST_TAKES = 4;

/** @type {Record<string, () => Promise<void>>} */
const scenarios = { talk, visit, refusals, missing, cut, nobody, served, marks, bare };

async function talk() {
  const { browser, context, page } = await open({
    flags: FILM, context: { permissions: ["camera", "clipboard-read", "clipboard-write"] },
  });
  await look(page, "start");
  await keyboard(page);
  await page.click("#start-camera");
  await state(page, "idle");
  await refusedThenEnrolled(page);
  await recognised(page);
  await choices(page);
  await nurse(page);
  await history(page);
  await practise(page);
  await byButton(page);
  await lost(page);
  context.setDefaultTimeout(60_000);
  seen.loaded = [...seen.console];
  await offline(page);
  await browser.close();
}

/** @param {Page} page */
async function keyboard(page) {
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement?.className);
  await page.focus("#tab-talk");
  await page.keyboard.press("ArrowRight");
  const practised = await page.isVisible("#practise");
  await page.keyboard.press("ArrowLeft");
  seen.steps.keyboard = { first, practise: practised, talk: await page.isVisible("#talk") };
}

/** @param {Page} page */
async function refusedThenEnrolled(page) {
  await state(page, "signing");
  await look(page, "signing");
  await card(page, "unsure");
  seen.steps.refused = await page.textContent("#answer");
  seen.steps.rate = await page.textContent("#rate");
  seen.steps.motion = await until(async () => Number(await page.getAttribute("#motion", "aria-valuenow")), (share) => share > 0);
  await look(page, "unsure");
  await page.click('role=button[name="Teach this sentence"]');
  await page.fill("#enroll-text", ENROLLED);
  await page.fill("#enroll-key", "another key");
  await page.click("#enroll-save");
  await page.waitForFunction(() => document.querySelector("#enroll-told")?.textContent?.includes("key is not right"));
  await look(page, "enroll");
  seen.console = seen.console.filter((line) => !line.includes("401")); // what the browser says of the wrong key
  await page.fill("#enroll-key", settings.key);
  await page.click("#enroll-save");
  await page.waitForFunction(() => document.querySelector("#enroll-told")?.textContent?.includes("Remembered"));
  seen.steps.enrolled = await page.textContent("#enroll-told");
  await page.click("#enroll-cancel");
}

/** @param {Page} page */
async function recognised(page) {
  await card(page, "confirm");
  seen.steps.asked = await page.textContent("#answer .question");
  await look(page, "confirm");
  await page.click(".reply.yes");
  await card(page, "said");
  seen.steps.recognised = await page.textContent("#answer .said");
  await look(page, "said");
}

/** @param {Page} page */
async function choices(page) {
  const candidates = ["Where does it hurt?", "Where is my key?"].map((sentence, i) => ({ sentence, sentence_id: `c${i}`, rank: i + 1 }));
  await post("test/force", { outcome: "choices", text: null, reason: "ambiguous_top2", choices: candidates, candidates });
  await card(page, "asking");
  seen.steps.offered = await page.locator("#answer-actions .choice").allTextContents();
  seen.steps.saidWhileAsking = await page.locator("#answer .said").count();
  await look(page, "choices");
  await page.click("#answer-actions .choice >> nth=1"); // the film went on: what it signed meanwhile is asked now
  const spoken = () => page.evaluate(() => /** @type {any} */ (globalThis).spoken);
  seen.steps.spoken = await until(spoken, (words) => words.length > 1); // languages are looked up before that
  seen.steps.chosen = await page.textContent("#history li:last-child .words");
}

/** @param {Page} page */
async function nurse(page) {
  await page.fill("#nurse-text", "fever");
  await page.waitForFunction(() => document.querySelectorAll("#nurse-list button").length === 1);
  await page.click("#nurse-list button");
  await page.waitForSelector("#nurse-player:not([hidden])");
  seen.steps.nurse = await page.textContent("#nurse-words");
  const drawn = () => page.evaluate(() => {
    const canvas = document.querySelector("#nurse-player canvas");
    const context = canvas instanceof HTMLCanvasElement ? canvas.getContext("2d") : null;
    if (!context) throw new Error("no canvas");
    const { data } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) colours.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
    return colours.size;
  });
  seen.steps.drawn = await until(drawn, (colours) => colours > 20);
  await look(page, "nurse");
  await page.fill("#nurse-text", "agony");
  await page.waitForFunction(() => document.querySelector("#nurse-told")?.textContent?.includes("like meaning"));
  await page.fill("#nurse-text", "good  morning");
  await page.click("#nurse-form button");
  await page.waitForFunction(() => document.querySelector("#nurse-words")?.textContent === "Good morning.");
  seen.steps.plain = await until(() => page.isVisible("#nurse-player"), (there) => there);
  await page.fill("#nurse-text", "Please wait here.");
  await page.click("#nurse-form button");
  await page.waitForFunction(() => document.querySelector("#nurse-words")?.textContent === "Please wait here.");
  seen.steps.typed = await page.textContent("#nurse-sign-told");
}

/** @param {Page} page */
async function history(page) {
  await page.click("#keep-history");
  await page.check("#keep-agreed");
  await page.click("#keep-copy");
  await page.waitForFunction(() => document.querySelector("#history-told")?.textContent !== "");
  seen.steps.copied = await page.evaluate(() => navigator.clipboard.readText());
  await page.locator("#history").scrollIntoViewIfNeeded();
  await look(page, "history");
  await page.click("#clear-history");
  seen.steps.left = await page.locator("#history li").count();
  seen.steps.focus = await page.evaluate(() => document.activeElement?.id);
}

/** @param {Page} page */
async function practise(page) {
  await page.click("#tab-practise");
  await page.click("#practise-list button >> nth=2");
  await page.waitForSelector("#practise-reference canvas");
  await page.click("#practise-record");
  await state(page, "recording");
  await page.waitForTimeout(8000);
  await page.click("#practise-record");
  await page.waitForSelector("#practise-result .verdict");
  seen.steps.practised = await page.textContent("#practise-result");
  await look(page, "practise");
  await page.click("#tab-talk");
}

/** @param {Page} page */
async function byButton(page) {
  await page.click("#open-settings");
  await page.check("[name=mode][value=button]");
  await page.check("#setting-contrast");
  await look(page, "settings");
  await page.click("#close-settings");
  await page.click("#new-person"); // the film may have been answered meanwhile, and that question stands
  await card(page, "empty");
  await state(page, "idle");
  await page.click("#sign-button");
  await state(page, "signing");
  await page.waitForTimeout(6000);
  await look(page, "contrast");
  await post("test/force", { outcome: "not_sure", text: null, reason: "low_motion", choices: [], candidates: [] });
  await page.click("#sign-button");
  await card(page, "unsure");
  seen.steps.button = await page.textContent("#answer");
  await page.click("#sign-button");
  await page.waitForTimeout(6000);
  await page.evaluate(() => {
    for (const id of ["sign-button", "new-person"]) document.getElementById(id)?.click();
  });
  await state(page, "answer");
  seen.steps.late = await page.getAttribute("#answer-card", "class");
}

/** @param {Page} page */
async function lost(page) {
  await post("test/drop");
  const notices = await page.waitForFunction(() => document.querySelector("#notices")?.textContent); // gone soon
  seen.steps.lost = await notices.jsonValue();
  await look(page, "lost");
  await state(page, "idle");
  seen.steps.back = await page.textContent("#notices");
}

/**
 * The service is gone: the page still loads, finds hands and says what is missing.
 *
 * @param {Page} page
 */
async function offline(page) {
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.waitForFunction(async () => {
    const [name] = await caches.keys();
    const kept = await (await caches.open(name)).keys();
    return kept.some(({ url }) => url.endsWith("holistic_landmarker.task"));
  });
  await post("test/quit");
  for (let tries = 0; tries < 50; tries += 1) {
    const there = await fetch(settings.url).then(() => true, () => false);
    if (!there) break;
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
  await state(page, "lost");
  await page.fill("#nurse-text", "fever");
  await page.click("#nurse-form button");
  await page.waitForFunction(() => document.querySelector("#nurse-words")?.textContent === "fever");
  seen.steps.gone = {
    button: await page.isDisabled("#sign-button"),
    sign: await page.textContent("#nurse-sign-told"),
    icon: await page.evaluate(() => Number(document.querySelector("#state use")?.getBoundingClientRect().width) > 0),
  };
  await page.click("#stop-camera");
  seen.steps.gone.told = await page.textContent("#notices");
  await page.reload();
  await page.waitForSelector("[data-subject=service]");
  await page.focus("#start-camera");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => parseFloat(document.querySelector("#rate")?.textContent ?? "") > 0, null, PATIENCE);
  seen.steps.running = await page.evaluate(() => document.activeElement?.id);
  seen.steps.offline = { rate: await page.textContent("#rate"), told: await page.textContent("#notices") };
  await look(page, "offline");
}

/** The card of answers whose promise is proven or not, without a camera. */
async function marks() {
  const { browser, page } = await open({ flags: [], context: {} });
  seen.steps = await page.evaluate(async () => {
    const load = (/** @type {string} */ name) => import(`/page/${name}.js`); // as the page serves it
    /** @type {typeof import("../../src/signtalk/service/web/page/answer.js")} */
    const { AnswerView } = await load("answer");
    /** @type {typeof import("../../src/signtalk/service/web/page/voice.js")} */
    const { Voice } = await load("voice");
    /** @type {any} */ (globalThis).spoken = [];
    globalThis.speechSynthesis.speak = ({ text }) => { /** @type {any} */ (globalThis).spoken.push(text); };
    /** @type {string[][]} */
    const lines = [];
    const view = new AnswerView({
      conversation: /** @type {any} */ ({ add: (/** @type {string[]} */ ...line) => lines.push(line), remove() {} }),
      settings: /** @type {any} */ ({ get: (/** @type {string} */ name) => name !== "confirm" }),
      signs: /** @type {any} */ ({ shown: async () => null, languageOf: async () => "" }),
      voice: new Voice(),
      teach() {}, declined() {}, changed() {},
    });
    const candidates = ["A", "B"].map((sentence, i) => ({ sentence, sentence_id: `c${i}`, rank: i + 1 }));
    const shown = (/** @type {object} */ answer) => {
      const whole = { reason: "", candidates, choices: [], text: null, text_source: "", ...answer };
      view.show(/** @type {any} */ (whole), /** @type {any} */ ({ times: [] }));
      return document.querySelector("#answer")?.textContent;
    };
    const fresh = (/** @type {object} */ answer) => {
      view.clear(); // a question would stand
      return shown(answer);
    };
    const yes = { promise: { proven: true } }, no = { promise: { proven: false } };
    const said = { outcome: "answer", text: "A", text_source: "sentence" }, asked = { outcome: "choices", choices: candidates };
    const languageKnown = () => new Promise((resolve) => { setTimeout(resolve); }); // it is looked up before a voice speaks
    const proven = shown({ ...said, ...yes });
    await languageKnown(); // what is answered meanwhile would be spoken instead
    const signed = {
      proven, unproven: shown({ ...said, ...no }), untold: shown(said), translated: shown({ ...said, text_source: "translation", ...no }),
    };
    const questions = { offered: fresh({ ...asked, ...yes }), offeredUnproven: fresh({ ...asked, ...no }) };
    const one = fresh({ ...asked, choices: candidates.slice(0, 1), ...yes });
    fresh({ ...said, ...yes });
    view.clear(); // the next person is not told what was answered to this one
    await languageKnown();
    return { ...signed, ...questions, one, lines, spoken: /** @type {any} */ (globalThis).spoken };
  });
  await browser.close();
}

/** The real service, or with no key an offline page: signing is found, an answer or a refusal shown; what is enrolled is recognised. */
async function served() {
  const { browser, page } = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] } });
  seen.steps.privacy = await page.textContent("[data-text='camera.privacy']");
  await page.click("#start-camera");
  await state(page, "signing");
  await page.waitForSelector("#answer-card.unsure, #answer-card.asking, #answer-card.confirm", PATIENCE);
  seen.steps.first = await page.getAttribute("#answer-card", "class");
  await taught(page);
  if (settings.key) {
    for (let takes = 1; !await confirms(page, ENROLLED); takes++) {
      if (takes === MOST_TAKES) throw new Error(`"${ENROLLED}" is not known after ${takes} takes`);
      await taught(page);
    }
    seen.steps.mark = await page.textContent("#answer .hint");
    await page.click(".reply.yes");
    await card(page, "said");
    seen.steps.recognised = await page.textContent("#answer .said");
  } else {
    await page.fill("#nurse-text", "greet");
    await page.waitForFunction(() => document.querySelectorAll("#nurse-list button").length === 1);
    seen.steps.listed = await page.textContent("#nurse-list button");
  }
  seen.steps.rate = parseFloat(await page.textContent("#rate") ?? "");
  await look(page, "served");
  await browser.close();
}

/**
 * What the camera shows is taught as ENROLLED, once an answer stands that can be said no to.
 *
 * @param {Page} page
 */
async function taught(page) {
  await page.waitForFunction(() => { // the film goes on: another answer may stand there by now
    const press = (/** @type {HTMLElement | null | undefined} */ button) => button?.click();
    press(document.querySelector(".reply.no"));
    const buttons = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#answer-actions button")]);
    press(buttons.find(({ textContent }) => textContent === "Teach this sentence"));
    return document.querySelector("#enroll-dialog[open]");
  });
  await page.fill("#enroll-text", ENROLLED);
  if (settings.key) await page.fill("#enroll-key", settings.key);
  await page.click("#enroll-save");
  await page.waitForFunction(() => document.querySelector("#enroll-told")?.textContent?.includes("Remembered"));
  await page.click("#enroll-cancel");
}

/**
 * Whether what is signed next is taken for a sentence, which the person is asked to confirm.
 *
 * @param {Page} page
 * @param {string} sentence
 */
async function confirms(page, sentence) {
  await page.evaluate(() => document.getElementById("new-person")?.click()); // no question stands in its way
  await page.waitForSelector("#answer-card.unsure, #answer-card.asking, #answer-card.confirm", PATIENCE);
  return page.evaluate((question) => (
    document.querySelector("#answer-card.confirm .question")?.textContent === question
  ), sentence.replace(".", "?"));
}

/** A service that knows no sentence. */
async function bare() {
  const { browser, page } = await open({ context: { serviceWorkers: "block" } });
  seen.steps = { answer: await page.textContent("#answer"), listed: await page.textContent("#nurse-told") };
  await look(page, "bare");
  await browser.close();
}

/** Before the camera, with it, and both once more: what the service has sent by then, by path. */
async function visit() {
  const { browser, page } = await open({ flags: FILM, context: { permissions: ["camera"] } });
  const sent = async () => (await fetch(new URL("test/sent", settings.url))).json();
  const isKept = () => navigator.serviceWorker.controller !== null;
  const looks = async () => {
    await page.click("#start-camera");
    await page.waitForFunction(() => parseFloat(document.querySelector("#rate")?.textContent ?? "") > 0, null, PATIENCE);
  };
  await page.waitForFunction(isKept);
  seen.steps.before = await sent();
  await looks();
  await page.waitForFunction(async () => {
    const [name] = await caches.keys();
    return await (await caches.open(name)).match("models/holistic_landmarker.task") !== undefined;
  });
  seen.steps.camera = await sent();
  await page.reload();
  await page.waitForFunction(isKept);
  await looks();
  seen.steps.again = await sent();
  await browser.close();
}

/** Camera not allowed, and none there. */
async function refusals() {
  for (const [name, flag] of [["denied", "--use-fake-device-for-media-stream"], ["none", "--use-fake-ui-for-media-stream"]]) {
    const { browser, page } = await open({ flags: [flag], context: { serviceWorkers: "block" } });
    await page.click("#start-camera");
    await page.waitForSelector("[data-subject=camera]");
    seen.steps[name] = await page.getAttribute("[data-subject=camera]", "data-code");
    await look(page, name);
    await browser.close();
  }
}

/** A service without the landmarker's models. */
async function missing() {
  const { browser, page } = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] } });
  await page.click("#start-camera");
  await page.waitForSelector("[data-subject=landmarks]");
  seen.steps.missing = await page.textContent("#notices");
  seen.steps.state = await page.getAttribute("#state", "data-state");
  await browser.close();
}

/** The models do not come: the camera can be stopped meanwhile, that is told, and it can be started again. */
async function cut() {
  const { browser, context, page } = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] } });
  const { steps } = seen;
  const models = "**/models/*";
  await context.route(models, () => {}); // no answer at all
  const camera = () => page.evaluate(() => {
    const video = document.querySelector("#video");
    return video instanceof HTMLVideoElement && video.srcObject !== null;
  });
  await page.click("#start-camera");
  await state(page, "loading");
  await until(camera, (runs) => runs);
  await page.click("#stop-camera");
  steps.stopped = [await page.getAttribute("#state", "data-state"), await camera(), await page.isEnabled("#start-camera")];
  await page.click("#start-camera");
  await page.waitForSelector("#notices [data-code=model_stalled]", PATIENCE);
  steps.told = [await page.getAttribute("#state", "data-state"), await camera(), await page.textContent("#notices")];
  await look(page, "stalled");
  await context.unroute(models);
  await page.click("#start-camera");
  await state(page, "idle");
  steps.again = await page.textContent("#notices");
  await browser.close();
}

/** A picture without a person. */
async function nobody() {
  const { browser, page } = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] } });
  await page.click("#start-camera");
  await page.waitForFunction(() => document.querySelector("#hint")?.textContent !== "", null, PATIENCE);
  await state(page, "idle");
  seen.steps.hint = await page.textContent("#hint");
  seen.steps.state = await page.getAttribute("#state", "data-state");
  seen.steps.card = await page.getAttribute("#answer-card", "class");
  await look(page, "nobody");
  await browser.close();
}

await run(scenarios);
