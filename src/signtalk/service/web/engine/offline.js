/** Makes the page work without a connection. */

import { sha256 } from "./bundle.js";

/**
 * Keep all files of the page in the browser; call it once when the page has opened. The promise is fulfilled when
 * the page can be opened without a connection.
 *
 * @param {URL} [worker] offline_worker.js, beside files.json
 */
export async function keepOffline(worker = new URL("../offline_worker.js", import.meta.url)) {
  if (!navigator.serviceWorker) throw new Error("this browser keeps no pages (or not over plain http)");
  const list = await (await fetch(new URL("files.json", worker), { cache: "no-store" })).arrayBuffer();
  worker.search = (await sha256(list)).slice(0, 16);
  const registration = await navigator.serviceWorker.register(worker);
  const waited = registration.installing;
  if (waited) {
    await /** @type {Promise<void>} */ (new Promise((resolve, reject) => {
      waited.addEventListener("statechange", () => {
        if (waited.state === "activated") resolve();
        if (waited.state === "redundant") reject(new Error("not all files of the page could be fetched; try again"));
      });
    }));
  }
  return registration;
}
