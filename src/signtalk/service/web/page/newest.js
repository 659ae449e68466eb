// The newest picture of the camera, ready when the one before was looked at: older ones are dropped, so that landmarks
// are never those of long ago.

/** @typedef {{pixels: ImageBitmap, timeS: number}} Picture with the time at which the camera took it; who takes it closes it */

export class NewestPicture {
  /** @type {Picture | null} */
  #held = null;
  #copying = false;
  #turn = 0;

  /**
   * Hold what the video shows now, instead of the picture before. A VideoFrame would need no copy here, and the worker
   * that reads it more time than the copy takes.
   *
   * @param {HTMLVideoElement} video
   * @param {number} timeS when the camera took it
   */
  async hold(video, timeS) {
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

  /** The picture that is held; null where none came since the last one. */
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
