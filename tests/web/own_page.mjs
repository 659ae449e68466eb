// Uses the tab "Taught" in a browser, and tells what stood there as JSON.
//
//   node own_page.mjs JOB.json
//
// The job is {url, chromium or firefox, out, key, clips: [FILE]}. With a key the page is a service's, which was taught already;
// without one it is an offline page, which is taught here.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { contextOf, launch, savedFile, tellErrors } from "./browsers.mjs";
import { newPage, resize, until } from "./patience.mjs";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const axeSource = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");

/** @import { Page } from "playwright-core" */

const job = JSON.parse(await readFile(process.argv[2], "utf8"));
const SIZES = { narrowest: [320, 640], phone: [390, 844], desktop: [1280, 800] };
const PUMP = "The pump beeps.", MOUTH = "Open your mouth";

/** @type {{console: string[], axe: object[], wide: string[], steps: Record<string, any>}} */
const seen = { console: [], axe: [], wide: [], steps: {} };

/**
 * Pictures of all widths, and what axe finds.
 *
 * @param {Page} page
 * @param {string} name
 */
async function look(page, name) {
  for (const [kind, [width, height]] of Object.entries(SIZES)) {
    await resize(page, { width, height });
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) seen.wide.push(`${name}, ${kind}`);
    await page.screenshot({ path: `${job.out}/${name}-${kind}.png`, fullPage: kind !== "desktop" });
  }
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run());
  for (const { id, impact, help, nodes } of violations) {
    const where = nodes.map((/** @type {{target: string[]}} */ { target }) => target.join(" "));
    seen.axe.push({ state: name, id, impact, help, where });
  }
}

/**
 * Runs in an offline page: teaches it what the service of the other test was taught.
 *
 * @param {{clips: string[], taught: [string, number, object][]}} given clips in base64
 */
async function teachHere({ clips, taught }) {
  const load = (/** @type {string} */ name) => import(new URL(name, document.baseURI).href);
  const [ort, { Engine }, { clipFromBytes }] = await Promise.all(
    ["vendor/ort.wasm.min.mjs", "engine/engine.js", "engine/wire.js"].map(load));
  ort.env.wasm.numThreads = 1;
  const engine = await Engine.open("./bundle/", ort);
  for (const [text, number, told] of taught) {
    const bytes = Uint8Array.from(atob(clips[number]), (letter) => letter.charCodeAt(0));
    await engine.enroll(text, [clipFromBytes(bytes.buffer)], { category: "ward", ...told });
  }
}

/** The list as it is, once it is there. @param {Page} page @param {string} [part] */
async function listed(page, part = "h3") {
  await page.waitForSelector("#own-list[aria-busy=false]", { state: "attached" });
  return page.locator(`#own-list ${part}`).allTextContents();
}

/** @param {Page} page */
async function done(page) {
  await page.waitForSelector("#own-done:not([hidden])");
  return page.textContent("#own-done-told");
}

/**
 * Press a button, and wait until what it does is told in other words than before.
 *
 * @param {Page} page
 * @param {string} selector
 */
async function pressed(page, selector) {
  const before = await page.textContent("#own-done-told");
  await page.click(selector);
  await page.waitForFunction((old) => document.querySelector("#own-done-told")?.textContent !== old, before);
  return { told: await done(page), listed: await listed(page) };
}

/**
 * @param {Page} page
 * @param {string} sentence
 */
async function played(page, sentence) {
  await page.click(`[aria-label="Play: ${sentence}"]`);
  await page.waitForFunction((words) => document.querySelector("#own-words")?.textContent === words, sentence);
  return { drawn: await page.isVisible("#own-player canvas"), told: await page.textContent("#own-shown-told") };
}

/**
 * @param {Page} page
 * @param {string} words
 */
async function renamed(page, words) {
  await page.click(`[aria-label="Rename: ${PUMP}"]`);
  await page.fill("#rename-text", words);
}

/**
 * Save the file, forget what it holds, and learn it again; then a file that is none.
 *
 * @param {Page} page
 */
