/** Figures to a probability (`signtalk.logistic`): a logistic function of standardised figures. */

const HIGHEST = 2;

/** Distance of each figure from what is typical of right answers; 0 for an unknown one, so that the others decide. */
export function standardised({ typical, spread }, figures) {
  return figures.map((figure, i) =>
    (Number.isFinite(figure) ? Math.min((figure - typical[i]) / spread[i], HIGHEST) : 0));
}

/** 0-1, how probably right. `rule` has weights, bias, typical and spread. */
export function confidence(rule, figures) {
  const logit = standardised(rule, figures).reduce((sum, each, i) => sum + each * rule.weights[i], 0) + rule.bias;
  return 1 / (1 + Math.exp(-Math.min(Math.max(logit, -60), 60)));
}
