// What the page says: texts/LANGUAGE.json, one file a language; index.html names texts by data-text attributes.

const LANGUAGES = ["en"]; // the first one where the browser asks for none of them

let texts = {};
let engine = false; // an offline page says some things otherwise: `NAME.engine` goes before NAME

/** Load the texts of the browser's language and write them into the page. */
export async function loadTexts(root = document) {
  engine = document.documentElement.dataset.answers === "engine";
  const wanted = navigator.languages.map((language) => language.split("-")[0]);
  const language = wanted.find((each) => LANGUAGES.includes(each)) ?? LANGUAGES[0];
  texts = await (await fetch(new URL(`texts/${language}.json`, document.baseURI))).json();
  document.documentElement.lang = language;
  document.title = text("title");
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.ariaLabel = text(element.dataset.label);
  for (const element of root.querySelectorAll("[data-hint]")) element.placeholder = text(element.dataset.hint);
}

/** The language that the page speaks, as in "en". */
export const language = () => document.documentElement.lang;

/** A text by name, "{word}" replaced by what is given. */
export function text(name, words = {}) {
  const found = (engine && texts[`${name}.engine`]) || texts[name];
  if (found === undefined) throw new Error(`no text '${name}' in texts/${language()}.json`);
  return found.replace(/\{(\w+)\}/g, (_, word) => String(words[word]));
}

/** A text whose name depends on what others sent, such as a reason; `fallback` where this page does not know it. */
export function textOf(kind, code, fallback) {
  return text(`${kind}.${code}` in texts ? `${kind}.${code}` : fallback);
}
