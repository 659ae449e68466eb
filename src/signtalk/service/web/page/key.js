// The key of the service: typed once, kept until the page is closed, and nowhere else.

import { AnswererError } from "./answerer.js";
import { codeOf, messageOf } from "./errors.js";
import { textOf } from "./texts.js";

export class ServiceKey {
  value = "";
  needed = true; // an offline page needs none
}

/**
 * What is told where something that needs the key failed.
 *
 * @param {unknown} error
 * @param {"enroll.failed" | "own.failed"} failed told where the code has no text; the error's own words follow
 */
export function failureOf(error, failed) {
  const status = error instanceof AnswererError ? error.status : 0;
  const code = status === 401 ? "key" : status === 403 ? "forbidden" : codeOf(error);
  return `${textOf("error", code, failed)} ${code === codeOf(error) ? messageOf(error) : ""}`.trim();
}
