// The answer in large type. Only what was accepted, and confirmed by the patient, stands there as said; what is offered
// looks like a question, and "not sure" tells why and what to do. turn.js says where each reply leads.

import { button, byId, icon, make } from "./dom.js";
import { addPlayer } from "./player.js";
import { asQuestion, SignCards } from "./sign_cards.js";
import { canSpeak } from "./speech.js";
import { reasonIcon } from "./status.js";
import { text, textOf } from "./texts.js";
import {
  afterAgain, afterChoice, afterNo, afterNone, afterYes, firstStep, isQuestion, MOST_WAITING, placeOf, STILL,
} from "./turn.js";
import { viewProblem } from "./view.js";

const UNTAUGHT = "empty_index";
const VAGUE = ["", STILL, "low_similarity", "ambiguous_top2", "prototype_disagreement", "text_disagreement"];

/** @import { Clip } from "../engine/landmarks.js" */
/** @import { PageAnswer } from "./answerer.js" */
/** @import { Conversation, Line } from "./conversation.js" */
/** @import { Settings } from "./settings.js" */
/** @import { Signs } from "./signs.js" */
/** @import { AskStep, ConfirmStep, Offer, Step } from "./turn.js" */
/** @import { Voice } from "./voice.js" */

/**
 * @typedef {object} AnswerParts
 * @property {Conversation} conversation where what was said goes
 * @property {Settings} settings of this browser
 * @property {Signs} signs of the sentences
 * @property {Voice} voice
 * @property {(words: string, clip: Clip) => void} teach called where a signing is to be remembered
 * @property {(sentences: string[]) => void} declined called where what was offered was not meant
 * @property {(step: Step) => void} changed called when another step stands there
 */

/**
 * @typedef {{answer: PageAnswer, clip: Clip, dark: boolean, asked?: Step}} Heard an answer with the frames it is about, and
 *   the question that stood there when it began to wait
 */
/** @typedef {{words: string, line: Line, heard: Heard | null}} Said a sentence, its line, and what it came of */

export class AnswerView {
  /** @type {Step} */
  #step = { kind: "empty" };
  /** @type {Heard | null} */
  #heard = null;
  /** @type {Heard[]} */
  #waiting = [];
  /** @type {Line | null} */
  #line = null;
  /** @type {Said | null} what was said before, which stands above the card */
  #before = null;
  /** @type {SignCards | null} */
  #cards = null;
  #knowsNothing = false;
  #player = addPlayer(byId("answer-sign"), text("answer.sign"));

  /** @param {AnswerParts} parts */
  constructor({ conversation, settings, signs, voice, teach, declined, changed }) {
    this.conversation = conversation;
    this.settings = settings;
    this.signs = signs;
    this.voice = voice;
    this.teach = teach;
    this.declined = declined;
    this.changed = changed;
    this.canTeach = false;
    this.#go({ kind: "empty" });
  }

  clear() {
    this.voice.stop();
    this.#heard = null;
    this.#waiting = [];
    this.#line = null;
    this.#showBefore(null);
    this.#go({ kind: "empty" });
  }

