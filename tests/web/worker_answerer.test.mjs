// The page's end of the engine's worker, with a worker of the test's own: `node --test worker_answerer.test.mjs`.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { openEngineAnswerer } from "../../src/signtalk/service/web/page/worker_answerer.js";

/** Does what the test says; what it was sent is kept. */
class MadeWorker {
  /** @type {MadeWorker} */
  static last;
  static opens = true;
  /** @type {any[]} */
  sent = [];
  /** @type {(message: {data: any}) => void} */
  onmessage = () => {};
  onerror = () => {};
  isEnded = false;

  constructor() {
    MadeWorker.last = this;
  }

  terminate() {
    this.isEnded = true;
  }

  /** @param {any} message */
  postMessage(message) {
    this.sent.push(message);
    const methods = ["connect", "disconnect", "search", "sentences", "importTaught"];
    if (message.type === "open" && MadeWorker.opens) queueMicrotask(() => this.onmessage({ data: { type: "opened", methods } }));
  }

  /** What was sent, but for the pings. */
  get calls() {
    return this.sent.filter(({ type }) => type === "call").map(({ name, given }) => [name, ...given]);
  }

  /** @param {object} data */
  say(data) {
    this.onmessage({ data });
  }
}
Object.assign(globalThis, { Worker: MadeWorker });

let nowMs = 0;
mock.method(performance, "now", () => nowMs);
beforeEach(() => mock.timers.enable({ apis: ["setInterval"] }));
afterEach(() => mock.timers.reset());

/** Time goes on. @param {number} seconds @param {() => void} [each] called every half second */
function wait(seconds, each = () => {}) {
  for (let i = 0; i < 2 * seconds; i += 1) {
    nowMs += 500;
    mock.timers.tick(500);
    each();
  }
}

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

/** @param {Awaited<ReturnType<typeof opened>>["answerer"]} answerer */
function lostCodes(answerer) {
  /** @type {string[]} */
  const codes = [];
  answerer.on("lost", ({ code }) => codes.push(code));
  return codes;
}

test("a worker that fails ends what waits for it, and another one goes on with the stream", async () => {
  const { answerer, worker } = await opened();
  const codes = lostCodes(answerer);
  answerer.connect(1, "auto", true);
  const asked = assert.rejects(answerer.search("b"), { code: "unreachable" });
  worker.onerror();
  await asked;
  assert.deepEqual([codes, worker.isEnded], [["engine_restarts"], true]);
  const another = MadeWorker.last;
  assert.deepEqual(another.calls, [["connect", 1, "auto", true]]);
  assert.equal(another.sent[0].base, "http://127.0.0.1/page/");
  await Promise.resolve();
  let ready = 0;
  answerer.on("ready", () => { ready += 1; });
  another.say({ type: "event", name: "ready", detail: {}, turn: another.sent[1].turn });
  assert.equal(ready, 1);
});

test("one that fails again soon is given up, until a stream is wanted again", async () => {
  const { answerer, worker } = await opened();
  const codes = lostCodes(answerer);
  answerer.connect(1, "auto", true);
  worker.onerror();
  const second = MadeWorker.last;
  await Promise.resolve();
  second.onerror();
  assert.deepEqual(codes, ["engine_restarts", "engine_died"]);
  await assert.rejects(answerer.search("b"), { code: "unreachable" });
  assert.equal(MadeWorker.last, second);
  answerer.connect(1, "auto", true);
  assert.deepEqual(MadeWorker.last.calls, [["connect", 1, "auto", true]]);
  assert.notEqual(MadeWorker.last, second);
});

test("where no stream is wanted nothing is told as lost", async () => {
  const { answerer, worker } = await opened();
  const codes = lostCodes(answerer);
  answerer.connect(1, "auto", true);
  answerer.disconnect();
  const asked = assert.rejects(answerer.search("b"), { code: "unreachable" });
  worker.onerror();
  await asked;
  const second = MadeWorker.last;
  assert.notEqual(second, worker);
  assert.deepEqual(second.calls, []);
  await Promise.resolve();
  second.onerror();
  assert.deepEqual(codes, []);
});

test("one that was given up is started by any call a minute later, and the stream with it", async () => {
  const { answerer, worker } = await opened();
  answerer.connect(1, "auto", true);
  worker.onerror();
  await Promise.resolve();
  const second = MadeWorker.last;
  second.onerror();
  wait(59);
  await assert.rejects(answerer.search("b"), { code: "unreachable" });
  assert.equal(MadeWorker.last, second);
  wait(1);
  const asked = answerer.search("b");
  const third = MadeWorker.last;
  assert.deepEqual(third.calls, [["connect", 1, "auto", true], ["search", "b"]]);
  await Promise.resolve();
  third.say({ type: "done", id: third.sent[2].id, value: [] });
  assert.deepEqual(await asked, []);
  wait(61, () => third.say({ type: "pong" }));
  third.onerror();
  const fourth = MadeWorker.last;
  await Promise.resolve();
  fourth.onerror();
  wait(61);
  answerer.disconnect();
  assert.equal(MadeWorker.last, fourth); // nothing is asked of it
});

test("one that hangs is noticed and started anew, one that computes is waited for", async () => {
  const { answerer, worker } = await opened();
  const codes = lostCodes(answerer);
  answerer.connect(1, "auto", true);
  wait(60, () => worker.say({ type: "pong" }));
  assert(worker.sent.some(({ type }) => type === "ping"));
  wait(25); // it computes
  worker.say({ type: "pong" });
  assert.deepEqual(codes, []);
  const asked = assert.rejects(answerer.search("b"), { code: "unreachable" });
  wait(32);
  await asked;
  assert.deepEqual([codes, worker.isEnded], [["engine_restarts"], true]);
});

test("one that never opens again is given up", async () => {
  const { answerer, worker } = await opened();
  const codes = lostCodes(answerer);
  answerer.connect(1, "auto", true);
  MadeWorker.opens = false;
  worker.onerror();
  wait(31); // node's mocked interval ticks on within the tick that ends it
  assert.deepEqual([...new Set(codes)], ["engine_restarts", "engine_died"]);
  assert(MadeWorker.last.isEnded);
  MadeWorker.opens = true;
});

test("what may take minutes is waited for", async () => {
  const { answerer, worker } = await opened();
  const codes = lostCodes(answerer);
  const imported = answerer.importTaught(new Blob(), "");
  wait(200);
  assert.deepEqual(codes, []);
  worker.say({ type: "done", id: worker.sent.find(({ type }) => type === "call").id, value: null });
  await imported;
});
