// What the patient confirmed makes the next answers theirs: whoever answers is told, and a mark shows how well the person
// is known. Nothing of it is kept: another person, or a stream that ends, begins without.

import { byId, icon, make } from "./dom.js";
import { text } from "./texts.js";

/** @import { Heard } from "./answer.js" */
/** @import { Answerer, PageAnswer } from "./answerer.js" */
/** @import { Conversation, Line } from "./conversation.js" */

/**
 * @typedef {object} KnowingParts
 * @property {Answerer} answerer
 * @property {Conversation} conversation tells what was said, and taken back
 * @property {() => Heard | null} heard the answer that stands there
 * @property {(able: boolean) => void} changed called when a stream begins that learns its person, or none does
 */

export class Knowing {
  /** @type {WeakMap<PageAnswer, number>} */
  #segments = new WeakMap(); // of the answers to this person in this stream
  /** @type {WeakMap<Line, number>} */
  #lines = new WeakMap();
  #sentences = 0;

  /** @param {KnowingParts} parts */
  constructor({ answerer, conversation, heard, changed }) {
    this.answerer = answerer;
    this.heard = heard;
    this.changed = changed;
    this.wanted = true; // as the settings say
    this.able = false;
    answerer
      .on("ready", ({ limits }) => this.begin(this.wanted && (limits?.max_signer_sentences ?? 0) > 0))
      .on("lost", () => this.begin(false))
      .on("answer", ({ answer, segment }) => { this.#segments.set(answer, segment); })
      .on("signer", ({ sentences }) => this.#show(sentences));
    conversation.on("added", (line) => this.#said(line)).on("removed", (line) => this.#takenBack(line));
    this.#show(0);
  }

  /**
   * A stream begins or has ended: the person is not known.
   *
   * @param {boolean} able whether it learns
   */
  begin(able) {
    this.able = able;
    this.newPerson();
    this.changed(able);
  }

  /** Another person stands there; what was asked before is not told to whoever learns this one. */
  newPerson() {
    this.#segments = new WeakMap();
    this.#lines = new WeakMap();
    this.#show(0);
  }

  /** From how many sentences the person is known now. */
  get sentences() {
    return this.#sentences;
  }

  /** @param {Line} line */
  #said(line) {
    const answer = this.heard()?.answer, segment = answer && this.#segments.get(answer);
    if (!this.able || segment === undefined || (line.how !== "confirmed" && line.how !== "chosen")) return;
    this.#lines.set(line, segment);
    this.answerer.confirm(segment, line.words);
  }

  /** @param {Line} line */
  #takenBack(line) {
    const segment = this.#lines.get(line);
    if (this.able && segment !== undefined) this.answerer.confirm(segment, "");
  }

  /** @param {number} count */
  #show(count) {
    this.#sentences = count;
    const mark = byId("signer-mark");
    mark.hidden = count === 0;
    mark.replaceChildren(icon("hand"), make("span", {}, text("signer.known", { count })));
  }
}
