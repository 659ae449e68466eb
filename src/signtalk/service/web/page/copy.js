// What was taught as one file: saved as a backup or for another laptop, and learned from such a file.

import { today } from "../engine/day.js";
import { AnswererError } from "./answerer.js";
import { buttonById, byId, inputById, make, saveFile } from "./dom.js";
import { failureOf } from "./key.js";
import { text } from "./texts.js";

/** @import { ImportedCollection } from "../engine/collection.js" */
/** @import { Answerer } from "./answerer.js" */
/** @import { ServiceKey } from "./key.js" */

const MOST_TOLD = 5;

export class CopyView {
  /** @param {{answerer: Answerer, key: ServiceKey, learned: () => void}} parts `learned` is called after a file was */
  constructor({ answerer, key, learned }) {
    this.answerer = answerer;
    this.key = key;
    this.learned = learned;
    byId("copy-save").onclick = () => this.#during("copy.saving", () => this.#save());
    byId("copy-read").onclick = () => this.#during("copy.reading", () => this.#read());
    inputById("copy-file").onchange = () => this.#enable();
  }

  /**
   * Whether there is anything to be asked here.
   *
   * @param {boolean} allowed
   */
  show(allowed) {
    byId("own-copy").hidden = !allowed;
  }

  async #save() {
    const trainingOnly = inputById("copy-training").checked;
    const file = await this.answerer.exportTaught(trainingOnly, this.key.value);
    const name = `signtalk-taught-${today()}.zip`;
    saveFile(file, name);
    const { sentences } = await this.answerer.taught("", this.key.value);
    const without = sentences.filter(({ num_kept: kept }) => !kept).map(({ sentence }) => `“${sentence}”`);
    if (trainingOnly || !without.length) return text("copy.saved", { name });
    const told = [...without.slice(0, MOST_TOLD), ...(without.length > MOST_TOLD ? ["…"] : [])].join(", ");
    return text("copy.saved_without", { name, sentences: told });
  }

  async #read() {
    const [file] = inputById("copy-file").files ?? [];
    if (!file) return "";
    const imported = await this.answerer.importTaught(file, this.key.value);
    this.#tellLeftOut(imported);
    this.learned();
    const counts = { count: imported.clip_ids.length + imported.num_said, known: imported.num_known, left_out: imported.left_out.length };
    return text(counts.left_out ? "copy.left_out" : "copy.learned", counts);
  }

  /** @param {ImportedCollection} imported */
  #tellLeftOut({ left_out: leftOut }) {
    const lines = leftOut.slice(0, MOST_TOLD).map(({ clip_id: id, message }) => make("li", {}, `${id}: ${message}`));
    byId("copy-left-out").replaceChildren(...lines);
    byId("copy-left-out").hidden = !lines.length;
  }

  /**
   * Do something that takes a while, and tell how it went.
   *
   * @param {"copy.saving" | "copy.reading"} meanwhile
   * @param {() => Promise<string>} work
   */
  async #during(meanwhile, work) {
    for (const id of ["copy-save", "copy-read"]) buttonById(id).disabled = true;
    byId("copy-left-out").hidden = true;
    byId("copy-told").textContent = text(meanwhile);
    try {
      byId("copy-told").textContent = await work();
    } catch (error) {
      const nothing = error instanceof AnswererError && error.code === "nothing_kept";
      byId("copy-told").textContent = nothing ? text("copy.nothing_kept") : failureOf(error, "own.failed");
    }
    this.#enable();
  }

  #enable() {
    buttonById("copy-save").disabled = false;
    buttonById("copy-read").disabled = !inputById("copy-file").files?.length;
  }
}
