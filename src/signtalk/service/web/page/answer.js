// The answer in large type. Only what the recogniser accepted stands there as said; what it offers looks like a
// question, and "not sure" tells why and what to do.

import { button, byId, icon, make } from "./dom.js";
import { canSpeak, speak } from "./speech.js";
import { text, textOf } from "./texts.js";

const STILL = "low_motion"; // nobody signed: there is nothing to choose from

export class AnswerView {
  #segment = null;
  #line = null;

  /**
   * @param conversation where what was said goes; @param settings of this browser.
   * @param teach called with (text, clip) where a signing is to be remembered.
   */
  constructor({ conversation, settings, teach }) {
    Object.assign(this, { conversation, settings, teach });
    this.canTeach = false;
    this.clear();
  }

  clear() {
    this.#segment = null;
    this.#line = null;
    this.#show("empty", "hand", text("answer.none"), "", text("answer.none_hint"));
  }

  /** Show an answer of the protocol; clip is its part of the frames, to be remembered where wanted. */
  show(answer, clip) {
    const standing = byId("answer-card").matches(".said, .asking");
    if (standing && answer.reason === STILL) return; // hands that were put down do not take an answer away
    this.#segment = { answer, clip };
    this.#line = null;
    if (answer.outcome === "answer" && answer.text) this.#said(answer);
    else if (answer.outcome === "choices" && answer.choices.length) this.#ask(answer.choices);
    else this.#unsure(answer);
    // On a phone it may lie below; somebody who types is left alone.
    if (!document.activeElement.matches("input")) byId("answer-card").scrollIntoView({ block: "nearest" });
  }

  /** A sentence could not be answered at all. */
  fail(code) {
    this.#segment = null;
    this.#show("unsure", "repeat", text("answer.unsure"), "", textOf("error", code, "error.unknown"));
  }

  #said({ text: words, text_source: source }) {
    this.#speakIfWanted(words);
    const how = source === "translation" ? "translated" : "signed";
    this.#line = this.conversation.add("patient", words, how);
    this.#show("said", "check", text(`answer.${how}`), words, "", [
      this.#speakButton(words),
      button(text("answer.wrong"), () => this.#wrong()),
    ]);
  }

  #unsure({ reason, candidates }) {
    const actions = [];
    if (candidates?.length && reason !== STILL) {
      actions.push(button(text("answer.possible"), () => this.#askNow(candidates)));
    }
    if (reason !== STILL) actions.push(this.#teachButton(""));
    this.#show("unsure", "repeat", text("answer.unsure"), "", textOf("reason", reason, "reason.unknown"), actions);
  }

  #ask(candidates) {
    const choices = candidates.map(({ sentence }) => (
      button(text("answer.question", { sentence: sentence.replace(/[\s.?!]+$/, "") }), () => this.#choose(sentence), "choice")
    ));
    this.#show("asking", "question", text("answer.choose"), "", text("answer.choose_hint"), [
      ...choices,
      button(text("answer.no_choice"), () => this.#none()),
      this.#teachButton(""),
    ]);
  }

  /** Ask because somebody pressed a button, which is gone now: the keyboard goes on with the first choice. */
  #askNow(candidates) {
    this.#ask(candidates);
    byId("answer-actions").querySelector("button").focus();
  }

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
    const words = this.#line.words;
    const others = this.#segment.answer.candidates.filter(({ sentence }) => sentence !== words);
    if (others.length) this.#askNow(others);
    else this.#none();
  }

  #speakIfWanted(words) {
    if (this.settings.get("speak")) speak(words);
  }

  #speakButton(words) {
    return canSpeak() ? button(text("answer.speak"), () => speak(words)) : null;
  }

  #teachButton(words) {
    const clip = this.#segment?.clip;
    if (!this.canTeach || !clip?.frames.length) return null;
    return button(text(words ? "answer.remember" : "answer.teach"), () => this.teach(words, clip));
  }

  #show(kind, picture, label, words, hint, actions = []) {
    byId("answer-card").className = `card answer ${kind}`;
    const parts = [make("p", { className: "label" }, icon(picture), make("span", {}, label))];
    if (words) parts.push(make("p", { className: "said" }, words));
    if (hint) parts.push(make("p", { className: "hint" }, hint));
    byId("answer").replaceChildren(...parts);
    byId("answer-actions").replaceChildren(...actions.filter(Boolean));
  }
}
