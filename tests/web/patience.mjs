// What scripts that drive a page share, so that they hold on a machine that is slow or stops for a moment: pages that can
// be made slow, and waiting for a state instead of reading it at once. What a click changes in its own handler can be read
// after it; what comes later (an answer of the service, a dialog's event, a picture, speech, a page that loads) is waited for.

/** @import { BrowserContext, Page } from "playwright-core" */

/** How many times slower than this machine each page computes; 1 = as it is. What it asks for comes later then, too. */
const SLOWER = Number(process.env.SIGNTALK_TEST_SLOW ?? 1);
const LATER_MS = 20; // for each time that it is slower
const LONGEST_MS = 30_000;
const BETWEEN_MS = 50;

/**
 * A page of a context, as slow as SIGNTALK_TEST_SLOW wants it.
 *
 * @param {BrowserContext} context
 */
export async function newPage(context) {
  const page = await context.newPage();
  if (SLOWER > 1) {
    const session = await context.newCDPSession(page);
    await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
    await session.send("Network.emulateNetworkConditions", {
      offline: false, latency: LATER_MS * SLOWER, downloadThroughput: -1, uploadThroughput: -1,
    });
  }
  return page;
}

/**
 * What is read once it is as wanted; after LONGEST_MS what was read last, so that the test that compares it tells it.
 *
 * @template T
 * @param {() => Promise<T>} read
 * @param {(value: T) => boolean} isWanted
 */
export async function until(read, isWanted) {
  const endMs = performance.now() + LONGEST_MS;
  for (;;) {
    const value = await read();
    if (isWanted(value) || performance.now() > endMs) return value;
    await new Promise((resolve) => { setTimeout(resolve, BETWEEN_MS); });
  }
}

/**
 * Give a page another size, and wait until it is laid out and drawn so.
 *
 * @param {Page} page
 * @param {{width: number, height: number}} size
 */
export async function resize(page, size) {
  await page.setViewportSize(size);
  await page.waitForFunction(({ width, height }) => innerWidth === width && innerHeight === height, size);
  await page.evaluate(() => new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(null)));
  }));
}

/** @param {Page} page @param {string} code */
export const over = (page, code) => page.waitForSelector(`#notices [data-code=${code}]`, { state: "detached" });

/**
 * Milliseconds until a notice stands there, without those for which the machine let the page stand still: no page can
 * tell anything then.
 *
 * @param {Page} page
 * @param {string} code
 * @param {() => unknown} cause
 */
export async function noticed(page, code, cause) {
  await over(page, code);
  await page.evaluate((wanted) => { // some are gone at once, for what they tell of is put right
    const notices = document.querySelector("#notices");
    if (!notices) throw new Error("no notices");
    const shown = new Promise((resolve) => {
      const observer = new MutationObserver((changes) => {
        const added = changes.flatMap(({ addedNodes }) => [...addedNodes]);
        if (added.some((node) => node instanceof HTMLElement && node.dataset.code === wanted)) resolve(performance.now());
      });
      observer.observe(notices, { childList: true });
    });
    const watch = { began: performance.now(), ticked: performance.now(), stood: 0 };
    setInterval(() => {
      const now = performance.now();
      if (now - watch.ticked > 300) watch.stood += now - watch.ticked - 100;
      watch.ticked = now;
    }, 100);
    Object.assign(globalThis, { shown, watch });
  }, code);
  await cause();
  return page.evaluate(async () => {
    const { shown, watch } = /** @type {any} */ (globalThis);
    return Math.round(await shown - watch.began - watch.stood);
  });
}
