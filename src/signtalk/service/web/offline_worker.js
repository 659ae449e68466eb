/**
 * Service worker of both pages: keeps the files that files.json lists, so that the page opens without a connection.
 *
 * `engine/offline.js` registers it as offline_worker.js?VERSION. Another version fetches what is new, and waits with all
 * of it until a page asks it to take over; until then the old one goes on. So a page never has files of two versions.
 */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const PREFIX = "signtalk-page-";
const CACHE = PREFIX + worker.location.search.slice(1);
const TAKE_OVER = "take over";
const list = new URL("files.json", worker.location.href).href;
/** @type {Promise<Map<string, string>> | null} */
let listed = null;

worker.addEventListener("install", (event) => event.waitUntil(keep()));

worker.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  await worker.clients.claim();
})()));

worker.addEventListener("message", (event) => {
  if (event.data === TAKE_OVER) event.waitUntil(takeOver());
});

/** Take over where one page alone is open: to another one it would give files of another version than it has. */
async function takeOver() {
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (pages.length <= 1) await worker.skipWaiting();
}

worker.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && inScope(event.request.url)) event.respondWith(answered(event));
});

/** @param {string} url */
function inScope(url) {
  return url.startsWith(new URL("./", worker.location.href).href);
}

/**
 * Fetch this version's files into its cache; one that does not arrive leaves the version before in place. What the
 * list marks `when_used` is large: it is kept when a page first needs it.
 */
async function keep() {
  const answer = await fetch(list, { cache: "no-store" }), { files } = await answer.clone().json();
  const cache = await caches.open(CACHE);
  await cache.put(list, answer);
  for (const [name, { when_used: later }] of Object.entries(files)) {
    if (!later) await cache.add(new Request(new URL(name, list), { cache: "no-cache" }));
  }
}

/**
 * What is kept; the list itself from the network where that can be reached, for it tells whether a page is new.
 *
 * @param {FetchEvent} event
 */
async function answered(event) {
  const { request } = event;
  const cache = await caches.open(CACHE);
  const { origin, pathname } = new URL(request.url); // a page's own address has what follows "?" and "#", too
  const url = `${origin}${pathname}${pathname.endsWith("/") ? "index.html" : ""}`;
  const kept = await cache.match(url);
  if (url === list) return fetch(request).catch(() => kept ?? Response.error());
  if (kept) return kept;
  const answer = await fetch(request);
  const expected = answer.ok ? (await hashes(cache)).get(url) : undefined;
  if (expected) event.waitUntil(keepIf(expected, cache, url, answer.clone()).catch(() => {})); // it did not arrive whole
  return answer; // at once: the page sees its bytes come
}

/**
 * Keep an answer of the network if it is the file that the list means.
 *
 * @param {string} expected its SHA-256
 * @param {Cache} cache
 * @param {string} url
 * @param {Response} answer
 */
async function keepIf(expected, cache, url, answer) {
  if (expected === await sha256(await answer.clone().arrayBuffer())) await cache.put(url, answer);
}

/** @param {ArrayBuffer} bytes */
async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The addresses that this version's list names, and what their files are.
 *
 * @param {Cache} cache
 */
function hashes(cache) {
  listed ??= cache.match(list).then(async (kept) => {
    const { files } = kept ? await kept.json() : { files: {} };
    return new Map(Object.entries(files).map(([name, { sha256: hash }]) => [new URL(name, list).href, hash]));
  });
  return listed;
}
