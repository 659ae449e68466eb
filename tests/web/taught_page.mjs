// Teaches words on the page in Chromium and asks them again, by the button "I sign now"; tells what stood on the page.
//
//   node taught_page.mjs JOB.json
//
// A take is {clip: FILE}, frames of a made-up signer that stand in for the landmarker's, or {film: FILE, slower, zoom,
// aside}, played before a camera of this script's own, as slowly as this machine needs to see enough of it. The job
// names takes to `teach` with their words, what is `told` of them, and takes to `ask`; `key` is the service's, "" on an
// offline page. The page is loaded anew between the two.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { contextOf, FAKE_CAMERA, launch, tellErrors } from "./browsers.mjs";
import { madeUp, pressed, standIn } from "./made_up_takes.mjs";
import { newPage } from "./patience.mjs";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const axeSource = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");

/** @import { Page } from "playwright-core" */
/** @typedef {{clip?: string, film?: string, slower: number, zoom: number, aside: number}} Take */

const job = JSON.parse(await readFile(process.argv[2], "utf8"));
const PATIENCE = { timeout: 120_000 };
const PICTURES_A_SECOND = 8; // of the films' camera; software finds fewer
const PICTURES_A_FILM = 24; // enough to see a sign
const LONGEST_FILM_S = 22;
const SLOWEST = PICTURES_A_FILM / LONGEST_FILM_S; // pictures a second, below which signs are missed

/**
 * A camera that shows films, each held still at its first picture, then played; grey before the first, under a row of
 * noise.
 *
 * @param {number} fps
 */
function filmCamera(fps) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  const video = Object.assign(document.createElement("video"), { muted: true });
  /** @type {Take} */
  let take = { slower: 1, zoom: 1, aside: 0 };
  setInterval(() => {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "grey";
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (video.videoWidth) {
      const scale = take.zoom * canvas.height / video.videoHeight;
      context.translate(canvas.width / 2 + take.aside, canvas.height);
      context.drawImage(video, -scale * video.videoWidth / 2, -scale * video.videoHeight,
        scale * video.videoWidth, scale * video.videoHeight);
      context.setTransform(1, 0, 0, 1, 0, 0);
    }
    for (let place = 0; place < canvas.width; place += 20) { // a real camera trembles, and sees shapes
      context.fillStyle = `hsl(0 0% ${100 * Math.random()}%)`;
      context.fillRect(place, 0, 10, 20);
    }
  }, 1000 / fps);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(fps);
  Object.assign(globalThis, {
    async holdFilm(/** @type {string} */ url, /** @type {Take} */ next) {
      const seen = new Promise((resolve) => { video.onseeked = resolve; });
      video.src = URL.createObjectURL(await (await fetch(url)).blob());
      take = next;
      video.currentTime = 0.001;
      await seen;
    },
    async playFilm(/** @type {number} */ seconds) {
      const ended = new Promise((resolve) => { video.onended = resolve; });
      video.playbackRate = Math.min(1, video.duration / (seconds * take.slower));
      await video.play();
      await ended;
    },
  });
}

/** @type {{axe: string[] | null}} */
const dialogs = { axe: null }; // what axe finds in the dialog that teaches

/** @param {Page} page */
async function started(page) {
  await page.goto(job.url);
  await page.waitForFunction(
    () => ["nurse", "practise"].every((side) => document.querySelector(`#${side}-told`)?.textContent), null, PATIENCE,
  );
  const first = await page.textContent("#answer");
  const listed = await page.textContent("#nurse-told");
  await page.click("#open-settings");
  await page.check("[name=mode][value=button]");
  await page.click("#close-settings");
  await page.click("#start-camera");
  await page.waitForSelector("#state[data-state=idle]", PATIENCE);
  await page.waitForFunction(() => parseFloat(document.querySelector("#rate")?.textContent ?? "") > 0, null, PATIENCE);
  return { first, listed };
}

/**
 * Sign a take between two presses of the button; what then stands on the page.
 *
 * @param {Page} page
 * @param {Take} take
 */
async function signed(page, take) {
  await page.click("#new-person");
  await page.waitForSelector("#answer-card.empty");
  const play = take.film ? await film(page, take) : await madeUp(page, take.clip ?? "");
  await pressed(page, play);
  await page.waitForSelector("#answer-card:not(.empty)", { timeout: 30_000 }).catch(() => null); // too little was seen
  return standing(page);
}

/** @param {Page} page */
async function picturesASecond(page) {
  return parseFloat(await page.textContent("#rate") ?? "") || 0;
}

/**
 * @param {Page} page
 * @param {Take} take
 */
