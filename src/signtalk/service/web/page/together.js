// Which sentences are used after which: simple counts, kept on this device only where counting is wanted.

const NAME = "signtalk-together";
const MOST_SENTENCES = 300; // those that were not used for longest are dropped
const MOST_AFTER = 20;

/** @typedef {Record<string, Record<string, number>>} Pairs how often a sentence came after another */

export class Together {
  /** @type {Pairs} */
  #pairs = {};
  #last = "";

  /** @param {{wanted: () => boolean, storage?: Pick<Storage, "getItem" | "setItem" | "removeItem">}} parts */
  constructor({ wanted, storage = globalThis.localStorage }) {
    this.wanted = wanted;
    this.storage = storage;
    try {
      this.#pairs = checkedPairs(JSON.parse(storage.getItem(NAME) ?? "{}"));
    } catch {
      // Storage may be forbidden or damaged; then counting begins anew.
    }
  }

  /**
   * A sentence was used.
   *
   * @param {string} sentence
   * @param {boolean} counts whether it is one to offer: what staff shows leads to others alone
   */
  use(sentence, counts) {
    const last = this.#last;
    this.#last = sentence;
    if (!counts || !last || last === sentence) return;
    const after = Object.hasOwn(this.#pairs, last) ? this.#pairs[last] : {};
    delete this.#pairs[last]; // and so becomes the youngest
    const count = (Object.hasOwn(after, sentence) ? after[sentence] : 0) + 1;
    const ranked = Object.entries({ ...after, [sentence]: count }).sort(([, a], [, b]) => b - a);
    this.#pairs[last] = Object.fromEntries(ranked.slice(0, MOST_AFTER));
    for (const old of Object.keys(this.#pairs).slice(0, -MOST_SENTENCES)) delete this.#pairs[old];
    this.#keep();
  }

  /** Sentences that came after the last one, the most frequent first. */
  get next() {
    const after = Object.hasOwn(this.#pairs, this.#last) ? this.#pairs[this.#last] : {};
    return Object.entries(after).sort(([, a], [, b]) => b - a).map(([sentence]) => sentence);
  }

  /** Another person stands there: nothing came before. */
  begin() {
    this.#last = "";
    if (!this.wanted()) this.#pairs = {}; // where nothing is counted, the next person is told nothing of this one
  }

  /** Forget every count. */
  clear() {
    this.#pairs = {};
    this.#last = "";
    this.#keep();
  }

  #keep() {
    try {
      if (this.wanted() && Object.keys(this.#pairs).length) this.storage.setItem(NAME, JSON.stringify(this.#pairs));
      else this.storage.removeItem(NAME);
    } catch {
      // Then it holds until the page is closed.
    }
  }
}

/**
 * @param {unknown} value
 * @returns {Pairs}
 */
function checkedPairs(value) {
  const isCounts = (/** @type {unknown} */ after) => typeof after === "object" && after !== null
    && Object.values(after).every(Number.isFinite);
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, after]) => isCounts(after)));
}
