// The answer in large type. Only what the recogniser accepted stands there as said; what it offers looks like a
// question, and "not sure" tells why and what to do.

import { button, byId, icon, make } from "./dom.js";
import { canSpeak, speak } from "./speech.js";
import { text, textOf } from "./texts.js";

const STILL = "low_motion"; // nobody signed: there is nothing to choose from
const UNTAUGHT = "empty_index";

/** @import { Clip } from "../engine/landmarks.js" */
/** @import { CandidateSentence, PageAnswer } from "./answerer.js" */
/** @import { Conversation, Line } from "./conversation.js" */
/** @import { Settings } from "./settings.js" */

/**
 * @typedef {object} AnswerParts
 * @property {Conversation} conversation where what was said goes
 * @property {Settings} settings of this browser
 * @property {(words: string, clip: Clip) => void} teach called where a signing is to be remembered
 */

/**
 * Whether validation proved what an answer promises; one of an older service, which does not tell, is not.
 *
 * @param {PageAnswer} answer
 */
function isProven({ promise }) {
  return promise?.proven ?? false;
}

export class AnswerView {
  /** @type {{answer: PageAnswer, clip: Clip} | null} */
  #segment = null;
  /** @type {Line | null} */
  #line = null;
  #knowsNothing = false;

  /** @param {AnswerParts} parts */
  constructor({ conversation, settings, teach }) {
    this.conversation = conversation;
    this.settings = settings;
    this.teach = teach;
    this.canTeach = false;
    this.clear();
  }

  clear() {
    this.#segment = null;
    this.#line = null;
    const [label, hint] = !this.#knowsNothing ? ["answer.none", "answer.none_hint"]
      : ["answer.untaught", this.canTeach ? "answer.untaught_hint" : `reason.${UNTAUGHT}`];
    this.#show("empty", "hand", text(label), "", text(hint, { teach: text("answer.teach") }));
  }

  /**
   * Whether no sentence is known yet, so that nothing can be answered before something is taught.
   *
   * @param {boolean} isSo
   */
  set knowsNothing(isSo) {
    if (this.#knowsNothing === isSo) return;
    this.#knowsNothing = isSo;
    if (byId("answer-card").matches(".empty")) this.clear();
  }

  /**
   * Show an answer.
   *
   * @param {PageAnswer} answer
   * @param {Clip} clip its frames, to be remembered where wanted
   */
  show(answer, clip) {
    const standing = byId("answer-card").matches(".said, .asking");
    if (standing && answer.reason === STILL) return; // hands that were put down do not take an answer away
    this.#segment = { answer, clip };
    this.#line = null;
    if (answer.outcome === "answer" && answer.text) this.#said(answer.text, answer);
    else if (answer.outcome === "choices" && answer.choices.length) this.#ask(answer.choices, isProven(answer));
    else this.#unsure(answer);
    // On a phone it may lie below; somebody who types is left alone.
    if (!document.activeElement?.matches("input")) byId("answer-card").scrollIntoView({ block: "nearest" });
  }

  /**
   * A sentence could not be answered at all.
   *
   * @param {string} code
   */
  fail(code) {
    this.#segment = null;
    this.#show("unsure", "repeat", text("answer.unsure"), "", textOf("error", code, "error.unknown"));
  }

  /**
   * @param {string} words
   * @param {PageAnswer} answer
   */
  #said(words, answer) {
    if (isProven(answer)) this.#speakIfWanted(words); // a voice cannot mark what it says
    const kind = answer.text_source === "translation" ? "translated" : "signed";
    const how = isProven(answer) ? kind : /** @type {const} */ (`${kind}_unproven`);
    this.#line = this.conversation.add("patient", words, how);
    this.#show("said", "check", text(`answer.${how}`), words, "", [
      this.#speakButton(words),
      button(text("answer.wrong"), () => this.#wrong()),
    ]);
  }

  /** @param {PageAnswer} answer */
  #unsure({ reason, candidates }) {
    const actions = [];
    if (candidates?.length && reason !== STILL) {
      actions.push(button(text("answer.possible"), () => this.#askNow(candidates)));
    }
    const teach = reason === STILL ? null : this.#teachButton("");
    if (teach && reason === UNTAUGHT) {
      const hint = text("answer.teach_first", { teach: text("answer.teach") });
      this.#show("unsure", "hand", text("answer.untaught"), "", hint, [teach]);
      return;
    }
    actions.push(teach);
    this.#show("unsure", "repeat", text("answer.unsure"), "", textOf("reason", reason, "reason.unknown"), actions);
  }

  /**
   * @param {CandidateSentence[]} candidates
   * @param {boolean} proven
   */
  #ask(candidates, proven) {
    const choices = candidates.map(({ sentence }) => (
      button(text("answer.question", { sentence: sentence.replace(/[\s.?!]+$/, "") }), () => this.#choose(sentence), "choice")
    ));
    const hint = text(proven ? "answer.choose_hint" : "answer.choose_hint_unproven");
    this.#show("asking", "question", text("answer.choose"), "", hint, [
      ...choices,
      button(text("answer.no_choice"), () => this.#none()),
      this.#teachButton(""),
    ]);
  }

  /**
   * Ask because somebody pressed a button, which is gone now: the keyboard goes on with the first choice. Nothing has
   * proven what nobody offered.
   *
   * @param {CandidateSentence[]} candidates
   */
  #askNow(candidates) {
    this.#ask(candidates, false);
    byId("answer-actions").querySelector("button")?.focus();
  }

  /** @param {string} sentence */
  #choose(sentence) {
    this.#speakIfWanted(sentence);
    this.#line = this.conversation.add("patient", sentence, "chosen");
    this.#show("said", "check", text("answer.chosen"), sentence, "", [
      this.#speakButton(sentence),
      this.#teachButton(sentence),
      button(text("answer.wrong"), () => this.#wrong()),
    ]);
    byId("answer-card").focus();
  }

  #none() {
    this.#show("unsure", "repeat", text("answer.unsure"), "", text("reason.none_of_these"), [this.#teachButton("")]);
    byId("answer-card").focus();
  }

  #wrong() {
    this.conversation.remove(this.#line);
    const words = this.#line?.words;
    const others = this.#segment?.answer.candidates.filter(({ sentence }) => sentence !== words) ?? [];
    if (others.length) this.#askNow(others);
    else this.#none();
  }

  /** @param {string} words */
  #speakIfWanted(words) {
    if (this.settings.get("speak")) speak(words);
  }

  /** @param {string} words */
  #speakButton(words) {
    return canSpeak() ? button(text("answer.speak"), () => speak(words)) : null;
  }

  /** @param {string} words */
  #teachButton(words) {
    const clip = this.#segment?.clip;
    if (!this.canTeach || !clip?.times.length) return null;
    return button(text(words ? "answer.remember" : "answer.teach"), () => this.teach(words, clip));
  }

  /**
   * @param {"empty" | "said" | "asking" | "unsure"} kind
   * @param {string} picture
   * @param {string} label
   * @param {string} words
   * @param {string} hint
   * @param {(HTMLElement | null)[]} [actions]
   */
  #show(kind, picture, label, words, hint, actions = []) {
    byId("answer-card").className = `card answer ${kind}`;
    const parts = [make("p", { className: "label" }, icon(picture), make("span", {}, label))];
    if (words) parts.push(make("p", { className: "said" }, words));
    if (hint) parts.push(make("p", { className: "hint" }, hint));
    byId("answer").replaceChildren(...parts);
    byId("answer-actions").replaceChildren(...actions.filter((action) => action !== null));
  }
}
