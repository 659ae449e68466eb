/** Small numeric helpers that NumPy has and JavaScript lacks; all else stands where it is used. */

/**
 * Nearest whole number, halves to the even one, as Python and NumPy round.
 *
 * @param {number} value
 */
export function roundHalfEven(value) {
  const low = Math.floor(value), rest = value - low;
  if (rest !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/**
 * The middle value, the mean of the two middle ones of an even number; NaN of none. The values are not changed.
 *
 * @param {ArrayLike<number>} values
 */
export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  if (!sorted.length) return NaN;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * log(exp(a) + exp(b)) without overflow; -Infinity where both are.
 *
 * @param {number} a
 * @param {number} b
 */
export function logAddExp(a, b) {
  const high = Math.max(a, b);
  return high === -Infinity ? -Infinity : high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

/**
 * Places of the values from largest to smallest, equal ones as they stand; NaN stands last.
 *
 * @param {ArrayLike<number>} values
 */
export function descendingOrder(values) {
  const keys = Float64Array.from(values, (value) => (Number.isNaN(value) ? -Infinity : value));
  return Array.from(keys.keys()).sort((a, b) => (keys[b] > keys[a] ? 1 : keys[b] < keys[a] ? -1 : a - b));
}

/**
 * Sum of a[i] * b[i] over `count` numbers from two places on; four sums at once, because each waits for itself.
 *
 * @param {ArrayLike<number>} a
 * @param {number} aStart
 * @param {ArrayLike<number>} b
 * @param {number} bStart
 * @param {number} count
 */
export function dot(a, aStart, b, bStart, count) {
  let first = 0, second = 0, third = 0, fourth = 0, i = 0;
  for (; i + 3 < count; i += 4) {
    first += a[aStart + i] * b[bStart + i];
    second += a[aStart + i + 1] * b[bStart + i + 1];
    third += a[aStart + i + 2] * b[bStart + i + 2];
    fourth += a[aStart + i + 3] * b[bStart + i + 3];
  }
  for (; i < count; i++) first += a[aStart + i] * b[bStart + i];
  return first + second + third + fourth;
}

const HALF = new Float32Array(65536);
for (let bits = 0; bits < 65536; bits++) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) HALF[bits] = fraction ? NaN : sign * Infinity;
  else HALF[bits] = sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}

/**
 * Float32Array of half precision numbers that are given as their bits.
 *
 * @param {Uint16Array} bits
 */
export function fromHalf(bits) {
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = HALF[bits[i]];
  return values;
}

/**
 * A number rounded to half precision (ties to even), as a number; beyond its range Infinity.
 *
 * @param {number} value
 */
export function halfRounded(value) {
  if (!Number.isFinite(value) || value === 0) return value;
  const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), -14) - 10);
  const rounded = roundHalfEven(value / step) * step;
  return Math.abs(rounded) > 65504 ? Math.sign(value) * Infinity : rounded;
}
