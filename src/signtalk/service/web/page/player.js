// A sign that moves: a person who was filmed, else a skeleton; and its buttons, play or pause, and slower.

import { make } from "./dom.js";
import { SkeletonPlayer } from "./overlay.js";
import { text } from "./texts.js";

/** @import { Clip } from "../engine/landmarks.js" */

const SLOW = 0.4;

export class SignPlayer {
  #hasFilm = false;
  #speed = 1;

  /** @param {HTMLCanvasElement} canvas of the skeleton; the film is as large, and told by the same name */
  constructor(canvas) {
    this.canvas = canvas;
    this.film = make("video", { muted: true, loop: true, playsInline: true, hidden: true });
    this.film.ariaLabel = canvas.ariaLabel;
    this.film.ariaHidden = canvas.ariaHidden;
    this.skeleton = new SkeletonPlayer(canvas);
    /** Called when it begins or stops to play. */
    this.onchange = () => {};
    this.skeleton.onchange = this.film.onplay = this.film.onpause = () => this.onchange();
  }

  get playing() {
    return this.#hasFilm ? !this.film.paused : this.skeleton.playing;
  }

  get speed() {
    return this.#speed;
  }

  set speed(speed) {
    this.#speed = this.skeleton.speed = this.film.playbackRate = this.film.defaultPlaybackRate = speed;
  }

  /**
   * Take a sign; it is played unless motion is unwelcome. Where the film cannot be played the skeleton moves.
   *
   * @param {Clip | null} clip null = none is known
   * @param {string} [film] address of a film; "" = there is none
   */
  show(clip, film = "") {
    this.#useFilm(film !== "");
    this.skeleton.show(film ? null : clip);
    this.film.onerror = () => {
      this.#useFilm(false);
      this.canvas.hidden = clip === null;
      this.skeleton.show(clip);
    };
    if (!film) return;
    this.film.src = film;
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.play();
  }

  play() {
    if (this.#hasFilm) this.film.play().catch(() => {}); // another one was shown before it began
    else this.skeleton.play();
  }

  pause() {
    if (this.#hasFilm) this.film.pause();
    else this.skeleton.pause();
  }

  /** @param {boolean} hasFilm */
  #useFilm(hasFilm) {
    this.#hasFilm = hasFilm;
    this.film.hidden = !hasFilm;
    this.canvas.hidden = hasFilm;
    if (hasFilm || !this.film.src) return;
    this.film.onerror = null; // taking the film away is no failure
    this.film.removeAttribute("src");
    this.film.load(); // a connection that still loads it is closed
  }
}

/**
 * Put the sign and its buttons into an empty element.
 *
 * @param {HTMLElement} element
 * @param {string} label
 */
export function addPlayer(element, label) {
  const player = new SignPlayer(make("canvas", { width: 480, height: 400, role: "img", ariaLabel: label }));
  const play = make("button", { type: "button", onclick: () => (player.playing ? player.pause() : player.play()) });
  const slow = make("button", { type: "button", ariaPressed: "false" }, text("player.slow"));
  slow.onclick = () => {
    player.speed = player.speed === 1 ? SLOW : 1;
    slow.ariaPressed = String(player.speed === SLOW);
  };
  player.onchange = () => {
    play.textContent = text(player.playing ? "player.pause" : "player.play");
  };
  player.onchange();
  element.replaceChildren(player.canvas, player.film, make("div", { className: "row" }, play, slow));
  return player;
}
