// A person records takes on the recorder's page in Chromium; tells what stood on the page.
//
//   node recorder_page.mjs JOB.json
//
// The job names the page's `url`, files of made-up clips as `takes`, what is `kept` told of a good one, and `axe`, the
// checker's program.

import { readFile } from "node:fs/promises";

import { contextOf, FAKE_CAMERA, launch, tellErrors } from "./browsers.mjs";
import { madeUp, standIn } from "./made_up_takes.mjs";
import { newPage, resize } from "./patience.mjs";

/** @import { Page } from "playwright-core" */

const job = JSON.parse(await readFile(process.argv[2], "utf8"));
const TRIES = 4;
const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];
/** @type {string[]} */
const complaints = [];
/** @type {object[]} */
const findings = [];

/**
 * Look at a state of the page: pictures at two sizes, nothing wider than the screen, nothing that axe finds.
 *
 * @param {Page} page
 * @param {string} name
 */
async function look(page, name) {
  for (const size of SIZES) {
    await resize(page, size);
    await page.screenshot({ path: `${job.out}/${name}-${size.width}.png`, fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    if (wide) complaints.push(`${name} is wider than ${size.width}`);
  }
  await page.setViewportSize(SIZES[0]);
  findings.push(...await page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run();
    return violations.map((/** @type {any} */ { id, impact, nodes }) => ({ id, impact, where: nodes[0].html }));
  }));
}

/**
 * @param {Page} page
 * @param {string} signer
 */
async function begin(page, signer) {
  await page.goto(job.url);
  await page.waitForFunction(() => document.querySelector("#form-text")?.textContent);
  await page.evaluate(await readFile(job.axe, "utf8")); // the page's policy forbids a script of its own
  await look(page, "who");
  await page.fill("#signer", signer);
  await page.check("#agrees");
  if (await page.isEnabled("#shown")) throw new Error("pictures that are not kept can be shown");
  await page.check("#films");
  await page.check("#shown");
  await page.click("#begin");
  await page.waitForSelector("#prompt:not([hidden])", { timeout: 60_000 });
  await page.waitForFunction(() => parseFloat(document.querySelector("#rate")?.textContent ?? "") > 8);
}

/**
 * Record a take and look at it; what is told then.
 *
 * @param {Page} page
 * @param {string} path
 */
async function recorded(page, path) {
  const play = await madeUp(page, path);
  await page.waitForTimeout(300);
  await page.click("#record");
  await play();
  await page.click("#record");
  return page.textContent("#told");
}

/**
 * Keep a take with a reply that comes late; the buttons that can be pressed meanwhile.
 *
 * @param {Page} page
 */
async function keptLate(page) {
  /** @type {() => void} */
  let reply = () => {};
  const late = new Promise((resolve) => { reply = () => resolve(null); });
  await page.route("**/recorder/take?*", async (route) => {
    await late;
    await route.continue();
  }, { times: 1 });
  await page.click("#record");
  const able = await page.locator("#prompt button:enabled").evaluateAll((buttons) => buttons.map(({ id }) => id).filter(Boolean));
  await page.keyboard.press("Space");
  reply();
  return able;
}

/** @param {Page} page */
async function standing(page) {
  const of = (/** @type {string} */ selector) => page.textContent(selector);
  return { sentence: await of("#sentence"), progress: await of("#progress-text"), told: await of("#told") };
}

const browser = await launch(job, FAKE_CAMERA);
try {
  const context = await contextOf(browser, { serviceWorkers: "block", permissions: ["camera"] });
  context.setDefaultTimeout(60_000);
  await standIn(context);
  const page = await newPage(context);
  tellErrors(page, (line) => {
    if (!line.includes("400 (Bad Request)")) complaints.push(line);
  });
  await begin(page, "s01");
  const first = await standing(page);
  const looked = [], kept = [], waiting = [];
  for (const take of job.takes) {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const told = await recorded(page, take);
      if (take === job.takes[0] && !tries) await look(page, "take");
      if (take === job.takes[0] && !tries) waiting.push(...await keptLate(page));
      else await page.click("#record");
      await page.waitForFunction((before) => document.querySelector("#told")?.textContent !== before, told);
      if (await page.textContent("#told") !== job.kept) continue; // a busy machine sees too few pictures
      looked.push(told);
      kept.push(await standing(page));
      break;
    }
  }
  await page.click("#before");
  await page.click("#undo");
  await page.waitForFunction(() => document.querySelector("#told")?.textContent?.includes("deleted"));
  await begin(page, "s01");
  const steps = { first, looked, kept, waiting, again: await standing(page) };
  console.log(JSON.stringify({ steps, complaints, findings }));
} catch (error) {
  const [page] = browser.contexts()[0]?.pages() ?? [];
  await page?.screenshot({ path: `${job.out}/failed.png` });
  console.error(`${error instanceof Error ? error.stack : error}\nconsole: ${complaints.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
