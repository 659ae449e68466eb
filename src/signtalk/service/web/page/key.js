// The key of the service: typed once, kept until the page is closed, and nowhere else.

import { AnswererError } from "./answerer.js";
import { codeOf, messageOf } from "./errors.js";
import { textOf } from "./texts.js";

const KEPT_AS = "signtalk-key";

export class ServiceKey {
  value = keyOfAddress();
  needed = true; // an offline page needs none
}

/**
 * The key that `signtalk clinic` opened the page with, "" without one. It goes out of the address at once, and stays in
 * this tab until that is closed.
 */
function keyOfAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given) history.replaceState(null, "", location.pathname + location.search);
  try {
    if (given) sessionStorage.setItem(KEPT_AS, given);
    return sessionStorage.getItem(KEPT_AS) ?? "";
  } catch { // a browser that keeps nothing
    return given ?? "";
  }
}

/**
 * What is told where something that needs the key failed.
 *
 * @param {unknown} error
 * @param {"enroll.failed" | "own.failed" | "remember.failed"} failed told where the code has no text; the error's own words follow
 * @param {string} [key] what was sent as the key
 */
export function failureOf(error, failed, key = "?") {
  const status = error instanceof AnswererError ? error.status : 0;
  const code = needsKey(error) ? (key ? "key" : "no_key") : status === 403 ? "forbidden" : codeOf(error);
  return `${textOf("error", code, failed)} ${code === codeOf(error) ? messageOf(error) : ""}`.trim();
}

/**
 * Whether something failed for want of the right key.
 *
 * @param {unknown} error
 */
export function needsKey(error) {
  return error instanceof AnswererError && error.status === 401;
}
