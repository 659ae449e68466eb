// The camera: a stream into a <video>, and a call for each picture that can be looked at.

import { Events } from "./events.js";

/** @type {Record<string, string>} by the name of the browser's error */
const REASONS = {
  NotAllowedError: "camera_denied",
  SecurityError: "camera_denied",
  NotFoundError: "camera_none",
  OverconstrainedError: "camera_none",
  NotReadableError: "camera_busy",
  AbortError: "camera_busy",
};

export class CameraError extends Error {
  /**
   * @param {string} code "camera_denied", "camera_none", "camera_busy" or "camera_insecure"
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * Events: "picture" (seconds on the page's clock, increasing), "turned" (the pictures have another shape from now on,
 * as when a phone is turned), "ended" (the camera was unplugged).
 *
 * @extends {Events<{picture: number, turned: undefined, ended: undefined}>}
 */
export class Camera extends Events {
  /** @type {MediaStream | null} */
  #stream = null;
  #lastS = -Infinity;
  /** @type {number | null} */
  #lastAspect = null;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    super();
    this.video = video;
  }

  get running() {
    return this.#stream !== null;
  }

  /** Width over height of the pictures. */
  get aspect() {
    return this.video.videoWidth / this.video.videoHeight;
  }

  /** Ask for the camera; throws a CameraError that says why there is none. */
  async start() {
    if (!navigator.mediaDevices) throw new CameraError("camera_insecure", "the page is not served over https");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } },
      });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      throw new CameraError(REASONS[name] ?? "camera_busy", message);
    }
    this.#stream = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      this.stop();
      this.emit("ended", undefined);
    });
    this.video.srcObject = stream;
    await this.video.play();
    this.#next();
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#lastAspect = null;
    this.video.srcObject = null;
  }

  #next() {
    if (!this.running) return;
    if ("requestVideoFrameCallback" in this.video) {
      // captureTime, where known, is when the picture was taken, on the same clock as performance.now().
      this.video.requestVideoFrameCallback((now, about) => this.#picture((about.captureTime ?? now) / 1000));
    } else {
      requestAnimationFrame((now) => this.#picture(now / 1000));
    }
  }

  /** @param {number} timeS */
  #picture(timeS) {
    if (this.running && timeS > this.#lastS && this.video.videoWidth > 0) {
      this.#lastS = timeS;
      if (this.#lastAspect !== null && this.#lastAspect !== this.aspect) this.emit("turned", undefined);
      this.#lastAspect = this.aspect;
      this.emit("picture", timeS);
    }
    this.#next();
  }
}
