// Type or pick a sentence: a field, and the sentences that hold its words; where none does, those of like meaning.

import { button, make } from "./dom.js";
import { text } from "./texts.js";

const PAUSE_MS = 250;
const RETRY_MS = 5000;

export class SentencePicker {
  #timer = 0;
  #asked = 0;

  /**
   * @param field an input; @param list a ul for the sentences; @param told an element for how many there are.
   * @param answerer where they are asked for; @param chosen called with {sentence_id, sentence ...}.
   */
  constructor({ field, list, told, answerer, chosen }) {
    Object.assign(this, { field, list, told, answerer, chosen });
    this.canSearch = false;
    field.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.refresh(), PAUSE_MS);
    });
  }

  /** Ask again for what the field holds. */
  async refresh() {
    clearTimeout(this.#timer);
    const number = (this.#asked += 1);
    const query = this.field.value.trim();
    let [found, told, failed] = [[], "", false];
    try {
      const { total, sentences } = await this.answerer.sentences(query);
      found = sentences;
      told = text(total > found.length ? "picker.first" : "picker.all", { count: found.length, total });
      if (!found.length && query) {
        found = this.canSearch ? distinct(await this.answerer.search(query)) : [];
        told = text(found.length ? "picker.like" : "picker.none");
      }
    } catch {
      told = text("picker.unreachable");
      failed = true;
    }
    if (number !== this.#asked) return; // typed on meanwhile
    if (failed) this.#timer = setTimeout(() => this.refresh(), RETRY_MS);
    this.told.textContent = told;
    this.list.replaceChildren(...found.map((sentence) => make("li", {}, this.#choice(sentence))));
  }

  #choice(sentence) {
    const label = make("span", { className: "words" }, sentence.sentence);
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

/** The sign of a sentence: {clip, told}, where the clip is null the words that say why. */
export async function signOf(answerer, sentence) {
  try {
    const clip = sentence.has_sign === false ? null : await answerer.sign(sentence.sentence_id);
    return { clip, told: clip ? "" : text("nurse.no_sign") };
  } catch {
    return { clip: null, told: text("nurse.unreachable") };
  }
}

function distinct(hits) {
  const seen = new Map();
  for (const hit of hits) if (!seen.has(hit.sentence_id)) seen.set(hit.sentence_id, hit);
  return [...seen.values()];
}
