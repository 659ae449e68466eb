// Drives the live page in Chromium against tests/made/page_service.py, and tells what was seen as JSON.
//
//   node live_page.mjs '{"url": ..., "chromium": ..., "camera": ..., "out": FOLDER, "scenario": "talk", "key": ...}'

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
/** @type {typeof import("playwright-core")} */
const { chromium } = require("playwright-core");
const axeSource = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");

const settings = JSON.parse(process.argv[2]);
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const NARROWEST = { width: 320, height: 640 }; // a desk's page at four times its size
const ENROLLED = "I want to greet you.";
const PATIENCE = { timeout: 90_000 };
/** @import { BrowserContextOptions, Page } from "playwright-core" */

/**
 * What was seen: errors in the console (`loaded`: until the service was stopped), addresses outside, findings of axe,
 * states that scroll sideways, and what each step of a scenario tells.
 *
 * @type {{console: string[], loaded?: string[], outside: string[], axe: object[], wide: string[],
 *   steps: Record<string, any>}}
 */
const seen = { console: [], outside: [], axe: [], wide: [], steps: {} };

/**
 * A browser whose camera shows the film; `flags` and `context` change what a scenario needs otherwise.
 *
 * @param {{flags?: string[], context?: BrowserContextOptions}} [options]
 */
async function open({ flags = [], context = {} } = {}) {
  const browser = await chromium.launch({
    executablePath: settings.chromium,
    args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", ...flags],
  });
  const opened = await browser.newContext({ viewport: DESKTOP, ...context });
  opened.setDefaultTimeout(20_000);
  const host = new URL(settings.url).host;
  opened.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && url.host !== host) seen.outside.push(url.href);
  });
  await opened.addInitScript(voices);
  const page = await opened.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") seen.console.push(message.text());
  });
  page.on("pageerror", (error) => seen.console.push(String(error)));
  await page.goto(settings.url);
  await page.waitForFunction(() => ["nurse", "practise"].every((side) => document.querySelector(`#${side}-told`)?.textContent));
  return { browser, context: opened, page };
}

/** Headless browsers have no voices: two stand in, of which only the device's own may be used. */
function voices() {
  /** @type {string[]} */
  const spoken = [];
  const network = { name: "of a network", lang: "en-US", localService: false };
  const own = { name: "own", lang: "en_GB", localService: true };
  class Utterance {
    voice = own;

    /** @param {string} words */
    constructor(words) {
      this.words = words;
    }
  }
  Object.assign(globalThis, { spoken, SpeechSynthesisUtterance: Utterance });
  Object.assign(speechSynthesis, {
    getVoices: () => [network, own],
    speak: (/** @type {Utterance} */ { words, voice }) => spoken.push(`${voice.name}: ${words}`),
  });
}

const FILM = [
  "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
  `--use-file-for-fake-video-capture=${settings.camera}`,
];

/**
 * Pictures of both widths, and what axe finds.
 *
 * @param {Page} page
 * @param {string} name
 */
async function look(page, name) {
  for (const [kind, size] of Object.entries({ narrowest: NARROWEST, phone: PHONE, desktop: DESKTOP })) {
    await page.setViewportSize(size);
    await page.waitForTimeout(200);
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) seen.wide.push(`${name}, ${kind}`);
    if (size !== NARROWEST) await page.screenshot({ path: `${settings.out}/${name}-${kind}.png`, fullPage: size === PHONE });
  }
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run());
  for (const { id, impact, help, nodes } of violations) {
    const where = nodes.map((/** @type {{target: string[]}} */ { target }) => target.join(" "));
    seen.axe.push({ state: name, id, impact, help, where });
  }
}

const post = (/** @type {string} */ path, /** @type {object} */ body = {}) => fetch(new URL(path, settings.url), {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
});
const card = (/** @type {Page} */ page, /** @type {string} */ kind) => page.waitForSelector(`#answer-card.${kind}`, PATIENCE);
const state = (/** @type {Page} */ page, /** @type {string} */ name) => page.waitForSelector(`#state[data-state=${name}]`, PATIENCE);

/** @type {Record<string, () => Promise<void>>} */
const scenarios = { talk, refusals, missing, nobody, served, marks, bare };

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
  seen.steps.motion = Number(await page.getAttribute("#motion", "aria-valuenow"));
  await look(page, "unsure");
  await page.click("text=Teach this sentence");
  await page.waitForTimeout(700);
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
  await post("test/force", { outcome: "not_sure", text: null, reason: "low_motion", choices: [], candidates: [] });
  await page.click("#answer-actions .choice >> nth=1");
  await page.click("text=Speak >> nth=0");
  seen.steps.spoken = await page.evaluate(() => /** @type {any} */ (globalThis).spoken);
  await state(page, "signing");
  await state(page, "answer"); // "the hands hardly moved", which takes no answer away
  seen.steps.chosen = await page.textContent("#answer");
}

