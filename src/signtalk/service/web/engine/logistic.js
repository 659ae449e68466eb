/** Figures to a probability (`signtalk.recognition.logistic`): a logistic function of standardised figures. */

import { HIGHEST } from "./tables.js";

/** @typedef {{weights: number[], bias: number, typical: number[], spread: number[]}} Logistic */

/**
 * Distance of each figure from what is typical of right answers; 0 for an unknown one, so that the others decide.
 *
 * @param {Logistic} rule
 * @param {number[]} figures
 */
export function standardised({ typical, spread }, figures) {
  return figures.map((figure, i) =>
    (Number.isFinite(figure) ? Math.min((figure - typical[i]) / spread[i], HIGHEST) : 0));
}

/**
 * 0-1, how probably right.
 *
 * @param {Logistic} rule
 * @param {number[]} figures
 */
export function confidence(rule, figures) {
  const logit = standardised(rule, figures).reduce((sum, each, i) => sum + each * rule.weights[i], 0) + rule.bias;
  return 1 / (1 + Math.exp(-Math.min(Math.max(logit, -60), 60)));
}
