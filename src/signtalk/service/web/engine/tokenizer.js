/** Text to token ids and back, a word or a part of a word at a time, as `signtalk.tokenizer` does. */

export const PAD_ID = 0, SOS_ID = 1, EOS_ID = 2, UNK_ID = 3;
const WORD_START = "\u2581";

/** The words of a text: lower case, without , . ? ! " '. */
export function splitWords(text) {
  return text.normalize("NFC").toLowerCase().replace(/[,.?!"']/g, "").split(/\s+/u).filter(Boolean);
}

/** The identity of a text: without case, punctuation, needless blanks or Unicode look-alikes. */
export function textKey(text) {
  const folded = text.normalize("NFKC").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ");
  const kept = folded.replace(/['’ʼ]/gu, "").replace(/\p{P}/gu, " ");
  return joined(kept) || joined(folded);
}

function joined(text) {
  return text.split(/\s+/u).filter(Boolean).join(" ");
}

/** `content` is that of tokenizer_vocab.json. */
export class Tokenizer {
  constructor(content) {
    this.ids = new Map(Object.entries(content.token2id));
    this.tokens = [];
    for (const [token, id] of this.ids) this.tokens[id] = token;
    this.merges = content.merges ? new Map(content.merges.map((pair, rank) => [pair.join("\n"), rank])) : null;
  }

  /** Ids of a text's words without special tokens; a text can spell a special token, but never gets its id. */
  encode(text) {
    const parts = this.merges ? splitWords(text.replaceAll(WORD_START, " ")).flatMap((word) => this.#parts(word))
      : splitWords(text).map((word) => this.ids.get(word) ?? UNK_ID);
    return parts.map((id) => (id > EOS_ID ? id : UNK_ID));
  }

  /** Byte pair encoding of a word; unknown letters side by side are one unknown part. */
  #parts(word) {
    const parts = [...(WORD_START + word)].map((letter) => (this.ids.has(letter) ? letter : "")); // "" = unknown
    for (;;) {
      let best = -1, lowest = Infinity;
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = this.merges.get(`${parts[i]}\n${parts[i + 1]}`) ?? Infinity;
        if (rank < lowest) [best, lowest] = [i, rank];
      }
      if (best < 0) break;
      parts.splice(best, 2, parts[best] + parts[best + 1]);
    }
    return parts.filter((part, i) => part || parts[i - 1] !== "").map((part) => (part ? this.ids.get(part) : UNK_ID));
  }

  /** Words up to the first eos, [word, places of its tokens among `ids`] each; special tokens are left out. */
  decodeWords(ids) {
    const words = [];
    for (const [place, id] of ids.entries()) {
      if (id === EOS_ID) break;
      if (id <= UNK_ID) continue;
      const token = this.tokens[id];
      if (!this.merges) words.push([token, [place]]);
      else if (token.startsWith(WORD_START) || !words.length) words.push([token.replace(WORD_START, ""), [place]]);
      else {
        const [word, places] = words.pop();
        words.push([word + token, [...places, place]]);
      }
    }
    return words.filter(([word]) => word);
  }
}
