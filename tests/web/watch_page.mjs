// A page whose landmarks are made up: on a machine with a graphics card, and with a camera that is quicker than what looks
// at its pictures. `page_browser.mjs` has what the job holds.

import { readFile } from "node:fs/promises";

import { FILM, look, open, run, seen, state } from "./page_browser.mjs";
import { until } from "./patience.mjs";

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
/** How many workers are left, once no other is ending. @param {Page} page */
const workers = (page) => until(async () => page.workers().length, (count) => count === 1);
/** @param {Page} page @param {string} delegate */
const by = (page, delegate) => page.waitForFunction((name) => /** @type {any} */ (globalThis).by === name, delegate);

async function used() {
  const { browser, page } = await opened(false);
  const { steps } = seen;
  await told(page, "used");
  await by(page, "GPU");
  await page.waitForFunction(() => document.querySelector("#rate")?.textContent?.includes("graphics"));
  steps.workers = await workers(page);
  await page.click("#open-settings");
  await look(page, "card");
  await page.uncheck("#setting-gpu");
  steps.off = await page.textContent("#gpu-told");
  await page.click("#close-settings");
  await by(page, "CPU");
  await state(page, "idle");
  steps.still = await workers(page);
  steps.notices = await page.textContent("#notices");
  await browser.close();
}

async function differs() {
  const { browser, page } = await opened(true);
  await told(page, "differs");
  await by(page, "CPU");
  seen.steps.workers = await workers(page);
  seen.steps.told = await page.textContent("#gpu-told");
  await browser.close();
}

/** A camera with a picture every 25 ms, and a note of what goes to and fro. */
function quickCamera() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const context = canvas.getContext("2d");
  let count = 0;
  setInterval(() => {
    if (!context) return;
    context.fillStyle = `hsl(${count += 7} 80% 60%)`;
    context.fillRect((3 * count) % 300, 20, 40, 200);
  }, 25);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(40);
  /** @type {[string, number][]} */
  const notes = [];
  const Original = Worker, { send } = WebSocket.prototype;
  WebSocket.prototype.send = function noted(data) {
    if (typeof data !== "string") notes.push(["told", new DataView(/** @type {ArrayBuffer} */ (data)).getFloat64(0, true)]);
    send.call(this, data);
  };
  Object.assign(globalThis, {
    notes,
    Worker: class extends Original {
      /** @param {ConstructorParameters<typeof Worker>} given */
      constructor(...given) {
        super(...given);
        this.addEventListener("message", ({ data }) => {
          if (data.type === "frame") notes.push(["found", data.frame.timeS]);
        });
      }

      /** @param {any} message @param {any} transfer */
      postMessage(message, transfer) {
        if (message.type === "detect") notes.push(["asked", message.timeS]);
        super.postMessage(message, transfer);
      }
    },
  });
}

/** The next picture is at work before the last one is told. */
async function ahead() {
  const worker = CARD.replace("40;", "150;");
  const { browser, page } = await open({ context: { serviceWorkers: "block" }, script: quickCamera, worker });
  await page.click("#start-camera");
  await state(page, "idle");
  await page.waitForFunction(() => /** @type {any} */ (globalThis).notes.length > 60);
  seen.steps.notes = await page.evaluate(() => /** @type {any} */ (globalThis).notes);
  await browser.close();
}

run({ used, differs, ahead });
