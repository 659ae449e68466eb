// The camera: a stream into a <video>, a call for each picture that can be looked at, and whether they are of use.

import { messageOf } from "./errors.js";
import { Events } from "./events.js";
import { SMOOTH } from "./pace.js";
import { PictureWatch, SIZE } from "./picture.js";

/** @import { PictureProblem } from "./picture.js" */

/** @type {Record<string, string>} by the name of the browser's error */
const REASONS = {
  NotAllowedError: "camera_denied",
  SecurityError: "camera_denied",
  NotFoundError: "camera_none",
  OverconstrainedError: "camera_none",
  NotReadableError: "camera_busy",
  AbortError: "camera_busy",
};
const LEAST_REST_MS = 5;
const MOST_REST_MS = 200; // what is wrong with the pictures must be noticed, too
const CHECK_MS = 400;
const LOOK_S = 0.4; // between two looks at what the pictures hold
const STALLED_MS = 2000; // without a picture
const REOPEN_MS = 10_000; // between two tries to open a frozen camera anew

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
 * as when a phone is turned), "ended" (the camera was unplugged), "problem" (what is wrong with the pictures now), "opened"
 * (a camera gives pictures, perhaps another one).
 *
 * @extends {Events<{picture: number, turned: undefined, ended: undefined, problem: PictureProblem, opened: undefined}>}
 */
export class Camera extends Events {
  /** @type {MediaStream | null} */
  #stream = null;
  #running = false;
  #request = 0; // counts how often a stream was asked for, or was no longer wanted: the last time counts
  #opening = false;
  #lastS = -Infinity;
  /** @type {number | null} */
  #lastAspect = null;
  #watch = new PictureWatch();
  /** @type {PictureProblem} */
  #problem = "";
  #aliveMs = 0;
  #lookedS = -Infinity;
  #reopenedMs = -Infinity;
  #turn = 0;
  /** Until then (performance.now()) no picture is asked for: whoever looks at them is at work on another one. */
  restUntilMs = 0;
  #pace = SMOOTH;
  device = ""; // id of the one that was chosen; "" = the one that faces the person
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #small = new OffscreenCanvas(SIZE.width, SIZE.height).getContext("2d", { willReadFrequently: true });

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    super();
    this.video = video;
    document.addEventListener("visibilitychange", () => this.#anew());
  }

  get running() {
    return this.#running;
  }

  /** Width over height of the pictures. */
  get aspect() {
    return this.video.videoWidth / this.video.videoHeight;
  }

  /** Whether the pictures are dark. */
  get dark() {
    return this.#problem === "dark";
  }

  /** Ask for the camera; throws a CameraError that says why there is none. What was stopped meanwhile does not run. */
  async start() {
    const { device } = this;
    if (!await this.#open()) return;
    this.#running = true;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
    this.#next();
    this.emit("opened", undefined);
    if (this.device !== device) await this.#change(); // another one was chosen while this one was waited for
  }

  stop() {
    clearInterval(this.#timer);
    this.#running = false;
    this.#drop();
    this.#problem = "";
    this.#lastAspect = null;
    this.video.srcObject = null;
  }

  /** Whether the camera looks away from whoever holds the device, and so is no mirror. */
  get looksAway() {
    return this.#stream?.getVideoTracks()[0].getSettings().facingMode === "environment";
  }

  /**
   * Take another camera from now on. Where that cannot be had, the one before goes on, and a CameraError says why.
   *
   * @param {string} device its id, or ""
   */
  async choose(device) {
    const before = this.device;
    if (device === before) return;
    this.device = device;
    if (!this.running) return;
    const request = this.#request + 1; // of the next stream that is asked for
    try {
      await this.#change();
    } catch (error) {
      if (request === this.#request) {
        this.device = before;
        await this.#reopen();
      }
      throw error;
    }
  }

  /** Pictures a second that are asked for. */
  get pace() {
    return this.#pace;
  }

  set pace(pace) {
    if (pace === this.#pace) return;
    this.#pace = pace;
    const track = this.#stream?.getVideoTracks()[0];
    track?.applyConstraints(this.#wanted).catch((error) => console.info(`the camera keeps its pace: ${error}`));
  }

  get #wanted() {
    const which = this.device ? { deviceId: { ideal: this.device } } : { facingMode: "user" };
    return { ...which, width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: this.#pace } };
  }

  /** Whether a stream is there that is still wanted; throws a CameraError. */
  async #open() {
    this.#drop(); // many devices refuse a second stream, or give both the same pictures
    const request = this.#request;
    this.#opening = true;
    try {
      const stream = await this.#asked();
      if (request !== this.#request) {
        end(stream);
        return false;
      }
      this.#take(stream);
      await this.video.play();
    } catch (error) {
      if (request === this.#request) throw error instanceof CameraError ? error : new CameraError("camera_busy", messageOf(error));
    } finally {
      if (request === this.#request) this.#opening = false;
    }
    return request === this.#request;
  }

  async #asked() {
    if (!navigator.mediaDevices) throw new CameraError("camera_insecure", "the page is not served over https");
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: false, video: this.#wanted });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      throw new CameraError(REASONS[name] ?? "camera_busy", message);
    }
  }

  /** @param {MediaStream} stream */
  #take(stream) {
    this.#stream = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      if (this.#stream !== stream) return; // another one was opened instead
      this.stop();
      this.emit("ended", undefined);
    });
    this.video.srcObject = stream;
    this.#anew();
  }

