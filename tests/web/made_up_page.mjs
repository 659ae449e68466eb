// index.html without a browser: enough of a document for the modules that show something. Import it before them; each test
// calls `begin` first.

import { readFileSync } from "node:fs";

import { storage } from "./made_up_storage.mjs";

const WEB = new URL("../../src/signtalk/service/web/", import.meta.url);
const HTML = readFileSync(new URL("index.html", WEB), "utf8");
const EMPTY = new Set(["META", "LINK", "INPUT"]); // tags that hold nothing
const PART = /^([\w-]+)|\.([\w-]+)|#([\w-]+)|\[([\w-]+)(?:="?([^"\]]*)"?)?\]/g; // of a selector

class Element extends EventTarget {
  /** @type {any[]} elements, and strings */
  parts = [];
  /** @type {any} */
  parent = null;
  /** @type {Record<string, string>} */
  attributes = {};
  /** @type {Record<string, string>} */
  dataset = {};
  /** @type {Record<string, string>} set by setProperty */
  styled = {};
  className = "";
  hidden = false;
  style = { setProperty: (/** @type {string} */ name, /** @type {string} */ value) => { this.styled[name] = value; } };

  /** @param {string} tag */
  constructor(tag) {
    super();
    this.tagName = tag.toUpperCase();
  }

  get id() {
    return this.attributes.id ?? "";
  }

  get children() {
    return this.parts.filter((part) => part instanceof Element);
  }

  /** @returns {any} */
  get firstElementChild() {
    return this.children[0] ?? null;
  }

  /** @returns {any} */
  get lastElementChild() {
    return this.children.at(-1) ?? null;
  }

  get classList() {
    const names = () => this.className.split(" ").filter(Boolean);
    const set = (/** @type {string} */ name, /** @type {boolean} */ isOn) => {
      this.className = [...names().filter((each) => each !== name), ...(isOn ? [name] : [])].join(" ");
    };
    return {
      contains: (/** @type {string} */ name) => names().includes(name),
      add: (/** @type {string} */ name) => set(name, true),
      remove: (/** @type {string} */ name) => set(name, false),
      toggle: (/** @type {string} */ name, isOn = !names().includes(name)) => set(name, isOn),
    };
  }

  /** @returns {string} */
  get textContent() {
    return this.parts.map((part) => part.textContent ?? part).join("");
  }

  set textContent(words) {
    this.replaceChildren(words);
  }

  /** @param {any[]} parts */
  append(...parts) {
    for (const part of parts) {
      part.remove?.();
      if (part instanceof Element) part.parent = this;
      this.parts.push(part);
    }
  }

  /** @param {any[]} parts */
  replaceChildren(...parts) {
    for (const part of this.children) part.parent = null;
    this.parts = [];
    this.append(...parts);
  }

  remove() {
    if (this.parent) this.parent.parts = this.parent.parts.filter((/** @type {any} */ part) => part !== this);
    this.parent = null;
  }

  /** @param {any} other @returns {boolean} */
  contains(other) {
    return other === this || this.children.some((child) => child.contains(other));
  }

  /** @returns {any[]} all below it */
  get all() {
    return this.children.flatMap((child) => [child, ...child.all]);
  }

  /** @param {string} selector */
  matches(selector) {
    return selector.split(",").some((each) => [...each.trim().matchAll(PART)].every(([, tag, name, id, attribute, value]) => {
      if (tag) return tag.toUpperCase() === this.tagName;
      if (name) return this.classList.contains(name);
      const held = this.getAttribute(id ? "id" : attribute), wanted = id ?? value;
      return held !== null && (wanted === undefined || held === wanted);
    }));
  }

  /** @param {string} selector of one element: no spaces */
  querySelectorAll(selector) {
    return this.all.filter((each) => each.matches(selector));
  }

  /** @param {string} selector */
  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }

  /** @param {string} name @returns {string | null} */
  getAttribute(name) {
    if (name === "open") return /** @type {any} */ (this).open ? "" : null;
    return name.startsWith("data-") ? this.dataset[name.slice(5)] ?? null : this.attributes[name] ?? null;
  }

  /** @param {string} name @param {string} value */
  setAttribute(name, value) {
    if (name === "class") this.className = value;
    else if (name === "hidden") this.hidden = true;
    else if (name.startsWith("data-")) this.dataset[name.slice(5)] = value;
    else this.attributes[name] = value;
  }

  click() {
    /** @type {any} */ (this).onclick?.();
    this.dispatchEvent(new Event("click"));
  }

  focus() {
    /** @type {any} */ (globalThis.document).activeElement = this;
  }

  scrollIntoView() {}
}

class Input extends Element {
  value = "";
}

class Dialog extends Element {
  open = false;

  showModal() {
    this.open = true;
  }

  close() {
    this.open = false;
    this.dispatchEvent(new Event("close"));
  }
}

class Canvas extends Element {
  getContext() {
    return new Proxy({}, { get: () => () => {}, set: () => true });
  }
}

const KINDS = /** @type {Record<string, typeof Element>} */ ({ INPUT: Input, DIALOG: Dialog, CANVAS: Canvas });
for (const name of ["Button", "Details", "Video", "Select", "Progress"]) KINDS[name.toUpperCase()] = class extends Element {};

const made = (/** @type {string} */ tag) => new (KINDS[tag.toUpperCase()] ?? Element)(tag);

/** @returns {any} the document that index.html describes */
function parsed() {
  const root = new Element("root");
  let at = root;
  for (const [, isEnd, tag, inside, words] of HTML.matchAll(/<(\/?)(\w+)([^>]*)>([^<]*)/g)) {
    if (isEnd) {
      at = at.parent;
    } else {
      const element = made(tag);
      for (const [, name, value] of inside.matchAll(/([\w-]+)(?:="([^"]*)")?/g)) element.setAttribute(name, value ?? "");
      at.append(element);
      if (!EMPTY.has(element.tagName)) at = element;
    }
    if (words.trim()) at.append(words.trim());
  }
  return Object.assign(root, {
    documentElement: root.querySelector("html"),
    body: root.querySelector("body"),
    baseURI: WEB.href,
    activeElement: null,
    createElement: made,
    createElementNS: (/** @type {string} */ _, /** @type {string} */ tag) => made(tag),
    getElementById: (/** @type {string} */ id) => root.querySelector(`#${id}`),
  });
}

const classes = Object.fromEntries(Object.entries(KINDS).map(([tag, kind]) => (
  [`HTML${tag[0]}${tag.slice(1).toLowerCase()}Element`, kind]
)));
Object.assign(globalThis, {
  ...classes, Element, HTMLElement: Element, SVGElement: Element,
  devicePixelRatio: 1, cancelAnimationFrame: () => {}, requestAnimationFrame: () => 1, matchMedia: () => ({ matches: false }),
});

/** Begin with an untouched page, in English. */
export async function begin() {
  const { loadTexts } = await import("../../src/signtalk/service/web/page/texts.js");
  const { fetch } = globalThis;
  Object.defineProperty(globalThis, "navigator", { value: { languages: ["en"] }, configurable: true }); // newer node has its own
  Object.assign(globalThis, {
    document: parsed(), sessionStorage: storage(), localStorage: storage(),
    fetch: async (/** @type {URL} */ url) => new Response(readFileSync(url)),
  });
  await loadTexts("en");
  Object.assign(globalThis, { fetch });
}

/**
 * What is in the page with this id.
 *
 * @param {string} id
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);

/** Let what waits for a promise go on. */
export const settle = () => new Promise((resolve) => { setImmediate(() => resolve(null)); });
