/** Tables as Python's csv module writes them: commas, line feeds, quotes where they are needed. */

/**
 * @param {readonly string[]} columns
 * @param {Record<string, string | number>[]} rows
 */
export function tableToText(columns, rows) {
  const lines = rows.map((row) => columns.map((name) => quoted(String(row[name] ?? ""))));
  return `${[columns.map(quoted), ...lines].map((cells) => cells.join(",")).join("\n")}\n`;
}

/** @param {string} cell */
function quoted(cell) {
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * The rows of a table by the names of its columns; cells are stripped.
 *
 * @param {string} text
 */
export function tableOfText(text) {
  const [columns = [], ...rows] = linesOf(text.replace(/^\ufeff/, ""));
  if (new Set(columns).size !== columns.length) throw new Error("a table with a column twice");
  return {
    columns,
    rows: rows.map((cells) => {
      if (cells.length > columns.length) throw new Error(`a row of ${cells.length} cells; expected ${columns.length}`);
      return Object.fromEntries(columns.map((name, place) => [name, cells[place] ?? ""]));
    }),
  };
}

/** @param {string} text */
function linesOf(text) {
  /** @type {string[][]} */
  const lines = [];
  /** @type {string[]} */
  let cells = [];
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n|\n|\r|$)/gy;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (!match) throw new Error("no table: a quote is not closed");
    const [whole, content, end] = match;
    cells.push((content.startsWith('"') ? content.slice(1, -1).replaceAll('""', '"') : content).trim());
    if (end !== ",") {
      if (cells.length > 1 || whole !== end) lines.push(cells); // an empty line is none
      cells = [];
    } else if (cell.lastIndex === text.length) {
      lines.push([...cells, ""]);
    }
  }
  return lines;
}
