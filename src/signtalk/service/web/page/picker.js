// Type or pick a sentence: a field, and the sentences that hold its words; where none does, those of like meaning.

import { AnswererError } from "./answerer.js";
import { button, make } from "./dom.js";
import { filmOf } from "./signs.js";
import { text } from "./texts.js";

const PAUSE_MS = 250;
const RETRY_MS = 5000;

/** @import { Answerer, ListedSentence } from "./answerer.js" */

/**
 * @typedef {object} PickerParts
 * @property {HTMLInputElement} field
 * @property {HTMLElement} list a ul for the sentences
 * @property {HTMLElement} count an element for how many there are
 * @property {Answerer} answerer where they are asked for
 * @property {(sentence: ListedSentence) => void} chosen
 */

export class SentencePicker {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #query = 0; // counts what was asked for

  /** @param {PickerParts} parts */
  constructor({ field, list, count, answerer, chosen }) {
    this.field = field;
    this.list = list;
    this.count = count;
    this.answerer = answerer;
    this.chosen = chosen;
    this.canSearch = false;
    this.isBare = false; // whether the last look at all sentences found none
    field.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.refresh(), PAUSE_MS);
    });
  }

  /** Ask again for what the field holds. */
  async refresh() {
    clearTimeout(this.#timer);
    const number = (this.#query += 1);
    const query = this.field.value.trim();
    /** @type {ListedSentence[]} */
    let sentences = [];
    let summary, failed = false;
    try {
      const listed = await this.answerer.sentences(query), { total } = listed;
      sentences = listed.sentences;
      summary = text(total > sentences.length ? "picker.first" : "picker.all", { count: sentences.length, total });
      if (!query) this.isBare = total === 0;
      if (this.isBare) summary = text("picker.bare");
      if (!sentences.length && query) {
        sentences = this.canSearch ? distinct(await this.answerer.search(query)) : [];
        summary = text(sentences.length ? "picker.like" : this.isBare ? "picker.bare" : "picker.none");
      }
    } catch (error) {
      failed = !(error instanceof AnswererError && error.status); // what was refused is not asked again
      summary = text(failed ? "picker.unreachable" : "picker.none");
    }
    if (number !== this.#query) return; // typed on meanwhile
    if (failed) this.#timer = setTimeout(() => this.refresh(), RETRY_MS);
    this.count.textContent = summary;
    this.list.replaceChildren(...sentences.map((sentence) => make("li", {}, this.#choice(sentence))));
  }

  /** @param {ListedSentence} sentence */
  #choice(sentence) {
    const label = make("span", { className: "words", dir: "auto", lang: sentence.language ?? "" }, sentence.sentence);
    const about = [sentence.category, sentence.has_sign === false ? text("picker.no_sign") : ""].filter(Boolean);
    const choice = button(label, () => {
      for (const each of this.list.querySelectorAll("button")) each.ariaPressed = String(each === choice);
      this.chosen(sentence);
    });
    choice.ariaPressed = "false";
    if (about.length) choice.append(make("span", { className: "about" }, about.join(" · ")));
    return choice;
  }
}

/**
 * The sign of a sentence, and the address of a film of it; where there is neither, the words that say why.
 *
 * @param {Answerer} answerer
 * @param {ListedSentence} sentence
 */
export async function signOf(answerer, sentence) {
  const film = filmOf(answerer, sentence);
  try {
    const clip = sentence.has_sign === false ? null : await answerer.sign(sentence.sentence_id);
    return { clip, film, lacks: clip || film ? "" : text("nurse.no_sign") };
  } catch {
    return { clip: null, film: "", lacks: text("nurse.unreachable") };
  }
}

/** @param {ListedSentence[]} hits */
function distinct(hits) {
  /** @type {Map<string, ListedSentence>} */
  const seen = new Map();
  for (const hit of hits) if (!seen.has(hit.sentence_id)) seen.set(hit.sentence_id, hit);
  return [...seen.values()];
}