  /**
   * The signing that stands there was taught: it is no longer what was not understood.
   *
   * @param {string} sentence
   */
  learned(sentence) {
    if (this.#step.kind !== "unsure" && this.#step.kind !== "help") return;
    this.#heard = null;
    this.#go({ kind: "empty" });
    this.#show("empty", "check", text("answer.learned", { sentence }), { hint: text("answer.learned_hint") });
  }

  /** What stands there, to be brought back by `restore`. */
  get standing() {
    return { step: this.#step, heard: this.#heard, waiting: this.#waiting, line: this.#line, before: this.#before };
  }

  /**
   * Bring back what stood there, unless something else came meanwhile. Nothing is spoken or written down again.
   *
   * @param {AnswerView["standing"]} standing
   */
  restore({ step, heard, waiting, line, before }) {
    if (this.#step.kind !== "empty") return;
    this.#heard = heard;
    this.#waiting = waiting;
    this.#showBefore(before);
    this.#go("declined" in step && step.kind !== "ask" ? { ...step, declined: [] } : step, line);
  }

  /**
   * Whether no sentence is known yet, so that nothing can be answered before something is taught.
   *
   * @param {boolean} isSo
   */
  set knowsNothing(isSo) {
    if (this.#knowsNothing === isSo) return;
    this.#knowsNothing = isSo;
    if (this.#step.kind === "empty") this.clear();
  }

  /**
   * Take an answer: it is shown, or waits until the question that stands there is answered.
   *
   * @param {PageAnswer} answer
   * @param {Clip} clip its frames, to be remembered where wanted
   * @param {boolean} [dark] whether the picture is dark now
   */
  show(answer, clip, dark = false) {
    const place = placeOf(this.#step, answer);
    if (place === "ignore") return;
    if (place === "show") {
      const step = this.#first(answer);
      if (step.kind !== "unsure") this.voice.drop(); // else what was said before is still what matters
      this.#take({ answer, clip, dark }, step);
    } else {
      if (place === "wait" && this.#waiting.length < MOST_WAITING) this.#waiting.push({ answer, clip, dark });
      this.#tellWaiting(place === "mention");
    }
  }

  /**
   * A sentence could not be answered at all.
   *
   * @param {string} code
   */
  fail(code) {
    if (isQuestion(this.#step)) {
      this.#tellWaiting(true);
      return;
    }
    this.#showBefore(this.#saidNow);
    this.#heard = null;
    this.#go({ kind: "unsure", reason: "" });
    this.#show("unsure", "repeat", text("answer.unsure"), { hint: textOf("error", code, "error.unknown") });
  }

  /** @param {PageAnswer} answer */
  #first(answer) {
    return firstStep(answer, this.settings.get("confirm"));
  }

  /**
   * @param {Heard} heard
   * @param {Step} step
   */
  #take(heard, step) {
    this.#showBefore(this.#saidNow);
    this.#heard = heard;
    this.#line = null;
    this.#go(step);
    // On a phone it may lie below; somebody who types or points is left alone.
    if (!document.activeElement?.matches("input, #board *")) byId("answer-card").scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {Step} step
   * @param {Line | null} [line] of the conversation, where it stands there already
   */
  #go(step, line = null) {
    this.#step = step;
    this.#cards?.close();
    this.#cards = null;
    this.#player.show(null);
    byId("answer-sign").hidden = true;
    this.#tellWaiting(false);
    if (step.kind === "empty") this.#empty();
    else if (step.kind === "confirm") this.#confirm(step);
    else if (step.kind === "ask") this.#ask(step);
    else if (step.kind === "said") this.#said(step, line);
    else if (step.kind === "unsure") this.#unsure(step);
    else this.#notMeant(step);
    this.changed(step);
  }

  /**
   * Go on because somebody pressed a button, which is gone now: the keyboard goes on with the card. What waited behind
   * the question follows, unless the person is to sign again.
   *
   * @param {Step} step
   */
  #reply(step) {
    if (isQuestion(step)) this.voice.drop();
    this.#go(step);
    if (step.kind === "again") this.#waiting = [];
    if (step.kind === "said") this.#waiting = this.#waiting.filter(({ answer }) => answer.text !== step.words);
    const next = isQuestion(step) ? undefined : this.#waiting.shift();
    if (next) this.#take(next, next.asked ?? this.#first(next.answer));
    this.#tellWaiting(false);
    const choice = this.#step.kind === "ask" ? byId("answer-actions").querySelector("button") : null;
    (choice ?? byId("answer-card")).focus();
  }

  #empty() {
    const [label, hint] = !this.#knowsNothing ? ["answer.none", "answer.none_hint"]
      : ["answer.untaught", this.canTeach ? "answer.untaught_hint" : `reason.${UNTAUGHT}`];
    this.#show("empty", "hand", text(label), { hint: text(hint, { teach: text("answer.teach") }) });
  }

  /** @param {ConfirmStep} step */
  #confirm(step) {
    const marks = [step.translated ? "answer.confirm_translated" : "", step.proven ? "" : "answer.confirm_unproven"];
    this.#show("confirm", "question", text("answer.confirm"), {
      question: asQuestion(step.offer.sentence),
      hint: marks.filter(Boolean).map((name) => text(name)).join(" "),
      actions: [
        reply("yes", "check", text("answer.yes"), () => this.#reply(afterYes(step))),
        reply("no", "cross", text("answer.no"), () => this.#decline([step.offer], this.#notThis(step.offer.sentence))),
        reply("again", "repeat", text("answer.again"), () => this.#reply(afterAgain(step))),
      ],
    });
    this.signs.shown(step.offer).then((sign) => {
      if (!sign || this.#step !== step) return;
      byId("answer-sign").hidden = false;
      this.#player.show(sign.clip, sign.film);
    });
    this.signs.languageOf(step.offer).then((tag) => this.#markLanguage(step, ".question", tag));
  }

  /**
   * A reader of screens reads a sentence in its own language.
   *
   * @param {Step} step
   * @param {string} selector of the sentence, while the step stands there
   * @param {string} tag
   */
  #markLanguage(step, selector, tag) {
    const sentence = byId("answer").querySelector(selector);
    if (this.#step === step && sentence instanceof HTMLElement) sentence.lang = tag;
  }

  /**
   * @param {Step & {kind: "said"}} step
   * @param {Line | null} line
   */
  #said({ words, how, aloud }, line) {
    const language = this.signs.languageOf({ sentence: words, sentence_id: this.#idOf(words) });
    const speaker = button(text("answer.speak"), () => this.voice.say(words, language));
    const step = this.#step;
    if (!line && aloud && this.settings.get("speak")) this.voice.say(words, language); // a voice cannot mark what it says
    language.then((tag) => {
      speaker.hidden = !canSpeak(tag);
      this.#markLanguage(step, ".said", tag);
    });
    this.#line = line ?? this.conversation.add("patient", words, how);
    this.#show("said", "check", text(`answer.${how}`), {
      words,
      actions: [
        speaker,
        how === "chosen" ? this.#teachButton(words) : null,
        button(text("answer.wrong"), () => this.#wrong(words)),
      ],
    });
  }

  /** @param {Step & {kind: "unsure"}} step */
  #unsure({ reason }) {
    const candidates = this.#heard?.answer.candidates ?? [];
    const teach = reason === STILL ? null : this.#teachButton("");
    if (teach && reason === UNTAUGHT) {
      const hint = text("answer.teach_first", { teach: text("answer.teach") });
      this.#show("unsure", "hand", text("answer.untaught"), { hint, actions: [teach] });
      return;
    }
    const possible = candidates.length && reason !== STILL
      ? button(text("answer.possible"), () => this.#reply(afterNo("", candidates))) : null;
    const view = this.#heard && VAGUE.includes(reason) ? viewProblem(this.#heard.clip, this.#heard.dark) : "";
    const stands = reason === STILL && view === "fast" ? "" : view; // hands that rest were not too fast
    const why = stands || reason || "unknown"; // how the person stands says more than what the numbers miss
    const hint = [textOf("reason", why, "reason.unknown"), teach ? text("answer.unsure_teach", { teach: text("answer.teach") }) : ""].join(" ").trim();
    this.#show("unsure", "repeat", text("answer.unsure"), { hint, why, actions: [possible, teach] });
  }

  /** @param {AskStep} step */
  #ask(step) {
    this.#cards = new SignCards(step.offers, this.signs, (offer) => this.#reply(afterChoice(offer)));
    const several = step.offers.length > 1;
    this.#show("asking", "question", text(several ? "answer.choose" : "answer.choose_one"), {
      hint: text(step.proven ? "answer.choose_hint" : "answer.choose_hint_unproven"),
      actions: [
        this.#cards.element,
        reply("no", "cross", text(several ? "answer.no_choice" : "answer.no_choice_one"), () => this.#decline(step.offers, afterNone(step))),
        reply("again", "repeat", text("answer.again"), () => this.#decline(step.offers, afterAgain(step))),
        this.#cards.moves,
        this.#teachButton(""),
      ],
    });
  }

  /** @param {Step & {kind: "again" | "help"}} step */
  #notMeant({ kind, declined }) {
    if (declined.length) this.conversation.add("patient", declined.map(asQuestion).join(" "), "declined");
    if (kind === "again") {
      this.#heard = null;
      this.#show("empty", "repeat", text("answer.sign_again"), { hint: text("answer.sign_again_hint") });
      return;
    }
    this.#show("unsure", "repeat", text("answer.unsure"), {
      hint: text("reason.none_of_these"),
      why: "none_of_these",
      actions: [
        reply("again", "repeat", text("answer.again"), () => this.#reply(afterAgain(this.#step))),
        button(text("answer.point"), () => {
          byId("board", HTMLDetailsElement).open = true;
          byId("board-title").focus();
        }),
        button(text("answer.list"), () => byId("nurse-text").focus()),
        this.#teachButton(""),
      ],
    });
  }

  /**
   * Go on where nothing of what was offered was meant.
   *
   * @param {Offer[]} offers
   * @param {Step} next
   */
  #decline(offers, next) {
    this.declined(offers.map(({ sentence }) => sentence));
    this.#reply(next);
  }

  /** @param {string} words */
  #wrong(words) {
    this.voice.stop();
    this.conversation.remove(this.#line);
    this.#reply(this.#notThis(words));
  }

  /**
   * What was said before is taken back; the question that stands there waits until that is put right, and what stands
   * there as said can be taken back above it.
   *
   * @param {Said} before
   */
  #wrongBefore({ words, line, heard }) {
    const now = this.#saidNow;
    if (this.#heard && isQuestion(this.#step)) this.#waiting.unshift({ ...this.#heard, asked: this.#step });
    this.#heard = heard;
    this.#line = line;
    this.#showBefore(now);
    this.#wrong(words);
  }

  /** @param {string} words */
  #notThis(words) {
    return afterNo(words, this.#heard?.answer.candidates ?? []);
  }

  /** @param {string} words */
  #idOf(words) {
    return this.#heard?.answer.candidates.find(({ sentence }) => sentence === words)?.sentence_id ?? "";
  }

  /** @param {string} words */
  #teachButton(words) {
    const clip = this.#heard?.clip;
    if (!this.canTeach || !clip?.times.length) return null;
    return button(text(words ? "answer.remember" : "answer.teach"), () => this.teach(words, clip));
  }

