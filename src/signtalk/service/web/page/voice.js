// What the page says aloud, one thing at a time. The language of a sentence may have to be asked for first: what was taken
// back meanwhile, or is no longer what matters, is not spoken afterwards.

import { speak, stopSpeaking } from "./speech.js";

export class Voice {
  #turn = 0; // counts what was to be said, and what was not any longer

  /**
   * Speak instead of what is spoken, or waits to be.
   *
   * @param {string} words
   * @param {string | Promise<string>} language its tag; "" = the page's
   */
  async say(words, language) {
    const turn = (this.#turn += 1), tag = await language;
    if (turn === this.#turn) speak(words, tag);
  }

  /** What waits is not spoken; what is spoken goes on. */
  drop() {
    this.#turn += 1;
  }

  /** Nothing is spoken any longer. */
  stop() {
    this.drop();
    stopSpeaking();
  }
}
