/** Accept or refuse (`signtalk.recognition.gate`, mode "calibrated"). A refusal is a result with a reason, not an error. */

import { confidence, standardised } from "./logistic.js";
import { FIGURES, REASON_OF, UNSURE } from "./tables.js";

/** @import { Evidence } from "./evidence.js" */
/** @import { Logistic } from "./logistic.js" */
/** @import { Fit } from "./promise.js" */

/**
 * @typedef {Logistic & Fit & {
 *   motion_floor: number, threshold: number, choice_threshold: number | null, written: Gate | null,
 *   enrolled: Gate | null, least_words?: number,
 * }} Gate
 */

/**
 * @typedef {object} Decision
 * @property {boolean} accepted
 * @property {string} reason why not; "" when accepted
 * @property {number} confidence 0-1
 * @property {boolean} offered not accepted, but the best sentences may be offered to choose from
 */

/**
 * Decides by what `evidence` tells, a hand speed and the bundle's gate.
 *
 * @param {Evidence} facts
 * @param {number} motion shoulder widths a second
 * @param {Gate} config
 * @returns {Decision}
 */
export function decide(facts, motion, config) {
  const { figures, answered, written } = facts;
  const proven = config.written?.fitted ? config.written : null; // the gate of written sentences
  const gate = written ? proven ?? config : config;
  const sure = !answered || (written && !proven) ? 0 : confidence(gate, figures);
  const reason = reasonOf({ ...facts, proven, gate, sure, motion }, config);
  const offered = UNSURE.includes(reason) && sure >= (config.choice_threshold ?? Infinity) && !written;
  return { accepted: !reason, reason, confidence: sure, offered };
}

/**
 * The gate that decides about enrolled sentences: figures and threshold of their own where those were fitted.
 *
 * @param {Gate} gate
 * @returns {Gate}
 */
export function forEnrolled(gate) {
  if (!gate.enrolled?.fitted) return gate;
  const { weights, bias, typical, spread, threshold } = gate.enrolled;
  return { ...gate, weights, bias, typical, spread, threshold };
}

/**
 * @param {Evidence & {proven: Gate | null, gate: Gate, sure: number, motion: number}} facts
 * @param {Gate} config
 */
function reasonOf({ figures, answered, written, proven, gate, sure, motion }, config) {
  if (!answered) return "empty_index";
  if (!config.fitted) return "gate_not_fitted";
  if (!(motion >= config.motion_floor)) return "low_motion"; // an unknown motion (NaN) is none
  if (written && !proven) return "written_not_proven";
  if (sure >= gate.threshold) return "";
  const distances = standardised(gate, figures); // the figure that lies lowest is the one that is told
  const lowest = FIGURES[distances.indexOf(Math.min(...distances))];
  return REASON_OF[/** @type {keyof typeof REASON_OF} */ (lowest)];
}
