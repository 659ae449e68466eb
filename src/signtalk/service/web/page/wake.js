// The screen stays on while somebody may sign to it; browsers take that back whenever the page is not in front.

export class Wake {
  /** @type {WakeLockSentinel | null} */
  #lock = null;
  #turn = 0; // counts what was wanted: the last time counts

  /** @param {boolean} awake */
  async keep(awake) {
    const turn = (this.#turn += 1), lock = this.#lock;
    this.#lock = null;
    await lock?.release();
    if (!awake || turn !== this.#turn || !("wakeLock" in navigator)) return;
    try {
      const taken = await navigator.wakeLock.request("screen");
      if (turn === this.#turn) this.#lock = taken;
      else await taken.release();
    } catch (error) {
      console.info(`the screen may go dark: ${error}`); // a low battery, or not allowed
    }
  }
}