/** @param {Page} page */
async function nurse(page) {
  await page.fill("#nurse-text", "fever");
  await page.waitForFunction(() => document.querySelectorAll("#nurse-list button").length === 1);
  await page.click("#nurse-list button");
  await page.waitForSelector("#nurse-player:not([hidden])");
  await page.waitForTimeout(600);
  seen.steps.nurse = await page.textContent("#nurse-words");
  seen.steps.drawn = await page.evaluate(() => {
    const canvas = document.querySelector("#nurse-player canvas");
    const context = canvas instanceof HTMLCanvasElement ? canvas.getContext("2d") : null;
    if (!context) throw new Error("no canvas");
    const { data } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) colours.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
    return colours.size;
  });
  await look(page, "nurse");
  await page.fill("#nurse-text", "agony");
  await page.waitForFunction(() => document.querySelector("#nurse-told")?.textContent?.includes("like meaning"));
  await page.fill("#nurse-text", "good  morning");
  await page.click("#nurse-form button");
  await page.waitForFunction(() => document.querySelector("#nurse-words")?.textContent === "Good morning.");
  seen.steps.plain = await page.isVisible("#nurse-player");
  await page.fill("#nurse-text", "Please wait here.");
  await page.click("#nurse-form button");
  await page.waitForFunction(() => document.querySelector("#nurse-words")?.textContent === "Please wait here.");
  seen.steps.typed = await page.textContent("#nurse-sign-told");
}

/** @param {Page} page */
async function history(page) {
  await page.click("#copy-history");
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
  await state(page, "idle");
  await page.click("#new-person");
  await card(page, "empty");
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
  await page.waitForSelector("[data-subject=service]");
  seen.steps.lost = await page.textContent("#notices");
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
    const module = "/page/answer.js", { AnswerView } = await import(module);
    /** @type {any} */ (globalThis).spoken = [];
    globalThis.speechSynthesis.speak = ({ text }) => { /** @type {any} */ (globalThis).spoken.push(text); };
    /** @type {string[][]} */
    const lines = [];
    const conversation = { add: (/** @type {string[]} */ ...line) => lines.push(line), remove() {} };
    const view = new AnswerView({ conversation, settings: { get: () => true }, teach() {} });
    const candidates = ["A", "B"].map((sentence, i) => ({ sentence, sentence_id: `c${i}`, rank: i + 1 }));
    const shown = (/** @type {object} */ answer) => {
      view.show({ reason: "", candidates, choices: [], text: null, text_source: "", ...answer }, { times: [] });
      return document.querySelector("#answer")?.textContent;
    };
    const yes = { promise: { proven: true } }, no = { promise: { proven: false } };
    const said = { outcome: "answer", text: "A", text_source: "sentence" }, asked = { outcome: "choices", choices: candidates };
    return {
      proven: shown({ ...said, ...yes }), unproven: shown({ ...said, ...no }), untold: shown(said),
      translated: shown({ ...said, text_source: "translation", ...no }),
      offered: shown({ ...asked, ...yes }), offeredUnproven: shown({ ...asked, ...no }),
      lines, spoken: /** @type {any} */ (globalThis).spoken,
    };
  });
  await browser.close();
}

/** The real service, or with no key an offline page: signing is found, an answer or a refusal shown; what is enrolled is recognised. */
async function served() {
  const { browser, page } = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] } });
  seen.steps.privacy = await page.textContent("[data-text='camera.privacy']");
  await page.click("#start-camera");
  await state(page, "signing");
  await page.waitForSelector("#answer-card.unsure, #answer-card.asking, #answer-card.said", PATIENCE);
  seen.steps.first = await page.getAttribute("#answer-card", "class");
  await page.click("text=Teach this sentence");
  await page.fill("#enroll-text", ENROLLED);
  if (settings.key) await page.fill("#enroll-key", settings.key);
  await page.click("#enroll-save");
  await page.waitForFunction(() => document.querySelector("#enroll-told")?.textContent?.includes("Remembered"));
  await page.click("#enroll-cancel");
  if (settings.key) {
    await card(page, "said");
    seen.steps.recognised = await page.textContent("#answer .said");
    seen.steps.label = await page.textContent("#answer .label span");
  } else {
    await page.fill("#nurse-text", "greet");
    await page.waitForFunction(() => document.querySelectorAll("#nurse-list button").length === 1);
    seen.steps.listed = await page.textContent("#nurse-list button");
  }
  seen.steps.rate = parseFloat(await page.textContent("#rate") ?? "");
  await look(page, "served");
  await browser.close();
}

/** A service that knows no sentence. */
async function bare() {
  const { browser, page } = await open({ context: { serviceWorkers: "block" } });
  seen.steps = { answer: await page.textContent("#answer"), listed: await page.textContent("#nurse-told") };
  await look(page, "bare");
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

/** A picture without a person. */
async function nobody() {
  const { browser, page } = await open({ flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] } });
  await page.click("#start-camera");
  await page.waitForFunction(() => document.querySelector("#hint")?.textContent !== "", null, PATIENCE);
  seen.steps.hint = await page.textContent("#hint");
  seen.steps.state = await page.getAttribute("#state", "data-state");
  seen.steps.card = await page.getAttribute("#answer-card", "class");
  await look(page, "nobody");
  await browser.close();
}

try {
  await scenarios[settings.scenario]();
  console.log(JSON.stringify(seen));
  process.exit(0);
} catch (error) {
  console.error(`${fileURLToPath(import.meta.url)}: ${error instanceof Error ? error.stack : error}\nseen: ${JSON.stringify(seen, null, 1)}`);
  process.exit(1);
}
