// What the worker of the page answers with what it keeps: `node --test offline_worker.test.mjs`.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const PAGE = "https://ward/page/";
const SOURCE = readFileSync(new URL("../../src/signtalk/service/web/offline_worker.js", import.meta.url), "utf8");

const hash = (/** @type {string} */ text) => createHash("sha256").update(text).digest("hex");
const FILES = {
  "index.html": { sha256: hash("first") },
  large: { sha256: hash("second"), when_used: true },
  old: { sha256: hash("first"), when_used: true },
};
/** @type {Record<string, (event: any) => void>} */
const listeners = {};
let version = "first", open = 1, tookOver = 0;

/**
 * The worker of a page whose list is FILES, installed; then the network answers with another version.
 *
 * @returns {Promise<(url: string) => Promise<string | null>>} asks for an address; null = left to the browser
 */
async function installed() {
  /** @type {Map<string, Response>} */
  const kept = new Map();
  version = "first";
  const fetched = async (/** @type {Request | string} */ asked) => {
    const { pathname } = new URL(typeof asked === "string" ? asked : asked.url);
    return new Response(pathname.endsWith("files.json") ? JSON.stringify({ files: FILES }) : version);
  };
  const cache = {
    add: async (/** @type {Request} */ request) => { kept.set(request.url, await fetched(request)); },
    put: async (/** @type {string} */ url, /** @type {Response} */ answer) => { kept.set(url, answer); },
    match: async (/** @type {string} */ url) => kept.get(url.replace(/#.*/, ""))?.clone(),
  };
  const self = {
    location: new URL(`${PAGE}offline_worker.js?first`), skipWaiting: async () => { tookOver += 1; },
    clients: { matchAll: async () => Array.from({ length: open }) },
    addEventListener: (/** @type {string} */ type, /** @type {(event: any) => void} */ listener) => { listeners[type] = listener; },
  };
  runInNewContext(SOURCE, { self, caches: { open: async () => cache }, fetch: fetched, URL, Request, Response, Map, crypto });
  /** @type {Promise<void>} */
  let installing = Promise.resolve();
  listeners.install({ waitUntil: (/** @type {Promise<void>} */ work) => { installing = work; } });
  await installing;
  version = "second";
  return async (url) => {
    /** @type {Promise<Response> | null} */
    let answer = null;
    /** @type {Promise<void>} */
    let keeping = Promise.resolve();
    listeners.fetch({
      request: { url, method: "GET" },
      respondWith: (/** @type {Promise<Response>} */ promised) => { answer = promised; },
      waitUntil: (/** @type {Promise<void>} */ work) => { keeping = work; },
    });
    const text = answer && (await /** @type {Promise<Response>} */ (answer)).text();
    await keeping;
    return text;
  };
}

test("the page itself is of the version that is kept, whatever follows its address", async () => {
  const ask = await installed();
  for (const end of ["", "index.html", "#key=abc", "?lang=fr", "?lang=fr#key=abc", "index.html?a=1"]) {
    assert.equal(await ask(PAGE + end), "first", end);
  }
});

test("a large file is kept when it is first used, and only the one that the list means", async () => {
  const ask = await installed();
  assert.equal(await ask(`${PAGE}large`), "second");
  assert.equal(await ask(`${PAGE}old`), "second");
  version = "third";
  assert.equal(await ask(`${PAGE}large`), "second");
  assert.equal(await ask(`${PAGE}old`), "third");
});

test("a newer version takes over where one page alone is open", async () => {
  await installed();
  for (const [pages, times] of [[2, 0], [1, 1]]) {
    [open, tookOver] = [pages, 0];
    /** @type {Promise<void>} */
    let done = Promise.resolve();
    listeners.message({ data: "take over", waitUntil: (/** @type {Promise<void>} */ work) => { done = work; } });
    await done;
    assert.equal(tookOver, times);
  }
});

test("what the list does not name comes from the network, and other addresses are none of its business", async () => {
  const ask = await installed();
  assert.equal(await ask(`${PAGE}v1/config`), "second");
  assert.equal(await ask("https://ward/other/"), null);
});
