// The newest picture of the camera, ready when the one before was looked at: older ones are dropped, so that landmarks
// are never those of long ago.

/** @typedef {VideoFrame | ImageBitmap} Pixels what a worker takes over; whoever has it last closes it */
/** @typedef {{pixels: Pixels, timeS: number}} Picture with the time at which the camera took it */

export class NewestPicture {
  /** @type {Picture | null} */
  #held = null;
  #copying = false;
  #turn = 0;

  /**
   * Hold what the video shows now, instead of the picture before.
   *
   * @param {HTMLVideoElement} video
   * @param {number} timeS when the camera took it
   */
  async hold(video, timeS) {
    const frame = frameOf(video);
    if (frame) {
      this.#replace({ pixels: frame, timeS });
      return;
    }
    if (this.#copying) return;
    const turn = this.#turn;
    this.#copying = true;
    try {
      const pixels = await createImageBitmap(video);
      if (turn === this.#turn) this.#replace({ pixels, timeS });
      else pixels.close();
    } finally {
      this.#copying = false;
    }
  }

  /** The picture that is held, to be closed by whoever takes it; null where none came since the last one. */
  take() {
    const picture = this.#held;
    this.#held = null;
    return picture;
  }

  /** Drop what is held, and what is being copied. */
  clear() {
    this.#turn += 1;
    this.#replace(null);
  }

  /** @param {Picture | null} picture */
  #replace(picture) {
    this.#held?.pixels.close();
    this.#held = picture;
  }
}

let canWrap = "VideoFrame" in globalThis;

/**
 * What a video shows, without a copy; null where this browser cannot do that.
 *
 * @param {HTMLVideoElement} video
 */
function frameOf(video) {
  if (!canWrap) return null;
  try {
    return new VideoFrame(video);
  } catch (error) {
    console.info(`pictures are copied: ${error}`);
    copyPictures();
    return null;
  }
}

/** Copy pictures from now on: what finds landmarks cannot read others. */
export function copyPictures() {
  canWrap = false;
}
