// The dialog that remembers a signing under a sentence, where the service allows it.

import { byId } from "./dom.js";
import { addPlayer } from "./player.js";
import { text, textOf } from "./texts.js";

export class Enrolment {
  #clip = null;
  #player = addPlayer(byId("enroll-player"), text("enroll.preview"));
  #key = ""; // kept until the page is closed, and nowhere else

  /** @param saved called when a sentence was added. */
  constructor(answerer, saved) {
    Object.assign(this, { answerer, saved });
    this.dialog = byId("enroll-dialog");
    byId("enroll-form").onsubmit = (event) => {
      event.preventDefault();
      this.#save();
    };
    byId("enroll-cancel").onclick = () => this.dialog.close();
    this.dialog.onclose = () => this.#player.show(null);
  }

  /** Whether whoever teaches must have a key. */
  set needsKey(needed) {
    byId("enroll-key-row").hidden = !needed;
  }

  /** Ask for the sentence of a clip. */
  open(words, clip) {
    this.#clip = clip;
    byId("enroll-text").value = words;
    byId("enroll-key").value = this.#key;
    byId("enroll-told").textContent = "";
    byId("enroll-save").disabled = false;
    byId("enroll-cancel").textContent = text("enroll.cancel");
    this.dialog.showModal();
    this.#player.show(clip);
    byId(words && !byId("enroll-key-row").hidden ? "enroll-key" : "enroll-text").focus();
  }

  async #save() {
    const told = byId("enroll-told");
    const words = byId("enroll-text").value.trim();
    const key = byId("enroll-key").value.trim();
    byId("enroll-save").disabled = true;
    told.textContent = text("enroll.saving");
    try {
      const found = await this.answerer.enroll(words, this.#clip, { category: byId("enroll-category").value.trim(), key });
      this.#key = key;
      this.saved();
      told.textContent = [text("enroll.saved", { sentence: found.sentence }), ...(found.warnings ?? [])].join(" ");
      byId("enroll-cancel").textContent = text("enroll.close");
    } catch (error) {
      const code = error.status === 401 ? "key" : error.status === 403 ? "forbidden" : error.code;
      told.textContent = `${textOf("error", code, "enroll.failed")} ${code === error.code ? error.message : ""}`;
      byId("enroll-save").disabled = false;
    }
  }
}
