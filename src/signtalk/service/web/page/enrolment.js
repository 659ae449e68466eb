// The dialog that remembers a signing under a sentence, where the service allows it.

import { AnswererError } from "./answerer.js";
import { buttonById, byId, dialogById, inputById } from "./dom.js";
import { codeOf, messageOf } from "./errors.js";
import { addPlayer } from "./player.js";
import { text, textOf } from "./texts.js";

/** @import { Clip } from "../engine/landmarks.js" */
/** @import { Answerer } from "./answerer.js" */

export class Enrolment {
  /** @type {Clip | null} */
  #clip = null;
  #player = addPlayer(byId("enroll-player"), text("enroll.preview"));
  #key = ""; // kept until the page is closed, and nowhere else

  /**
   * @param {Answerer} answerer
   * @param {() => void} saved called when a sentence was added
   */
  constructor(answerer, saved) {
    this.answerer = answerer;
    this.saved = saved;
    this.dialog = dialogById("enroll-dialog");
    byId("enroll-form").onsubmit = (event) => {
      event.preventDefault();
      this.#save();
    };
    byId("enroll-cancel").onclick = () => this.dialog.close();
    this.dialog.onclose = () => this.#player.show(null);
  }

  /**
   * Whether whoever teaches must have a key.
   *
   * @param {boolean} needed
   */
  set needsKey(needed) {
    byId("enroll-key-row").hidden = !needed;
  }

  /**
   * Ask for the sentence of a clip.
   *
   * @param {string} words
   * @param {Clip} clip
   */
  open(words, clip) {
    this.#clip = clip;
    inputById("enroll-text").value = words;
    inputById("enroll-key").value = this.#key;
    byId("enroll-told").textContent = "";
    buttonById("enroll-save").disabled = false;
    byId("enroll-cancel").textContent = text("enroll.cancel");
    this.dialog.showModal();
    this.#player.show(clip);
    byId(words && !byId("enroll-key-row").hidden ? "enroll-key" : "enroll-text").focus();
  }

  async #save() {
    if (!this.#clip) return;
    const report = byId("enroll-told");
    const words = inputById("enroll-text").value.trim();
    const key = inputById("enroll-key").value.trim();
    buttonById("enroll-save").disabled = true;
    report.textContent = text("enroll.saving");
    try {
      const category = inputById("enroll-category").value.trim();
      const { sentence, warnings = [] } = await this.answerer.enroll(words, this.#clip, { category, key });
      this.#key = key;
      this.saved();
      report.textContent = [text("enroll.saved", { sentence }), ...warnings].join(" ");
      byId("enroll-cancel").textContent = text("enroll.close");
    } catch (error) {
      const status = error instanceof AnswererError ? error.status : 0;
      const code = status === 401 ? "key" : status === 403 ? "forbidden" : codeOf(error);
      report.textContent = `${textOf("error", code, "enroll.failed")} ${code === codeOf(error) ? messageOf(error) : ""}`;
      buttonById("enroll-save").disabled = false;
    }
  }
}
