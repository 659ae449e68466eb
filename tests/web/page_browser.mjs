// What scripts that drive the page share: a browser with a fake camera, what is looked at in each state, and the orders of
// tests/made/page_service.py. A script gets one argument, its job as JSON:
//
//   {"url": ..., "chromium": ... or "firefox": ..., "camera": ..., "out": FOLDER, "scenario": "talk", "key": ...}

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { contextOf, FAKE_CAMERA, launch, launchWindow, tellErrors } from "./browsers.mjs";
import { standIn } from "./made_up_takes.mjs";
import { newPage, resize } from "./patience.mjs";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const axeSource = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
const { "picker.unreachable": UNREACHABLE } = JSON.parse(
  await readFile(new URL("../../src/signtalk/service/web/texts/en.json", import.meta.url), "utf8"),
);

export const settings = JSON.parse(process.argv[2]);
const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };
const NARROWEST = { width: 320, height: 640 }; // a desk's page at four times its size
const TABLET = { width: 820, height: 1180 }, WIDE = { width: 1920, height: 1080 };
const PICTURED = [PHONE, DESKTOP];
export const PATIENCE = { timeout: 90_000 };
/** @import { BrowserContextOptions, Page } from "playwright-core" */

/**
 * What was seen: errors in the console (`loaded`: until the service was stopped), addresses outside, findings of axe,
 * states that scroll sideways, and what each step of a scenario tells.
 *
 * @type {{console: string[], loaded?: string[], outside: string[], axe: object[], wide: string[],
 *   steps: Record<string, any>}}
 */
export const seen = { console: [], outside: [], axe: [], wide: [], steps: {} };

/**
 * A browser whose camera shows the film; `flags` and `context` change what a scenario needs otherwise, `script` runs in
 * the page before its own. With `madeUp` landmarks come from made_landmarks.mjs, at once; `worker` is the code of another
 * stand-in for the landmarker. With `isWindow` the page can be hidden (`launchWindow`), and takes no `context`.
 *
 * @param {{flags?: string[], context?: BrowserContextOptions, madeUp?: boolean, worker?: string,
 *   script?: () => void, isWindow?: boolean}} [options]
 */
export async function open({
  flags = [], context = {}, madeUp = false, worker = "", script = () => {}, isWindow = false,
} = {}) {
  const { browser, context: opened } = isWindow ? await launchWindow(settings, flags) : await launched(flags, context);
  opened.setDefaultTimeout(60_000);
  const host = new URL(settings.url).host;
  opened.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && url.host !== host) seen.outside.push(url.href);
  });
  await opened.addInitScript(voices);
  await opened.addInitScript(script);
  if (madeUp) await standIn(opened);
  if (worker) {
    const answer = { body: worker, contentType: "text/javascript" };
    await opened.route("**/page/landmarker_worker.js", (route) => route.fulfill(answer));
  }
  const page = await newPage(opened);
  tellErrors(page, (line) => seen.console.push(line));
  await page.goto(settings.url);
  await ready(page);
  return { browser, context: opened, page };
}

/** @param {string[]} flags @param {BrowserContextOptions} options */
async function launched(flags, options) {
  const browser = await launch(settings, flags);
  return { browser, context: await contextOf(browser, { viewport: DESKTOP, ...options }) };
}

/**
 * The page is there and has its sentences: all of its buttons do something. A listing that took the service too long is
 * asked for again.
 *
 * @param {Page} page
 */
export async function ready(page) {
  await page.waitForFunction((unreachable) => ["nurse", "practise"].every((side) => (
    !["", unreachable].includes(document.querySelector(`#${side}-told`)?.textContent ?? "")
  )), UNREACHABLE);
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

/** Workers are kept where a test can end them. */
export function keptWorkers() {
  /** @type {Worker[]} */
  const workers = [];
  const Original = Worker;
  Object.assign(globalThis, {
    workers,
    frames: 0,
    Worker: class extends Original {
      /** @param {ConstructorParameters<typeof Worker>} given */
      constructor(...given) {
        super(...given);
        workers.push(this);
        this.addEventListener("message", ({ data }) => {
          if (data.type === "frame") /** @type {any} */ (globalThis).frames += 1;
        });
      }
    },
  });
}

export const FILM = [...FAKE_CAMERA, `--use-file-for-fake-video-capture=${settings.camera}`];

/**
 * Pictures of a phone and a desk, what axe finds, and which of five screens it is too wide for, in either direction of
 * writing.
 *
 * @param {Page} page
 * @param {string} name
 */
export async function look(page, name) {
  for (const [kind, size] of Object.entries({ narrowest: NARROWEST, phone: PHONE, tablet: TABLET, wide: WIDE, desktop: DESKTOP })) {
    await resize(page, size);
    for (const direction of ["rtl", "ltr"]) {
      const isWide = await page.evaluate((each) => {
        document.documentElement.dir = each;
        return document.documentElement.scrollWidth > innerWidth;
      }, direction);
      if (isWide) seen.wide.push(`${name}, ${kind}, ${direction}`);
    }
    if (PICTURED.includes(size)) await page.screenshot({ path: `${settings.out}/${name}-${kind}.png`, fullPage: size === PHONE });
  }
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run());
  for (const { id, impact, help, nodes } of violations) {
    const where = nodes.map((/** @type {{target: string[]}} */ { target }) => target.join(" "));
    seen.axe.push({ state: name, id, impact, help, where });
  }
}

export const post = (/** @type {string} */ path, /** @type {object} */ body = {}) => fetch(new URL(path, settings.url), {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
});
export const card = (/** @type {Page} */ page, /** @type {string} */ kind) => page.waitForSelector(`#answer-card.${kind}`, PATIENCE);
export const state = (/** @type {Page} */ page, /** @type {string} */ name) => page.waitForSelector(`#state[data-state=${name}]`, PATIENCE);

/**
 * Go through the job's scenario, and print what was seen.
 *
 * @param {Record<string, () => Promise<void>>} scenarios
 */
export async function run(scenarios) {
  try {
    await scenarios[settings.scenario]();
    console.log(JSON.stringify(seen));
    process.exit(0);
  } catch (error) {
    const told = error instanceof Error ? error.stack : error;
    console.error(`${process.argv[1]}: ${told}\nseen: ${JSON.stringify(seen, null, 1)}`);
    process.exit(1);
  }
}