async function copied(page) {
  const path = `${job.out}/saved.zip`;
  const name = await savedFile(page, "#copy-save", path);
  const saved = { name, told: await copyTold(page) };
  await page.check("#copy-training");
  const none = await copyTold(page, () => page.click("#copy-save"));
  await pressed(page, `[aria-label="Delete: ${PUMP}"]`);
  await page.setInputFiles("#copy-file", path);
  const learned = await copyTold(page, () => page.click("#copy-read"));
  await page.waitForFunction(() => document.querySelectorAll("#own-list li").length === 2);
  await look(page, "learned");
  const again = await copyTold(page, () => page.click("#copy-read"));
  await page.setInputFiles("#copy-file", { name: "x.zip", mimeType: "application/zip", buffer: Buffer.from("no zip") });
  const odd = await copyTold(page, () => page.click("#copy-read"));
  return { saved, none, learned, again, odd, about: await listed(page, ".about") };
}

/**
 * What is told of the file once something was done.
 *
 * @param {Page} page
 * @param {() => Promise<void>} [act]
 */
async function copyTold(page, act = async () => {}) {
  await act();
  await page.waitForFunction(() => !/…$/.test(document.querySelector("#copy-told")?.textContent ?? "…"));
  return page.textContent("#copy-told");
}

/** @param {Page} page */
async function steps(page) {
  await page.click("#tab-own");
  if (job.key) {
    await look(page, "locked");
    await page.fill("#own-key", "a wrong key of many letters");
    await page.click("#own-key-form button");
    await page.waitForFunction(() => document.querySelector("#own-key-told")?.textContent);
    seen.steps.refused = await page.textContent("#own-key-told");
    await page.fill("#own-key", job.key);
    await page.click("#own-key-form button");
  }
  await page.waitForSelector("#own-list li");
  seen.steps.listed = { told: await page.textContent("#own-told"), sentences: await listed(page) };
  seen.steps.about = await listed(page, ".about");
  await page.fill("#own-text", "beeps pump");
  await page.waitForFunction(() => document.querySelectorAll("#own-list li").length === 1);
  seen.steps.searched = await listed(page);
  await page.fill("#own-text", "");
  await page.waitForFunction(() => document.querySelectorAll("#own-list li").length === 2);
  seen.steps.unkept = await played(page, MOUTH);
  seen.steps.kept = await played(page, PUMP);
  await look(page, "played");
  await page.click("#own-close");

  await renamed(page, MOUTH);
  await page.click("#rename-save");
  await page.waitForFunction(() => document.querySelector("#rename-told")?.textContent);
  seen.steps.known = await page.textContent("#rename-told");
  await look(page, "rename");
  await page.fill("#rename-text", "The pump peeps.");
  seen.steps.renamed = await pressed(page, "#rename-save");
  await look(page, "renamed");
  seen.steps.named_again = await pressed(page, "#own-undo");
  seen.steps.forgotten = await pressed(page, `[aria-label="Delete: ${PUMP}"]`);
  seen.steps.focused = await until(() => page.evaluate(() => document.activeElement?.id), (id) => id === "own-undo");
  seen.steps.restored = await pressed(page, "#own-undo");
  seen.steps.copied = await copied(page);
  seen.steps.gone = await pressed(page, `[aria-label="Delete: ${MOUTH}"]`);

  await page.click("#tab-talk");
  await page.fill("#nurse-text", PUMP);
  await page.click("#nurse-form button");
  await page.waitForFunction(() => !(/** @type {HTMLElement} */ (document.querySelector("#nurse-player")).hidden));
  seen.steps.sign = await page.isVisible("#nurse-player canvas");
}

/**
 * Counts of two days, shown, saved and erased.
 *
 * @param {Page} page
 */