  /**
   * Tell what waits behind a question.
   *
   * @param {boolean} missed whether a signing was not understood meanwhile, which does not wait
   */
  #tellWaiting(missed) {
    const count = this.#waiting.length;
    byId("answer-waiting").textContent = missed ? text("answer.missed") : count ? text("answer.waits", { count }) : "";
  }

  /** What stands there as said; null where that is something else. @returns {Said | null} */
  get #saidNow() {
    const { kind } = this.#step;
    return kind === "said" && this.#line ? { words: this.#line.words, line: this.#line, heard: this.#heard } : null;
  }

  /**
   * What was said just before stands above what came next, and can be taken back there.
   *
   * @param {Said | null} said
   */
  #showBefore(said) {
    this.#before = said;
    const before = byId("answer-before");
    before.hidden = !said;
    before.replaceChildren();
    if (!said) return;
    const wrong = button(text("answer.wrong"), () => this.#wrongBefore(said));
    wrong.ariaLabel = `${text("answer.wrong")}: ${said.words}`;
    before.append(icon("check"), make("span", { dir: "auto" }, said.words), wrong);
  }

  /**
   * @param {"empty" | "said" | "asking" | "unsure" | "confirm"} kind
   * @param {string} picture
   * @param {string} label
   * @param {{words?: string, question?: string, hint?: string, why?: string,
   *   actions?: (HTMLElement | null)[]}} parts `why` has a picture of its own beside the hint
   */
  #show(kind, picture, label, { words, question, hint, why, actions = [] }) {
    byId("answer-card").className = `card answer ${kind}`;
    const parts = [make("p", { className: "label" }, icon(picture), make("span", {}, label))];
    if (words) parts.push(make("p", { className: "said", dir: "auto" }, words));
    if (question) parts.push(make("p", { className: "question", dir: "auto" }, question));
    if (hint) parts.push(make("p", { className: "hint" }, ...(why ? [reasonIcon(why)] : []), make("span", {}, hint)));
    byId("answer").replaceChildren(...parts);
    byId("answer-actions").replaceChildren(...actions.filter((action) => action !== null));
  }
}

/**
 * A large button with a picture, for who does not read its word.
 *
 * @param {"yes" | "no" | "again"} name
 * @param {string} picture
 * @param {string} label
 * @param {() => void} onclick
 */
function reply(name, picture, label, onclick) {
  const large = button(icon(picture), onclick, `reply ${name}`);
  large.append(make("span", {}, label));
  return large;
}
