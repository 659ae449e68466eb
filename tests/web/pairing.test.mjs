// One of two devices, without a service: `node --test pairing.test.mjs`.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Pairing } from "../../src/signtalk/service/web/page/pairing.js";
import { storage } from "./made_up_storage.mjs";

/** Sockets that were opened, and what was sent by each. */
class Socket {
  static OPEN = 1;
  /** @type {Socket[]} */
  static all = [];
  readyState = 1;
  bufferedAmount = 0;
  /** @type {any[]} */
  sent = [];
  onopen = () => {};
  onclose = () => {};
  /** @type {(event: {data: string}) => void} */
  onmessage = () => {};

  /** @param {URL} url */
  constructor(url) {
    this.url = String(url);
    Socket.all.push(this);
  }

  /** @param {string | ArrayBuffer} data */
  send(data) {
    this.sent.push(typeof data === "string" ? JSON.parse(data) : data);
  }

  close() {
    this.readyState = 3;
  }

  /** @param {object} message */
  hears(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
}

/** A device, what it tells, and its newest socket, which is open. */
function device(own = storage()) {
  const pairing = new Pairing("https://ward.example/signs/", own);
  /** @type {any[]} */
  const told = [];
  for (const event of /** @type {const} */ (["code", "ended", "failed", "show", "talk"])) pairing.on(event, (detail) => told.push([event, detail]));
  return { pairing, told, own };
}

function opened() {
  const socket = Socket.all[Socket.all.length - 1];
  socket.onopen();
  return socket;
}

const TOKEN = "signtalk-pair";

beforeEach(() => {
  Socket.all = [];
  Object.assign(globalThis, { WebSocket: Socket });
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
});
afterEach(() => mock.timers.reset());

test("a code is shown, and both are told that they are together", () => {
  const { pairing, told, own } = device();
  pairing.open();
  const socket = opened();
  assert.equal(socket.url, "wss://ward.example/signs/v1/pair");
  assert.deepEqual(socket.sent, [{ type: "open" }]);
  socket.hears({ type: "code", code: "123456", seconds: 120, token: "t" });
  assert.equal(pairing.state, "code");
  assert.equal(told[0][1].code, "123456");
  socket.hears({ type: "paired", role: "patient", token: "t", here: true });
  assert.deepEqual([pairing.state, pairing.role, own.kept[TOKEN]], ["together", "patient", "t"]);
  socket.hears({ type: "partner", here: false });
  assert.equal(pairing.state, "alone");
});

test("spaces of a typed code do not count", () => {
  const { pairing } = device();
  pairing.join("123 456 ");
  assert.deepEqual(opened().sent, [{ type: "join", code: "123456" }]);
});

test("what the patient's screen told last is told again to who comes back; staff's tells nothing", () => {
  const { pairing } = device();
  pairing.tell("state", { state: "idle" });
  pairing.tell("state", { state: "signing" });
  pairing.open();
  const socket = opened();
  socket.hears({ type: "paired", role: "patient", token: "t", here: true });
  assert.deepEqual(socket.sent.slice(1), [{ type: "state", state: "signing" }]);
  const staff = device();
  staff.pairing.tell("state", { state: "off" });
  staff.pairing.join("1");
  const other = opened();
  other.hears({ type: "paired", role: "staff", token: "s", here: true });
  staff.pairing.tell("state", { state: "off" });
  assert.equal(other.sent.length, 1);
});

test("what staff shows while the other device is away is shown once it is back, the last of it", () => {
  const { pairing } = device();
  pairing.join("1");
  const socket = opened();
  const paired = { type: "paired", role: "staff", token: "s", here: true };
  socket.hears(paired);
  const show = (/** @type {string} */ words) => ({ type: "show", words, sentence_id: "" });
  pairing.show("now", "");
  socket.hears({ type: "partner", here: false });
  for (const words of ["1", "2", "3", "4", "5", "6"]) pairing.show(words, "");
  assert.deepEqual(socket.sent.slice(1), [show("now")]);
  socket.hears({ ...paired, here: false }); // this device was away as well, and is back first
  socket.hears({ type: "partner", here: false });
  assert.deepEqual(socket.sent.slice(1), [show("now")]);
  socket.hears(paired);
  assert.deepEqual(socket.sent.slice(2), ["2", "3", "4", "5", "6"].map(show));
  socket.hears({ type: "partner", here: false });
  pairing.show("to nobody", "");
  pairing.end();
  pairing.join("2");
  const next = opened();
  next.hears(paired);
  assert.equal(next.sent.length, 1);
});

test("the talk is told in bounds", () => {
  const { pairing } = device();
  pairing.open();
  const socket = opened();
  socket.hears({ type: "paired", role: "patient", token: "t", here: true });
  const line = { who: /** @type {const} */ ("patient"), words: "a".repeat(3000), how: /** @type {const} */ ("tapped"), at: new Date(5) };
  pairing.tellTalk(Array(50).fill(line));
  const { lines } = socket.sent[1];
  assert.equal(lines.length, 30);
  assert.deepEqual(lines[0], { ...line, words: "a".repeat(1000), at: 5 });
  pairing.tellStanding("tapped", [`${"a".repeat(999)}\u{1f600}`]);
  assert.deepEqual(socket.sent[2], { type: "standing", kind: "tapped", words: ["a".repeat(999)] });
});

test("a line that was cut is found again by the token", () => {
  const { pairing } = device();
  pairing.open();
  const socket = opened();
  socket.hears({ type: "paired", role: "patient", token: "t", here: true });
  socket.onclose();
  assert.equal(pairing.state, "lost");
  mock.timers.tick(1000);
  assert.deepEqual(opened().sent, [{ type: "back", token: "t" }]);
});

test("an end that the service does not hear is told once it is reached, and nothing of the next talk", () => {
  const { pairing, own } = device();
  pairing.open();
  opened().hears({ type: "paired", role: "patient", token: "t", here: true });
  Socket.all[0].onclose();
  assert(pairing.isPaired);
  pairing.end();
  assert.deepEqual([pairing.state, pairing.isPaired, own.kept], ["off", false, {}]);
  const [, unreached] = Socket.all;
  unreached.onclose();
  pairing.tell("standing", { kind: "said", words: ["of the next person"] });
  mock.timers.tick(1000);
  const reached = opened();
  assert.equal(Socket.all.length, 3);
  assert.deepEqual(reached.sent, [{ type: "back", token: "t" }, { type: "end" }]);
  reached.hears({ type: "paired", role: "patient", token: "t", here: true });
  assert.deepEqual([reached.readyState, pairing.state], [3, "off"]);
  reached.onclose();
  mock.timers.tick(5000);
  assert.equal(Socket.all.length, 3);
});

test("after a reload that does not reach the service there is a pair to end", () => {
  const { pairing, own } = device(storage({ [TOKEN]: "t" }));
  pairing.resume();
  Socket.all[0].onclose();
  assert.deepEqual([pairing.state, pairing.role, pairing.isPaired], ["lost", null, true]);
  pairing.end();
  assert.deepEqual([pairing.isPaired, own.kept], [false, {}]);
  assert.deepEqual(opened().sent, [{ type: "back", token: "t" }, { type: "end" }]);
  mock.timers.tick(5000);
  assert.equal(Socket.all.length, 2);
});

test("who was silent for too long comes back, who is no longer paired does not", () => {
  const { pairing, told, own } = device();
  pairing.open();
  opened().hears({ type: "paired", role: "patient", token: "t", here: true });
  Socket.all[0].hears({ type: "error", error: { code: "idle" } });
  assert.equal(pairing.state, "lost");
  mock.timers.tick(1000);
  opened().hears({ type: "error", error: { code: "not_paired" } });
  assert.deepEqual([pairing.state, told, own.kept], ["off", [["ended", { cause: "lost" }]], {}]);
});

test("a wrong code is told, and nothing is tried again", () => {
  const { pairing, told } = device();
  pairing.join("1");
  opened().hears({ type: "error", error: { code: "no_code" } });
  assert.deepEqual([pairing.state, told], ["off", [["failed", { code: "no_code" }]]]);
  mock.timers.tick(5000);
  assert.equal(Socket.all.length, 1);
});

test("a reload goes on; an end is told and forgotten", () => {
  const { pairing, own } = device(storage({ [TOKEN]: "t" }));
  pairing.resume();
  const socket = opened();
  assert.deepEqual(socket.sent, [{ type: "back", token: "t" }]);
  socket.hears({ type: "paired", role: "staff", token: "t", here: true });
  pairing.end();
  assert.deepEqual([socket.sent[1], own.kept, pairing.role], [{ type: "end" }, {}, null]);
  device().pairing.resume(); // where nothing was paired
  assert.equal(Socket.all.length, 1);
});
