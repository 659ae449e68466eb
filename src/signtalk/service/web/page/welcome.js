// The first screen explains the page without words: four pictures in their order, of which one is a sentence being signed.

import { byId, icon, make } from "./dom.js";
import { SkeletonPlayer } from "./overlay.js";
import { text } from "./texts.js";

/** @import { Answerer } from "./answerer.js" */
/** @import { Signs } from "./signs.js" */

/** @type {["camera" | "sign" | "ask" | "speak", string[]][]} */
const STEPS = [["camera", ["camera"]], ["sign", ["sign"]], ["ask", ["check", "question", "cross"]], ["speak", ["speaker"]]];

const THICK = 3; // times as thick as in a large picture

export class Welcome {
  #shown = false;
  #canvas = make("canvas", { width: 240, height: 200, hidden: true, ariaHidden: "true" });
  #player = new SkeletonPlayer(this.#canvas, THICK);

  /** @param {{answerer: Answerer, signs: Signs}} parts */
  constructor({ answerer, signs }) {
    this.answerer = answerer;
    this.signs = signs;
    byId("welcome-steps").replaceChildren(...STEPS.map(([name, icons]) => this.#step(name, icons)));
    byId("welcome-moves").onclick = () => this.#move(!this.#moves);
    this.#move(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  }

  /** Let the picture of signing sign the first sentence that has a sign; asked for once. */
  async sign() {
    if (this.#shown) return;
    this.#shown = true;
    try {
      const { sentences } = await this.answerer.sentences("");
      const signed = sentences.find(({ has_sign: hasSign }) => hasSign !== false);
      const clip = signed ? await this.signs.of(signed) : null;
      if (!clip) return;
      this.#player.show(clip);
      this.#canvas.hidden = false;
      const drawn = byId("welcome-steps").querySelector(".sign .pictures");
      drawn?.replaceChildren(this.#canvas);
      this.#move(this.#moves && !byId("stage").classList.contains("running"));
    } catch {
      this.#shown = false; // the drawn person stands there, and the list of sentences says what is wrong
    }
  }

  /** The camera runs: nothing is drawn that nobody sees. */
  rest() {
    this.#player.pause();
  }

  /** It was stopped: go on. */
  wake() {
    if (this.#moves) this.#player.play();
  }

  get #moves() {
    return byId("welcome-steps").classList.contains("moves");
  }

  /** @param {boolean} moves */
  #move(moves) {
    byId("welcome-steps").classList.toggle("moves", moves);
    if (moves) this.#player.play();
    else this.#player.pause();
    const name = text(moves ? "player.pause" : "player.play");
    byId("welcome-moves").replaceChildren(icon(moves ? "pause" : "play"), make("span", { className: "unseen" }, name));
  }

  /**
   * @param {string} name
   * @param {string[]} icons
   */
  #step(name, icons) {
    const pictures = make("span", { className: "pictures" }, ...icons.map((each) => icon(each)));
    return make("li", { className: name }, pictures, make("span", {}, text(`welcome.${name}`)));
  }
}
