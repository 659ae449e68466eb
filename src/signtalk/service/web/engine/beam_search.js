/**
 * From an encoder's memory to text by beam search, with the frames' own words (`signtalk.recognition.beam_search`,
 * `ctc`).
 */

import { validFrames } from "./ctc.js";
import { logAddExp } from "./numbers.js";
import { BLANK_ID, EOS_ID, IMPOSSIBLE, MOST_WORDS_TRIED, SOS_ID, UNK_ID } from "./tables.js";

/** @import { Encoded } from "./models.js" */

/**
 * What can go on with texts, one row an open text; `S` is what it remembers of them.
 *
 * @template [S=any]
 * @typedef {object} Decoder
 * @property {number} vocabulary V
 * @property {(encoded: Encoded) => Promise<S>} start
 * @property {(tokens: number[], state: S) => Promise<{logProbs: Float32Array, state: S}>} step gives (rows * V) numbers
 * @property {(state: S, rows: number[]) => S} select
 */

/** @typedef {{[name in "num_beams" | "max_tokens" | "min_tokens" | "length_penalty"]: number}} DecodingOptions */

/** @typedef {{tokens: number[], logProbs: number[], total: number, row: number}} Beam an open text */

/**
 * A text.
 *
 * @typedef {object} Decoded
 * @property {number[]} tokens without sos and eos
 * @property {number} score
 * @property {number[]} tokenLogProbs of the tokens, and of eos where it ended
 * @property {boolean} finished
 */

/**
 * The best text.
 *
 * @param {Decoder} decoder
 * @param {Encoded} encoded
 * @param {DecodingOptions} options
 * @returns {Promise<Decoded>}
 */
export async function beamSearch(decoder, encoded, options) {
  /** @type {Decoded[]} */
  const pool = [];
  /** @type {Beam[]} */
  let beams = [{ tokens: [], logProbs: [], total: 0, row: 0 }];
  let state = await decoder.start(encoded);
  for (let length = 1; length <= options.max_tokens; length++) {
    const last = beams.map((beam) => beam.tokens.at(-1) ?? SOS_ID);
    const next = await decoder.step(last, state);
    const grown = expand(beams, next.logProbs, decoder.vocabulary, options.num_beams, length > options.min_tokens);
    for (const beam of grown.filter((each) => each.tokens.at(-1) === EOS_ID)) {
      pool.push(result(beam, options, true));
      pool.sort((a, b) => b.score - a.score); // stable: of equal scores the one found first stays
      pool.splice(options.num_beams);
    }
    beams = grown.filter((each) => each.tokens.at(-1) !== EOS_ID);
    if (!beams.length) break;
    const bound = beams[0].total / lengthDivisor(options.max_tokens, options.length_penalty);
    if (pool.length === options.num_beams && bound <= pool[pool.length - 1].score) break;
    state = decoder.select(next.state, beams.map((beam) => beam.row));
  }
  if (pool.length) return pool[0];
  if (beams.length) return result(beams[0], options, false);
  return { tokens: [], score: -Infinity, tokenLogProbs: [], finished: false };
}

/**
 * The most probable continuations of the open texts, best first; equal ones by rank of the older text, then by id.
 *
 * @param {Beam[]} beams
 * @param {Float32Array} logProbs
 * @param {number} vocabulary
 * @param {number} numBeams
 * @param {boolean} mayEnd
 * @returns {Beam[]}
 */
function expand(beams, logProbs, vocabulary, numBeams, mayEnd) {
  /** @type {{row: number, token: number, logProb: number, total: number}[]} */
  const best = [];
  beams.forEach((beam, row) => {
    for (let token = 0; token < vocabulary; token++) {
      const logProb = logProbs[row * vocabulary + token];
      if (Number.isNaN(logProb)) throw new Error("the decoder gave NaN log probabilities");
      const total = beam.total + logProb;
      if (token === SOS_ID || (token === EOS_ID && !mayEnd) || total === -Infinity) continue;
      if (best.length === numBeams && total <= best[best.length - 1].total) continue;
      let place = best.length;
      while (place && best[place - 1].total < total) place -= 1;
      best.splice(place, 0, { row, token, logProb, total });
      best.splice(numBeams);
    }
  });
  return best.map(({ row, token, logProb, total }) => ({
    tokens: [...beams[row].tokens, token], logProbs: [...beams[row].logProbs, logProb], total, row,
  }));
}

/**
 * @param {number} numTokens
 * @param {number} penalty
 */
function lengthDivisor(numTokens, penalty) {
  return ((5 + numTokens) / 6) ** penalty;
}

/**
 * @param {Beam} beam
 * @param {DecodingOptions} options
 * @param {boolean} finished
 * @returns {Decoded}
 */
function result(beam, options, finished) {
  return {
    tokens: finished ? beam.tokens.slice(0, -1) : beam.tokens,
    score: beam.total / lengthDivisor(beam.tokens.length, options.length_penalty),
    tokenLogProbs: beam.logProbs,
    finished,
  };
}

/**
 * What the frames spell of an open text.
 *
 * @typedef {object} Spelling
 * @property {number} last its last word; -1 = none yet
 * @property {Float64Array} wordEnd (frames) log probability of ways that end there with the last word
 * @property {Float64Array} blankEnd likewise with a blank
 * @property {number} spelled log probability of the text so far
 */

