// Which state the page shows, of all that is known. Pure; status.js has its picture.

/**
 * What is known.
 *
 * @typedef {object} Facts
 * @property {"off" | "loading" | "on"} camera
 * @property {"opening" | "open" | "lost"} connection to whoever answers
 * @property {boolean} blind whether the camera's pictures are of no use now
 * @property {boolean} hidden whether another tab or program is in front
 * @property {boolean} talks whether this tab of the page talks, and so needs the connection
 * @property {boolean} recording whether one's own signing is recorded (practise)
 * @property {string} stream what the answerer said last: "idle", "signing", "thinking" or "answer"
 * @property {string} step what stands on the answer's card (turn.js)
 */

/**
 * @typedef {"off" | "loading" | "idle" | "signing" | "thinking" | "asking" | "unsure" | "answer" | "lost" | "blind"
 *   | "paused" | "practise" | "recording"} PageState
 */

/** @type {Facts} */
export const AT_START = {
  camera: "off", connection: "opening", blind: false, hidden: false, talks: true, recording: false, stream: "idle", step: "empty",
};

/**
 * The one state that matters most.
 *
 * @param {Facts} facts
 * @returns {PageState}
 */
export function stateOf({ camera, connection, blind, hidden, talks, recording, stream, step }) {
  if (camera !== "on") return camera;
  if (hidden) return "paused";
  if (blind) return "blind";
  if (!talks) return recording ? "recording" : "practise";
  if (connection !== "open") return connection === "lost" ? "lost" : "loading";
  if (stream === "signing" || stream === "thinking") return stream;
  return ofStep(step, stream);
}

/**
 * Nothing moves: what stands on the card is what matters.
 *
 * @param {string} step
 * @param {string} stream
 * @returns {PageState}
 */
function ofStep(step, stream) {
  if (step === "confirm" || step === "ask") return "asking";
  if (step === "unsure" || step === "help") return "unsure";
  return stream === "answer" ? "answer" : "idle";
}
