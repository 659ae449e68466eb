// A module worker around the EngineAnswerer, so that the page does not stand still while it computes.
//
//   {type: "open", base}              -> {type: "opened", methods: [names that can be called]}
//   {type: "call", id, name, given, turn} -> {type: "done", id, value} or {type: "failed", id, code, message, status}
//   {type: "ping"}                    -> {type: "pong"}, once nothing is computed
//   events of the answerer            -> {type: "event", name, detail, turn} with the turn of the last call
//   what only a page may do           -> {type: "persist"}, by engine_answerer.js

import { EngineAnswerer } from "./engine_answerer.js";
import { codeOf, messageOf } from "./errors.js";

/** @import { AnswererEvents } from "./answerer.js" */

/** All of them: one that is missing fails the check of types. @type {Record<keyof AnswererEvents, true>} */
const TOLD = {
  ready: true, lost: true, state: true, activity: true, answer: true, signer: true, next: true, cancel: true, error: true,
};

/** @type {any} */
let answerer = null;
let turn = 0;

self.onmessage = ({ data }) => {
  if (data.type === "open") open(data.base);
  else if (data.type === "ping") self.postMessage({ type: "pong" });
  else call(data);
};

/** @param {string} base address of the page */
function open(base) {
  const opened = new EngineAnswerer(base);
  for (const name of /** @type {(keyof AnswererEvents)[]} */ (Object.keys(TOLD))) {
    opened.on(name, (detail) => self.postMessage({ type: "event", name, detail, turn }));
  }
  answerer = opened;
  const methods = Object.getOwnPropertyNames(EngineAnswerer.prototype).filter((name) => name !== "constructor");
  self.postMessage({ type: "opened", methods });
}

/** @param {{id: number, name: string, given: unknown[], turn: number}} asked */
async function call({ id, name, given, turn: now }) {
  turn = now;
  try {
    self.postMessage({ type: "done", id, value: await answerer[name](...given) });
  } catch (error) {
    const status = /** @type {any} */ (error)?.status ?? 0;
    self.postMessage({ type: "failed", id, code: codeOf(error), message: messageOf(error), status });
  }
}
