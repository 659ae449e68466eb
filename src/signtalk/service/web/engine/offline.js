/** Makes a page open without a connection, and in one version of all its files. */

import { sha256 } from "./bundle.js";

const TAKE_OVER = "take over";

/**
 * Keep the files of the page in the browser; call it once when the page has opened. The promise is fulfilled when the
 * page can be opened without a connection, and what it asks for from now on is kept.
 *
 * Where a newer version than the one that is kept has arrived, it takes over and the page is loaded again, if it may be;
 * else when the page is next opened.
 *
 * @param {() => boolean} mayReload whether nothing goes on that loading the page again would end
 * @param {URL} [worker] offline_worker.js, beside files.json
 */
export async function keepOffline(mayReload, worker = new URL("../offline_worker.js", import.meta.url)) {
  const container = navigator.serviceWorker;
  if (!container) throw new Error("this browser keeps no pages (or not over plain http)");
  const list = await (await fetch(new URL("files.json", worker), { cache: "no-store" })).arrayBuffer();
  worker.search = (await sha256(list)).slice(0, 16);
  const registration = await container.register(worker);
  const isFirst = !registration.active && !container.controller;
  const inControl = new Promise((resolve) => { container.addEventListener("controllerchange", resolve, { once: true }); });
  if (registration.installing) await installed(registration.installing);
  if (isFirst) await inControl;
  const newer = registration.waiting;
  if (newer && mayReload()) {
    container.addEventListener("controllerchange", () => location.reload(), { once: true });
    newer.postMessage(TAKE_OVER);
  }
  return registration;
}

/**
 * Until a worker holds all files: the first one is then active, a later one waits.
 *
 * @param {ServiceWorker} worker
 */
function installed(worker) {
  return /** @type {Promise<void>} */ (new Promise((resolve, reject) => {
    const look = () => {
      if (worker.state === "installed" || worker.state === "activated") resolve();
      if (worker.state === "redundant") reject(new Error("not all files of the page could be fetched; try again"));
    };
    worker.addEventListener("statechange", look);
    look();
  }));
}
