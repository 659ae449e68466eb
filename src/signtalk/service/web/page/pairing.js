// Two devices of one talk, by way of the service (docs/protocol.md): a code is shown on one and typed on the other. What
// was lost is found again by a token, also after a reload.

import { MOST_LINE, MOST_LINES } from "../engine/tables.js";
import { frameToBytes } from "../engine/wire.js";
import { Events } from "./events.js";
import { Heartbeat } from "./heartbeat.js";

/** @import { Frame } from "../engine/landmarks.js" */
/** @import { Line } from "./conversation.js" */

const KEPT_AS = "signtalk-pair";
const RETRY_MS = 1000;
const KNOWN_MS = 120_000; // after which a service has forgotten the token of a device that is lost
const FRAMES_A_SECOND = 6; // the other device sees whether the person stands well, no more
const MOST_WAITING_BYTES = 1 << 15;
const MOST_UNSHOWN = 5; // the last ones

/** A text of a length that is taken, without the first half of a character at its end. @param {string} words */
const cut = (words) => words.slice(0, MOST_LINE).replace(/[\ud800-\udbff]$/, "");

/** @typedef {"patient" | "staff"} Role whose screen a device is */
/** @typedef {{who: Line["who"], words: string, how: Line["how"], at: number}} ToldLine */
/** @typedef {"off" | "code" | "lost" | "alone" | "together"} PairState "lost": the service; "alone": the other device */

/**
 * @typedef {object} PairEvents
 * @property {{state: PairState, role: Role | null}} changed
 * @property {{code: string, seconds: number}} code to be typed on the other device
 * @property {{cause: string}} ended "ended" by somebody, "expired" or "lost"
 * @property {{code: string}} failed it was refused
 * @property {{state: string}} state what goes on at the patient's screen
 * @property {{kind: string, words: string[]}} standing what stands on the patient's screen
 * @property {{lines: ToldLine[]}} talk
 * @property {{words: string, sentence_id: string}} show
 * @property {ArrayBuffer} frames
 */

/** @extends {Events<PairEvents>} */
export class Pairing extends Events {
  #url;
  #storage;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  #token = "";
  #lastS = -Infinity;
  /** @type {Map<string, object>} what was told last, to be told again to who comes back */
  #told = new Map();
  /** @type {object[]} what staff showed while the patient's device was not reached */
  #unshown = [];
  #beat = new Heartbeat({ ping: () => this.#send({ type: "ping" }), silent: () => this.#lost() });
  /** @type {PairState} */
  state = "off";
  /** @type {Role | null} */
  role = null;

  /**
   * @param {string} base address of the service
   * @param {Pick<Storage, "getItem" | "setItem" | "removeItem">} [storage] of this tab
   */
  constructor(base, storage = globalThis.sessionStorage) {
    super();
    this.#url = new URL("v1/pair", base);
    this.#url.protocol = this.#url.protocol === "https:" ? "wss:" : "ws:";
    this.#storage = storage;
  }

  /** Show a code here: this is the patient's screen. */
  open() {
    this.#begin({ type: "open" });
  }

  /**
   * This is staff's device, and the code of the other one was typed.
   *
   * @param {string} code
   */
  join(code) {
    this.#begin({ type: "join", code: code.replace(/\s/g, "") });
  }

