// What this browser remembers: these settings and nothing else; no clip, no text, no key.

import { Events } from "./events.js";

const NAME = "signtalk-settings";
const DEFAULTS = { mode: "auto", speak: true, contrast: false, skeleton: true };

/** Event "change" with the name of the setting. */
export class Settings extends Events {
  #values = { ...DEFAULTS };

  constructor() {
    super();
    try {
      const kept = JSON.parse(localStorage.getItem(NAME) ?? "{}");
      for (const [name, value] of Object.entries(DEFAULTS)) {
        if (typeof kept[name] === typeof value) this.#values[name] = kept[name];
      }
    } catch {
      // Storage may be forbidden or damaged; the defaults serve.
    }
  }

  get(name) {
    return this.#values[name];
  }

  set(name, value) {
    this.#values[name] = value;
    try {
      localStorage.setItem(NAME, JSON.stringify(this.#values));
    } catch {
      // Then it holds until the page is closed.
    }
    this.emit("change", name);
  }
}
