// "Where?" is answered on a drawn body: tap on a place, or go there by the arrow keys.

import { HEIGHTS, neighbour, placesOf, WIDTH } from "./body.js";
import { button, make } from "./dom.js";
import { text } from "./texts.js";

/** @import { Place, View } from "./body.js" */

const SVG = "http://www.w3.org/2000/svg";
/** @type {View[]} */
const VIEWS = ["front", "back", "face"];

export class BodyPicture {
  #figure = make("div", { className: "figure" });
  /** @type {Map<View, HTMLButtonElement>} */
  #turns = new Map();
  /** @type {Set<string>} */
  #pressed = new Set();
  /** @type {View} */
  #view = "front";

  /** @param {(words: string) => void} tapped called with the words of a place */
  constructor(tapped) {
    this.tapped = tapped;
    for (const view of VIEWS) this.#turns.set(view, this.#turn(view));
    const turns = make("div", { className: "turns", role: "group", ariaLabel: text("body.turn") }, ...this.#turns.values());
    this.element = make("div", { className: "body" }, turns, this.#figure);
    this.#show();
  }

  /**
   * Mark what was tapped.
   *
   * @param {string[]} words
   */
  mark(words) {
    this.#pressed = new Set(words);
    for (const shape of this.#figure.querySelectorAll(".place")) this.#label(shape);
  }

  /** @param {View} view */
  #turn(view) {
    const small = drawing(view);
    small.setAttribute("aria-hidden", "true");
    for (const place of placesOf(view)) small.append(shapeOf(place));
    const turn = button(small, () => {
      this.#view = view;
      this.#show();
    }, "tap view");
    turn.append(make("span", {}, text(`body.${view}`)));
    return turn;
  }

  #show() {
    for (const [view, turn] of this.#turns) turn.ariaPressed = String(view === this.#view);
    const places = placesOf(this.#view), figure = drawing(this.#view);
    figure.setAttribute("role", "group");
    figure.setAttribute("aria-label", text(`body.${this.#view}`));
    const shapes = places.map((place) => this.#place(place));
    figure.append(...shapes, ...sides(this.#view));
    shapes[0].setAttribute("tabindex", "0");
    figure.addEventListener("keydown", ({ key, target }) => {
      const from = shapes.findIndex((shape) => shape === target);
      const next = from < 0 ? undefined : neighbour(places, places[from], key);
      if (next) go(shapes, from, places.indexOf(next));
    });
    this.#figure.replaceChildren(figure);
  }

  /** @param {Place} place */
  #place(place) {
    const shape = shapeOf(place), words = text(`body.${place.name}`);
    shape.setAttribute("class", "place");
    shape.setAttribute("role", "button");
    shape.setAttribute("tabindex", "-1");
    shape.setAttribute("aria-label", words);
    const title = document.createElementNS(SVG, "title");
    title.textContent = words;
    shape.append(title);
    shape.addEventListener("click", () => this.tapped(words));
    shape.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault(); // the page would scroll
      this.tapped(words);
    });
    this.#label(shape);
    return shape;
  }

  /** @param {Element} shape */
  #label(shape) {
    shape.setAttribute("aria-pressed", String(this.#pressed.has(shape.getAttribute("aria-label") ?? "")));
  }
}

/**
 * One place can be reached by the tab key, the others from there.
 *
 * @param {SVGElement[]} shapes
 * @param {number} from
 * @param {number} to
 */
function go(shapes, from, to) {
  shapes[from].setAttribute("tabindex", "-1");
  shapes[to].setAttribute("tabindex", "0");
  shapes[to].focus();
}

/** @param {View} view */
function drawing(view) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHTS[view]}`);
  return svg;
}

/** @param {Place} place */
function shapeOf({ path }) {
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  return shape;
}

/**
 * Letters for right and left, as the person has them.
 *
 * @param {View} view
 */
function sides(view) {
  const [atLeft, atRight] = view === "back" ? ["left", "right"] : ["right", "left"];
  return [[atLeft, 14], [atRight, WIDTH - 14]].map(([side, x]) => {
    const letter = document.createElementNS(SVG, "text");
    letter.setAttribute("x", String(x));
    letter.setAttribute("y", "40");
    letter.setAttribute("aria-hidden", "true");
    letter.textContent = text(`body.mark_${side}`);
    return letter;
  });
}
