// The first screen, answers by pointing, keeping a talk, and one screen for two sides. `page_browser.mjs` has the job.

import { look, open, run, seen } from "./page_browser.mjs";

const BLOCKED = { context: { serviceWorkers: /** @type {const} */ ("block") } };

/** What the first screen tells who does not read. */
async function welcome() {
  const { browser, page } = await open(BLOCKED);
  const { steps } = seen;
  await page.waitForSelector("#welcome-steps canvas:not([hidden])");
  const drawn = () => page.locator("#welcome-steps canvas").evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL());
  const changes = async () => {
    const before = await drawn();
    await page.waitForTimeout(500);
    return before !== await drawn();
  };
  steps.pictures = await page.locator("#welcome-steps li").evaluateAll((items) => items.map((item) => [
    item.className, item.querySelectorAll(".pictures :is(svg, canvas)").length, item.textContent,
  ]));
  steps.moving = [await changes(), await page.locator("#welcome-steps li.camera .pictures").evaluate((each) => getComputedStyle(each).animationName)];
  await look(page, "welcome");
  await page.click("#welcome-moves");
  steps.stopped = [await changes(), await page.locator("#welcome-steps li.camera .pictures").evaluate((each) => getComputedStyle(each).animationName)];
  await page.emulateMedia({ reducedMotion: "reduce", colorScheme: "dark" });
  await page.reload();
  await page.waitForSelector("#welcome-steps canvas:not([hidden])");
  steps.calm = await changes();
  await look(page, "welcome-dark");
  await page.click("#welcome-moves");
  steps.wanted = await changes();
  await browser.close();
}

await run({ welcome });
