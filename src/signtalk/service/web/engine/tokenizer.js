/** Text to token ids and back, a word or a part of a word at a time, as `signtalk.data.tokenizer` does. */

import { EOS_ID, UNK_ID, WORD_START } from "./tables.js";

/**
 * The words of a text: lower case, without , . ? ! " '.
 *
 * @param {string} text
 */
export function splitWords(text) {
  return text.normalize("NFC").toLowerCase().replace(/[,.?!"']/g, "").split(/\s+/u).filter(Boolean);
}

/**
 * The identity of a text: without case, punctuation, needless blanks or Unicode look-alikes.
 *
 * @param {string} text
 */
export function textKey(text) {
  const folded = text.normalize("NFKC").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ");
  const kept = folded.replace(/['’ʼ]/gu, "").replace(/\p{P}/gu, " ");
  return joined(kept) || joined(folded);
}

/** @param {string} text */
function joined(text) {
  return text.split(/\s+/u).filter(Boolean).join(" ");
}

export class Tokenizer {
  /** @param {{token2id: Record<string, number>, merges?: string[][]}} content of tokenizer_vocab.json */
  constructor(content) {
    this.ids = new Map(Object.entries(content.token2id));
    /** @type {string[]} */
    this.tokens = [];
    for (const [token, id] of this.ids) this.tokens[id] = token;
    this.merges = content.merges && new Map(content.merges.map((pair, rank) => [pair.join("\n"), rank]));
  }

  /**
   * Ids of a text's words without special tokens; a text can spell a special token, but never gets its id.
   *
   * @param {string} text
   */
  encode(text) {
    const { merges } = this;
    const parts = merges ? splitWords(text.replaceAll(WORD_START, " ")).flatMap((word) => this.#parts(word, merges))
      : splitWords(text).map((word) => this.#id(word));
    return parts.map((id) => (id > EOS_ID ? id : UNK_ID));
  }

  /**
   * Byte pair encoding of a word; unknown letters side by side are one unknown part.
   *
   * @param {string} word
   * @param {Map<string, number>} merges ranks of pairs
   */
  #parts(word, merges) {
    const parts = [...(WORD_START + word)].map((letter) => (this.ids.has(letter) ? letter : "")); // "" = unknown
    for (;;) {
      let best = -1, lowest = Infinity;
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = merges.get(`${parts[i]}\n${parts[i + 1]}`) ?? Infinity;
        if (rank < lowest) [best, lowest] = [i, rank];
      }
      if (best < 0) break;
      parts.splice(best, 2, parts[best] + parts[best + 1]);
    }
    return parts.filter((part, i) => part || parts[i - 1] !== "").map((part) => this.#id(part));
  }

  /** @param {string} token */
  #id(token) {
    return this.ids.get(token) ?? UNK_ID;
  }

  /**
   * Words up to the first eos, [word, places of its tokens among `ids`] each; special tokens are left out.
   *
   * @param {number[]} ids
   */
  decodeWords(ids) {
    /** @type {[string, number[]][]} */
    const words = [];
    for (const [place, id] of ids.entries()) {
      if (id === EOS_ID) break;
      if (id <= UNK_ID) continue;
      const token = this.tokens[id];
      if (!this.merges) words.push([token, [place]]);
      else if (token.startsWith(WORD_START) || !words.length) words.push([token.replace(WORD_START, ""), [place]]);
      else {
        const last = words[words.length - 1];
        last[0] += token;
        last[1].push(place);
      }
    }
    return words.filter(([word]) => word);
  }
}
