/** The references that a query is compared with, grouped by sentence; never changed, changes give a new one. */

/**
 * What is said of a reference; the names are those of embeddings_map.csv.
 *
 * @typedef {object} Entry
 * @property {string} clip_id
 * @property {string} video_file
 * @property {string} feature_path
 * @property {string} sentence_id
 * @property {string} sentence
 * @property {string} category
 * @property {string} text_key
 * @property {string} kind "clip", or "written" of a sentence that nobody has signed
 */

/**
 * @typedef {object} Reference
 * @property {Entry} entry
 * @property {Float32Array} embedding (D); of a written sentence that of its text
 * @property {Float32Array} frames (n * P); none of a written sentence
 */

/** @typedef {{words: number[], textEmbedding: Float32Array | null}} TextFacts token ids, and the text among the signs */

/**
 * A sentence and its references.
 *
 * @typedef {object} Sentence
 * @property {string} key text_key
 * @property {number[]} rows of its references, ascending
 * @property {number} canonical row that names it
 * @property {boolean} written whether nobody has signed it
 * @property {number[]} words
 * @property {Float32Array | null} textEmbedding
 * @property {Float32Array} centroid mean direction of its references
 */

/**
 * -1, 0 or 1 by code points, as Python orders texts (JavaScript's own order is that of UTF-16).
 *
 * @param {string} a
 * @param {string} b
 */
export function compareTexts(a, b) {
  for (let i = 0; ; ) {
    const left = a.codePointAt(i) ?? -1, right = b.codePointAt(i) ?? -1;
    if (left !== right) return left < right ? -1 : 1;
    if (left < 0) return 0;
    i += left > 0xffff ? 2 : 1;
  }
}

export class SentenceIndex {
  /**
   * @param {Reference[]} references
   * @param {Map<string, TextFacts>} texts by text_key; the same for all references of a sentence
   */
  constructor(references, texts) {
    this.references = references;
    this.texts = texts;
    /** @type {Map<string, number[]>} */
    const rows = new Map();
    references.forEach(({ entry }, row) => {
      const own = rows.get(entry.text_key);
      if (own) own.push(row);
      else rows.set(entry.text_key, [row]);
    });
    /** The C sentences in order of their keys. */
    this.classes = [...rows.keys()].sort(compareTexts).map((key) => this.#sentence(key, rows.get(key) ?? []));
    this.anyWritten = this.classes.some((each) => each.written);
  }

  /**
   * @param {string} key
   * @param {number[]} rows
   * @returns {Sentence}
   */
  #sentence(key, rows) {
    const id = (/** @type {number} */ row) => this.references[row].entry.sentence_id;
    const canonical = rows.reduce((best, row) => (compareTexts(id(row), id(best)) < 0 ? row : best));
    return {
      key,
      rows,
      canonical,
      written: this.references[canonical].entry.kind === "written",
      words: this.texts.get(key)?.words ?? [],
      textEmbedding: this.texts.get(key)?.textEmbedding ?? null,
      centroid: meanDirection(rows.map((row) => this.references[row].embedding)),
    };
  }

  get size() {
    return this.references.length;
  }

  /**
   * The entry that names a sentence.
   *
   * @param {Sentence} sentence
   */
  named(sentence) {
    return this.references[sentence.canonical].entry;
  }

  /** @param {string} key */
  find(key) {
    return this.classes.find((each) => each.key === key);
  }

  /** @param {string} key */
  withoutSentence(key) {
    return new SentenceIndex(this.references.filter(({ entry }) => entry.text_key !== key), this.texts);
  }

  /**
   * These references and those of a layer, such as what was enrolled here; what was only written is its clips.
   *
   * @param {Reference[]} references
   * @param {Map<string, TextFacts>} texts
   */
  withLayer(references, texts) {
    if (!references.length) return this;
    const signed = new Set(references.map(({ entry }) => entry.text_key));
    const ids = new Set(references.map(({ entry }) => entry.clip_id));
    const below = this.references.filter(({ entry }) =>
      !ids.has(entry.clip_id) && !(entry.kind === "written" && signed.has(entry.text_key)));
    return new SentenceIndex([...below, ...references], new Map([...texts, ...this.texts]));
  }
}

/**
 * Float32Array of unit length in the direction of the sum; of vectors that cancel zeros.
 *
 * @param {Float32Array[]} vectors
 */
function meanDirection(vectors) {
  const sum = new Float64Array(vectors[0].length);
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i] += vector[i];
  const length = Math.max(Math.sqrt(sum.reduce((total, each) => total + each * each, 0)), 1e-12);
  return Float32Array.from(sum, (each) => each / length);
}
