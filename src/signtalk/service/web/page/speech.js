// Text to speech by the browser, with voices of this device alone: others would send the words to their maker.

import { language } from "./texts.js";

/** Whether anything can be spoken here. */
export function canSpeak() {
  return voice() !== undefined;
}

/**
 * Speak a text now; what was being spoken stops.
 *
 * @param {string} words
 */
export function speak(words) {
  const chosen = voice();
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

function voice() {
  const voices = window.speechSynthesis?.getVoices() ?? [];
  return voices.find((each) => each.localService && each.lang.split(/[-_]/)[0] === language());
}
