/**
 * The exported graphs on ONNX Runtime Web. What they give is all that the rest of the engine knows of the network;
 * tests put other models with these functions in their place.
 */

/** @import * as Ort from "onnxruntime-web" */
/** @import { Decoder } from "./beam_search.js" */
/** @import { ClipFeatures } from "./features.js" */

/** @typedef {typeof Ort} OrtModule onnxruntime-web */
/** @typedef {Ort.InferenceSession} Session */
/** @typedef {Ort.Tensor} Tensor */

/** @typedef {{[name in "num_layers" | "num_heads" | "width" | "vocabulary_size"]: number}} DecoderShape */

/** @typedef {{spells: boolean, decoder: DecoderShape | null, text_encoder: boolean}} ModelConfig */

/**
 * A clip as the network sees it.
 *
 * @typedef {object} Encoded
 * @property {Float32Array} embedding (D)
 * @property {Float32Array} projections (T' * P)
 * @property {Float32Array} memory what the decoder reads
 * @property {Uint8Array} valid (T') 0 in padding, which stands at the end
 * @property {number} attentionMean
 * @property {Float32Array} wordLogProbs (T' * V)
 * @property {number} vocabulary V; 0 of a model that does not spell
 */

/**
 * The network's parts.
 *
 * @typedef {object} Models
 * @property {(features: ClipFeatures) => Promise<Encoded>} encode
 * @property {Decoder | null} decoder null = nothing is translated
 * @property {((ids: number[]) => Promise<Float32Array>) | null} embedText a text as a point among the signs
 */

/**
 * @param {OrtModule} ort
 * @param {(name: string) => Promise<Uint8Array>} read gives a file's bytes
 * @param {ModelConfig} model
 * @returns {Promise<Models>}
 */
export async function openModels(ort, read, model) {
  const session = async (/** @type {string} */ name) => ort.InferenceSession.create(await read(name), { executionProviders: ["wasm"] });
  const encoder = await session("sign_encoder.onnx");
  const decoder = model.decoder ? new OnnxDecoder(
    ort, await session("sign_decoder_start.onnx"), await session("sign_decoder.onnx"), model.decoder) : null;
  const texts = model.text_encoder ? await session("sign_text_encoder.onnx") : null;
  return {
    encode: (features) => encode(ort, encoder, features, model.spells),
    decoder,
    embedText: texts ? (ids) => embedText(ort, texts, ids) : null,
  };
}

/**
 * @param {OrtModule} ort
 * @param {Session} session
 * @param {ClipFeatures} features
 * @param {boolean} spells
 * @returns {Promise<Encoded>}
 */
async function encode(ort, session, { features, valid, numFrames, numFeatures }, spells) {
  const outputs = await session.run({
    features: new ort.Tensor("float32", features, [1, numFrames, numFeatures]),
    valid: new ort.Tensor("bool", valid, [1, numFrames]),
  });
  const attention = floats(outputs.attention).filter((_, t) => valid[t]);
  return {
    embedding: floats(outputs.embedding),
    projections: floats(outputs.projections),
    memory: floats(outputs.memory),
    valid,
    attentionMean: Math.fround(attention.reduce((sum, each) => sum + each, 0) / Math.max(attention.length, 1)),
    wordLogProbs: floats(outputs.words),
    vocabulary: spells ? outputs.words.dims[2] : 0,
  };
}

/**
 * Float32Array (D): a text's token ids as a point among the signs.
 *
 * @param {OrtModule} ort
 * @param {Session} session
 * @param {number[]} ids
 */
async function embedText(ort, session, ids) {
  const tokens = new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]);
  return floats((await session.run({ tokens })).text_embedding);
}

/** @param {Tensor} tensor */
function floats(tensor) {
  return /** @type {Float32Array} */ (tensor.data);
}

/** @typedef {{memoryValid: Tensor, cross: Tensor, cache: Tensor}} DecoderState */

/**
 * The text decoder as beam_search.js wants it; keys and values have the row on axis 2.
 *
 * @implements {Decoder<DecoderState>}
 */
class OnnxDecoder {
  /**
   * @param {OrtModule} ort
   * @param {Session} start
   * @param {Session} step
   * @param {DecoderShape} shape
   */
  constructor(ort, start, step, shape) {
    this.ort = ort;
    this.sessions = { start, step };
    this.vocabulary = shape.vocabulary_size;
    this.shape = [shape.num_layers, 2, 0, shape.num_heads, 0, shape.width / shape.num_heads];
  }

  /**
   * @param {Encoded} encoded
   * @returns {Promise<DecoderState>}
   */
  async start({ memory, valid }) {
    const { Tensor } = this.ort, numFrames = valid.length;
    const memoryValid = new Tensor("bool", valid, [1, numFrames]);
    const { cross } = await this.sessions.start.run({
      memory: new Tensor("float32", memory, [1, numFrames, memory.length / numFrames]), memory_valid: memoryValid,
    });
    const dims = this.shape.with(2, 1);
    return { memoryValid, cross, cache: new Tensor("float32", new Float32Array(0), dims) };
  }

  /**
   * @param {number[]} tokens
   * @param {DecoderState} state
   */
  async step(tokens, { memoryValid, cross, cache }) {
    const { Tensor } = this.ort;
    const outputs = await this.sessions.step.run({
      tokens: new Tensor("int64", BigInt64Array.from(tokens, BigInt), [tokens.length]),
      memory_valid: memoryValid, cross, cache,
    });
    return { logProbs: floats(outputs.log_probs), state: { memoryValid, cross, cache: outputs.new_cache } };
  }

  /**
   * @param {DecoderState} state
   * @param {number[]} rows
   * @returns {DecoderState}
   */
  select({ memoryValid, cross, cache }, rows) {
    const pick = (/** @type {Tensor} */ tensor, /** @type {number} */ axis) => selected(this.ort, tensor, axis, rows);
    return { memoryValid: pick(memoryValid, 0), cross: pick(cross, 2), cache: pick(cache, 2) };
  }
}

/**
 * A tensor with these rows along one axis, repeats allowed.
 *
 * @param {OrtModule} ort
 * @param {Tensor} tensor
 * @param {number} axis
 * @param {number[]} rows
 * @returns {Tensor}
 */
function selected(ort, tensor, axis, rows) {
  const inner = tensor.dims.slice(axis + 1).reduce((a, b) => a * b, 1), before = tensor.dims[axis];
  const outer = tensor.dims.slice(0, axis).reduce((a, b) => a * b, 1);
  const numbers = /** @type {Float32Array} */ (tensor.data), size = outer * rows.length * inner;
  const data = new (/** @type {Float32ArrayConstructor} */ (numbers.constructor))(size);
  for (let o = 0; o < outer; o++) {
    rows.forEach((row, place) => {
      const from = (o * before + row) * inner;
      data.set(numbers.subarray(from, from + inner), (o * rows.length + place) * inner);
    });
  }
  return new ort.Tensor(/** @type {"float32"} */ (tensor.type), data, tensor.dims.with(axis, rows.length));
}
