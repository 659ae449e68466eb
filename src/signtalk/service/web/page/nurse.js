// The other side: a sentence is typed or picked, and shown in large type with its sign.

import { byId, inputById } from "./dom.js";
import { SentencePicker, signOf } from "./picker.js";
import { addPlayer } from "./player.js";
import { Taps } from "./taps.js";
import { text } from "./texts.js";

/** @import { Answerer, ListedSentence } from "./answerer.js" */
/** @import { Conversation } from "./conversation.js" */

const LONG = 90; // letters from which a text is shown smaller, so that the screen holds it

export class NurseSide {
  #person = 0; // counts who stood there
  #player = addPlayer(byId("nurse-player"), text("nurse.player"));

  /**
   * @param {{answerer: Answerer, conversation: Conversation, shown: () => void}} parts `shown` is called when the patient
   *   gets something to look at
   */
  constructor({ answerer, conversation, shown }) {
    this.answerer = answerer;
    this.conversation = conversation;
    this.shown = shown;
    /** @type {((words: string, sentenceId: string) => void) | null} shows it on the other device, where there is one */
    this.partner = null;
    this.taps = new Taps({ conversation, who: "staff", how: "shown" });
    this.picker = new SentencePicker({
      field: inputById("nurse-text"),
      list: byId("nurse-list"),
      count: byId("nurse-told"),
      answerer,
      chosen: (sentence) => {
        if (this.partner) {
          this.partner(sentence.sentence, sentence.sentence_id);
          return;
        }
        this.taps.add({ row: "sentence", words: sentence.sentence, count: "each" });
        this.#show(sentence.sentence, sentence);
      },
    });
    byId("nurse-form").onsubmit = (event) => {
      event.preventDefault();
      const words = inputById("nurse-text").value.trim();
      if (words) this.#typed(words);
    };
  }

  /** Another person stands there: nothing of the last one stays in view. */
  clear() {
    this.#person += 1;
    inputById("nurse-text").value = "";
    byId("nurse-words").textContent = "";
    byId("nurse-shown").hidden = true;
    this.taps.end();
    this.#player.show(null);
    this.picker.refresh();
  }

  /**
   * Show what staff chose on the other device.
   *
   * @param {string} words
   * @param {string} sentenceId "" = it is no known sentence
   */
  showFor(words, sentenceId) {
    const sentence = sentenceId ? { sentence: words, sentence_id: sentenceId, category: "" } : undefined;
    this.taps.add({ row: "sentence", words, count: "each" });
    return this.#show(words, sentence, sentenceId ? "" : text("nurse.no_sign"));
  }

  /**
   * Typed words that are a known sentence are shown with its sign, others as text alone.
   *
   * @param {string} words
   */
  async #typed(words) {
    const person = this.#person;
    /** @type {ListedSentence | undefined} */
    let known;
    let without = text("nurse.no_sign");
    try {
      const { sentences } = await this.answerer.sentences(words);
      known = sentences.find(({ sentence }) => plain(sentence) === plain(words));
    } catch {
      without = text("nurse.unreachable");
    }
    if (person !== this.#person) return; // it was meant for the one before
    if (this.partner) {
      this.partner(known?.sentence ?? words, known?.sentence_id ?? "");
      return;
    }
    this.conversation.add("staff", known?.sentence ?? words, "shown");
    await this.#show(known?.sentence ?? words, known, without);
  }

  /**
   * @param {string} words
   * @param {ListedSentence | undefined} sentence whose sign is shown
   * @param {string} [without] told where there is none
   */
  async #show(words, sentence, without = "") {
    this.shown();
    byId("nurse-shown").hidden = false;
    byId("nurse-words").textContent = words;
    byId("nurse-words").lang = sentence?.language ?? "";
    byId("nurse-words").classList.toggle("long", words.length > LONG);
    byId("nurse-sign-told").textContent = sentence ? text("nurse.loading") : without;
    byId("nurse-player").hidden = true; // no sign of another sentence moves under these words
    this.#player.show(null);
    const { clip, film, lacks } = sentence ? await signOf(this.answerer, sentence) : { clip: null, film: "", lacks: without };
    if (byId("nurse-words").textContent !== words) return; // another one was picked meanwhile
    byId("nurse-player").hidden = clip === null && !film;
    byId("nurse-sign-told").textContent = lacks;
    this.#player.show(clip, film);
    byId("nurse-shown").scrollIntoView({ block: "nearest" });
  }
}

/**
 * Words alone, as the service compares sentences: who types leaves out capitals and question marks.
 *
 * @param {string} sentence
 */
function plain(sentence) {
  return sentence.toLowerCase().replace(/['’ʼ]/g, "").replace(/\p{P}/gu, " ").trim().replace(/\s+/g, " ");
}
