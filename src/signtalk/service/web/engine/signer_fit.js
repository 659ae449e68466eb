/**
 * Learning how one person signs from a few sentences whose text is known (`signtalk.recognition.signer_fit`).
 *
 *   const signer = await fitSigner(clips, texts, index, tokenizer);
 *
 * It takes a second or two of computing, and lets others go first after each of its steps.
 */

import { alignWords, isSpelled } from "./ctc_alignment.js";
import { validFrames } from "./ctc.js";
import { squaredNorms, warpingPath } from "./dtw.js";
import { largestEigenvalue, product, solvePositive, transposedProduct } from "./matrices.js";
import { dot } from "./numbers.js";
import { frameInputs, normalise } from "./signer_transform.js";
import { SIGNER_FIT } from "./tables.js";
import { textKey } from "./tokenizer.js";

/** @import { Encoded } from "./models.js" */
/** @import { SentenceIndex } from "./sentence_index.js" */
/** @import { SignerTransform } from "./signer_transform.js" */
/** @import { Tokenizer } from "./tokenizer.js" */

/** @typedef {{clip: Encoded, inputs: Float64Array, numFrames: number, text: string}} KnownClip its valid frames alone */

/**
 * What is peculiar to a person; null where the model knows nothing of what they said.
 *
 * @param {Encoded[]} clips of one person, at least one, as the encoder of everybody gives them
 * @param {string[]} texts what each says
 * @param {SentenceIndex} index
 * @param {Tokenizer} tokenizer
 * @returns {Promise<SignerTransform | null>}
 */
export async function fitSigner(clips, texts, index, tokenizer) {
  const width = clips[0].memory.length / clips[0].valid.length;
  const memories = clips.map((clip) => clip.memory.subarray(0, validFrames(clip) * width));
  const { centre, scale } = centreOf(memories, width);
  const known = clips.map((clip, n) => ({
    clip, text: texts[n], numFrames: validFrames(clip), inputs: frameInputs(memories[n], centre, scale),
  }));
  const frames = framesMap(known, index, width + 1);
  const words = await wordsMap(known, tokenizer, width + 1);
  if (!frames.isTold && !words.isTold) return null;
  return { numClips: clips.length, centre, scale, frames: frames.map, words: words.map };
}

/**
 * The mean of all frames, and how far they lie from it.
 *
 * @param {Float32Array[]} memories
 * @param {number} width
 */
function centreOf(memories, width) {
  const centre = new Float64Array(width), squares = new Float64Array(width);
  const count = memories.reduce((sum, { length }) => sum + length, 0) / width;
  for (const memory of memories) memory.forEach((value, place) => { centre[place % width] += value / count; });
  for (const memory of memories) {
    memory.forEach((value, place) => { squares[place % width] += (value - centre[place % width]) ** 2 / count; });
  }
  const variance = squares.reduce((sum, each) => sum + each, 0) / width;
  return { centre, scale: Math.max(Math.sqrt(variance), 1e-6) };
}

/**
 * ((M + 1) * P) that moves frames to where references hold the same.
 *
 * @param {KnownClip[]} known
 * @param {SentenceIndex} index
 * @param {number} size M + 1
 */
function framesMap(known, index, size) {
  const width = known[0].clip.projections.length / known[0].clip.valid.length;
  const gram = new Float64Array(size * size), moves = new Float64Array(size * width);
  let isTold = false;
  for (const { clip, text, numFrames, inputs } of known) {
    const rows = index.find(textKey(text))?.rows ?? [], { references_per_sentence: most } = SIGNER_FIT;
    const references = rows.map((row) => index.references[row]).filter(({ entry }) => entry.kind !== "written");
    if (!references.length) continue;
    isTold = true;
    const own = clip.projections.subarray(0, numFrames * width);
    const target = laidBeside(own, references.slice(0, most).map(({ frames }) => frames), width);
    addTo(gram, transposedProduct(inputs, inputs, size, size));
    addTo(moves, transposedProduct(inputs, target.map((value, place) => value - own[place]), size, width));
  }
  for (let i = 0; i < size; i++) gram[i * size + i] += SIGNER_FIT.frames_ridge;
  return { isTold, map: solvePositive(gram, moves, size, width) };
}

