/**
 * From an encoder's memory to text by beam search, with the frames' own words (`signtalk.decoding`, `spelling`).
 *
 * A decoder has start(encoded) -> state, step(tokens, state) -> {logProbs: Float32Array (rows * V), state},
 * select(state, rows) -> state and vocabulary V; the first two give promises. One row is one open text.
 */

import { logAddExp } from "./numbers.js";
import { BLANK_ID, validFrames } from "./spelling.js";
import { EOS_ID, SOS_ID, UNK_ID } from "./tokenizer.js";

const IMPOSSIBLE = -1e30;
const CANDIDATES = 48;

/** The best text: {tokens without sos and eos, score, tokenLogProbs, finished}. */
export async function beamSearch(decoder, encoded, options) {
  const pool = [];
  let beams = [{ tokens: [], logProbs: [], total: 0, row: 0 }];
  let state = await decoder.start(encoded);
  for (let length = 1; length <= options.max_tokens; length++) {
    const last = beams.map((beam) => beam.tokens.at(-1) ?? SOS_ID);
    const said = await decoder.step(last, state);
    const grown = expand(beams, said.logProbs, decoder.vocabulary, options.num_beams, length > options.min_tokens);
    for (const beam of grown.filter((each) => each.tokens.at(-1) === EOS_ID)) {
      pool.push(result(beam, options, true));
      pool.sort((a, b) => b.score - a.score); // stable: of equal scores the one found first stays
      pool.splice(options.num_beams);
    }
    beams = grown.filter((each) => each.tokens.at(-1) !== EOS_ID);
    if (!beams.length) break;
    const bound = beams[0].total / lengthDivisor(options.max_tokens, options.length_penalty);
    if (pool.length === options.num_beams && bound <= pool.at(-1).score) break;
    state = decoder.select(said.state, beams.map((beam) => beam.row));
  }
  if (pool.length) return pool[0];
  if (beams.length) return result(beams[0], options, false);
  return { tokens: [], score: -Infinity, tokenLogProbs: [], finished: false };
}

/** The most probable continuations of the open texts, best first; equal ones by rank of the older text, then by id. */
function expand(beams, logProbs, vocabulary, numBeams, mayEnd) {
  const best = [];
  beams.forEach((beam, row) => {
    for (let token = 0; token < vocabulary; token++) {
      const logProb = logProbs[row * vocabulary + token];
      if (Number.isNaN(logProb)) throw new Error("the decoder gave NaN log probabilities");
      const total = beam.total + logProb;
      if (token === SOS_ID || (token === EOS_ID && !mayEnd) || total === -Infinity) continue;
      if (best.length === numBeams && total <= best.at(-1).total) continue;
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

function lengthDivisor(numTokens, penalty) {
  return ((5 + numTokens) / 6) ** penalty;
}

function result(beam, options, finished) {
  return {
    tokens: finished ? beam.tokens.slice(0, -1) : beam.tokens,
    score: beam.total / lengthDivisor(beam.tokens.length, options.length_penalty),
    tokenLogProbs: beam.logProbs,
    finished,
  };
}

/** A text decoder and the frames' own spelling, weighed, as one decoder; `weight` 0 = the decoder alone. */
export class JointDecoder {
  constructor(decoder, weight) {
    this.decoder = decoder;
    this.weight = weight;
    this.vocabulary = decoder.vocabulary;
  }

  async start(encoded) {
    this.words = encoded.wordLogProbs;
    this.numFrames = validFrames(encoded);
    const wordEnd = new Float64Array(this.numFrames).fill(IMPOSSIBLE), blankEnd = new Float64Array(this.numFrames);
    let sum = 0;
    this.shown = new Float64Array(this.vocabulary).fill(IMPOSSIBLE);
    for (let t = 0; t < this.numFrames; t++) {
      sum += this.words[t * this.vocabulary + BLANK_ID];
      blankEnd[t] = Math.max(sum, IMPOSSIBLE);
      for (let v = 0; v < this.vocabulary; v++) {
        this.shown[v] = Math.max(this.shown[v], this.words[t * this.vocabulary + v]);
      }
    }
    return { inner: await this.decoder.start(encoded), texts: [{ last: -1, wordEnd, blankEnd, spelled: 0 }] };
  }

  select(state, rows) {
    return { inner: this.decoder.select(state.inner, rows), texts: rows.map((row) => state.texts[row]) };
  }

  async step(tokens, state) {
    const texts = tokens.every((token) => token === SOS_ID) ? state.texts
      : state.texts.map((text, row) => this.#grown(text, tokens[row]));
    const { logProbs: heard, state: inner } = await this.decoder.step(tokens, state.inner);
    const logProbs = new Float32Array(heard.length).fill(-Infinity);
    texts.forEach((text, row) => {
      const own = heard.subarray(row * this.vocabulary, (row + 1) * this.vocabulary);
      const say = (token, spelled) => {
        logProbs[row * this.vocabulary + token] = (1 - this.weight) * own[token]
          + this.weight * Math.max(spelled - text.spelled, IMPOSSIBLE);
      };
      for (const word of this.#candidates(own)) say(word, this.#began(text, word));
      say(EOS_ID, logAddExp(text.wordEnd.at(-1), text.blankEnd.at(-1)));
    });
    return { logProbs, state: { inner, texts } };
  }

  /** Words worth trying: all of a small vocabulary, else the decoder's and the frames' favourites. */
  #candidates(heard) {
    const words = Array.from({ length: this.vocabulary - UNK_ID - 1 }, (_, i) => UNK_ID + 1 + i);
    if (words.length <= 2 * CANDIDATES) return words;
    const best = (values) => [...words].sort((a, b) => values[b] - values[a]).slice(0, CANDIDATES);
    return new Set([...best(heard), ...best(this.shown)]);
  }

  /** Log probability of ways to have spelled the text just before frame t; a repeated word needs a blank between. */
  #fresh(text, word, t) {
    if (t === 0) return text.last < 0 ? 0 : IMPOSSIBLE;
    return word === text.last ? text.blankEnd[t - 1] : logAddExp(text.wordEnd[t - 1], text.blankEnd[t - 1]);
  }

  /** Log probability that the frames begin with the text and one word more. */
  #began(text, word) {
    let total = -Infinity;
    for (let t = 0; t < this.numFrames; t++) {
      total = logAddExp(total, this.#fresh(text, word, t) + this.words[t * this.vocabulary + word]);
    }
    return total;
  }

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
