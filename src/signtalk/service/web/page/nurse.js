// The other side: a sentence is typed or picked, and shown in large type with its sign.

import { byId } from "./dom.js";
import { SentencePicker, signOf } from "./picker.js";
import { addPlayer } from "./player.js";
import { text } from "./texts.js";

export class NurseSide {
  #player = addPlayer(byId("nurse-player"), text("nurse.player"));

  constructor({ answerer, conversation }) {
    Object.assign(this, { answerer, conversation });
    this.picker = new SentencePicker({
      field: byId("nurse-text"),
      list: byId("nurse-list"),
      told: byId("nurse-told"),
      answerer,
      chosen: (sentence) => this.#show(sentence.sentence, sentence),
    });
    byId("nurse-form").onsubmit = (event) => {
      event.preventDefault();
      const words = byId("nurse-text").value.trim();
      if (words) this.#typed(words);
    };
  }

  /** Another person stands there: nothing of the last one stays in view. */
  clear() {
    byId("nurse-text").value = "";
    byId("nurse-words").textContent = "";
    byId("nurse-shown").hidden = true;
    this.#player.show(null);
    this.picker.refresh();
  }

  /** Typed words that are a known sentence are shown with its sign, others as text alone. */
  async #typed(words) {
    let [known, told] = [undefined, text("nurse.no_sign")];
    try {
      const { sentences } = await this.answerer.sentences(words);
      known = sentences.find(({ sentence }) => plain(sentence) === plain(words));
    } catch {
      told = text("nurse.unreachable");
    }
    await this.#show(known?.sentence ?? words, known, told);
  }

  async #show(words, sentence, without = "") {
    byId("nurse-shown").hidden = false;
    byId("nurse-words").textContent = words;
    byId("nurse-sign-told").textContent = sentence ? text("nurse.loading") : without;
    this.conversation.add("staff", words, "shown");
    const { clip, told } = sentence ? await signOf(this.answerer, sentence) : { clip: null, told: without };
    if (byId("nurse-words").textContent !== words) return; // another one was picked meanwhile
    byId("nurse-player").hidden = clip === null;
    byId("nurse-sign-told").textContent = told;
    this.#player.show(clip);
    byId("nurse-shown").scrollIntoView({ block: "nearest" });
  }
}

/** Words alone, as the service compares sentences: who types leaves out capitals and question marks. */
function plain(sentence) {
  return sentence.toLowerCase().replace(/['’ʼ]/g, "").replace(/\p{P}/gu, " ").trim().replace(/\s+/g, " ");
}
