// From pictures to frames: camera and landmarker together, as many pictures a second as this device manages.

import { hasPart } from "../engine/landmarks.js";
import { Events } from "./events.js";
import { FrameRing, wristSpeed } from "./frames.js";
import { GpuTrial } from "./gpu_trial.js";
import { Landmarker } from "./landmarker.js";
import { NewestPicture } from "./newest.js";
import { drawOverlay } from "./overlay.js";
import { paceOf } from "./pace.js";
import { handsLeave, isFar, SLOW_RATE } from "./view.js";

const RATE_OVER_S = 5;
const SLOWEST_RATE = 5;
const MEMORY_S = 60;
const HINT_OVER_S = 2;
const RESTART_AGAIN_MS = 60_000; // one that dies sooner after it was started anew is given up
const TELL_EVERY_S = 0.3; // hints and rates are for reading
const SOON_MS = 45; // before the next picture is needed it is asked for, so that it is ready, and new
const SMOOTHED = 0.4; // weight of the newest speed

/** @typedef {"" | "dark" | "nobody" | "hands" | "far" | "slow"} ViewHint */

/** @import { Frame } from "../engine/landmarks.js" */
/** @import { Camera } from "./camera.js" */
/** @import { GpuReason } from "./delegate.js" */

/**
 * Events: "frame"; "view" (a few times a second: what `hint` and `rate` tell may be another); "restarting" (the landmarker died and is loaded once more), "restarted", "failed" (it was in vain).
 *
 * @extends {Events<{frame: {frame: Frame}, view: {timeS: number}, restarting: unknown, restarted: undefined, failed: unknown}>}
 */
export class Watch extends Events {
  /** @type {Landmarker | null} */
  #landmarker = null;
  /** @type {Promise<Landmarker> | null} the one that is loaded now */
  #opening = null;
  #newest = new NewestPicture();
  /** @type {GpuTrial | null} */
  #trial = null;
  #useGpu = true;
  #onGpu = false;
  #speed = 0;
  #toldS = -Infinity;
  #restartedMs = -Infinity;

