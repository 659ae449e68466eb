// Tries the graphics card beside the processor, on the same pictures, until delegate.js can say which is to be used.

import { hasPart } from "../engine/landmarks.js";
import { isCard, judge, NUM_COMPARED } from "./delegate.js";
import { Landmarker } from "./landmarker.js";

/** @import { GpuReason, Look } from "./delegate.js" */

const WARMING_UP = 2; // pictures, in which the card's programs are built

export class GpuTrial {
  /** @type {GpuReason | null} null = not known yet */
  reason = null;
  /** @type {Landmarker | null} */
  #landmarker = null;
  /** @type {{cpu: Look, gpu: Look}[]} */
  #pairs = [];
  #looked = 0;
  #isClosed = false;

  /** Load the models for the card, where there is one. */
  async open() {
    if (!isCard(rendererName())) {
      this.reason = "none";
      return;
    }
    try {
      const landmarker = await Landmarker.open("GPU");
      if (this.#isClosed) landmarker.close();
      else this.#landmarker = landmarker;
    } catch (error) {
      this.fail(error);
    }
  }

  /** Whether models are loaded, or the card's programs built: the processor's own work can stand still meanwhile. */
  get building() {
    return this.reason === null && (this.#landmarker === null || (this.#landmarker.busy && this.#looked < WARMING_UP));
  }

  /** Whether it waits for a picture. */
  get wants() {
    return this.reason === null && this.#landmarker !== null && !this.#landmarker.busy;
  }

  /**
   * Look at a picture that the processor looked at.
   *
   * @param {Look} cpu
   * @param {ImageBitmap} pixels are closed
   * @param {number} aspect
   */
  async compare(cpu, pixels, aspect) {
    const landmarker = this.#landmarker;
    if (!landmarker || !this.wants || !hasPart(cpu.frame, "pose")) {
      pixels.close();
      return;
    }
    try {
      const frame = await landmarker.detect({ pixels, timeS: cpu.frame.timeS });
      this.#looked += 1;
      if (this.#looked > WARMING_UP) this.#pairs.push({ cpu, gpu: { frame, tookMs: landmarker.tookMs } });
      if (this.#pairs.length === NUM_COMPARED) this.reason = judge(this.#pairs, aspect);
      if (this.reason && this.reason !== "used") landmarker.close();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The landmarker that is to be used instead of the processor's; once. */
  take() {
    const landmarker = this.reason === "used" ? this.#landmarker : null;
    if (landmarker) this.#landmarker = null;
    return landmarker;
  }

  /** It is of no use after all. @param {unknown} error */
  fail(error) {
    this.reason = "failed";
    this.close();
    console.info(`the graphics card finds no landmarks: ${error}`);
  }

  close() {
    this.#isClosed = true;
    this.#landmarker?.close();
    this.#landmarker = null;
  }
}

/** What draws in this browser, as WebGL names it; "" where there is no WebGL. */
function rendererName() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return "";
  const more = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(more ? more.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return name;
}
