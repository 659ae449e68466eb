// Answers that the patient confirmed or corrected, kept to train models: where the person agreed, and nothing before that.
// What is agreed to is of the person who stands there: another person, or the page loaded again, begins without.

import { AnswererError } from "./answerer.js";
import { buttonById, byId, dialogById, inputById } from "./dom.js";
import { failureOf } from "./key.js";
import { text } from "./texts.js";
import { originOf } from "./turn.js";

/** @import { Heard } from "./answer.js" */
/** @import { Answerer } from "./answerer.js" */
/** @import { Conversation, Line } from "./conversation.js" */
/** @import { ServiceKey } from "./key.js" */
/** @import { Signs } from "./signs.js" */

/** @typedef {{signer: string, count: number}} Agreed who agreed, and how many signings are kept by now */

/**
 * @typedef {object} RememberParts
 * @property {Answerer} answerer
 * @property {ServiceKey} key
 * @property {Signs} signs tell the language of a sentence
 * @property {Conversation} conversation tells what was said, and taken back
 * @property {() => Heard | null} heard the answer that stands there
 */

export class Remember {
  /** @type {Agreed | null} */
  #agreed = null;
  /** @type {WeakMap<Line, Promise<string>>} */
  #kept = new WeakMap(); // lines whose signing is kept, by its id; "" = it could not be
  /** @type {Heard | null} */
  #wrong = null; // the answer of which something was taken back: what is chosen then is a correction
  #last = Promise.resolve(""); // one after the other, as they were said

  /** @param {RememberParts} parts */
  constructor({ answerer, key, signs, conversation, heard }) {
    this.answerer = answerer;
    this.key = key;
    this.signs = signs;
    this.heard = heard;
    this.canKeep = false;
    this.dialog = dialogById("remember-dialog");
    conversation.on("added", (line) => this.#said(line)).on("removed", (line) => this.#takenBack(line));
    const box = inputById("setting-remember");
    box.onchange = () => {
      if (box.checked) this.#ask();
      else this.#set(null);
    };
    byId("remember-form").onsubmit = (event) => {
      event.preventDefault();
      this.#agree();
    };
    byId("remember-refuse").onclick = () => this.dialog.close();
    this.dialog.onclose = () => this.#show();
    byId("remember-stop").onclick = () => {
      this.#set(null);
      byId("answer-card").focus(); // the button itself is gone
    };
    this.#show();
  }

  /**
   * Whether clips are kept here where the person agrees.
   *
   * @param {boolean} isSo
   */
  set allowed(isSo) {
    this.canKeep = isSo;
    if (!isSo) this.#agreed = null;
    this.#show();
  }

  /** Another person stands there, who agreed to nothing; gives back what the one before agreed to. */
  newPerson() {
    const agreed = this.#agreed;
    this.#set(null);
    return agreed;
  }

  /**
   * It is the same person after all.
   *
   * @param {Agreed | null} agreed
   */
  restore(agreed) {
    this.#set(agreed);
  }

  #ask() {
    inputById("remember-signer").value = "";
    inputById("remember-key").value = this.key.value;
    byId("remember-key-row").hidden = !this.key.needed;
    inputById("remember-key").required = this.key.needed;
    this.#show(); // the box says what was agreed to, not what was pressed
    this.dialog.showModal();
    byId("remember-title").focus();
  }

  #agree() {
    if (this.key.needed) this.key.value = inputById("remember-key").value.trim();
    this.#set({ signer: inputById("remember-signer").value.trim(), count: 0 });
    this.dialog.close();
  }

  /** @param {Agreed | null} agreed */
  #set(agreed) {
    this.#agreed = agreed;
    byId("remember-told").textContent = "";
    this.#show();
  }

  #show() {
    const isOn = this.#agreed !== null;
    inputById("setting-remember").checked = isOn;
    inputById("setting-remember").disabled = !this.canKeep;
    byId("remember-unable").hidden = this.canKeep;
    byId("remember").hidden = !isOn;
    buttonById("remember-stop").disabled = !isOn;
    byId("remember-shown").textContent = text("remember.shown", { count: this.#agreed?.count ?? 0 });
  }

  /** @param {Line} line */
  #said(line) {
    const heard = this.heard(), agreed = this.#agreed, { words, how } = line;
    if (!agreed || !heard?.clip.times.length || (how !== "confirmed" && how !== "chosen")) return;
    const { sentence_id } = heard.answer.candidates.find(({ sentence }) => sentence === words) ?? { sentence_id: "" };
    const origin = heard === this.#wrong ? "corrected" : originOf(heard.answer, words);
    this.#kept.set(line, this.#next(async () => {
      const id = await this.answerer.remember(words, heard.clip, {
        origin, signer: agreed.signer, key: this.key.value,
        language: await this.signs.languageOf({ sentence: words, sentence_id }),
      });
      this.#count(agreed, 1);
      return id;
    }));
  }

  /** @param {Line} line */
  #takenBack(line) {
    const kept = this.#kept.get(line), agreed = this.#agreed;
    this.#wrong = this.heard();
    if (!kept) return;
    this.#kept.delete(line);
    this.#next(async () => {
      const id = await kept;
      if (id) await this.answerer.unremember(id, this.key.value);
      if (id && agreed) this.#count(agreed, -1);
      return "";
    });
  }

  /**
   * Do one thing after the other, and tell where it failed.
   *
   * @param {() => Promise<string>} work
   */
  #next(work) {
    this.#last = this.#last.then(work).catch((error) => {
      if (error instanceof AnswererError && error.status === 401) this.key.value = "";
      byId("remember-told").textContent = failureOf(error, "remember.failed");
      return "";
    });
    return this.#last;
  }

  /**
   * @param {Agreed} agreed
   * @param {number} more
   */
  #count(agreed, more) {
    agreed.count += more;
    byId("remember-told").textContent = "";
    this.#show();
  }
}
