/** Zips from elsewhere, looked at before anything is unpacked (`signtalk.bundle.archive`). */

import { MAX_ENTRY_NAME, MAX_UNPACK_RATIO, UNPACK_RATIO_FROM } from "./tables.js";

/**
 * What is used of fflate; who has the library gives it.
 *
 * @typedef {object} ZipModule
 * @property {(files: Record<string, [Uint8Array, {level: 0 | 6, mtime: Date}]>) => Uint8Array<ArrayBuffer>} zipSync
 * @property {(bytes: Uint8Array, options: {filter: (file: ZipEntry) => boolean}) => Record<string, Uint8Array>} unzipSync
 */

/** @typedef {{name: string, size: number, originalSize: number}} ZipEntry */

const DAY_OF_ALL = new Date(1980, 0, 1); // a zip does not depend on when it was packed

/**
 * Files as a zip; the same files give the same bytes.
 *
 * @param {ZipModule} zip
 * @param {Map<string, Uint8Array>} files by name
 * @param {0 | 6} level 0 = stored, 6 = compressed
 */
export function zipped(zip, files, level) {
  const names = [...files.keys()].sort();
  return zip.zipSync(Object.fromEntries(names.map((name) => [
    name, [files.get(name) ?? new Uint8Array(), { level, mtime: DAY_OF_ALL }],
  ])));
}

/**
 * The files of a zip.
 *
 * @param {ZipModule} zip
 * @param {Uint8Array} bytes
 * @param {string} what it is, as errors say
 * @param {{entries: number, bytes: number}} most
 * @returns {Map<string, Uint8Array>}
 */
export function unzipped(zip, bytes, what, most) {
  /** @type {Set<string>} */
  const names = new Set();
  let total = 0;
  const filter = (/** @type {ZipEntry} */ entry) => {
    const fault = faultOf(entry, names);
    total += entry.originalSize;
    if (fault) throw new RefusedZip(`${what}: entry '${entry.name.slice(0, 80)}' ${fault}; do not use this file`);
    if (names.size >= most.entries || total > most.bytes) throw new RefusedZip(`${what}: too large to be used in a browser`);
    names.add(entry.name.toLowerCase());
    return !entry.name.endsWith("/");
  };
  try {
    return new Map(Object.entries(zip.unzipSync(bytes, { filter })));
  } catch (error) {
    if (error instanceof RefusedZip) throw error;
    throw new RefusedZip(`${what}: not a readable zip; get it again`);
  }
}

/**
 * Why an entry is refused; "" where it is good.
 *
 * @param {ZipEntry} entry
 * @param {Set<string>} names of the entries before it
 */
function faultOf({ name, size, originalSize }, names) {
  const parts = name.replace(/\/$/, "").split("/");
  if (/[\\:*?"<>|\p{C}]/u.test(name) || parts.some((part) => ["", ".", ".."].includes(part))) return "leads elsewhere";
  if (name.length > MAX_ENTRY_NAME) return "has too long a name";
  if (names.has(name.toLowerCase())) return "is there twice";
  if (originalSize > UNPACK_RATIO_FROM && originalSize > MAX_UNPACK_RATIO * Math.max(size, 1)) return "unpacks to too much";
  return "";
}

/** A zip that is not used; its message can be shown. */
export class RefusedZip extends Error {}
