/**
 * Clips in a few numbers, so that all of an index can be compared with a query in order of time
 * (`signtalk.recognition.sketches`).
 */

import { dtwDistance, squaredNorms } from "./dtw.js";
import { descendingOrder } from "./numbers.js";
import { COARSE_STRETCHES, COLUMNS_CHOSEN_BY, FINE_STRETCHES, SKETCH_COLUMNS } from "./tables.js";

/** @import { Reference, SentenceIndex } from "./sentence_index.js" */

/** @type {WeakMap<SentenceIndex, Sketches>} */
const KNOWN = new WeakMap();

/**
 * The sketches of an index's references, made once.
 *
 * @param {SentenceIndex} index
 * @param {number} width numbers a frame
 */
export function sketchesOf(index, width) {
  const known = KNOWN.get(index) ?? new Sketches(index.references, width);
  KNOWN.set(index, known);
  return known;
}

export class Sketches {
  /**
   * @param {Reference[]} references
   * @param {number} width numbers a frame
   */
  constructor(references, width) {
    this.width = width;
    this.columns = widest(references.slice(0, COLUMNS_CHOSEN_BY), width);
    this.coarse = references.map(({ frames }) => this.means(frames, COARSE_STRETCHES));
    this.fine = references.map(({ frames }) => this.means(frames, FINE_STRETCHES));
  }

  /**
   * Mean frame of each stretch of equal length, in the columns that count; nothing of a clip without a frame.
   *
   * Where a stretch begins or ends within a frame, that frame counts in part.
   *
   * @param {Float32Array} frames (n * width)
   * @param {number} numStretches
   */
  means(frames, numStretches) {
    const { columns, width } = this, length = frames.length / width;
    if (!length) return new Float32Array(0);
    const sums = new Float64Array(numStretches * columns.length), each = length / numStretches;
    for (let stretch = 0; stretch < numStretches; stretch++) {
      const begin = stretch * each, end = begin + each;
      for (let t = Math.floor(begin); t < Math.min(end, length); t++) {
        const share = (Math.min(end, t + 1) - Math.max(begin, t)) / each;
        columns.forEach((column, i) => { sums[stretch * columns.length + i] += share * frames[t * width + column]; });
      }
    }
    return Float32Array.from(sums);
  }

  /**
   * How far a query is from each reference; Infinity from one without a frame.
   *
   * @param {Float32Array} query its frames that count
   */
  coarseDistances(query) {
    return this.#distances(query, this.coarse, COARSE_STRETCHES);
  }

  /**
   * The same, more closely, from chosen references.
   *
   * @param {Float32Array} query
   * @param {number[]} rows
   */
  fineDistances(query, rows) {
    return this.#distances(query, rows.map((row) => this.fine[row]), FINE_STRETCHES);
  }

  /**
   * @param {Float32Array} query
   * @param {Float32Array[]} sketches
   * @param {number} numStretches
   */
  #distances(query, sketches, numStretches) {
    const sketched = this.means(query, numStretches), count = this.columns.length;
    const norms = squaredNorms(sketched, count);
    return Float32Array.from(sketches, (each) => dtwDistance(sketched, norms, each, count));
  }
}

/**
 * The columns of a frame that differ most between the frames of some references, ascending; of equal ones the first.
 *
 * @param {Reference[]} references
 * @param {number} width
 */
function widest(references, width) {
  const sums = new Float64Array(width), squares = new Float64Array(width);
  let count = 0;
  /** @param {(column: number, value: number) => void} see */
  const all = (see) => {
    for (const { frames } of references) for (let i = 0; i < frames.length; i++) see(i % width, frames[i]);
  };
  all((column, value) => { sums[column] += value; count += 1; });
  const means = sums.map((sum) => sum / Math.max(count / width, 1));
  all((column, value) => { squares[column] += (value - means[column]) ** 2; });
  return descendingOrder(squares).slice(0, SKETCH_COLUMNS).sort((a, b) => a - b);
}