async function film(page, take) {
  await page.evaluate((next) => /** @type {any} */ (globalThis).holdFilm(`films/${next.film}`, next), take);
  const seconds = PICTURES_A_FILM / Math.max(SLOWEST, await picturesASecond(page));
  return () => page.evaluate((most) => /** @type {any} */ (globalThis).playFilm(most), seconds);
}

/** @param {Page} page */
async function standing(page) {
  if (await page.locator("#answer-card.confirm").count()) await page.click(".reply.yes");
  const kind = (await page.getAttribute("#answer-card", "class"))?.replace("card answer ", "");
  const told = await page.textContent("#answer");
  const said = await page.locator("#answer .said").allTextContents();
  const label = await page.textContent("#answer .label span");
  const more = page.locator("#answer-actions button", { hasText: "Show what it could be" });
  if (kind === "unsure" && await more.count()) await more.click();
  const offered = await page.locator("#answer-actions .choice").allTextContents();
  return { kind, told, said: said[0] ?? "", label, offered };
}

/**
 * @param {Page} page
 * @param {string} words
 */
async function teach(page, words) {
  if (await page.locator("#answer-card.said").count()) await page.click('role=button[name="That is wrong"]');
  if (await page.locator("#answer-card.confirm").count()) await page.click(".reply.no");
  await page.click('role=button[name="Teach this sentence"]');
  await page.fill("#enroll-text", words);
  if (job.key) await page.fill("#enroll-key", job.key);
  for (const [name, value] of Object.entries(job.told)) {
    if (name === "consent") await page.check(`[name=consent][value=${value}]`);
    else await page.fill(`#enroll-${name}`, value);
  }
  if (!dialogs.axe) {
    await page.evaluate(axeSource);
    const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run());
    dialogs.axe = violations.map((/** @type {{id: string}} */ { id }) => id);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: `${job.out}/teach-phone.png` });
    await page.setViewportSize({ width: 1280, height: 720 });
    await page.screenshot({ path: `${job.out}/teach-desktop.png` });
  }
  await page.click("#enroll-save");
  await page.waitForFunction(
    () => !["", "One moment …"].includes(document.querySelector("#enroll-told")?.textContent ?? ""),
  );
  const remembered = await page.textContent("#enroll-told");
  await page.click("#enroll-cancel");
  return remembered;
}

const browser = await launch(job, FAKE_CAMERA);
/** @type {string[]} */
const complaints = [];
try {
  const context = await contextOf(browser, { serviceWorkers: "block", permissions: ["camera"] });
  context.setDefaultTimeout(60_000);
  if (job.films) {
    await context.addInitScript(filmCamera, PICTURES_A_SECOND);
    await context.route("**/films/*", (route) => {
      const name = new URL(route.request().url()).pathname.split("/").pop();
      return route.fulfill({ path: `${job.films}/${name}` });
    });
  } else {
    await standIn(context);
  }
  await context.addInitScript(() => {
    if (!globalThis.navigator.mediaDevices) return; // no page yet
    if (!localStorage.getItem("signtalk-tally")) localStorage.setItem("signtalk-tally", '{"wanted": true}');
  });
  const page = await newPage(context);
  tellErrors(page, (line) => complaints.push(line));
  const bare = await started(page);
  if (job.films) await page.waitForTimeout(6000); // the rate is that of the last 5 s
  const rate = await picturesASecond(page);
  const taught = [];
  for (const { words, ...take } of job.films && rate < SLOWEST ? [] : job.teach) {
    let before = await signed(page, take);
    if (before.kind === "empty") before = await signed(page, take);
    taught.push({ ...before, remembered: await teach(page, words) });
  }
  await page.screenshot({ path: `${job.out}/taught.png` });
  const known = await started(page);
  const asked = [];
  for (const take of taught.length ? job.ask : []) asked.push(await signed(page, take));
  await page.click("#tab-own");
  if (job.key) {
    await page.fill("#own-key", job.key);
    await page.click("#own-key-form button");
  }
  if (taught.length) await page.waitForSelector("#own-list li");
  const own = await page.locator("#own-list .about").allTextContents();
  const [counts = []] = await page.locator("#tally-rows tr").evaluateAll((lines) => (
    lines.map((line) => [...line.querySelectorAll("td + td, th + td")].map((cell) => Number(cell.textContent)))
  ));
  console.log(JSON.stringify({ bare, taught, known, asked, rate, own, counts, axe: dialogs.axe, console: complaints }));
} catch (error) {
  const [page] = browser.contexts()[0]?.pages() ?? [];
  await page?.screenshot({ path: `${job.out}/failed.png` });
  console.error(`${error instanceof Error ? error.stack : error}\nconsole: ${complaints.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
