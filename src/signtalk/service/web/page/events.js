// The few lines that objects of the page need to tell each other what happened.

/** @template {object} M what is told with each event, by its name */
export class Events {
  /** @type {Map<keyof M, Set<(detail: any) => void>>} */
  #listeners = new Map();

  /**
   * Call a function on every such event.
   *
   * @template {keyof M} K
   * @param {K} event
   * @param {(detail: M[K]) => void} listener
   */
  on(event, listener) {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return this;
  }

  /**
   * @template {keyof M} K
   * @param {K} event
   * @param {M[K]} detail
   */
  emit(event, detail) {
    for (const listener of this.#listeners.get(event) ?? []) listener(detail);
  }
}