  /** No stream is wanted any longer: neither the one that is there nor one that was asked for. */
  #drop() {
    this.#request += 1;
    this.#opening = false;
    if (this.#stream) end(this.#stream);
    this.#stream = null;
  }

  /** Pictures may have been missing for a good reason. */
  #anew() {
    this.#aliveMs = performance.now();
    this.#watch.clear();
  }

  #next() {
    if (!this.running) return;
    const turn = (this.#turn += 1); // a camera that was opened anew begins another one
    const restMs = Math.min(this.restUntilMs - performance.now(), MOST_REST_MS);
    if (restMs > LEAST_REST_MS) setTimeout(() => this.#ask(turn), restMs);
    else this.#ask(turn);
  }

  /** @param {number} turn */
  #ask(turn) {
    if ("requestVideoFrameCallback" in this.video) {
      // captureTime, where known, is when the picture was taken, on the same clock as performance.now().
      this.video.requestVideoFrameCallback((now, about) => this.#picture((about.captureTime ?? now) / 1000, turn));
    } else {
      requestAnimationFrame((now) => this.#picture(now / 1000, turn));
    }
  }

  /**
   * @param {number} timeS
   * @param {number} turn
   */
  #picture(timeS, turn) {
    if (turn !== this.#turn) return;
    if (this.running && timeS > this.#lastS && this.video.videoWidth > 0) {
      this.#lastS = timeS;
      this.#aliveMs = performance.now();
      if (timeS - this.#lookedS >= LOOK_S) this.#look(timeS);
      if (this.#lastAspect !== null && this.#lastAspect !== this.aspect) this.emit("turned", undefined);
      this.#lastAspect = this.aspect;
      this.emit("picture", timeS);
    }
    this.#next();
  }

  /** @param {number} timeS */
  #look(timeS) {
    this.#lookedS = timeS;
    if (!this.#small) return;
    this.#small.drawImage(this.video, 0, 0, SIZE.width, SIZE.height);
    this.#watch.push(this.#small.getImageData(0, 0, SIZE.width, SIZE.height).data, timeS);
  }

  #check() {
    if (document.hidden || !this.running) return;
    if (this.video.paused && !this.#opening) this.#goOn();
    const stalled = performance.now() - this.#aliveMs > STALLED_MS;
    const stays = this.#problem === "frozen" && !this.#watch.moves; // until two pictures differ
    const problem = stalled || stays ? "frozen" : this.#watch.problem;
    if (problem !== this.#problem) {
      this.#problem = problem;
      this.emit("problem", problem);
    }
    const isDue = performance.now() - this.#reopenedMs > REOPEN_MS;
    if (problem === "frozen" && isDue && !this.#opening) this.#reopen();
  }

  /** Show the stream that is there again: browsers pause it with a page that they let stand still, or at the press of a key. */
  async #goOn() {
    try {
      await this.video.play();
    } catch (error) {
      console.info(`the camera's pictures do not go on: ${error}`);
    }
  }

  /** Open it anew. Some cameras and their drivers come back when they are opened anew; one that does not is tried again later. */
  async #reopen() {
    try {
      await this.#change();
    } catch (error) {
      console.info(`the camera was not opened anew: ${error}`);
    }
  }

  /** Have another stream while it runs. */
  async #change() {
    this.#reopenedMs = performance.now();
    if (!await this.#open()) return;
    this.#next();
    this.emit("opened", undefined);
  }
}

/** @param {MediaStream} stream */
function end(stream) {
  for (const track of stream.getTracks()) track.stop();
}
