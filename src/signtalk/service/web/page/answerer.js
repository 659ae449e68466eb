// How the page asks: the interface `Answerer`, which the service and an offline page's engine both have.

/** @import { ImportedCollection } from "../engine/collection.js" */
/** @import { Clip, Frame } from "../engine/landmarks.js" */
/** @import { Consent, Origin, TaughtSentence } from "../engine/takes.js" */
/** @import { Events } from "./events.js" */

/** @typedef {"auto" | "button"} Mode signing is found, or begins and ends by a button */

/**
 * @typedef {object} AnswererConfig
 * @property {boolean} can_enroll
 * @property {boolean} can_search
 * @property {boolean} can_keep_clips whether clips are kept where the signer agrees
 * @property {boolean} needs_key
 * @property {boolean} [can_pair] whether two devices can be paired
 */

/**
 * @typedef {{sentence_id: string, sentence: string, category: string, has_sign?: boolean, has_film?: boolean,
 *   language?: string}} ListedSentence `language` is a tag such as "fr"; "" = not known
 */

/**
 * Which sentences are listed: of one category alone where that is given, from `offset` on; the first ones without it.
 *
 * @typedef {{category?: string, offset?: number, limit?: number}} ListedPart
 */

/** @typedef {{sentence: string, sentence_id: string}} CandidateOffer */

/** @typedef {{rank: number, sentence: string, sentence_id: string}} CandidateSentence */

/**
 * An answer of the protocol, as far as the page reads it (docs/protocol.md).
 *
 * @typedef {object} PageAnswer
 * @property {string} outcome "answer", "choices" or "not_sure"
 * @property {string | null} text what was said
 * @property {string} text_source "sentence" or "translation"
 * @property {{proven: boolean} | null} promise whether validation proved how often such answers are right
 * @property {string} reason why it is not sure
 * @property {CandidateSentence[]} candidates
 * @property {CandidateSentence[]} choices
 * @property {{similarity: number} | null} [asked] of the sentence that was asked for
 */

/** @typedef {{sentence: string, confused_with?: string[], warnings?: string[]}} EnrolledSentence */

/** @typedef {{category?: string, signer?: string, language?: string, consent?: Consent, key?: string}} ToldSentence */

/** @typedef {{origin: Origin, signer: string, language: string, key: string}} ToldAnswer of one that was confirmed */

/**
 * What the page asks of what was taught. Each needs the service's key; an engine has none.
 *
 * @typedef {object} TaughtMethods
 * @property {(query: string, key: string) => Promise<{total: number, sentences: TaughtSentence[]}>} taught
 * @property {(clipId: string, key: string) => Promise<Clip | null>} keptClip null where it is not kept
 * @property {(text: string, newText: string, key: string) => Promise<unknown>} rename
 * @property {(text: string, key: string) => Promise<unknown>} forget gives what `restore` takes, for a while
 * @property {(undo: any, key: string) => Promise<unknown>} restore
 * @property {(trainingOnly: boolean, key: string) => Promise<Blob>} exportTaught all kept clips as one file
 * @property {(file: Blob, key: string) => Promise<ImportedCollection>} importTaught
 * @property {(text: string, clip: Clip, told: ToldAnswer) => Promise<string>} remember keep what the person confirmed, who
 *   agreed that models are trained with it; gives the clip's id
 * @property {(clipId: string, key: string) => Promise<unknown>} unremember it said something else
 */

/**
 * What comes from an answerer: the service's messages, and whether there is a connection.
 *
 * @typedef {object} AnswererEvents
 * @property {{limits?: {max_signer_sentences?: number}}} ready how many confirmed sentences a person is learned from, at most
 * @property {{code: string}} lost
 * @property {{state: string}} state
 * @property {{probability: number}} activity
 * @property {{answer: PageAnswer, segment: number, start_s: number, end_s: number}} answer
 * @property {{sentences: number}} signer from how many sentences the person is known now
 * @property {{sentences: CandidateOffer[]}} next sentences to ask the person for, the one that tells most first
 * @property {object} cancel
 * @property {{error: {code: string}, segment?: number}} error
 */

/**
 * What fails throws an AnswererError with a code.
 *
 * @typedef {object} AnswererMethods
 * @property {(aspect: number, mode: Mode, learn: boolean) => void} connect open a stream of frames; `learn`: the person is
 *   learned from what they confirm, until another one comes or the stream is closed
 * @property {() => void} disconnect close it
 * @property {(frame: Frame) => void} pushFrame one frame of the stream; times increase
 * @property {() => void} start signing begins (mode "button")
 * @property {() => void} stop signing ends
 * @property {() => void} reset another person stands there
 * @property {(segment: number, text: string) => void} confirm the person said which sentence an answered segment is: one
 *   that was offered or asked for, or "" = none of them
 * @property {(limit: number) => void} askNext which sentences shall they sign, to be known? The event "next" tells
 * @property {(mayReload: () => boolean) => Promise<unknown>} keep make the page load without network, and again where a
 *   newer version is there and that is allowed
 * @property {() => Promise<AnswererConfig>} config
 * @property {(query: string, part?: ListedPart) => Promise<{total: number, sentences: ListedSentence[]}>} sentences
 * @property {() => Promise<{category: string, sentences: number}[]>} categories "" = of no category
 * @property {(sentenceId: string) => Promise<Clip | null>} sign a clip to draw
 * @property {(sentenceId: string) => string} [film] address of a film of a person who signs it; only a service has films
 * @property {(text: string) => Promise<ListedSentence[]>} search nearest meaning first
 * @property {(clip: Clip, sentenceId?: string) => Promise<PageAnswer>} recognize
 * @property {(text: string, clip: Clip, told: ToldSentence) => Promise<EnrolledSentence>} enroll
 */

/** @typedef {Events<AnswererEvents> & AnswererMethods & TaughtMethods} Answerer */

export const NUM_CANDIDATES = 5;
export const MOST_LISTED = 30;
export const MOST_FOUND = 20;

export class AnswererError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number} [status] of HTTP, where the service gave one
   */
  constructor(code, message, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
