// The page's end of the engine's worker, with a worker of the test's own: `node --test worker_answerer.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openEngineAnswerer } from "../../src/signtalk/service/web/page/worker_answerer.js";

/** Does what the test says; what it was sent is kept. */
class MadeWorker {
  /** @type {MadeWorker} */
  static last;
  /** @type {any[]} */
  sent = [];
  /** @type {(message: {data: any}) => void} */
  onmessage = () => {};

  constructor() {
    MadeWorker.last = this;
  }

  /** @param {any} message */
  postMessage(message) {
    this.sent.push(message);
    const methods = ["connect", "disconnect", "search", "sentences"];
    if (message.type === "open") queueMicrotask(() => this.onmessage({ data: { type: "opened", methods } }));
  }

  /** @param {object} data */
  say(data) {
    this.onmessage({ data });
  }
}
Object.assign(globalThis, { Worker: MadeWorker });

/** An answerer, and its worker. */
async function opened() {
  const answerer = await openEngineAnswerer("http://127.0.0.1/page/");
  return { answerer, worker: MadeWorker.last };
}

test("a call is answered by its own reply, whichever comes first", async () => {
  const { answerer, worker } = await opened();
  assert.equal(worker.sent[0].base, "http://127.0.0.1/page/");
  const [first, second] = [answerer.sentences("a"), answerer.search("b")];
  const [one, two] = worker.sent.slice(1);
  assert.deepEqual([one.name, one.given, two.name, two.given], ["sentences", ["a"], "search", ["b"]]);
  worker.say({ type: "done", id: two.id, value: ["found"] });
  worker.say({ type: "done", id: one.id, value: { total: 0, sentences: [] } });
  assert.deepEqual(await second, ["found"]);
  assert.deepEqual(await first, { total: 0, sentences: [] });
});

test("an error keeps its code, words and status", async () => {
  const { answerer, worker } = await opened();
  const asked = answerer.search("b");
  worker.say({ type: "failed", id: worker.sent[1].id, code: "bad_clip", message: "no hands", status: 422 });
  await assert.rejects(asked, { name: "Error", code: "bad_clip", message: "no hands", status: 422 });
});

test("nothing is told of a stream that was closed meanwhile", async () => {
  const { answerer, worker } = await opened();
  /** @type {string[]} */
  const states = [];
  answerer.on("state", ({ state }) => states.push(state));
  answerer.connect(1, "auto", true);
  const { turn } = worker.sent[1];
  worker.say({ type: "event", name: "state", detail: { state: "signing" }, turn });
  answerer.disconnect();
  worker.say({ type: "event", name: "state", detail: { state: "thinking" }, turn });
  assert.deepEqual(states, ["signing"]);
});

test("a worker that fails ends what waits for it, and is told as a lost connection", async () => {
  const { answerer, worker } = await opened();
  /** @type {string[]} */
  const codes = [];
  answerer.on("lost", ({ code }) => codes.push(code));
  const asked = answerer.search("b");
  /** @type {any} */ (worker).onerror();
  await assert.rejects(asked, { code: "unreachable" });
  assert.deepEqual(codes, ["lost"]);
});
