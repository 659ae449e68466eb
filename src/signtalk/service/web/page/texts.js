// What the page says: texts/LANGUAGE.json, one file a language; index.html names texts by data-text attributes.

/** By their own names; what one lacks yet is said in the first one. @type {Record<string, string>} */
export const LANGUAGES = { en: "English", fr: "Français", tw: "Twi" };
const [FIRST] = Object.keys(LANGUAGES);

/** @type {Record<string, string>} */
let texts = {};
let engine = false; // an offline page says some things otherwise: `NAME.engine` goes before NAME

/**
 * Load the texts and write them into the page.
 *
 * @param {string} wanted language; "" = the browser's
 */
export async function loadTexts(wanted) {
  engine = document.documentElement.dataset.answers === "engine";
  const liked = [wanted, ...navigator.languages.map((name) => name.split("-")[0])];
  const chosen = liked.find((each) => each in LANGUAGES) ?? FIRST;
  const files = await Promise.all([...new Set([FIRST, chosen])].map(async (each) => (
    (await fetch(new URL(`texts/${each}.json`, document.baseURI))).json()
  )));
  texts = Object.assign({}, ...files);
  document.documentElement.lang = chosen;
  document.documentElement.dir = text("page.direction");
  document.title = text("title");
  const own = files.at(-1);
  for (const element of marked("text")) {
    const name = element.dataset.text ?? "";
    element.textContent = text(name);
    element.lang = name in own ? chosen : FIRST; // a voice reads what is not translated yet as what it is
  }
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
