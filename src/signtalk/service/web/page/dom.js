// Making and finding elements.

/**
 * The element of an id; it is there, and of this kind.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {{new (): T}} [kind]
 * @returns {T}
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof (kind ?? HTMLElement))) throw new Error(`index.html has no such element '${id}'`);
  return /** @type {T} */ (element);
}

/** @param {string} id */
export const inputById = (id) => byId(id, HTMLInputElement);

/** @param {string} id */
export const buttonById = (id) => byId(id, HTMLButtonElement);

/** @param {string} id */
export const dialogById = (id) => byId(id, HTMLDialogElement);

/**
 * An element with properties, and children that are elements or strings.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any> & {data?: Record<string, string>}} properties
 * @param {(Node | string)[]} children
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const { data = {}, ...plain } = properties;
  Object.assign(element, plain);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

/**
 * A button that does something.
 *
 * @param {Node | string} label
 * @param {() => void} onclick
 * @param {string} [className]
 */
export function button(label, onclick, className = "") {
  return make("button", { type: "button", className, onclick }, label);
}

/** Put the pictures of icons.svg into the page: by its address a browser may ask for it again, when nobody answers. */
export async function loadIcons() {
  const file = await (await fetch(new URL("icons.svg", document.baseURI))).text();
  const { documentElement: icons } = new DOMParser().parseFromString(file, "image/svg+xml");
  icons.setAttribute("class", "unseen");
  icons.setAttribute("aria-hidden", "true");
  document.body.append(icons);
}

/**
 * A picture of icons.svg; the words beside it say the same.
 *
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  svg.append(use);
  return svg;
}

/**
 * Let the browser save a file, where its settings say.
 *
 * @param {Blob} file
 * @param {string} name
 */
export function saveFile(file, name) {
  const href = URL.createObjectURL(file);
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000); // it may ask first where the file shall go
}
