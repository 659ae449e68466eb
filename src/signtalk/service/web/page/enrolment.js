// The dialog that remembers a signing under a sentence, where the service allows it.

import { buttonById, byId, dialogById, inputById } from "./dom.js";
import { failureOf, needsKey } from "./key.js";
import { addPlayer } from "./player.js";
import { language, text } from "./texts.js";
import { viewProblem } from "./view.js";

/** @import { Clip } from "../engine/landmarks.js" */
/** @import { Consent } from "../engine/takes.js" */
/** @import { Answerer, EnrolledSentence } from "./answerer.js" */
/** @import { ServiceKey } from "./key.js" */

export class Enrolment {
  /** @type {Clip | null} */
  #clip = null;
  #player = addPlayer(byId("enroll-player"), text("enroll.preview"));

  /**
   * @param {Answerer} answerer
   * @param {ServiceKey} key
   * @param {(sentence: string) => void} saved called when a sentence was added
   */
  constructor(answerer, key, saved) {
    this.answerer = answerer;
    this.key = key;
    this.saved = saved;
    this.canKeep = false; // whether clips are kept here where the person agrees
    this.newPerson();
    this.dialog = dialogById("enroll-dialog");
    byId("enroll-form").onsubmit = (event) => {
      event.preventDefault();
      this.#save();
    };
    byId("enroll-cancel").onclick = () => this.dialog.close();
    this.dialog.onclose = () => this.#player.show(null);
  }

  /** Another person stands there, who has agreed to nothing yet. */
  newPerson() {
    inputById("enroll-signer").value = "";
    for (const choice of this.#choices()) choice.checked = !choice.value;
  }

  #choices() {
    return [...byId("enroll-consent").querySelectorAll("input")];
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
    inputById("enroll-key").value = this.key.value;
    byId("enroll-key-row").hidden = !this.key.needed;
    byId("enroll-consent").hidden = !this.canKeep;
    inputById("enroll-language").value ||= language();
    byId("enroll-told").textContent = "";
    buttonById("enroll-save").disabled = false;
    byId("enroll-cancel").textContent = text("enroll.cancel");
    this.dialog.showModal();
    this.#player.show(clip);
    byId(words && !byId("enroll-key-row").hidden ? "enroll-key" : "enroll-text").focus();
  }

  async #save() {
    const clip = this.#clip; // the dialog may show another one by the time of the answer
    if (!clip) return;
    const report = byId("enroll-told");
    const words = inputById("enroll-text").value.trim();
    const key = inputById("enroll-key").value.trim();
    buttonById("enroll-save").disabled = true;
    report.textContent = text("enroll.saving");
    try {
      const enrolled = await this.answerer.enroll(words, clip, { ...this.#told(), key });
      this.key.value = key;
      this.saved(enrolled.sentence);
      report.textContent = [text("enroll.saved", { sentence: enrolled.sentence }), ...doubts(enrolled, clip)].join(" ");
      byId("enroll-cancel").textContent = text("enroll.close");
    } catch (error) {
      report.textContent = failureOf(error, "enroll.failed", key);
      buttonById("enroll-save").disabled = false;
      if (needsKey(error)) inputById("enroll-key").focus();
    }
    report.scrollIntoView({ block: "nearest" }); // a small screen shows the beginning of the dialog alone
  }

  /** What is told of the signing. */
  #told() {
    const [category, signer, told] = ["category", "signer", "language"].map((name) => (
      inputById(`enroll-${name}`).value.trim()
    ));
    const consent = this.canKeep ? this.#choices().find((choice) => choice.checked)?.value : "";
    return { category, signer, language: told, consent: /** @type {Consent} */ (consent ?? "") };
  }
}

/**
 * What whoever teaches can do better. The warnings themselves are a programmer's words: they go to the console.
 *
 * @param {EnrolledSentence} enrolled
 * @param {Clip} clip
 */
function doubts({ sentence, confused_with: others = [], warnings = [] }, clip) {
  for (const warning of warnings) console.info(`"${sentence}": ${warning}`);
  const alike = others.map((other) => text("enroll.alike", { other, taught: text("tabs.own") }));
  const problem = viewProblem(clip, false); // whether it is dark was told while the person signed
  return problem ? [...alike, text(`teach_again.${problem}`)] : alike;
}
