// The page's end of engine_worker.js: an Answerer whose engine computes in a worker.

import { keepOffline } from "../engine/offline.js";
import { AnswererError } from "./answerer.js";
import { Events } from "./events.js";
import { Heartbeat } from "./heartbeat.js";

/** @import { Answerer, AnswererEvents } from "./answerer.js" */

const HANGING_MS = 30_000; // a slow device computes for seconds, and reads no message meanwhile
const RESTART_AGAIN_MS = 60_000; // one that fails sooner after it was started anew is given up
const LONG = new Set(["importTaught", "exportTaught"]); // may compute for minutes
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
async function inWorker(base) {
  const far = new FarAnswerer(base);
  for (const name of await far.open()) {
    Object.assign(far, { [name]: (/** @type {unknown[]} */ ...given) => far.call(name, given) });
  }
  return /** @type {any} */ (far);
}

/**
 * Has the methods of the answerer in the worker, which the worker names. A worker that fails, or hangs, is started anew,
 * and the stream with it; one that does so again soon is given up until a stream is wanted again, or a minute is over.
 *
 * @extends {Events<AnswererEvents>}
 */
class FarAnswerer extends Events {
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Map<number, {name: string, resolve: (value: any) => void, reject: (error: AnswererError) => void}>} */
  #waiting = new Map();
  #calls = 0;
  #turn = 0;
  /** @type {unknown[] | null} what a stream was connected with */
  #stream = null;
  #restartedMs = -Infinity;
  #beat = new Heartbeat({
    ping: () => this.#worker?.postMessage({ type: "ping" }), silent: () => this.#silent(), silentMs: HANGING_MS,
  });
  keep = keepOffline;

  /** @param {string} base address of the page */
  constructor(base) {
    super();
    this.base = base;
  }

  /**
   * Start the worker; gives the names of its methods.
   *
   * @returns {Promise<string[]>}
   */
  open() {
    const worker = new Worker(new URL("./engine_worker.js", import.meta.url), { type: "module" });
    this.#worker = worker;
    const opened = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => {
        this.#beat.heard();
        if (data.type !== "opened") return;
        worker.onmessage = (message) => this.#hear(message.data);
        worker.onerror = () => this.#fail();
        this.#beat.start();
        resolve(data.methods);
      };
      worker.onerror = (event) => {
        this.#end();
        reject(new Error(event.message ?? "the worker did not start"));
      };
    });
    worker.postMessage({ type: "open", base: this.base });
    return opened;
  }

  /**
   * @param {string} name
   * @param {unknown[]} given
   * @returns {Promise<any>}
   */
  call(name, given) {
    if (TURNING.has(name)) {
      this.#turn += 1;
      this.#stream = name === "connect" ? given : null;
    }
    if (!this.#worker && (name === "connect" || (name !== "disconnect" && !this.#isSoon))) {
      this.#restart();
      if (name !== "connect" && this.#stream) this.call("connect", this.#stream);
    }
    const id = (this.#calls += 1);
    const reply = new Promise((resolve, reject) => {
      this.#waiting.set(id, { name, resolve, reject });
      if (this.#worker) this.#worker.postMessage({ type: "call", id, name, given, turn: this.#turn });
      else this.#refuse();
    });
    reply.catch(() => {}); // of a stream nobody waits for a reply: "lost" tells
    return reply;
  }

  /** @param {any} data */
  #hear(data) {
    this.#beat.heard();
    if (data.type === "pong") return;
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

  #silent() {
    if (![...this.#waiting.values()].some(({ name }) => LONG.has(name))) this.#fail();
  }

  /** Something in the worker went wrong that no call tells, or it hangs. */
  #fail() {
    this.#end();
    const isSoon = this.#isSoon;
    this.#lose(isSoon ? "engine_died" : "engine_restarts");
    if (isSoon) return;
    this.#restart();
    if (this.#stream) this.call("connect", this.#stream);
  }

  #restart() {
    this.#restartedMs = performance.now();
    this.open().catch(() => this.#lose("engine_died"));
    this.#beat.start(); // one that never opens is silent, too
  }

  /** Whether the worker was started anew so short a time ago that another start would not help. */
  get #isSoon() {
    return performance.now() - this.#restartedMs < RESTART_AGAIN_MS;
  }

  /**
   * Tell that the stream is lost; where none is wanted there is nothing to tell, and nothing that would clear it.
   *
   * @param {string} code
   */
  #lose(code) {
    if (this.#stream) this.emit("lost", { code });
  }

  /** There is no worker, and so no reply. */
  #end() {
    this.#beat.stop();
    this.#worker?.terminate();
    this.#worker = null;
    this.#refuse();
  }

  /** What waits for a reply gets none. */
  #refuse() {
    for (const { reject } of this.#waiting.values()) reject(new AnswererError("unreachable", "the engine's worker failed"));
    this.#waiting.clear();
  }
}
