// Sentences with a star: kept on this device until the star is taken away.

const NAME = "signtalk-favourites";

export class Favourites {
  /** @type {string[]} */
  #sentences = [];

  /** @param {Pick<Storage, "getItem" | "setItem" | "removeItem">} [storage] */
  constructor(storage = globalThis.localStorage) {
    this.storage = storage;
    try {
      const kept = JSON.parse(storage.getItem(NAME) ?? "[]");
      this.#sentences = kept.filter((/** @type {unknown} */ each) => typeof each === "string");
    } catch {
      // Storage may be forbidden or damaged; then there are none.
    }
  }

  /** All of them, in the order in which they were starred. */
  get sentences() {
    return [...this.#sentences];
  }

  /** @param {string} sentence */
  has(sentence) {
    return this.#sentences.includes(sentence);
  }

  /**
   * Give a star, or take it away.
   *
   * @param {string} sentence
   */
  toggle(sentence) {
    const others = this.#sentences.filter((each) => each !== sentence);
    this.#sentences = this.has(sentence) ? others : [...others, sentence];
    try {
      if (this.#sentences.length) this.storage.setItem(NAME, JSON.stringify(this.#sentences));
      else this.storage.removeItem(NAME);
    } catch {
      // Then it holds until the page is closed.
    }
  }
}