async function counted(page) {
  await page.click("#tab-own");
  const before = await page.isVisible("#tally-empty");
  await page.evaluate(async () => {
    const { Tally } = await import(new URL("page/tally.js", document.baseURI).href);
    new Tally().count("asked"); // nobody wanted that
    const tally = new Tally();
    tally.wanted = true;
    for (const what of ["asked", "asked", "refused"]) tally.count(what);
    for (const what of ["answered", "corrected"]) tally.count(what, 'The "pump", beeps');
    const kept = JSON.parse(localStorage.getItem("signtalk-tally") ?? "");
    kept.days["2025-01-31"] = { "Open your mouth": { chosen: 2 } };
    localStorage.setItem("signtalk-tally", JSON.stringify(kept));
  });
  await page.goto(job.url);
  await page.waitForFunction(() => document.querySelector("#practise-told")?.textContent);
  await page.click("#tab-own");
  const rows = await page.locator("#tally-rows tr").evaluateAll((lines) => (
    lines.map((line) => [...line.children].map((cell) => cell.textContent))
  ));
  await look(page, "counts");
  const path = `${job.out}/counts.csv`;
  await savedFile(page, "#tally-save", path);
  const table = await readFile(path, "utf8");
  await page.click("#tally-erase");
  const erased = { empty: await page.isVisible("#tally-empty"), wanted: await page.isChecked("#tally-wanted") };
  return { before, rows, table, erased };
}

/** Runs in the page: what a page of the first version kept is told by this one. */
async function migrated() {
  const { BrowserStorage } = await import(new URL("engine/storage.js", document.baseURI).href);
  const entry = { clip_id: "enrolled-1", sentence_id: "enrolled-s", sentence: "Old sentence", category: "ward" };
  await new Promise((resolve, reject) => {
    const request = indexedDB.open("old", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("clips", { keyPath: ["encoderId", "clipId"] });
    request.onsuccess = () => {
      const transaction = request.result.transaction("clips", "readwrite");
      transaction.objectStore("clips").put({ encoderId: "m", clipId: "enrolled-1", entry });
      transaction.oncomplete = () => {
        request.result.close();
        resolve(null);
      };
    };
    request.onerror = () => reject(request.error);
  });
  const storage = new BrowserStorage("old"), takes = await storage.takes(), vectors = await storage.vectors("m");
  const gone = await storage.remove(["enrolled-1"]), left = (await storage.vectors("m")).length;
  await storage.put(gone);
  return { takes, vectors: vectors.length, left, back: (await storage.vectors("m")).length };
}

const browser = await launch(job);

/** The page in a profile of its own. */
async function opened() {
  const context = await contextOf(browser, { serviceWorkers: "block" });
  context.setDefaultTimeout(120_000);
  const page = await newPage(context);
  tellErrors(page, (line) => seen.console.push(line));
  await page.goto(job.url);
  await ready(page);
  return page;
}

/** @param {Page} page */
function ready(page) {
  return page.waitForFunction(() => document.querySelector("#practise-told")?.textContent);
}

/** What was saved in one profile is learned in another, which was taught nothing. */
async function elsewhere() {
  const page = await opened();
  await page.click("#tab-own");
  const before = await listed(page);
  await page.setInputFiles("#copy-file", `${job.out}/saved.zip`);
  const told = await copyTold(page, () => page.click("#copy-read"));
  await page.waitForSelector("#own-list li");
  return { before, told, listed: await listed(page) };
}

try {
  const page = await opened();
  if (!job.key) {
    const clips = await Promise.all(job.clips.map(async (/** @type {string} */ file) => (await readFile(file)).toString("base64")));
    await page.evaluate(teachHere, { clips, taught: job.taught });
    await page.goto(job.url);
    await ready(page);
  }
  await steps(page);
  seen.steps.counted = await counted(page);
  if (!job.key) {
    seen.steps.migrated = await page.evaluate(migrated);
    seen.steps.elsewhere = await elsewhere();
  }
  console.log(JSON.stringify(seen));
} catch (error) {
  await browser.contexts()[0]?.pages()[0]?.screenshot({ path: `${job.out}/failed.png` });
  console.error(`${error instanceof Error ? error.stack : error}\nconsole: ${seen.console.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
