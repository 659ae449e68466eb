/**
 * Opens an exported page in Chromium for test_web_engine.py, then again with the server gone:
 * `node web_engine_browser.mjs PLAYWRIGHT CHROMIUM PAGE` prints a JSON document.
 */
import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , playwright, executablePath, folder] = process.argv;
const { chromium } = (await import(pathToFileURL(playwright))).default;
const SCRIPT = "text/javascript";
const KINDS = { ".js": SCRIPT, ".mjs": SCRIPT, ".wasm": "application/wasm", ".html": "text/html" };

const server = http.createServer(async (request, response) => {
  const name = new URL(request.url, "http://page").pathname.replace(/\/$/, "/index.html");
  try {
    const bytes = await readFile(path.join(folder, name));
    response.writeHead(200, { "Content-Type": KINDS[path.extname(name)] ?? "application/octet-stream" }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await (await browser.newContext()).newPage();
const address = `http://127.0.0.1:${server.address().port}/`;

/** Runs in the page. */
async function use({ enroll, keep }) {
  const [ort, { Engine }, { clipFromBytes, FRAME_BYTES }, { keepOffline }] = await Promise.all([
    import("./vendor/ort.wasm.min.mjs"), import("./engine/engine.js"), import("./engine/landmarks.js"),
    import("./engine/offline.js"),
  ]);
  ort.env.wasm.numThreads = 1;
  const engine = await Engine.open("./bundle/", ort);
  const golden = await engine.bundle.json("golden.json"), { buffer } = await engine.bundle.read("golden.bin");
  const clip = clipFromBytes(buffer.slice(0, 12 + FRAME_BYTES * golden.num_frames[0]));
  if (enroll) await engine.enroll(enroll, [clip]);
  if (keep) await keepOffline();
  const started = performance.now(), answer = await engine.recognize(clip);
  return {
    answer, milliseconds: performance.now() - started, verified: await engine.verify(),
    personal: engine.sentences().filter(({ layer }) => layer === "personal").map(({ sentence }) => sentence),
  };
}

try {
  await page.goto(address);
  const online = await page.evaluate(use, { enroll: "Zebra crossing", keep: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await page.goto(address);
  const offline = await page.evaluate(use, { enroll: null, keep: false });
  process.stdout.write(JSON.stringify({ online, offline }));
} finally {
  await browser.close();
  server.close();
}
