// Finds landmarks in a worker, one picture at a time, so that the page stays quick.

export class LandmarkerError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code; // "model_missing", "model_unreachable" or "landmarker"
  }
}

export class Landmarker {
  #worker;
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
      const { resolve, reject } = this.#waiting;
      this.#waiting = null;
      if (data.type === "failed") reject(new LandmarkerError(data.code, data.message));
      else resolve(data.frame);
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

  /** The frame of a picture; the ImageBitmap goes over to the worker. Times must increase. */
  detect(bitmap, timeS) {
    return this.#ask({ type: "detect", bitmap, timeS }, [bitmap]);
  }

  close() {
    this.#worker.terminate();
  }

  #ask(message, transfer = []) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#worker.postMessage(message, transfer);
    });
  }
}
