// A page on a machine with a graphics card, which is made up; `page_browser.mjs` has what the job holds.

import { readFile } from "node:fs/promises";

import { FILM, look, open, run, seen, state } from "./page_browser.mjs";

/** @import { Page } from "playwright-core" */

const CARD = await readFile(new URL("made_card.mjs", import.meta.url), "utf8");

/** WebGL says that it draws by a card; which delegate's worker found each frame is noted. */
function withCard() {
  const UNMASKED_RENDERER = 0x9246;
  const { getParameter } = WebGL2RenderingContext.prototype;
  WebGL2RenderingContext.prototype.getParameter = function named(name) {
    return name === UNMASKED_RENDERER ? "A card of the test's" : getParameter.call(this, name);
  };
  const Original = Worker;
  Object.assign(globalThis, {
    by: "",
    Worker: class extends Original {
      /** @param {ConstructorParameters<typeof Worker>} given */
      constructor(...given) {
        super(...given);
        this.addEventListener("message", ({ data }) => {
          if (data.type === "frame") Object.assign(globalThis, { by: data.delegate });
        });
      }
    },
  });
}

/**
 * A page whose camera runs.
 *
 * @param {boolean} isElsewhere whether the card finds other places
 */
async function opened(isElsewhere) {
  const parts = await open({
    flags: FILM, context: { serviceWorkers: "block", permissions: ["camera"] }, script: withCard,
    worker: `globalThis.isElsewhere = ${isElsewhere};\n${CARD}`,
  });
  await parts.page.click("#start-camera");
  await state(parts.page, "idle");
  return parts;
}

/** @param {Page} page @param {string} reason */
const told = (page, reason) => page.waitForSelector(`#gpu-told[data-reason=${reason}]`, { state: "attached" });
/** @param {Page} page @param {string} delegate */
const by = (page, delegate) => page.waitForFunction((name) => /** @type {any} */ (globalThis).by === name, delegate);

async function used() {
  const { browser, page } = await opened(false);
  const { steps } = seen;
  await told(page, "used");
  await by(page, "GPU");
  await page.waitForFunction(() => document.querySelector("#rate")?.textContent?.includes("graphics"));
  steps.workers = page.workers().length;
  await page.click("#open-settings");
  await look(page, "card");
  await page.uncheck("#setting-gpu");
  steps.off = await page.textContent("#gpu-told");
  await page.click("#close-settings");
  await by(page, "CPU");
  await state(page, "idle");
  steps.still = page.workers().length;
  steps.notices = await page.textContent("#notices");
  await browser.close();
}

async function differs() {
  const { browser, page } = await opened(true);
  await told(page, "differs");
  await by(page, "CPU");
  seen.steps.workers = page.workers().length;
  seen.steps.told = await page.textContent("#gpu-told");
  await browser.close();
}

run({ used, differs });
