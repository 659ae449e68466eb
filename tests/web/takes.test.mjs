// What the recorder asks of its service: `node --test takes.test.mjs`.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { begin, settle } from "./made_up_page.mjs";

const { emptyClip } = await import("../../src/signtalk/service/web/engine/landmarks.js");
const { clipBytes } = await import("../../src/signtalk/service/web/engine/wire.js");
const { RecorderError, Takes } = await import("../../src/signtalk/service/web/page/takes.js");

const { fetch } = globalThis;
const takes = new Takes("http://127.0.0.1/");

beforeEach(async () => {
  await begin();
  mock.timers.enable({ apis: ["setTimeout"] });
});
afterEach(() => {
  mock.timers.reset();
  Object.assign(globalThis, { fetch });
});

/** Does not answer, until it is given up. @param {URL} _ @param {RequestInit} options @returns {Promise<Response>} */
const stalled = (_, { signal }) => new Promise((_resolve, reject) => {
  signal?.addEventListener("abort", () => reject(new Error("aborted")));
});

test("a service that does not answer is given up, whatever it was asked", async () => {
  Object.assign(globalThis, { fetch: stalled });
  for (const ask of [() => takes.plan(""), () => takes.sign(0), () => takes.agree("s01", "1", { videos: false, shown: false }), () => takes.undo(0, "s01")]) {
    const told = assert.rejects(ask(), /The service cannot be reached/);
    mock.timers.tick(30_000);
    await told;
  }
});

test("one that stops within its answer is given up, too", async () => {
  const cut = async (/** @type {URL} */ _, /** @type {RequestInit} */ { signal }) => new Response(new ReadableStream({
    start: (body) => {
      body.enqueue(new TextEncoder().encode("{"));
      signal?.addEventListener("abort", () => body.error(new Error("aborted")));
    },
  }));
  Object.assign(globalThis, { fetch: cut });
  const told = assert.rejects(takes.plan(""), /The service cannot be reached/);
  await settle();
  mock.timers.tick(30_000);
  await told;
});

test("a long take has the time that a slow line takes to send it", async () => {
  const clip = emptyClip(900, 4 / 3); // 30 s
  Object.assign(globalThis, { fetch: stalled });
  let isOver = false;
  const asked = takes.keep({ number: 0, signer: "s01", session: "today" }, clip).finally(() => { isOver = true; });
  const told = assert.rejects(asked, /The service cannot be reached/);
  mock.timers.tick(Math.floor(30_000 + 1000 * clipBytes(900) / 8192));
  await settle();
  assert.equal(isOver, false);
  mock.timers.tick(1);
  await told;
});

test("a film has the time that a slow line takes to send it", async () => {
  Object.assign(globalThis, { fetch: stalled });
  let isOver = false;
  const asked = takes.film("0001_s01_1", new Blob([new Uint8Array(8192)])).finally(() => { isOver = true; });
  const told = assert.rejects(asked, /The service cannot be reached/);
  await settle();
  mock.timers.tick(30_999);
  await settle();
  assert.equal(isOver, false);
  mock.timers.tick(1);
  await told;
});

test("a refusal is told in the service's own words", async () => {
  const refused = async () => new Response(JSON.stringify({ error: { message: "the day is full" } }), { status: 400 });
  Object.assign(globalThis, { fetch: refused });
  await assert.rejects(takes.undo(0, "s01"), (error) => error instanceof RecorderError && error.message === "the day is full");
});
