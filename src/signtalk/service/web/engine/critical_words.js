/** Words that turn a sentence around when they are lost: negations and numbers (`signtalk.recognition.critical_words`). */

import { validFrames } from "./ctc.js";
import { BLANK_ID, LOOK_LIKE_APOSTROPHES, MEANINGS, UNK_ID, WORD_JOINERS } from "./tables.js";
import { splitWords } from "./tokenizer.js";

/** @import { Encoded } from "./models.js" */
/** @import { Tokenizer } from "./tokenizer.js" */

/**
 * What a text says that is critical, in order of meaning: "cannot" and "not", "two" and "2" are the same.
 *
 * @param {string} text
 */
export function criticalWords(text) {
  const meanings = new Map(Object.entries(MEANINGS));
  const plain = [...text].filter((letter) => !LOOK_LIKE_APOSTROPHES.includes(letter)).join("");
  const parted = plain.replace(/(?<=[\p{L}\p{N}_])./gu, (letter) => (WORD_JOINERS.includes(letter) ? " " : letter));
  return splitWords(parted).flatMap((word) => meanings.get(word) ?? (/\p{N}/u.test(word) ? word : [])).sort();
}

/**
 * Whether a decoded text says the same negations and numbers as the frames; false where they do not spell (null).
 *
 * @param {string} text
 * @param {string | null} spelled
 */
export function keepsCriticalWords(text, spelled) {
  return spelled !== null && criticalWords(text).join("\n") === criticalWords(spelled).join("\n");
}

/**
 * The words that the frames spell by themselves, the likeliest at each frame and repeats once; null without spelling.
 *
 * @param {Encoded} encoded
 * @param {Tokenizer} tokenizer
 */
export function spelledText(encoded, tokenizer) {
  const { wordLogProbs, vocabulary } = encoded;
  if (!vocabulary) return null;
  /** @type {number[]} */
  const words = [];
  let before = BLANK_ID;
  for (let t = 0; t < validFrames(encoded); t++) {
    let likeliest = 0;
    for (let v = 1; v < vocabulary; v++) {
      if (wordLogProbs[t * vocabulary + v] > wordLogProbs[t * vocabulary + likeliest]) likeliest = v;
    }
    if (likeliest !== before && likeliest > UNK_ID) words.push(likeliest);
    before = likeliest;
  }
  return tokenizer.decodeWords(words).map(([word]) => word).join(" ");
}
