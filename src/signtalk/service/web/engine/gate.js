/** Accept or refuse (`signtalk.gate`, mode "calibrated"). A refusal is a result with a reason, not an error. */

import { FIGURES } from "./evidence.js";
import { confidence, standardised } from "./logistic.js";

const UNSURE = ["low_similarity", "ambiguous_top2", "prototype_disagreement", "text_disagreement"];
const REASON_OF = {
  score: "low_similarity", margin: "ambiguous_top2", similarity: "low_similarity", dtw_score: "low_similarity",
  prototype: "prototype_disagreement", text_score: "text_disagreement", standing: "ambiguous_top2",
  dtw_margin: "ambiguous_top2", text_per_word: "text_disagreement",
};

/** {accepted, reason, confidence, offered} of what `evidence` tells, a hand speed and the bundle's gate. */
export function decide({ figures, answered, written }, motion, config) {
  const proven = config.written?.fitted ? config.written : null; // the gate of written sentences
  const gate = written ? proven ?? config : config;
  const sure = !answered || (written && !proven) ? 0 : confidence(gate, figures);
  const reason = reasonOf({ figures, answered, written, proven, gate, sure, motion }, config);
  const offered = UNSURE.includes(reason) && sure >= (config.choice_threshold ?? Infinity) && !written;
  return { accepted: !reason, reason, confidence: sure, offered };
}

function reasonOf({ figures, answered, written, proven, gate, sure, motion }, config) {
  if (!answered) return "empty_index";
  if (!config.fitted) return "gate_not_fitted";
  if (!(motion >= config.motion_floor)) return "low_motion"; // an unknown motion (NaN) is none
  if (written && !proven) return "written_not_proven";
  if (sure >= gate.threshold) return "";
  const distances = standardised(gate, figures); // the figure that lies lowest is the one that is told
  return REASON_OF[FIGURES[distances.indexOf(Math.min(...distances))]];
}