  /** After a reload: go on, where two devices were paired. */
  resume() {
    try {
      this.#token = this.#storage.getItem(KEPT_AS) ?? "";
    } catch {
      return; // then a reload unpairs
    }
    if (this.#token) this.#connect({ type: "back", token: this.#token });
  }

  /** Whether there is a pair to go on with, also while the service is not heard, or after a reload. */
  get isPaired() {
    return this.#token !== "";
  }

  /** Both devices are free again; where the service is not heard now, it is told once it is. */
  end() {
    const token = this.#token;
    if (token && this.#socket?.readyState !== WebSocket.OPEN) this.#endLater(token, performance.now() + KNOWN_MS);
    this.#send({ type: "end" });
    this.#close();
  }

  /**
   * @param {string} token of a pair that is over here
   * @param {number} untilMs when the service has forgotten it anyway
   */
  #endLater(token, untilMs) {
    const socket = new WebSocket(this.#url);
    let isTold = false;
    socket.onopen = () => {
      for (const message of [{ type: "back", token }, { type: "end" }]) socket.send(JSON.stringify(message));
    };
    socket.onmessage = () => {
      isTold = true;
      socket.close();
    };
    socket.onclose = () => {
      if (!isTold && performance.now() < untilMs) setTimeout(() => this.#endLater(token, untilMs), RETRY_MS);
    };
  }

  /**
   * Tell the other device; told again when one of them comes back.
   *
   * @param {"state" | "standing" | "talk"} type
   * @param {object} parts
   */
  tell(type, parts) {
    this.#told.set(type, { type, ...parts });
    if (this.role === "patient") this.#send({ type, ...parts });
  }

  /**
   * @param {string} kind of what stands on this screen now
   * @param {string[]} words none = nothing stands there
   */
  tellStanding(kind, words) {
    this.tell("standing", { kind, words: words.map(cut) });
  }

  /** @param {Line[]} lines the talk so far, of which the last ones are told */
  tellTalk(lines) {
    this.tell("talk", { lines: lines.slice(-MOST_LINES).map(({ who, words, how, at }) => (
      { who, words: cut(words), how, at: at.getTime() }
    )) });
  }

  /**
   * Show something on the patient's screen; once it is back, where it is away.
   *
   * @param {string} words
   * @param {string} sentenceId "" = none
   */
  show(words, sentenceId) {
    const shown = { type: "show", words, sentence_id: sentenceId };
    if (this.state === "together") this.#send(shown);
    else this.#unshown = [...this.#unshown, shown].slice(-MOST_UNSHOWN);
  }

  /** @param {Frame} frame of the person before the camera */
  push(frame) {
    if (this.state !== "together" || this.role !== "patient" || frame.timeS < this.#lastS + 1 / FRAMES_A_SECOND) return;
    if (this.#socket?.readyState !== WebSocket.OPEN || this.#socket.bufferedAmount > MOST_WAITING_BYTES) return;
    this.#lastS = frame.timeS;
    this.#socket.send(frameToBytes(frame));
  }

  /** @param {object} first message */
  #begin(first) {
    this.#close();
    this.#connect(first);
  }

  /** @param {object} first message */
  #connect(first) {
    clearTimeout(this.#retry);
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      this.#beat.start();
      this.#send(first);
    };
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#hear(data);
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#lost();
    };
  }

  /** The service is not heard: try again, where these devices were paired. */
  #lost() {
    const socket = this.#socket;
    this.#socket = null;
    this.#beat.stop();
    socket?.close();
    if (!this.#token) {
      this.#close();
      this.emit("failed", { code: "unreachable" });
      return;
    }
    this.#become("lost");
    this.#retry = setTimeout(() => this.#connect({ type: "back", token: this.#token }), RETRY_MS);
  }

  /** @param {string | ArrayBuffer} data */
  #hear(data) {
    this.#beat.heard();
    if (typeof data !== "string") {
      this.emit("frames", data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "code" || message.type === "paired") this.#keep(message.token);
    if (message.type === "paired") {
      this.role = message.role;
      this.#lastS = -Infinity;
      this.#become("together");
      const unshown = message.here === false ? [] : this.#unshown.splice(0); // nobody would see it
      for (const told of this.role === "patient" ? this.#told.values() : unshown) this.#send(told);
    } else if (message.type === "code") {
      this.#become("code");
      this.emit("code", message);
    } else if (message.type === "partner") {
      this.#become(message.here ? "together" : "alone");
    } else if (message.type === "ended") {
      this.#close();
      this.emit("ended", message);
    } else if (message.type === "error") {
      this.#refused(message.error);
    } else if (["state", "standing", "talk", "show"].includes(message.type)) {
      this.emit(message.type, message);
    }
  }

  /**
   * Who was silent for too long comes back; who was never paired, or is no longer, does not.
   *
   * @param {{code: string}} error
   */
  #refused(error) {
    const wasPaired = this.state !== "off", isOver = error.code === "not_paired";
    if (error.code === "bad_message") this.#told.clear(); // it would be refused again
    if (this.#token && !isOver) {
      this.#lost();
      return;
    }
    this.#close();
    if (!isOver) this.emit("failed", error);
    else if (wasPaired) this.emit("ended", { cause: "lost" });
  }

  /** @param {string} token */
  #keep(token) {
    this.#token = token;
    try {
      if (token) this.#storage.setItem(KEPT_AS, token);
      else this.#storage.removeItem(KEPT_AS);
    } catch {
      // Then a reload unpairs.
    }
  }

  #close() {
    const socket = this.#socket;
    clearTimeout(this.#retry);
    this.#socket = null;
    this.#beat.stop();
    this.#keep("");
    this.#unshown = [];
    socket?.close();
    this.#become("off");
  }

  /** @param {PairState} state */
  #become(state) {
    this.state = state;
    if (state === "off") this.role = null;
    this.emit("changed", { state, role: this.role });
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
