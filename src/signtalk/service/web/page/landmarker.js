// Finds landmarks in a worker, one picture at a time, so that the page stays quick.

/** @import { Frame } from "../engine/landmarks.js" */

export class LandmarkerError extends Error {
  /**
   * @param {string} code "model_missing", "model_unreachable" or "landmarker"
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Landmarker {
  #worker;
  /** @type {{resolve: (frame: Frame) => void, reject: (error: LandmarkerError) => void} | null} */
  #waiting = null;

  /** Load library and models: seconds at first, later from the browser's own store. */
  static async open() {
    const landmarker = new Landmarker();
    try {
      await landmarker.#ask({ type: "open", model: new URL("models/holistic_landmarker.task", document.baseURI).href });
    } catch (error) {
      landmarker.close();
      throw error;
    }
    return landmarker;
  }

  constructor() {
    this.#worker = new Worker(new URL("./landmarker_worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => {
      const waiting = this.#waiting;
      this.#waiting = null;
      if (data.type === "failed") waiting?.reject(new LandmarkerError(data.code, data.message));
      else waiting?.resolve(data.frame);
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
   * @param {ImageBitmap} bitmap
   * @param {number} timeS must increase
   */
  detect(bitmap, timeS) {
    return this.#ask({ type: "detect", bitmap, timeS }, [bitmap]);
  }

  close() {
    this.#worker.terminate();
  }

  /**
   * @param {object} message
   * @param {Transferable[]} [transfer]
   * @returns {Promise<Frame>}
   */
  #ask(message, transfer = []) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#worker.postMessage(message, transfer);
    });
  }
}