  /**
   * @param {Camera} camera
   * @param {HTMLCanvasElement} canvas over its picture
   */
  constructor(camera, canvas) {
    super();
    this.camera = camera;
    this.canvas = canvas;
    this.ring = new FrameRing(MEMORY_S);
    this.drawn = true;
    camera.on("picture", (timeS) => this.#hold(timeS));
  }

  /** Load the landmarker, once; throws a LandmarkerError. The graphics card is tried meanwhile. */
  async open() {
    if (!this.#landmarker) {
      this.#opening ??= Landmarker.open("CPU").finally(() => { this.#opening = null; });
      this.#landmarker = await this.#opening;
    }
    if (this.#trial || !this.#useGpu) return;
    this.#trial = new GpuTrial();
    this.#trial.open();
  }

  /** Whether the graphics card may find the landmarks, where it is better at it. */
  get useGpu() {
    return this.#useGpu;
  }

  set useGpu(use) {
    if (use === this.#useGpu) return;
    this.#useGpu = use;
    this.#trial?.close();
    this.#trial = null;
    const landmarker = this.#landmarker;
    if (!landmarker) return;
    if (this.#onGpu) {
      landmarker.close();
      this.#landmarker = null;
      this.#onGpu = false;
    }
    this.open().catch((error) => this.emit("failed", error));
  }

  /** Why the graphics card finds the landmarks, or does not; "trying" = not known yet. @returns {GpuReason | "off" | "trying"} */
  get gpu() {
    if (this.#onGpu) return "used";
    return this.#useGpu ? this.#trial?.reason ?? "trying" : "off";
  }

  /** Frames a second of late. */
  get rate() {
    const last = this.ring.frames.at(-1)?.timeS ?? 0;
    const late = this.ring.frames.filter(({ timeS }) => timeS > last - RATE_OVER_S);
    return late.length < 2 ? 0 : (late.length - 1) / (last - late[0].timeS);
  }

  /** Whether so few pictures a second are seen, for a while now, that signs are missed. */
  get slow() {
    const { frames } = this.ring;
    const seconds = (frames.at(-1)?.timeS ?? 0) - (frames[0]?.timeS ?? 0);
    return seconds > RATE_OVER_S && this.rate < SLOWEST_RATE;
  }

  /** Whether quick signs are missed, for a while now. */
  get lacksPictures() {
    const { frames } = this.ring;
    const seconds = (frames.at(-1)?.timeS ?? 0) - (frames[0]?.timeS ?? 0);
    return seconds > 2 * RATE_OVER_S && this.rate < SLOW_RATE;
  }

  /** How fast the hands move, in shoulder widths a second. */
  get speed() {
    return this.#speed;
  }

  /**
   * What the person before the camera should mind, by the last seconds; "" = nothing.
   *
   * @param {number} timeS now
   * @returns {ViewHint}
   */
  hint(timeS) {
    const late = this.ring.between(timeS - HINT_OVER_S, timeS), first = this.ring.frames[0]?.timeS ?? timeS;
    if (this.camera.dark) return "dark";
    if (first < timeS - HINT_OVER_S && !late.some((frame) => hasPart(frame, "pose"))) return "nobody";
    if (handsLeave(late)) return "hands";
    if (isFar(late, this.camera.aspect)) return "far";
    return this.slow ? "slow" : "";
  }

  clear() {
    this.#newest.clear();
    this.ring.clear();
    this.#draw(null);
  }

  /** @param {number} timeS */
  async #hold(timeS) {
    if (!this.#landmarker) return;
    try {
      await this.#newest.hold(this.camera.video, timeS);
    } catch {
      return; // the picture went away with the camera
    }
    this.#look();
  }

  /** Look at the newest picture, unless another one is looked at still. What is found is told while the next one is at work. */
  async #look() {
    const landmarker = this.#landmarker;
    const picture = landmarker && !landmarker.busy ? this.#newest.take() : null;
    if (!landmarker || !picture) return;
    this.camera.restUntilMs = performance.now() + landmarker.usualMs - SOON_MS;
    const copy = this.#trial?.wants ? structuredClone(picture.pixels) : null;
    try {
      const frame = await landmarker.detect(picture, this.#trial?.building);
      if (copy) this.#trial?.compare({ frame, tookMs: landmarker.tookMs }, copy, this.camera.aspect);
      this.#change();
      this.#look();
      this.#take(frame);
    } catch (error) {
      copy?.close();
      if (!this.camera.running || this.#landmarker !== landmarker) return;
      landmarker.close();
      this.#landmarker = null;
      if (this.#onGpu) this.#trial?.fail(error); // and is not tried again
      this.#onGpu = false;
      await this.#restart(error);
    }
  }

  /** Leave the work to the graphics card, between two pictures, if the trial said so. */
  #change() {
    const better = this.#trial?.take();
    if (!better) return;
    this.#landmarker?.close();
    this.#landmarker = better;
    this.#onGpu = true;
  }

  /** @param {unknown} error */
  async #restart(error) {
    if (performance.now() - this.#restartedMs < RESTART_AGAIN_MS) {
      this.emit("failed", error);
      return;
    }
    this.#restartedMs = performance.now();
    this.emit("restarting", error);
    try {
      await this.open();
      this.emit("restarted", undefined);
    } catch (again) {
      this.emit("failed", again);
    }
  }

  /** @param {Frame} frame */
  #take(frame) {
    if (!this.camera.running) return;
    const before = this.ring.frames.at(-1);
    const speed = before ? wristSpeed(before, frame, this.camera.aspect) : 0;
    this.#speed += SMOOTHED * ((Number.isFinite(speed) ? speed : 0) - this.#speed);
    this.ring.push(frame);
    this.#draw(this.drawn ? frame : null);
    this.emit("frame", { frame });
    if (Math.abs(frame.timeS - this.#toldS) < TELL_EVERY_S) return;
    this.#toldS = frame.timeS;
    this.camera.pace = paceOf(this.camera.pace, this.rate, frame.timeS - this.ring.frames[0].timeS);
    this.emit("view", { timeS: frame.timeS });
  }

  /** @param {Frame | null} frame */
  #draw(frame) {
    const { videoWidth: width, videoHeight: height } = this.camera.video;
    drawOverlay(this.canvas, frame, { width, height, isMirrored: !this.canvas.closest(".looks-away") });
  }
}