/**
 * Float64Array (T * P): the mean of the references' frames that warping lays beside each frame.
 *
 * @param {Float32Array} own
 * @param {Float32Array[]} references
 * @param {number} width
 */
function laidBeside(own, references, width) {
  const total = new Float64Array(own.length), norms = squaredNorms(own, width), count = new Float64Array(norms.length);
  for (const reference of references) {
    const others = squaredNorms(reference, width), costs = new Float64Array(norms.length * others.length);
    for (let i = 0; i < norms.length; i++) {
      for (let j = 0; j < others.length; j++) {
        const square = norms[i] + others[j] - 2 * dot(own, i * width, reference, j * width, width);
        costs[i * others.length + j] = Math.sqrt(Math.max(square, 0));
      }
    }
    for (const [frame, beside] of warpingPath(costs, others.length)) {
      count[frame] += 1;
      for (let p = 0; p < width; p++) total[frame * width + p] += reference[beside * width + p];
    }
  }
  return total.map((value, place) => value / count[Math.floor(place / width)]);
}

/**
 * ((M + 1) * V) that is added to what frames say of words: Nesterov's method on the sum of the clips' CTC losses and half
 * the ridge.
 *
 * @param {KnownClip[]} known
 * @param {Tokenizer} tokenizer
 * @param {number} size M + 1
 */
async function wordsMap(known, tokenizer, size) {
  const { vocabulary } = known[0].clip, { words_ridge: ridge, words_steps: steps } = SIGNER_FIT;
  const spelled = known.map((each) => ({ ...each, words: tokenizer.encode(each.text) })).filter(({ clip, words, numFrames }) => (
    isSpelled(words, vocabulary)
      && alignWords(clip.wordLogProbs, 0, numFrames, vocabulary, words).logLikelihood > -Infinity
  )); // more words than frames cannot be placed
  let words = new Float64Array(size * vocabulary);
  if (!spelled.length) return { isTold: false, map: words };
  const used = joined(spelled.map(({ inputs }) => inputs));
  const asRead = joined(spelled.map(({ clip, numFrames }) => clip.wordLogProbs.subarray(0, numFrames * vocabulary)));
  const step = 1 / (0.5 * largestEigenvalue(transposedProduct(used, used, size, size), size) + ridge);
  let ahead = words, weight = 1;
  for (let n = 0; n < steps; n++) {
    const wrong = product(used, ahead, size, vocabulary);
    addTo(wrong, asRead);
    normalise(wrong, vocabulary);
    subtractAlignments(wrong, spelled, vocabulary);
    const slope = transposedProduct(used, wrong, size, vocabulary), before = words, from = ahead;
    words = from.map((value, place) => value - step * (slope[place] + ridge * value));
    const further = (1 + Math.sqrt(1 + 4 * weight ** 2)) / 2, speed = (weight - 1) / further;
    ahead = words.map((value, place) => value + speed * (value - before[place]));
    weight = further;
    await breath();
  }
  return { isTold: true, map: words };
}

/**
 * Turn what frames say of words into how far that is wrong.
 *
 * @param {Float64Array} read log probabilities of all clips' frames; probabilities less those of the sentences afterwards
 * @param {{numFrames: number, words: number[]}[]} spelled
 * @param {number} vocabulary
 */
function subtractAlignments(read, spelled, vocabulary) {
  let start = 0;
  for (const { numFrames, words } of spelled) {
    const { occupation } = alignWords(read, start, numFrames, vocabulary, words);
    for (let place = 0; place < occupation.length; place++) {
      read[start + place] = Math.exp(read[start + place]) - occupation[place];
    }
    start += occupation.length;
  }
}

/**
 * @param {Float64Array} sum
 * @param {Float64Array} more
 */
function addTo(sum, more) {
  for (let place = 0; place < sum.length; place++) sum[place] += more[place];
}

/** @param {(Float32Array | Float64Array)[]} parts */
function joined(parts) {
  const whole = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let start = 0;
  for (const part of parts) {
    whole.set(part, start);
    start += part.length;
  }
  return whole;
}

/** Let frames and answers go first. */
function breath() {
  return new Promise((resolve) => { setTimeout(resolve, 0); });
}
