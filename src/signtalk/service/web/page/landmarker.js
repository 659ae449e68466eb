// Finds landmarks in a worker, one picture at a time, so that the page stays quick.

/** @import { Frame } from "../engine/landmarks.js" */
/** @import { Delegate } from "./delegate.js" */
/** @import { Picture } from "./newest.js" */

const SILENT_MS = 2500; // a worker that died says nothing
/** The first picture takes seconds: on a slow device, and on a card that builds its programs, which is given up sooner. */
const FIRST_MS = { CPU: 15_000, GPU: 6000 };
const STALLED_MS = 15_000; // without a byte of a file that is awaited: a slow line brings some
const BUILDING_MS = 60_000; // for what tells of no progress: a script, and what a slow device builds of the files
const GRACE_MS = 150; // for a reply that waits behind a busy page

export class LandmarkerError extends Error {
  /**
   * @param {string} code "model_missing", "model_unreachable", "model_stalled", "landmarker" or "landmarker_silent"
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Landmarker {
  #worker;
  /** @type {{resolve: (data: any) => void, reject: (error: LandmarkerError) => void} | null} */
  #waiting = null;
  #patienceMs;
  #isLoading = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} until it is given up */
  #loading;
  #askedMs = 0;
  usualMs = 0; // that a picture is away: that of the last one
  tookMs = 0; // of it in the worker

  /**
   * Load library and models: seconds at first, later from the browser's own store. Throws a LandmarkerError, also where
   * they stop to arrive.
   *
   * @param {Delegate} delegate
   */
  static async open(delegate) {
    const landmarker = new Landmarker(delegate), model = new URL("models/holistic_landmarker.task", document.baseURI).href;
    try {
      landmarker.#expect("loaded");
      await landmarker.#ask({ type: "open", model, delegate });
    } catch (error) {
      landmarker.close();
      throw error;
    } finally {
      landmarker.#isLoading = false;
      clearTimeout(landmarker.#loading);
    }
    return landmarker;
  }

  /** @param {Delegate} delegate */
  constructor(delegate) {
    this.#patienceMs = FIRST_MS[delegate];
    this.#worker = new Worker(new URL("./landmarker_worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => {
      if (data.type === "loading" || data.type === "loaded") {
        this.#expect(data.type);
        return;
      }
      const waiting = this.#waiting;
      this.#waiting = null;
      if (data.type === "frame") {
        this.#patienceMs = SILENT_MS;
        this.usualMs = performance.now() - this.#askedMs;
        this.tookMs = data.tookMs;
      }
      if (data.type === "failed") waiting?.reject(new LandmarkerError(data.code, data.message));
      else waiting?.resolve(data);
    };
    this.#worker.onerror = (event) => {
      this.#waiting?.reject(new LandmarkerError("landmarker", event.message ?? "the worker did not start"));
      this.#waiting = null;
    };
  }

  /** Whether it is at work on a picture, and another one has to be left out. */
  get busy() {
    return this.#waiting !== null;
  }

  /**
   * The frame of a picture, which goes over to the worker.
   *
   * @param {Picture} picture whose times increase
   * @param {boolean} [disturbed] whether it may take as long as a card builds its programs, for both share the browser's
   * @returns {Promise<Frame>}
   */
  async detect({ pixels, timeS }, disturbed = false) {
    const reply = this.#ask({ type: "detect", pixels, timeS }, [pixels]);
    this.#askedMs = performance.now();
    const waiting = this.#waiting, patienceMs = this.#patienceMs + (disturbed ? FIRST_MS.GPU : 0);
    const timer = setTimeout(() => setTimeout(() => {
      waiting?.reject(new LandmarkerError("landmarker_silent", `no reply for ${patienceMs} ms`));
    }, GRACE_MS), patienceMs);
    try {
      return (await reply).frame;
    } finally {
      clearTimeout(timer);
    }
  }

  close() {
    this.#worker.terminate();
  }

  /**
   * Give up where nothing more comes while it is opened.
   *
   * @param {"loading" | "loaded"} told what was told last
   */
  #expect(told) {
    if (!this.#isLoading) return; // the last of a file may be told when it is in use already
    clearTimeout(this.#loading);
    const patienceMs = told === "loading" ? STALLED_MS : BUILDING_MS;
    this.#loading = setTimeout(() => {
      this.#waiting?.reject(new LandmarkerError("model_stalled", `nothing came for ${patienceMs} ms`));
    }, patienceMs);
  }

  /**
   * @param {object} message
   * @param {Transferable[]} [transfer]
   * @returns {Promise<any>} the worker's reply
   */
  #ask(message, transfer = []) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#worker.postMessage(message, transfer);
    });
  }
}
