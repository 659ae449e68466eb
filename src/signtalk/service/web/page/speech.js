// Text to speech by the browser, with voices of this device alone: others would send the words to their maker.

import { language } from "./texts.js";

/**
 * Whether a language can be spoken here.
 *
 * @param {string} [tag] "" = the page's
 */
export function canSpeak(tag = "") {
  return voice(tag) !== undefined;
}

/**
 * Speak a text now, in a voice of its language or not at all; what was being spoken stops.
 *
 * @param {string} words
 * @param {string} [tag] its language; "" = not known, and taken for the page's
 */
export function speak(words, tag = "") {
  const chosen = voice(tag);
  if (chosen === undefined) return;
  const utterance = new SpeechSynthesisUtterance(words);
  utterance.voice = chosen;
  utterance.lang = chosen.lang;
  speechSynthesis.cancel();
  speechSynthesis.speak(utterance);
}

export function stopSpeaking() {
  window.speechSynthesis?.cancel();
}

/** @param {string} [tag] */
function voice(tag = "") {
  const wanted = (tag || language()).split("-")[0];
  const voices = window.speechSynthesis?.getVoices() ?? [];
  return voices.find((each) => each.localService && each.lang.split(/[-_]/)[0] === wanted);
}
