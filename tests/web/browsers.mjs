// The browsers that scripts drive a page in: Debian's Chromium, or Debian's Firefox over WebDriver BiDi, both with a fake
// camera that nobody is asked about, and with no host but this machine.

import { createRequire } from "node:module";

/** @type {typeof import("playwright-core")} */
const { chromium, firefox } = createRequire(new URL("../../web/package.json", import.meta.url))("playwright-core");

/** @import { Browser, BrowserContext, BrowserContextOptions } from "playwright-core" */

/** Chromium's flags for a camera that shows shapes, and whose use nobody is asked about; Firefox always has such a one. */
export const FAKE_CAMERA = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"];

/** Nobody is asked, the camera shows coloured shapes, and what is not on this machine is not reached. */
const FIREFOX_PREFERENCES = {
  "media.navigator.permission.disabled": true,
  "media.navigator.streams.fake": true,
  "network.proxy.type": 1,
  "network.proxy.http": "127.0.0.1",
  "network.proxy.http_port": 9, // nobody listens there; addresses of this machine need no proxy
  "network.proxy.ssl": "127.0.0.1",
  "network.proxy.ssl_port": 9,
};

/**
 * A browser: the job's Firefox where it names one, else its Chromium.
 *
 * @param {{chromium?: string, firefox?: string}} job paths of the programs
 * @param {string[]} [flags] of Chromium, beyond those that each start has
 */
export function launch(job, flags = []) {
  if (job.firefox) {
    return firefox.launch({
      executablePath: job.firefox, channel: "moz-firefox", firefoxUserPrefs: FIREFOX_PREFERENCES,
    });
  }
  return chromium.launch({
    executablePath: job.chromium, args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", ...flags],
  });
}

/**
 * A context of a browser. Firefox is told by preferences, not by a context, what a page may do.
 *
 * @param {Browser} browser
 * @param {BrowserContextOptions} options
 * @returns {Promise<BrowserContext>}
 */
export function contextOf(browser, { permissions, ...options }) {
  const isFirefox = browser.browserType().name() === "firefox";
  return browser.newContext(isFirefox || !permissions ? options : { ...options, permissions });
}
