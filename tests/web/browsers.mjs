// The browsers that scripts drive a page in: Debian's Chromium, or Debian's Firefox over WebDriver BiDi, both with a fake
// camera that nobody is asked about, and with no host but this machine.

import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";

/** @type {typeof import("playwright-core")} */
const { chromium, firefox } = createRequire(new URL("../../web/package.json", import.meta.url))("playwright-core");

/** @import { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core" */

/** Chromium's flags for a camera that shows shapes, and whose use nobody is asked about; Firefox needs none. */
export const FAKE_CAMERA = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"];

const STYLE_OF_AXE = "Content-Security-Policy: The page\u2019s settings blocked an inline style (style-src-elem)";

/** Nobody is asked for the camera, and what is not on this machine is not reached. */
const FIREFOX_PREFERENCES = {
  "media.navigator.permission.disabled": true,
  "media.navigator.streams.fake": true,
  "network.proxy.type": 1,
  "network.proxy.http": "127.0.0.1",
  "network.proxy.http_port": 9, // nobody listens there; addresses of this machine need no proxy
  "network.proxy.ssl": "127.0.0.1",
  "network.proxy.ssl_port": 9,
};
/** Playwright's own flags by which a page that is hidden goes on as if it was not. */
const AS_IF_SEEN = [
  "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
];

/**
 * A browser: the job's Firefox where it names one, else its Chromium.
 *
 * @param {{chromium?: string, firefox?: string}} job paths of the programs
 * @param {string[]} [flags] of Chromium, beyond those that each start has
 * @param {string[]} [ignoreDefaultArgs] flags of Playwright's that Chromium is not to have
 */
export function launch(job, flags = [], ignoreDefaultArgs = []) {
  if (job.firefox) {
    return firefox.launch({
      executablePath: job.firefox, channel: "moz-firefox", firefoxUserPrefs: FIREFOX_PREFERENCES,
    });
  }
  return chromium.launch({
    executablePath: job.chromium, args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", ...flags],
    ignoreDefaultArgs,
  });
}

/**
 * A browser and a context of it whose pages are tabs of one window: that which has another one in front is hidden.
 * In contexts of its own Playwright tells each page of Chromium's that it is seen, whatever is in front; so that window
 * is asked for by another connection, which leaves pages as they are. No page has a service worker.
 *
 * @param {{chromium?: string, firefox?: string}} job as `launch` takes it
 * @param {string[]} flags of Chromium
 */
export async function launchWindow(job, flags) {
  const port = job.firefox ? 0 : await freePort();
  const browser = await launch(job, [...flags, `--remote-debugging-port=${port}`], AS_IF_SEEN);
  if (job.firefox) return { browser, context: await contextOf(browser, { serviceWorkers: "block" }) };
  const asItIs = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true });
  const [context] = asItIs.contexts();
  await context.addInitScript(() => {
    Object.defineProperty(navigator, "serviceWorker", { value: undefined });
  });
  return { browser, context };
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/**
 * Open another tab in front of a page of `launchWindow`; what puts it away. In Firefox only one that a page opens is a tab
 * of its window; Chromium keeps from a page that opens one itself that it is hidden now.
 *
 * @param {Page} page
 */
export async function tabInFrontOf(page) {
  const context = page.context();
  const tab = context.browser()?.browserType().name() === "firefox"
    ? (await Promise.all([context.waitForEvent("page"), page.evaluate(() => { open("about:blank"); })]))[0]
    : await context.newPage();
  await page.waitForFunction(() => document.visibilityState === "hidden", null, { polling: 100 }); // it draws no longer
  return () => tab.close();
}

/**
 * Tell the errors of a page's console, but for one: Firefox tells of the style sheet that axe-core writes, and
 * that the page's policy forbids; Chromium, which tells of none, would tell of the page's own.
 *
 * @param {Page} page
 * @param {(line: string) => void} tell
 */
export function tellErrors(page, tell) {
  const tellIfOfPage = (/** @type {string} */ line) => {
    if (!line.startsWith(STYLE_OF_AXE)) tell(line);
  };
  page.on("console", (message) => {
    if (message.type() === "error") tellIfOfPage(message.text());
  });
  page.on("pageerror", (error) => tellIfOfPage(String(error)));
}

/**
 * A context of a browser. Firefox is told by preferences, not by a context, what a page may do; and a drawn camera takes
 * the place of its fake one, which shows one colour, as one that is covered does.
 *
 * @param {Browser} browser
 * @param {BrowserContextOptions} options
 * @returns {Promise<BrowserContext>}
 */
export async function contextOf(browser, { permissions, ...options }) {
  if (browser.browserType().name() !== "firefox") {
    return browser.newContext(permissions ? { ...options, permissions } : options);
  }
  const context = await browser.newContext(options);
  await context.addInitScript(drawnCamera);
  return context;
}

/** Runs in the page: each camera that it opens shows a bar that moves. */
function drawnCamera() {
  if (!globalThis.navigator.mediaDevices) return; // no page yet
  globalThis.navigator.mediaDevices.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
    const context = canvas.getContext("2d");
    if (!context) throw new Error("no canvas");
    let count = 0;
    setInterval(() => {
      count += 1;
      context.fillStyle = "#202020";
      context.fillRect(0, 0, 640, 480);
      context.fillStyle = "#e0e0e0";
      context.fillRect(11 * count % 500, 80, 120, 240);
    }, 50);
    return canvas.captureStream(20);
  };
}

/**
 * Press a button that saves a file; the file's name. Firefox over BiDi tells of no download: there the blob is taken that
 * the page hands to it.
 *
 * @param {Page} page
 * @param {string} button
 * @param {string} path where the file is written
 */
export async function savedFile(page, button, path) {
  if (page.context().browser()?.browserType().name() !== "firefox") {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
    await download.saveAs(path);
    return download.suggestedFilename();
  }
  await page.evaluate(takeNextFile);
  await page.click(button);
  await page.waitForFunction(() => "taken" in globalThis);
  const { name, bytes } = await page.evaluate(async () => {
    const { taken } = /** @type {any} */ (globalThis);
    delete (/** @type {any} */ (globalThis)).taken;
    return { name: taken.name, bytes: [...new Uint8Array(await taken.blob.arrayBuffer())] };
  });
  await writeFile(path, Buffer.from(bytes));
  return name;
}

/** Runs in the page: the next link that is followed to a blob is not, and the blob is kept in `taken`. */
function takeNextFile() {
  const { createObjectURL } = URL;
  const { click } = HTMLAnchorElement.prototype;
  /** @type {Blob | MediaSource | undefined} */
  let given;
  URL.createObjectURL = (each) => {
    given = each;
    return createObjectURL(each);
  };
  HTMLAnchorElement.prototype.click = function taken() {
    Object.assign(globalThis, { taken: { name: this.download, blob: given } });
    Object.assign(URL, { createObjectURL });
    HTMLAnchorElement.prototype.click = click;
  };
}
