/**
 * Service worker: keeps every file that files.json lists, so that the page opens and answers without a connection.
 *
 * `engine/offline.js` registers it as offline_worker.js?VERSION. Another version fetches what is new, and takes over
 * when all of it is there; until then the old one goes on.
 */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const PREFIX = "signtalk-page-";
const CACHE = PREFIX + worker.location.search.slice(1);
const FILES = "files.json";
const list = new URL(FILES, worker.location.href).href;

worker.addEventListener("install", (event) => event.waitUntil(keep()));

worker.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  await worker.clients.claim();
})()));

worker.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || !event.request.url.startsWith(new URL("./", worker.location.href).href)) return;
  event.respondWith(answered(event.request));
});

/** Fetch all files into this version's cache; one that does not arrive leaves the version before in place. */
async function keep() {
  const answer = await fetch(list, { cache: "no-store" }), { files } = await answer.clone().json();
  const cache = await caches.open(CACHE);
  await cache.put(list, answer);
  for (const name of Object.keys(files)) await cache.add(new Request(new URL(name, list), { cache: "no-cache" }));
  await worker.skipWaiting();
}

/**
 * What is kept; the list itself from the network where that can be reached, for it tells whether a page is new.
 *
 * @param {Request} request
 */
async function answered(request) {
  const cache = await caches.open(CACHE);
  const url = request.url.endsWith("/") ? `${request.url}index.html` : request.url;
  const kept = await cache.match(url, { ignoreSearch: true });
  if (request.url !== list) return kept ?? fetch(request);
  return fetch(request).catch(() => kept ?? Response.error());
}
