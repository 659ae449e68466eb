// A device's voice without a browser; what it was told is kept.

/** @type {string[]} what is spoken, and "stop" */
export const spoken = [];

const speechSynthesis = {
  getVoices: () => [{ lang: "en-GB", localService: true }],
  speak: (/** @type {{words: string}} */ { words }) => spoken.push(words),
  cancel: () => spoken.push("stop"),
};
class Utterance {
  /** @param {string} words */
  constructor(words) {
    this.words = words;
  }
}
Object.assign(globalThis, { window: globalThis, speechSynthesis, SpeechSynthesisUtterance: Utterance });
