// While the patient looks at a question, a thumb up or down that is held presses yes or no; a ring fills meanwhile, and
// empties again where the thumb is put down.

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
  /** @type {Element | null} a question that something else came before */
  #passed = null;

  /** @param {{settings: Settings, asksElse: () => boolean}} parts `asksElse`: whether something else asks the patient now */
  constructor({ settings, asksElse }) {
    this.settings = settings;
    this.asksElse = asksElse;
  }

  /**
   * @param {Frame} frame of the person before the camera
   * @param {number} aspect of the picture
   */
  look(frame, aspect) {
    const question = this.#open();
    if (question !== this.#question) this.#begin(question);
    if (!question) return;
    const { thumb, share, done } = this.#hold.look(thumbOf(frame, aspect), frame.timeS);
    for (const [name] of THUMBS) replyOf(name)?.style.setProperty("--held", String(thumb === name ? share : 0));
    if (done && thumb) replyOf(thumb)?.click();
  }

  /** Staff shows something, or the patient points at something: a thumb is about that, and not about what is asked now. */
  turnAway() {
    this.#passed = replyOf("no");
  }

  /** The question that a thumb answers now: the one that the patient looks at, for every question has a "no". */
  #open() {
    const question = replyOf("no");
    const isBehind = question === this.#passed || this.asksElse() || document.querySelector("dialog[open]");
    return this.settings.get("thumb") && !isBehind ? question : null;
  }

  /** @param {Element | null} question */
  #begin(question) {
    this.#question = question;
    this.#hold.begin();
    for (const [name, picture] of THUMBS) {
      const reply = replyOf(name);
      reply?.querySelector(".thumb")?.remove();
      reply?.style.setProperty("--held", "0");
      if (!question) continue;
      const hint = icon(picture);
      hint.classList.add("thumb");
      reply?.append(hint);
    }
  }
}

/** @param {"yes" | "no"} name */
function replyOf(name) {
  const reply = byId("answer-actions").querySelector(`.reply.${name}`);
  return reply instanceof HTMLButtonElement ? reply : null;
}
