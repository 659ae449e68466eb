/**
 * The references that a query is compared with, grouped by sentence; never changed, changes give a new one.
 *
 * A reference is {entry, embedding: Float32Array (D), frames: Float32Array (n * P)}; a sentence that is only written
 * has kind "written", the embedding of its text and no frame. `words` are a sentence's token ids, `textEmbedding`
 * its text among the signs; both are found by text_key and are the same for all its references.
 */

/** -1, 0 or 1 by code points, as Python orders texts (JavaScript's own order is that of UTF-16). */
export function compareTexts(a, b) {
  for (let i = 0; ; ) {
    const left = a.codePointAt(i) ?? -1, right = b.codePointAt(i) ?? -1;
    if (left !== right) return left < right ? -1 : 1;
    if (left < 0) return 0;
    i += left > 0xffff ? 2 : 1;
  }
}

export class SentenceIndex {
  /** `texts`: Map of text_key -> {words: [ids], textEmbedding: Float32Array or null}. */
  constructor(references, texts) {
    this.references = references;
    this.texts = texts;
    const keys = [...new Set(references.map(({ entry }) => entry.text_key))].sort(compareTexts);
    const place = new Map(keys.map((key, c) => [key, c]));
    /** C sentences: {key, rows ascending, canonical: row that names it, written, words, textEmbedding, prototype}. */
    this.classes = keys.map((key) => ({ key, rows: [], ...texts.get(key) }));
    references.forEach(({ entry }, row) => this.classes[place.get(entry.text_key)].rows.push(row));
    for (const each of this.classes) {
      each.canonical = each.rows.reduce((best, row) =>
        (compareTexts(references[row].entry.sentence_id, references[best].entry.sentence_id) < 0 ? row : best));
      each.written = references[each.canonical].entry.kind === "written";
      each.prototype = meanDirection(each.rows.map((row) => references[row].embedding));
    }
    this.anyWritten = this.classes.some((each) => each.written);
  }

  get size() {
    return this.references.length;
  }

  /** The entry that names a sentence. */
  named(each) {
    return this.references[each.canonical].entry;
  }

  find(key) {
    return this.classes.find((each) => each.key === key);
  }

  withoutSentence(key) {
    return new SentenceIndex(this.references.filter(({ entry }) => entry.text_key !== key), this.texts);
  }

  /** These references and those of a layer, such as what was enrolled here; what was only written is its clips. */
  withLayer(references, texts) {
    if (!references.length) return this;
    const signed = new Set(references.map(({ entry }) => entry.text_key));
    const ids = new Set(references.map(({ entry }) => entry.clip_id));
    const below = this.references.filter(({ entry }) =>
      !ids.has(entry.clip_id) && !(entry.kind === "written" && signed.has(entry.text_key)));
    return new SentenceIndex([...below, ...references], new Map([...texts, ...this.texts]));
  }
}

/** Float32Array of unit length in the direction of the sum; of vectors that cancel zeros. */
function meanDirection(vectors) {
  const sum = new Float64Array(vectors[0].length);
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i] += vector[i];
  const length = Math.max(Math.sqrt(sum.reduce((total, each) => total + each * each, 0)), 1e-12);
  return Float32Array.from(sum, (each) => each / length);
}
