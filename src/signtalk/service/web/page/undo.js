// What was wiped can be brought back for some seconds; then it is gone from memory, too.

import { button, byId, icon, make } from "./dom.js";
import { text } from "./texts.js";

const PATIENCE_MS = 8000;

export class Undo {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * Offer to take the last thing back; one that was offered before is gone.
   *
   * @param {string} words what was done
   * @param {() => void} back
   */
  offer(words, back) {
    clearTimeout(this.#timer);
    const undo = button(icon("undo"), () => {
      this.close();
      back();
    });
    undo.append(make("span", {}, text("undo.undo")));
    byId("undo").replaceChildren(make("span", {}, words), undo);
    byId("undo").hidden = false;
    this.#timer = setTimeout(() => this.close(), PATIENCE_MS);
  }

  close() {
    clearTimeout(this.#timer);
    byId("undo").hidden = true;
    byId("undo").replaceChildren();
  }
}
