// Getting to know a person: a few known sentences, chosen by whoever answers, each shown by its sign and signed by the
// person. So the page understands them before the talk begins.

import { LEAST_SENTENCES } from "../engine/tables.js";
import { buttonById, byId } from "./dom.js";
import { addPlayer } from "./player.js";
import { text } from "./texts.js";
import { STILL } from "./turn.js";

/** @import { Answerer, CandidateOffer, PageAnswer } from "./answerer.js" */
/** @import { Signs } from "./signs.js" */

const MOST_SIGNED = 5; // sentences after which others gain little
const MOST_ASKED = 10; // some are skipped
const ANSWERING_MS = 6000; // until sentences are there

export class Acquaintance {
  /** @type {CandidateOffer[]} */
  #left = [];
  /** @type {CandidateOffer | null} */
  #sentence = null;
  /** @type {number | null} */
  #segment = null; // of what was signed just now
  #signed = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} while sentences are waited for */
  #timer;
  #player = addPlayer(byId("acquaint-player"), text("acquaint.sign"));

  /** @param {{answerer: Answerer, signs: Signs}} parts */
  constructor({ answerer, signs }) {
    this.answerer = answerer;
    this.signs = signs;
    this.able = false;
    byId("acquaint-open").onclick = () => this.#open();
    byId("acquaint-yes").onclick = () => this.#yes();
    byId("acquaint-skip").onclick = () => this.#ask();
    byId("acquaint-close").onclick = () => this.close();
    answerer.on("next", ({ sentences }) => {
      if (this.#timer === undefined) return; // nobody waits for them any longer
      this.#rest();
      this.#left = sentences;
      this.#ask();
    });
    this.close();
  }

  /** Whether the person is asked for a sentence: then nothing that is signed is talk. */
  get isAsking() {
    return this.#sentence !== null;
  }

  /**
   * A stream begins that learns its person, or none does.
   *
   * @param {boolean} able
   */
  allow(able) {
    this.able = able;
    this.close();
  }

  close() {
    this.#rest();
    const hadFocus = byId("acquaint").contains(document.activeElement);
    byId("acquaint").hidden = true;
    byId("acquaint-open").hidden = !this.able;
    this.#sentence = null;
    this.#segment = null;
    this.#player.show(null);
    if (hadFocus && this.able) byId("acquaint-open").focus();
  }

  /**
   * Whether an answer is to what was asked here, and so none of the talk.
   *
   * @param {PageAnswer} answer
   * @param {number} segment
   */
  take({ reason }, segment) {
    if (!this.isAsking) return false;
    if (reason !== STILL) { // hands were put down
      this.#segment = segment;
      this.#tell("acquaint.seen");
      byId("acquaint-yes").focus();
    }
    return true;
  }

  /** A signing could not be answered at all. Whether it was one that was asked for here. */
  fail() {
    if (this.isAsking) this.#tell("acquaint.unseen");
    return this.isAsking;
  }

  #open() {
    byId("acquaint").hidden = false;
    byId("acquaint-open").hidden = true;
    this.#signed = 0;
    this.#left = [];
    this.#tell("acquaint.loading");
    byId("acquaint-title").focus();
    this.#timer = setTimeout(() => {
      this.#rest();
      this.#tell("acquaint.unreachable");
    }, ANSWERING_MS);
    this.answerer.askNext(MOST_ASKED);
  }

  #yes() {
    if (!this.#sentence || this.#segment === null) return;
    this.answerer.confirm(this.#segment, this.#sentence.sentence);
    this.#signed += 1;
    this.#ask();
  }

  /** Ask for the next sentence; what was signed for the one before is not meant. */
  #ask() {
    const sentence = this.#signed < MOST_SIGNED ? this.#left.shift() : undefined;
    this.#sentence = sentence ?? null;
    this.#segment = null;
    this.#player.show(null);
    byId("acquaint-player").hidden = true;
    this.#tell(sentence ? "acquaint.please" : this.#outcome());
    if (!sentence) {
      byId("acquaint-close").focus();
      return;
    }
    byId("acquaint-skip").focus(); // the button that was pressed may be gone
    this.signs.shown(sentence).then((sign) => {
      if (!sign || this.#sentence !== sentence) return;
      byId("acquaint-player").hidden = false;
      this.#player.show(sign.clip, sign.film);
    });
  }

  /** Sentences are not waited for any longer. */
  #rest() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #outcome() {
    if (!this.#signed) return "acquaint.none";
    return this.#signed < LEAST_SENTENCES ? "acquaint.few" : "acquaint.done";
  }

  /**
   * @param {"acquaint.loading" | "acquaint.please" | "acquaint.seen" | "acquaint.unseen" | "acquaint.done" | "acquaint.few"
   *   | "acquaint.none" | "acquaint.unreachable"} name
   */
  #tell(name) {
    byId("acquaint-told").textContent = text(name, { number: this.#signed + 1, most: MOST_SIGNED, least: LEAST_SENTENCES });
    byId("acquaint-words").textContent = this.#sentence?.sentence ?? "";
    byId("acquaint-yes").hidden = this.#segment === null;
    byId("acquaint-skip").hidden = this.#sentence === null;
    buttonById("acquaint-close").textContent = text(this.#sentence ? "acquaint.stop" : "acquaint.close");
  }
}
