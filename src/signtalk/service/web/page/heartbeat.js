// Whether the other end of a connection still speaks: a stalled service, or a cut line, closes nothing. Pure but for its
// timer; the clock can be another one.

const TICK_MS = 500;
const PING_MS = 1000;
const SILENT_MS = 2500;
const ASLEEP_MS = 1500; // a tick that comes so late tells of a page that slept, not of a silent service

export class Heartbeat {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #heardMs = 0;
  #pingedMs = 0;
  #tickedMs = 0;

  /**
   * @param {{ping: () => void, silent: (forMs: number) => void, silentMs?: number, now?: () => number}} parts `ping` asks
   *   for a reply; `silent` is called at each tick while nothing was heard for longer than `silentMs`
   */
  constructor({ ping, silent, silentMs = SILENT_MS, now = () => performance.now() }) {
    this.ping = ping;
    this.silent = silent;
    this.silentMs = silentMs;
    this.now = now;
  }

  start() {
    this.stop();
    this.#heardMs = this.#tickedMs = this.#pingedMs = this.now();
    this.#timer = setInterval(() => this.tick(), TICK_MS);
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** Something was heard, whatever it was. */
  heard() {
    this.#heardMs = this.now();
  }

  tick() {
    const nowMs = this.now();
    if (nowMs - this.#tickedMs > ASLEEP_MS) this.#heardMs = nowMs; // what came meanwhile is not read yet
    this.#tickedMs = nowMs;
    if (nowMs - this.#pingedMs >= PING_MS) {
      this.#pingedMs = nowMs;
      this.ping();
    }
    if (nowMs - this.#heardMs > this.silentMs) this.silent(nowMs - this.#heardMs);
  }
}