/** @typedef {{inner: any, texts: Spelling[]}} JointState */

/**
 * A text decoder and the frames' own spelling, weighed, as one decoder; `weight` 0 = the decoder alone.
 *
 * @implements {Decoder<JointState>}
 */
export class JointDecoder {
  /** @type {Float32Array} */
  words = new Float32Array(); // (frames * V) log probabilities
  highest = new Float64Array(); // (V) the highest one of each word
  numFrames = 0;

  /**
   * @param {Decoder} decoder
   * @param {number} weight of the spelling, 0-1
   */
  constructor(decoder, weight) {
    this.decoder = decoder;
    this.weight = weight;
    this.vocabulary = decoder.vocabulary;
  }

  /**
   * @param {Encoded} encoded
   * @returns {Promise<JointState>}
   */
  async start(encoded) {
    this.words = encoded.wordLogProbs;
    this.numFrames = validFrames(encoded);
    const wordEnd = new Float64Array(this.numFrames).fill(IMPOSSIBLE), blankEnd = new Float64Array(this.numFrames);
    let sum = 0;
    this.highest = new Float64Array(this.vocabulary).fill(IMPOSSIBLE);
    for (let t = 0; t < this.numFrames; t++) {
      sum += this.words[t * this.vocabulary + BLANK_ID];
      blankEnd[t] = Math.max(sum, IMPOSSIBLE);
      for (let v = 0; v < this.vocabulary; v++) {
        this.highest[v] = Math.max(this.highest[v], this.words[t * this.vocabulary + v]);
      }
    }
    return { inner: await this.decoder.start(encoded), texts: [{ last: -1, wordEnd, blankEnd, spelled: 0 }] };
  }

  /**
   * @param {JointState} state
   * @param {number[]} rows
   * @returns {JointState}
   */
  select(state, rows) {
    return { inner: this.decoder.select(state.inner, rows), texts: rows.map((row) => state.texts[row]) };
  }

  /**
   * @param {number[]} tokens
   * @param {JointState} state
   */
  async step(tokens, state) {
    const texts = tokens.every((token) => token === SOS_ID) ? state.texts
      : state.texts.map((text, row) => this.#grown(text, tokens[row]));
    const { logProbs: heard, state: inner } = await this.decoder.step(tokens, state.inner);
    const logProbs = new Float32Array(heard.length).fill(-Infinity);
    texts.forEach((text, row) => {
      const own = heard.subarray(row * this.vocabulary, (row + 1) * this.vocabulary);
      const say = (/** @type {number} */ token, /** @type {number} */ spelled) => {
        logProbs[row * this.vocabulary + token] = (1 - this.weight) * own[token]
          + this.weight * Math.max(spelled - text.spelled, IMPOSSIBLE);
      };
      for (const word of this.#candidates(own)) say(word, this.#began(text, word));
      say(EOS_ID, logAddExp(text.wordEnd[this.numFrames - 1], text.blankEnd[this.numFrames - 1]));
    });
    return { logProbs, state: { inner, texts } };
  }

  /**
   * Words worth trying: all of a small vocabulary, else the decoder's and the frames' favourites.
   *
   * @param {Float32Array} heard
   */
  #candidates(heard) {
    const words = Array.from({ length: this.vocabulary - UNK_ID - 1 }, (_, i) => UNK_ID + 1 + i);
    if (words.length <= 2 * MOST_WORDS_TRIED) return words;
    const best = (/** @type {ArrayLike<number>} */ values) => [...words].sort((a, b) => values[b] - values[a]).slice(0, MOST_WORDS_TRIED);
    return new Set([...best(heard), ...best(this.highest)]);
  }

  /**
   * Log probability of ways to have spelled the text just before frame t; a repeated word needs a blank between.
   *
   * @param {Spelling} text
   * @param {number} word
   * @param {number} t
   */
  #fresh(text, word, t) {
    if (t === 0) return text.last < 0 ? 0 : IMPOSSIBLE;
    return word === text.last ? text.blankEnd[t - 1] : logAddExp(text.wordEnd[t - 1], text.blankEnd[t - 1]);
  }

  /**
   * Log probability that the frames begin with the text and one word more.
   *
   * @param {Spelling} text
   * @param {number} word
   */
  #began(text, word) {
    let total = -Infinity;
    for (let t = 0; t < this.numFrames; t++) {
      total = logAddExp(total, this.#fresh(text, word, t) + this.words[t * this.vocabulary + word]);
    }
    return total;
  }

  /**
   * @param {Spelling} text
   * @param {number} word
   * @returns {Spelling}
   */
  #grown(text, word) {
    const wordEnd = new Float64Array(this.numFrames), blankEnd = new Float64Array(this.numFrames);
    let lastWord = IMPOSSIBLE, lastBlank = IMPOSSIBLE;
    for (let t = 0; t < this.numFrames; t++) {
      lastBlank = logAddExp(lastWord, lastBlank) + this.words[t * this.vocabulary + BLANK_ID];
      lastWord = logAddExp(lastWord, this.#fresh(text, word, t)) + this.words[t * this.vocabulary + word];
      wordEnd[t] = Math.max(lastWord, IMPOSSIBLE);
      blankEnd[t] = Math.max(lastBlank, IMPOSSIBLE);
    }
    return { last: word, wordEnd, blankEnd, spelled: Math.max(this.#began(text, word), IMPOSSIBLE) };
  }
}
