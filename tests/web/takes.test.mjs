// What the recorder asks of its service: `node --test takes.test.mjs`.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { begin } from "./made_up_page.mjs";

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

test("a service that does not answer is given up, whatever it was asked", async () => {
  const stalled = (/** @type {URL} */ _, /** @type {RequestInit} */ { signal }) => new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(new Error("aborted")));
  });
  Object.assign(globalThis, { fetch: stalled });
  for (const ask of [() => takes.plan(""), () => takes.sign(0), () => takes.agree("s01", "1", false), () => takes.undo(0, "s01")]) {
    const told = assert.rejects(ask(), /The service cannot be reached/);
    mock.timers.tick(30_000);
    await told;
  }
});

test("a refusal is told in the service's own words", async () => {
  const refused = async () => new Response(JSON.stringify({ error: { message: "the day is full" } }), { status: 400 });
  Object.assign(globalThis, { fetch: refused });
  await assert.rejects(takes.undo(0, "s01"), (error) => error instanceof RecorderError && error.message === "the day is full");
});
