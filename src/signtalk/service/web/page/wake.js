// The screen stays on while somebody may sign to it; browsers take that back whenever the page is not in front.

export class Wake {
  /** @type {WakeLockSentinel | null} */
  #lock = null;

  /** @param {boolean} awake */
  async keep(awake) {
    const lock = this.#lock;
    this.#lock = null;
    await lock?.release();
    if (!awake || !("wakeLock" in navigator)) return;
    try {
      this.#lock = await navigator.wakeLock.request("screen");
    } catch (error) {
      console.info(`the screen may go dark: ${error}`); // a low battery, or not allowed
    }
  }
}
