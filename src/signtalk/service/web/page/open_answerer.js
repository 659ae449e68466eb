// Who answers on this page.

import { ServiceAnswerer } from "./service_answerer.js";

/** @import { Answerer } from "./answerer.js" */

/**
 * The Answerer of this page: the service, or in an offline page (`signtalk bundle web`) the page itself.
 *
 * @returns {Promise<Answerer>}
 */
export async function openAnswerer() {
  if (document.documentElement.dataset.answers !== "engine") return new ServiceAnswerer(document.baseURI);
  const { openEngineAnswerer } = await import("./worker_answerer.js");
  return openEngineAnswerer(document.baseURI);
}
