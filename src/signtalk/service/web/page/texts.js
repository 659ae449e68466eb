// What the page says: texts/LANGUAGE.json, one file a language; index.html names texts by data-text attributes.

const LANGUAGES = ["en"]; // the first one where the browser asks for none of them

/** @type {Record<string, string>} */
let texts = {};
let engine = false; // an offline page says some things otherwise: `NAME.engine` goes before NAME

/** Load the texts of the browser's language and write them into the page. */
export async function loadTexts() {
  engine = document.documentElement.dataset.answers === "engine";
  const wanted = navigator.languages.map((name) => name.split("-")[0]);
  const chosen = wanted.find((each) => LANGUAGES.includes(each)) ?? LANGUAGES[0];
  texts = await (await fetch(new URL(`texts/${chosen}.json`, document.baseURI))).json();
  document.documentElement.lang = chosen;
  document.title = text("title");
  for (const element of marked("text")) element.textContent = text(element.dataset.text ?? "");
  for (const element of marked("label")) element.ariaLabel = text(element.dataset.label ?? "");
  for (const element of marked("hint")) element.setAttribute("placeholder", text(element.dataset.hint ?? ""));
}

/**
 * @param {string} mark
 * @returns {NodeListOf<HTMLElement>}
 */
function marked(mark) {
  return document.querySelectorAll(`[data-${mark}]`);
}

/** The language that the page speaks, as in "en". */
export const language = () => document.documentElement.lang;

/**
 * A text by name, "{word}" replaced by what is given.
 *
 * @param {string} name
 * @param {Record<string, unknown>} [words]
 */
export function text(name, words = {}) {
  const pattern = (engine && texts[`${name}.engine`]) || texts[name];
  if (pattern === undefined) throw new Error(`no text '${name}' in texts/${language()}.json`);
  return pattern.replace(/\{(\w+)\}/g, (_, word) => String(words[word]));
}

/**
 * A text whose name depends on what others sent, such as a reason.
 *
 * @param {string} kind
 * @param {string} code
 * @param {string} fallback where this page does not know it
 */
export function textOf(kind, code, fallback) {
  return text(`${kind}.${code}` in texts ? `${kind}.${code}` : fallback);
}
