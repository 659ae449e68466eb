// The few lines that objects of the page need to tell each other what happened.

export class Events {
  #listeners = new Map();

  /** Call fn(detail) on every such event. */
  on(event, fn) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(fn);
    return this;
  }

  emit(event, detail) {
    for (const fn of this.#listeners.get(event) ?? []) fn(detail);
  }
}
