/**
 * The exported graphs on ONNX Runtime Web. What they give is all that the rest of the engine knows of the network;
 * tests put other models with these functions in their place.
 */

/** `ort` is the onnxruntime-web module, `read(name)` gives a file's bytes, `model` is the bundle's description. */
export async function openModels(ort, read, model) {
  const session = async (name) => ort.InferenceSession.create(await read(name), { executionProviders: ["wasm"] });
  const encoder = await session("sign_encoder.onnx");
  const decoder = model.decoder ? new OnnxDecoder(
    ort, await session("sign_decoder_start.onnx"), await session("sign_decoder.onnx"), model.decoder) : null;
  const texts = model.text_encoder ? await session("sign_text_encoder.onnx") : null;
  return {
    encode: (made) => encode(ort, encoder, made, model.spells),
    decoder,
    embedText: texts ? (ids) => embedText(ort, texts, ids) : null,
  };
}

/** An encoded clip of what `extractFeatures` gives; see scoring.js. */
async function encode(ort, session, { features, valid, numFrames, numFeatures }, spells) {
  const outputs = await session.run({
    features: new ort.Tensor("float32", features, [1, numFrames, numFeatures]),
    valid: new ort.Tensor("bool", valid, [1, numFrames]),
  });
  const attention = outputs.attention.data.filter((_, t) => valid[t]);
  return {
    embedding: outputs.embedding.data,
    projections: outputs.projections.data,
    memory: outputs.memory.data,
    valid,
    attentionMean: Math.fround(attention.reduce((sum, each) => sum + each, 0) / Math.max(attention.length, 1)),
    wordLogProbs: outputs.words.data,
    vocabulary: spells ? outputs.words.dims[2] : 0,
  };
}

/** Float32Array (D): a text's token ids as a point among the signs. */
async function embedText(ort, session, ids) {
  const tokens = new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]);
  return (await session.run({ tokens })).text_embedding.data;
}

/** The text decoder as decoding.js wants it; keys and values have the row on axis 2. */
class OnnxDecoder {
  constructor(ort, start, step, shape) {
    this.ort = ort;
    this.sessions = { start, step };
    this.vocabulary = shape.vocabulary_size;
    this.shape = [shape.num_layers, 2, 0, shape.num_heads, 0, shape.width / shape.num_heads];
  }

  async start({ memory, valid }) {
    const { Tensor } = this.ort, numFrames = valid.length;
    const memoryValid = new Tensor("bool", valid, [1, numFrames]);
    const { cross } = await this.sessions.start.run({
      memory: new Tensor("float32", memory, [1, numFrames, memory.length / numFrames]), memory_valid: memoryValid,
    });
    const dims = this.shape.with(2, 1);
    return { memoryValid, cross, cache: new Tensor("float32", new Float32Array(0), dims) };
  }

  async step(tokens, { memoryValid, cross, cache }) {
    const { Tensor } = this.ort;
    const outputs = await this.sessions.step.run({
      tokens: new Tensor("int64", BigInt64Array.from(tokens, BigInt), [tokens.length]),
      memory_valid: memoryValid, cross, cache,
    });
    return { logProbs: outputs.log_probs.data, state: { memoryValid, cross, cache: outputs.new_cache } };
  }

  select({ memoryValid, cross, cache }, rows) {
    const pick = (tensor, axis) => selected(this.ort, tensor, axis, rows);
    return { memoryValid: pick(memoryValid, 0), cross: pick(cross, 2), cache: pick(cache, 2) };
  }
}

/** A tensor with these rows along one axis, repeats allowed. */
function selected(ort, tensor, axis, rows) {
  const inner = tensor.dims.slice(axis + 1).reduce((a, b) => a * b, 1), before = tensor.dims[axis];
  const outer = tensor.dims.slice(0, axis).reduce((a, b) => a * b, 1);
  const data = new tensor.data.constructor(outer * rows.length * inner);
  for (let o = 0; o < outer; o++) {
    rows.forEach((row, place) => {
      const from = (o * before + row) * inner;
      data.set(tensor.data.subarray(from, from + inner), (o * rows.length + place) * inner);
    });
  }
  return new ort.Tensor(tensor.type, data, tensor.dims.with(axis, rows.length));
}
