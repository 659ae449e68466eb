// The page's end of engine_worker.js: an Answerer whose engine computes in a worker.

import { keepOffline } from "../engine/offline.js";
import { AnswererError } from "./answerer.js";
import { Events } from "./events.js";

/** @import { Answerer, AnswererEvents } from "./answerer.js" */

const TURNING = new Set(["connect", "disconnect"]); // what was told of the stream before is not told any longer

/**
 * The Answerer of an offline page: in a worker, or in the page itself where the browser starts none.
 *
 * @param {string} base address of the page
 * @returns {Promise<Answerer>}
 */
export async function openEngineAnswerer(base) {
  try {
    return await inWorker(base);
  } catch (error) {
    console.info(`the engine computes in the page: ${error}`);
    const { EngineAnswerer } = await import("./engine_answerer.js");
    return Object.assign(new EngineAnswerer(base), { keep: keepOffline });
  }
}

/**
 * @param {string} base
 * @returns {Promise<Answerer>}
 */
function inWorker(base) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./engine_worker.js", import.meta.url), { type: "module" });
    const far = new FarAnswerer(worker);
    worker.onmessage = ({ data }) => {
      if (data.type !== "opened") return;
      worker.onmessage = (message) => far.hear(message.data);
      worker.onerror = () => far.fail();
      for (const name of data.methods) {
        Object.assign(far, { [name]: (/** @type {unknown[]} */ ...given) => far.call(name, given) });
      }
      resolve(/** @type {any} */ (far));
    };
    worker.onerror = (event) => {
      worker.terminate();
      reject(new Error(event.message ?? "the worker did not start"));
    };
    worker.postMessage({ type: "open", base });
  });
}

/**
 * Has the methods of the answerer in the worker, which the worker names.
 *
 * @extends {Events<AnswererEvents>}
 */
class FarAnswerer extends Events {
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: AnswererError) => void}>} */
  #waiting = new Map();
  #calls = 0;
  #turn = 0;
  keep = keepOffline;

  /** @param {Worker} worker */
  constructor(worker) {
    super();
    this.worker = worker;
  }

  /**
   * @param {string} name
   * @param {unknown[]} given
   */
  call(name, given) {
    if (TURNING.has(name)) this.#turn += 1;
    const id = (this.#calls += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.worker.postMessage({ type: "call", id, name, given, turn: this.#turn });
    });
  }

  /** @param {any} data */
  hear(data) {
    if (data.type === "persist") {
      navigator.storage?.persist?.().catch(() => false);
    } else if (data.type === "event") {
      if (data.turn === this.#turn) this.emit(data.name, data.detail);
    } else {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.type === "done") waiting?.resolve(data.value);
      else waiting?.reject(new AnswererError(data.code, data.message, data.status));
    }
  }

  /** Something in the worker went wrong that no call tells. */
  fail() {
    for (const { reject } of this.#waiting.values()) reject(new AnswererError("unreachable", "the engine's worker failed"));
    this.#waiting.clear();
    this.emit("lost", { code: "lost" });
  }
}
