/** Matrices of doubles, row after row in one Float64Array: the few things that learning a signer needs. */

import { dot } from "./numbers.js";

/**
 * a times b.
 *
 * @param {Float64Array} a (n * inner)
 * @param {Float64Array} b (inner * width)
 * @param {number} inner
 * @param {number} width
 */
export function product(a, b, inner, width) {
  return weighedRows(b, width, inner, a.length / inner, (i, k) => a[i * inner + k]);
}

/**
 * The transpose of a times b: as many rows as a has columns.
 *
 * @param {Float64Array} a (n * height)
 * @param {Float64Array} b (n * width)
 * @param {number} height
 * @param {number} width
 */
export function transposedProduct(a, b, height, width) {
  return weighedRows(b, width, a.length / height, height, (i, k) => a[k * height + i]);
}

/**
 * Sums of rows, each with a weight; four rows at once, for a sum costs more to fetch and store than to add to.
 *
 * @param {Float64Array} rows (count * width)
 * @param {number} width
 * @param {number} count
 * @param {number} numSums
 * @param {(sum: number, row: number) => number} weight
 */
function weighedRows(rows, width, count, numSums, weight) {
  const sums = new Float64Array(numSums * width);
  for (let i = 0; i < numSums; i++) {
    const start = i * width;
    let k = 0;
    for (; k + 3 < count; k += 4) {
      const first = weight(i, k), second = weight(i, k + 1), third = weight(i, k + 2), fourth = weight(i, k + 3);
      const a = k * width, b = a + width, c = b + width, d = c + width;
      for (let j = 0; j < width; j++) {
        sums[start + j] += first * rows[a + j] + second * rows[b + j] + third * rows[c + j] + fourth * rows[d + j];
      }
    }
    for (; k < count; k++) addRow(sums, start, rows, k * width, weight(i, k), width);
  }
  return sums;
}

/**
 * @param {Float64Array} sum
 * @param {number} start
 * @param {Float64Array} row
 * @param {number} rowStart
 * @param {number} weight
 * @param {number} width
 */
function addRow(sum, start, row, rowStart, weight, width) {
  for (let j = 0; j < width; j++) sum[start + j] += weight * row[rowStart + j];
}

/**
 * x of a x = b, by Cholesky's decomposition.
 *
 * @param {Float64Array} a (size * size) symmetric and positive definite; the part above the diagonal is not read
 * @param {Float64Array} b (size * width)
 * @param {number} size
 * @param {number} width
 */
export function solvePositive(a, b, size, width) {
  const lower = new Float64Array(size * size), x = b.slice();
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = a[i * size + j] - dot(lower, i * size, lower, j * size, j);
      if (i === j && !(rest > 0)) throw new Error("a matrix that is not positive definite");
      lower[i * size + j] = i === j ? Math.sqrt(rest) : rest / lower[j * size + j];
    }
  }
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) addRow(x, i * width, x, k * width, -lower[i * size + k], width);
    for (let j = 0; j < width; j++) x[i * width + j] /= lower[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) addRow(x, i * width, x, k * width, -lower[k * size + i], width);
    for (let j = 0; j < width; j++) x[i * width + j] /= lower[i * size + i];
  }
  return x;
}

const SQUARINGS = 16;

/**
 * The largest eigenvalue of a symmetric matrix without negative ones: a vector that was multiplied by the matrix some
 * ten thousand times, which takes as few products as the matrix is squared times.
 *
 * @param {Float64Array} a (size * size)
 * @param {number} size
 */
export function largestEigenvalue(a, size) {
  let power = a;
  for (let n = 0; n < SQUARINGS; n++) power = squared(power, size);
  let best = 0;
  for (let i = 1; i < size; i++) if (power[i * size + i] > power[best * size + best]) best = i;
  const vector = power.slice(best * size, (best + 1) * size), moved = product(a, vector, size, 1);
  const length = dot(vector, 0, vector, 0, size);
  return length ? dot(moved, 0, vector, 0, size) / length : 0;
}

/**
 * A symmetric matrix times itself, scaled so that its largest number stays near 1.
 *
 * @param {Float64Array} a
 * @param {number} size
 */
function squared(a, size) {
  const result = new Float64Array(size * size);
  let largest = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      result[i * size + j] = result[j * size + i] = dot(a, i * size, a, j * size, size);
      largest = Math.max(largest, Math.abs(result[i * size + j]));
    }
  }
  return largest ? result.map((each) => each / largest) : result;
}
