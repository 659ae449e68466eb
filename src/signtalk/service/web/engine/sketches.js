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
  /** @type {Float32Array[] | null} */
  #coarse = null;

  /**
   * @param {Reference[]} references
   * @param {number} width numbers a frame
   */
  constructor(references, width) {
    this.width = width;
    this.columns = widest(references.slice(0, COLUMNS_CHOSEN_BY), width);
    this.fine = references.map(({ frames }) => this.means(frames));
  }

  /**
   * Mean frame of each fine stretch of equal length, in the columns that count; nothing of a clip without a frame.
   *
   * Where a stretch begins or ends within a frame, that frame counts in part.
   *
   * @param {Float32Array} frames (n * width)
   */
  means(frames) {
    const { columns, width } = this, length = frames.length / width;
    if (!length) return new Float32Array(0);
    const sums = new Float64Array(FINE_STRETCHES * columns.length), each = length / FINE_STRETCHES;
    for (let stretch = 0; stretch < FINE_STRETCHES; stretch++) {
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
    this.#coarse ??= this.fine.map((means) => coarser(means, this.columns.length));
    return this.#distances(coarser(this.means(query), this.columns.length), this.#coarse);
  }

  /**
   * The same, more closely, from chosen references.
   *
   * @param {Float32Array} query
   * @param {number[]} rows
   */
  fineDistances(query, rows) {
    return this.#distances(this.means(query), rows.map((row) => this.fine[row]));
  }

  /**
   * @param {Float32Array} query its means
   * @param {Float32Array[]} references their means
   */
  #distances(query, references) {
    const count = this.columns.length, norms = squaredNorms(query, count);
    return Float32Array.from(references, (each) => dtwDistance(query, norms, each, count));
  }
}

/**
 * Means of coarse stretches, each of which is two or more fine ones; nothing of nothing.
 *
 * @param {Float32Array} means (FINE_STRETCHES * count)
 * @param {number} count
 */
function coarser(means, count) {
  const joined = FINE_STRETCHES / COARSE_STRETCHES, sums = new Float64Array(means.length / joined);
  means.forEach((value, i) => { sums[Math.floor(i / (joined * count)) * count + (i % count)] += value / joined; });
  return Float32Array.from(sums);
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
