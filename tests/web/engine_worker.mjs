// Where the engine of an offline page computes; `page_browser.mjs` has what the job holds.

import { open, run, seen } from "./page_browser.mjs";

/** @import { Page } from "playwright-core" */

/** What the page itself opens is counted: the engine reads what was taught when it begins. */
function counted() {
  const { open: original } = IDBFactory.prototype;
  Object.assign(globalThis, { databases: 0 });
  IDBFactory.prototype.open = function count(...given) {
    /** @type {any} */ (globalThis).databases += 1;
    return original.apply(this, given);
  };
}

/** A browser that starts no such worker. */
function withoutWorker() {
  const Original = Worker;
  Object.assign(globalThis, {
    Worker: class extends Original {
      /** @param {ConstructorParameters<typeof Worker>} address */
      constructor(...address) {
        if (String(address[0]).includes("engine_worker")) throw new Error("no workers here");
        super(...address);
      }
    },
  });
}

/** @param {Page} page */
async function look(page) {
  seen.steps.workers = page.workers().map((worker) => worker.url().split("/").at(-1));
  seen.steps.listed = await page.textContent("#nurse-told");
  await page.evaluate(() => { // the same words may stand there again
    const told = /** @type {HTMLElement} */ (document.querySelector("#nurse-told"));
    new MutationObserver(() => Object.assign(globalThis, { searched: true })).observe(told, { childList: true });
  });
  await page.fill("#nurse-text", "a pump");
  await page.waitForFunction(() => /** @type {any} */ (globalThis).searched);
  seen.steps.searched = await page.textContent("#nurse-told");
}

async function apart() {
  const { browser, page } = await open({ context: { serviceWorkers: "block" }, script: counted });
  await look(page);
  seen.steps.databases = await page.evaluate(() => /** @type {any} */ (globalThis).databases);
  await browser.close();
}

async function within() {
  const { browser, page } = await open({ context: { serviceWorkers: "block" }, script: withoutWorker });
  await look(page);
  await browser.close();
}

run({ apart, within });
