// Keeps the page's own files, so that it loads without network. Only files are kept: never a request to the service.

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const CACHE = "signtalk-page";
const PATIENCE_MS = 3000; // then the kept file serves
const FILES = [
  "./", "style.css", "icon.svg", "icons.svg", "manifest.webmanifest", "texts/en.json", "texts/fr.json",
  "engine/landmarks.js", "engine/tables.js", "engine/wire.js",
  "page/answer.js", "page/answerer.js", "page/app.js", "page/board.js", "page/camera.js", "page/camera_choice.js",
  "page/conversation.js", "page/dom.js", "page/enrolment.js", "page/errors.js", "page/events.js", "page/frames.js",
  "page/heartbeat.js", "page/landmarker.js", "page/landmarker_worker.js", "page/nurse.js", "page/overlay.js", "page/picker.js", "page/picture.js", "page/player.js",
  "page/practise.js", "page/service_answerer.js", "page/settings.js", "page/settings_dialog.js", "page/sign_cards.js",
  "page/signs.js", "page/speech.js", "page/states.js", "page/status.js", "page/talk_memory.js", "page/texts.js", "page/turn.js",
  "page/undo.js", "page/view.js", "page/wake.js", "page/watch.js",
];
// What finds the hands, 31 MB.
const LARGE = [
  "vendor/vision_bundle.mjs", "vendor/vision_wasm_module_internal.js", "vendor/vision_wasm_module_internal.wasm",
  "models/holistic_landmarker.task",
];
const SCOPE = worker.registration.scope;
const KEPT = new Set([...FILES, ...LARGE].map((file) => new URL(file, SCOPE).href));

worker.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && KEPT.has(event.request.url)) event.respondWith(fresh(event.request));
});

async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES);
  // The page works without these until the camera is started; a service without models is no reason to keep nothing.
  await Promise.allSettled(LARGE.map((file) => cache.add(file)));
}

/**
 * The file as the service has it now, else as it was kept.
 *
 * @param {Request} request
 */
async function fresh(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  const newest = fetch(request, { cache: "no-cache" }).then(async (answer) => {
    if (answer.ok) await cache.put(request, answer.clone());
    return answer.ok || !kept ? answer : kept;
  });
  if (!kept) return newest;
  /** @type {Promise<Response>} */
  const patience = new Promise((resolve) => { setTimeout(() => resolve(kept), PATIENCE_MS); });
  return Promise.race([newest.catch(() => kept), patience]);
}
