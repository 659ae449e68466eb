// A skeleton with its buttons: play or pause, and slower.

import { make } from "./dom.js";
import { SkeletonPlayer } from "./overlay.js";
import { text } from "./texts.js";

const SLOW = 0.4;

/**
 * Put canvas and buttons into an empty element.
 *
 * @param {HTMLElement} element
 * @param {string} label
 */
export function addPlayer(element, label) {
  const canvas = make("canvas", { width: 480, height: 400, role: "img", ariaLabel: label });
  const player = new SkeletonPlayer(canvas);
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
  element.replaceChildren(canvas, make("div", { className: "row" }, play, slow));
  return player;
}
