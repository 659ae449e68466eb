// Stands in for page/landmarker_worker.js: whatever the picture, the frame is that of a made-up clip, which is held
// still before it begins and after it ended. Orders come over a channel: {clip} holds its first frame, {go: true} plays;
// {ended: true} tells that the page has got the last one.

/** @type {import("../../src/signtalk/service/web/engine/landmarks.js").Frame[]} */
let frames = [];
/** @type {number | null} */
let beganS = null;
let waiting = false;
/** @type {"" | "sent" | "told"} */
let end = "";

const channel = new BroadcastChannel("made-up clip");
channel.onmessage = ({ data }) => {
  if (data.ended) return; // told by the worker of another page
  if (data.clip) frames = data.clip;
  beganS = null;
  end = "";
  waiting = data.go === true;
};

self.onmessage = ({ data }) => {
  if (data.type === "open") {
    self.postMessage({ type: "opened" });
    return;
  }
  data.pixels.close();
  if (end === "sent") { // who asks for another one has got that
    channel.postMessage({ ended: true });
    end = "told";
  }
  if (waiting) [beganS, waiting] = [data.timeS, false];
  const playedS = frames.length && beganS !== null ? frames[0].timeS + data.timeS - beganS : -Infinity;
  const { landmarks, visibility } = frames.findLast(({ timeS }) => timeS <= playedS) ?? frames[0] ?? nobody();
  if (!end && frames.length && playedS >= frames[frames.length - 1].timeS) end = "sent";
  self.postMessage({ type: "frame", frame: { timeS: data.timeS, landmarks, visibility } });
};

function nobody() {
  return { landmarks: new Float32Array(169 * 3).fill(NaN), visibility: new Float32Array(33).fill(NaN) };
}
