/**
 * Opens an exported page in Chromium for test_web_engine.py, then again with the server gone:
 * `node engine_browser.mjs CHROMIUM PAGE` prints a JSON document.
 */
import { readFile } from "node:fs/promises";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

import { newPage } from "./patience.mjs";

/** @type {typeof import("playwright-core")} */
const { chromium } = createRequire(new URL("../../web/package.json", import.meta.url))("playwright-core");
const [, , executablePath, folder] = process.argv;
const SCRIPT = "text/javascript";
/** @type {Record<string, string>} */
const KINDS = { ".js": SCRIPT, ".mjs": SCRIPT, ".wasm": "application/wasm", ".html": "text/html" };

const server = http.createServer(async (request, response) => {
  const name = new URL(request.url ?? "/", "http://page").pathname.replace(/\/$/, "/index.html");
  try {
    const bytes = await readFile(path.join(folder, name));
    response.writeHead(200, { "Content-Type": KINDS[path.extname(name)] ?? "application/octet-stream" }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => { server.listen(0, "127.0.0.1", () => resolve(null)); });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await newPage(await browser.newContext());
const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
const address = `http://127.0.0.1:${port}/`;

/** @typedef {import("../../src/signtalk/service/web/engine/sentence_index.js").Entry & {layer: string}} Listed */

/**
 * Runs in the page, where the modules are.
 *
 * @param {{enroll: string | null, keep: boolean}} wanted
 */
async function use({ enroll, keep }) {
  const load = (/** @type {string} */ name) => import(new URL(name, document.baseURI).href);
  const [ort, { Engine }, { clipsFromBytes }, { keepOffline }] = await Promise.all(
    ["vendor/ort.wasm.min.mjs", "engine/engine.js", "engine/wire.js", "engine/offline.js"].map(load));
  ort.env.wasm.numThreads = 1;
  const engine = await Engine.open("./bundle/", ort);
  const golden = await engine.bundle.json("golden.json"), { buffer } = await engine.bundle.read("golden.bin");
  const [clip] = clipsFromBytes(buffer, golden.num_frames);
  if (enroll) await engine.enroll(enroll, [clip]);
  if (keep) await keepOffline(() => false);
  const started = performance.now(), answer = await engine.recognize(clip);
  return {
    answer, milliseconds: performance.now() - started, verified: await engine.verify(),
    personal: engine.sentences().filter((/** @type {Listed} */ { layer }) => layer === "personal")
      .map((/** @type {Listed} */ { sentence }) => sentence),
  };
}

try {
  await page.goto(address);
  const online = await page.evaluate(use, { enroll: "Zebra crossing", keep: true });
  server.closeAllConnections();
  await new Promise((resolve) => { server.close(resolve); });
  await page.goto(address);
  const offline = await page.evaluate(use, { enroll: null, keep: false });
  process.stdout.write(JSON.stringify({ online, offline }));
} finally {
  await browser.close();
  server.close();
}
