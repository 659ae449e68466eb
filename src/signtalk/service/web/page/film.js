// What the camera sees of one take, as a file: the picture alone, without sound.

const BITS_PER_SECOND = 2_500_000; // fingers are told apart, and thirty seconds stay under ten megabytes

export class Film {
  /** @type {Blob[]} */
  #parts = [];

  /** @param {MediaStream} stream of the camera, which has no sound */
  constructor(stream) {
    this.recorder = new MediaRecorder(stream, { videoBitsPerSecond: BITS_PER_SECOND });
    this.recorder.ondataavailable = ({ data }) => { this.#parts.push(data); };
    this.recorder.start();
  }

  /**
   * The film so far; nothing is recorded any longer.
   *
   * @returns {Promise<Blob>}
   */
  stop() {
    return new Promise((resolve) => {
      const done = () => resolve(new Blob(this.#parts, { type: this.recorder.mimeType.split(";")[0] }));
      if (this.recorder.state === "inactive") {
        done(); // the camera ended
      } else {
        this.recorder.onstop = done;
        this.recorder.stop();
      }
    });
  }
}
