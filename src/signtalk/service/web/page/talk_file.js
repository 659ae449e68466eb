// A talk as a file: plain text, or a page of its own that any browser shows and prints. Pure.

/** @import { Line } from "./conversation.js" */

/**
 * Words of the file.
 *
 * @typedef {object} FileWords
 * @property {string} title
 * @property {string} note what the file is, and what it is not
 * @property {string} language tag of the page's language
 * @property {(line: Line) => string} who
 * @property {(line: Line) => string} how
 */

/**
 * @param {Line[]} lines
 * @param {FileWords} words
 * @param {Date} now
 */
export function talkAsText(lines, words, now) {
  const said = lines.map((line) => `${clock(line.at, words)}  ${words.who(line)} (${words.how(line)}): ${line.words}`);
  return [titleOf(words, now), words.note, "", ...said, ""].join("\n");
}

/**
 * The talk as HTML, to stand in a page.
 *
 * @param {Line[]} lines
 * @param {FileWords} words
 * @param {Date} now
 */
export function talkAsTable(lines, words, now) {
  const rows = lines.map((line) => (
    `<tr class="${line.who}"><td>${escaped(clock(line.at, words))}</td><th scope="row">${escaped(words.who(line))}<br>`
    + `<small>${escaped(words.how(line))}</small></th><td dir="auto">${escaped(line.words)}</td></tr>`
  ));
  return `<h1>${escaped(titleOf(words, now))}</h1>
<p>${escaped(words.note)}</p>
<table>
${rows.join("\n")}
</table>`;
}

/**
 * @param {Line[]} lines
 * @param {FileWords} words
 * @param {Date} now
 */
export function talkAsPage(lines, words, now) {
  return `<!doctype html>
<html lang="${escaped(words.language)}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(titleOf(words, now))}</title>
<style>
body { font: 1.05rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 1.5rem auto; padding: 0 1rem; color: #14202b; background: #ffffff; }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .4rem .6rem; border-bottom: 1px solid #8794a1; text-align: start; vertical-align: top; overflow-wrap: anywhere; }
td:last-child { font-size: 1.2rem; font-weight: 600; }
small { font-weight: 400; }
</style>
${talkAsTable(lines, words, now)}
</html>
`;
}

/**
 * @param {FileWords} words
 * @param {Date} now
 */
function titleOf(words, now) {
  return `${words.title}, ${day(now, words)}`;
}

/** @param {string} words */
function escaped(words) {
  /** @type {Record<string, string>} */
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return words.replace(/[&<>"']/g, (letter) => names[letter]);
}

/**
 * @param {Date} at
 * @param {FileWords} words
 */
function clock(at, { language }) {
  return at.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
}

/**
 * @param {Date} at
 * @param {FileWords} words
 */
function day(at, { language }) {
  return at.toLocaleDateString(language, { year: "numeric", month: "long", day: "numeric" });
}
