// Sentences to tap on, each with its sign, by categories as pictures; first those that were starred, used in this talk, or
// often come next. They need no camera.

import { pictureOf } from "./categories.js";
import { button, byId, icon, make } from "./dom.js";
import { SignCards } from "./sign_cards.js";
import { text } from "./texts.js";

/** @import { Answerer } from "./answerer.js" */
/** @import { Favourites } from "./favourites.js" */
/** @import { Signs } from "./signs.js" */
/** @import { Together } from "./together.js" */
/** @import { Offer } from "./turn.js" */

const A_PAGE = 6; // so many signs move at a time
const MOST_RECENT = 12;

/**
 * @typedef {object} PhrasesParts
 * @property {Answerer} answerer where sentences are asked for
 * @property {Signs} signs
 * @property {Favourites} favourites
 * @property {Together} together
 * @property {(offer: Offer) => void} tapped
 */

/** @typedef {{name: string, picture: string, title: string, category?: string, sentences?: () => string[]}} Group */

export class Phrases {
  /** @type {SignCards | null} */
  #cards = null;
  /** @type {string[]} */
  #categories = [];
  /** @type {string[]} */
  #recent = [];
  #group = "";
  #listed = ""; // the group whose sentences stand there
  #from = 0;
  #asked = 0; // counts what was asked for
  #open = false;

  /** @param {PhrasesParts} parts */
  constructor({ answerer, signs, favourites, together, tapped }) {
    this.answerer = answerer;
    this.signs = signs;
    this.favourites = favourites;
    this.together = together;
    this.tapped = tapped;
  }

  /**
   * Signs move while somebody can see them.
   *
   * @param {boolean} open
   */
  set open(open) {
    this.#open = open;
    if (open) this.refresh();
    else this.#close();
  }

  /** Sentences that were used in this talk; the first is the last. @param {string[]} sentences */
  set recent(sentences) {
    this.#recent = [...new Set(sentences)].slice(0, MOST_RECENT);
    if (this.#open) this.#tiles();
  }

  get recent() {
    return this.#recent;
  }

  /** Sentences were taught, renamed or forgotten. */
  async refresh() {
    if (!this.#open) return;
    try {
      const categories = await this.answerer.categories();
      this.#categories = categories.map(({ category }) => category).filter(Boolean);
    } catch {
      this.#categories = [];
    }
    this.#tiles();
    await this.#show(this.#groups.some(({ name }) => name === this.#group) ? this.#group : this.#groups[0].name);
  }

  /** @returns {Group[]} */
  get #groups() {
    /** @type {Group[]} */
    const own = [
      { name: "favourites", picture: "star-full", title: text("phrases.favourites"), sentences: () => this.favourites.sentences },
      { name: "next", picture: "together", title: text("phrases.next"), sentences: () => this.together.next },
      { name: "recent", picture: "clock", title: text("phrases.recent"), sentences: () => this.#recent },
    ];
    return [
      ...own.filter(({ sentences }) => sentences?.().length),
      ...this.#categories.map((category) => ({ name: `in ${category}`, picture: pictureOf(category), title: category, category })),
      { name: "all", picture: "all", title: text("phrases.all") },
    ];
  }

  #tiles() {
    byId("phrases-groups").replaceChildren(...this.#groups.map(({ name, picture, title }) => {
      const tile = button(icon(picture), () => this.#show(name), "tap tile");
      tile.append(make("span", { dir: "auto" }, title));
      tile.dataset.group = name;
      tile.ariaPressed = String(name === this.#group);
      return tile;
    }));
  }

  /**
   * @param {string} name of a group
   * @param {number} [from]
   */
  async #show(name, from = 0) {
    const group = this.#groups.find((each) => each.name === name);
    if (!group) return;
    this.#group = name;
    for (const tile of byId("phrases-groups").querySelectorAll("button")) tile.ariaPressed = String(tile.dataset.group === name);
    const asked = (this.#asked += 1);
    byId("phrases-list").ariaBusy = "true"; // until then those of another group stand there
    let offers, total;
    try {
      ({ offers, total } = await this.#offers(group, from));
    } catch {
      if (asked === this.#asked) this.#unreachable(name);
      return;
    }
    if (asked !== this.#asked || !this.#open) return; // another one was tapped meanwhile
    this.#from = from;
    this.#close();
    this.#cards = new SignCards(offers, this.signs, (offer) => this.tapped(offer), {
      words: (sentence) => sentence, beside: ({ sentence }) => this.#star(sentence),
    });
    byId("phrases-list").replaceChildren(this.#cards.element);
    byId("phrases-list").ariaBusy = "false";
    this.#listed = name;
    byId("phrases-told").textContent = total ? "" : text("picker.bare");
    byId("phrases-moves").replaceChildren(...this.#turns(total), this.#cards.moves);
  }

  /**
   * What stands there stays, but not where it is that of another group than the one that was tapped.
   *
   * @param {string} name
   */
  #unreachable(name) {
    byId("phrases-list").ariaBusy = "false";
    byId("phrases-told").textContent = text("picker.unreachable");
    if (name === this.#listed) return;
    this.#close();
    for (const id of ["phrases-list", "phrases-moves"]) byId(id).replaceChildren();
  }

  /**
   * @param {Group} group
   * @param {number} from
   * @returns {Promise<{offers: Offer[], total: number}>}
   */
  async #offers({ category, sentences }, from) {
    if (sentences) {
      const all = sentences();
      return { offers: await Promise.all(all.slice(from, from + A_PAGE).map((each) => this.#known(each))), total: all.length };
    }
    const listed = await this.answerer.sentences("", { category, offset: from, limit: A_PAGE });
    return { offers: listed.sentences, total: listed.total };
  }

  /**
   * A sentence with its id; "" where it is not known any more, and so has no sign.
   *
   * @param {string} sentence
   * @returns {Promise<Offer>}
   */
  async #known(sentence) {
    const { sentences } = await this.answerer.sentences(sentence);
    const { sentence_id = "" } = sentences.find((each) => each.sentence === sentence) ?? {};
    return { sentence, sentence_id };
  }

  /** @param {number} total */
  #turns(total) {
    if (total <= A_PAGE) return [];
    const next = this.#from + A_PAGE < total ? this.#from + A_PAGE : 0;
    const more = button(icon("next"), () => this.#show(this.#group, next), "tap");
    more.append(make("span", {}, text("phrases.more", { page: this.#from / A_PAGE + 1, pages: Math.ceil(total / A_PAGE) })));
    return [more];
  }

  /** @param {string} sentence */
  #star(sentence) {
    const star = make("button", { type: "button", className: "star" });
    const label = () => {
      const starred = this.favourites.has(sentence);
      star.replaceChildren(icon(starred ? "star-full" : "star"));
      star.ariaPressed = String(starred);
      star.ariaLabel = text("phrases.star", { sentence });
    };
    star.onclick = () => {
      this.favourites.toggle(sentence);
      label();
      this.#tiles();
    };
    label();
    return star;
  }

  #close() {
    this.#cards?.close();
    this.#cards = null;
  }
}
