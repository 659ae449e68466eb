// While a question stands, a thumb up or down that is held presses yes or no; a ring fills meanwhile, and empties again
// where the thumb is put down.

import { byId, icon } from "./dom.js";
import { ThumbHold, thumbOf } from "./thumb.js";

/** @import { Frame } from "../engine/landmarks.js" */
/** @import { Settings } from "./settings.js" */

/** @type {["yes" | "no", string][]} */
const THUMBS = [["yes", "thumb-up"], ["no", "thumb-down"]];

export class ThumbReply {
  #hold = new ThumbHold();
  /** @type {Element | null} */
  #question = null;

  /** @param {Settings} settings */
  constructor(settings) {
    this.settings = settings;
  }

  /**
   * @param {Frame} frame of the person before the camera
   * @param {number} aspect of the picture
   */
  look(frame, aspect) {
    const question = this.settings.get("thumb") ? replyOf("no") : null; // every question can be answered by it
    if (question !== this.#question) this.#begin(question);
    if (!question) return;
    const { thumb, share, done } = this.#hold.look(thumbOf(frame, aspect), frame.timeS);
    for (const [name] of THUMBS) replyOf(name)?.style.setProperty("--held", String(thumb === name ? share : 0));
    if (done && thumb) replyOf(thumb)?.click();
  }

  /** @param {Element | null} question */
  #begin(question) {
    this.#question = question;
    this.#hold.begin();
    if (!question) return;
    for (const [name, picture] of THUMBS) {
      const hint = icon(picture);
      hint.classList.add("thumb");
      replyOf(name)?.append(hint);
    }
  }
}

/** @param {"yes" | "no"} name */
function replyOf(name) {
  const reply = byId("answer-actions").querySelector(`.reply.${name}`);
  return reply instanceof HTMLButtonElement ? reply : null;
}
