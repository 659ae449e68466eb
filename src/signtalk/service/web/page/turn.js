// What becomes of an answer: what is asked of the patient, and where each reply leads. Pure; answer.js shows it.

import { MOST_OFFERED } from "../engine/tables.js";

/** @import { CandidateSentence, PageAnswer } from "./answerer.js" */
/** @import { How } from "./conversation.js" */

/** @typedef {{sentence: string, sentence_id: string}} Offer a sentence to say yes or no to; "" = it has no sign */

/**
 * What stands on the page. `confirm` and `ask` are questions, which stand until they are answered.
 *
 * @typedef {{kind: "empty"} | {kind: "again", declined: string[]} | {kind: "help", declined: string[]}
 *   | {kind: "unsure", reason: string}
 *   | {kind: "said", words: string, how: How, aloud: boolean}
 *   | ConfirmStep | AskStep} Step
 */

/** @typedef {{kind: "confirm", offer: Offer, proven: boolean, translated: boolean}} ConfirmStep */

/** @typedef {{kind: "ask", offers: Offer[], rest: Offer[], proven: boolean, declined: string[]}} AskStep */

export const STILL = "low_motion"; // nobody signed: there is nothing to choose from
export const MOST_WAITING = 5; // answers that wait behind a question

/**
 * The first step of an answer.
 *
 * @param {PageAnswer} answer
 * @param {boolean} asksFirst whether the patient confirms before anything counts as said
 * @returns {Step}
 */
export function firstStep(answer, asksFirst) {
  const { outcome, text, choices, reason } = answer;
  const proven = answer.promise?.proven ?? false; // an older service does not tell, and so proves nothing
  if (outcome === "answer" && text) {
    const translated = answer.text_source === "translation";
    if (asksFirst) return { kind: "confirm", offer: offerOf(answer, text), proven, translated };
    const kind = translated ? "translated" : "signed";
    return { kind: "said", words: text, how: proven ? kind : `${kind}_unproven`, aloud: proven };
  }
  if (outcome === "choices" && choices.length) return ask(choices, proven, []);
  return { kind: "unsure", reason };
}

/**
 * What follows a yes: the sentence counts as said.
 *
 * @param {ConfirmStep} step
 * @returns {Step}
 */
export function afterYes({ offer }) {
  return { kind: "said", words: offer.sentence, how: "confirmed", aloud: true };
}

/**
 * What follows a choice.
 *
 * @param {Offer} offer
 * @returns {Step}
 */
export function afterChoice({ sentence }) {
  return { kind: "said", words: sentence, how: "chosen", aloud: true };
}

/**
 * What follows where a sentence was not meant: the next candidates to choose from, else what the page can do. Nothing
 * has proven what nobody offered.
 *
 * @param {string} words what was not meant
 * @param {CandidateSentence[]} candidates of the answer
 * @returns {Step}
 */
export function afterNo(words, candidates) {
  return ask(candidates.filter(({ sentence }) => sentence !== words), false, []);
}

/**
 * What follows "none of these": those that were left out, else what the page can do.
 *
 * @param {AskStep} step
 * @returns {Step}
 */
export function afterNone(step) {
  return ask(step.rest, false, [...step.declined, ...step.offers.map(({ sentence }) => sentence)]);
}

/**
 * Sign it again: what was offered to choose from leaves its trace.
 *
 * @param {Step} step
 * @returns {Step}
 */
export function afterAgain(step) {
  const declined = step.kind === "ask" ? [...step.declined, ...step.offers.map(({ sentence }) => sentence)] : [];
  return { kind: "again", declined };
}

/**
 * How a signing got the sentence that the patient confirmed: the answer offered it, or the patient corrected the answer.
 *
 * @param {PageAnswer} answer
 * @param {string} words
 * @returns {"confirmed" | "corrected"}
 */
export function originOf({ outcome, text, choices }, words) {
  const offered = outcome === "answer" ? [text] : choices.map(({ sentence }) => sentence);
  return offered.includes(words) ? "confirmed" : "corrected";
}

/**
 * Whether a step is a question, which the next answer does not replace.
 *
 * @param {Step} step
 */
export function isQuestion({ kind }) {
  return kind === "confirm" || kind === "ask";
}

/**
 * The sentences that stand on the card, as another device tells them.
 *
 * @param {Step} step
 */
export function wordsOf(step) {
  if (step.kind === "confirm") return [step.offer.sentence];
  if (step.kind === "ask") return step.offers.map(({ sentence }) => sentence);
  return step.kind === "said" ? [step.words] : [];
}

/**
 * What a new answer does while a step stands: it is shown, it waits, or it is no more than mentioned, or not even that.
 *
 * @param {Step} step
 * @param {PageAnswer} answer
 * @returns {"show" | "wait" | "mention" | "ignore"}
 */
export function placeOf(step, { outcome, reason }) {
  if (reason === STILL && (isQuestion(step) || step.kind === "said")) return "ignore"; // hands were put down
  if (!isQuestion(step)) return "show";
  return outcome === "not_sure" ? "mention" : "wait";
}

/**
 * @param {Offer[]} candidates
 * @param {boolean} proven
 * @param {string[]} declined sentences that were not meant
 * @returns {Step}
 */
function ask(candidates, proven, declined) {
  const offers = [...new Map(candidates.map(({ sentence, sentence_id }) => [sentence, { sentence, sentence_id }])).values()];
  if (!offers.length) return { kind: "help", declined };
  return { kind: "ask", offers: offers.slice(0, MOST_OFFERED), rest: offers.slice(MOST_OFFERED), proven, declined };
}

/**
 * @param {PageAnswer} answer
 * @param {string} words
 * @returns {Offer}
 */
function offerOf({ candidates }, words) {
  const sentence = candidates.find((each) => each.sentence === words); // a translation may be no sentence at all
  return { sentence: words, sentence_id: sentence?.sentence_id ?? "" };
}
