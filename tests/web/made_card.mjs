// Stands in for page/landmarker_worker.js: a person who stands still, as both delegates find them. The card is four times
// as fast; where `isElsewhere`, which the test writes above this code, it finds another place.

const [SHOULDERS, WRISTS] = [11, 16]; // first and last point of the arms
const { isElsewhere } = /** @type {any} */ (globalThis);
let delegate = "CPU";

self.onmessage = ({ data }) => {
  if (data.type === "open") {
    delegate = data.delegate;
    self.postMessage({ type: "opened" });
    return;
  }
  data.pixels.close();
  const landmarks = new Float32Array(169 * 3).fill(NaN), visibility = new Float32Array(33).fill(1);
  const aside = delegate === "GPU" && isElsewhere ? 0.1 : 0;
  landmarks.fill(0.3, 0, 3 * 33);
  for (let i = SHOULDERS; i <= WRISTS; i += 1) landmarks.set([0.6 - 0.2 * (i % 2) + aside, 0.05 * i, 0], 3 * i);
  const tookMs = delegate === "GPU" ? 10 : 40;
  setTimeout(() => self.postMessage({ type: "frame", frame: { timeS: data.timeS, landmarks, visibility }, tookMs, delegate }), tookMs);
};
