// What this browser remembers of how the page is used: these settings; no clip, no text, no key.

import { Events } from "./events.js";

const NAME = "signtalk-settings";
/**
 * @typedef {{mode: Mode, confirm: boolean, speak: boolean, contrast: boolean, skeleton: boolean, camera: string,
 *   language: string, gpu: boolean, turned: boolean, thumb: boolean, learn: boolean}} Values
 */
/** @import { Mode } from "./answerer.js" */

/** @type {Values} */
const DEFAULTS = {
  mode: "auto", confirm: true, speak: true, contrast: false, skeleton: true, camera: "", language: "", gpu: true,
  turned: false, thumb: true, learn: true,
};

/**
 * Event "change" with the name of the setting.
 *
 * @extends {Events<{change: keyof Values}>}
 */
export class Settings extends Events {
  #values = { ...DEFAULTS };

  constructor() {
    super();
    try {
      const kept = JSON.parse(localStorage.getItem(NAME) ?? "{}");
      for (const [name, value] of Object.entries(DEFAULTS)) {
        if (typeof kept[name] === typeof value) Object.assign(this.#values, { [name]: kept[name] });
      }
    } catch {
      // Storage may be forbidden or damaged; the defaults serve.
    }
  }

  /**
   * @template {keyof Values} K
   * @param {K} name
   */
  get(name) {
    return this.#values[name];
  }

  /**
   * @template {keyof Values} K
   * @param {K} name
   * @param {Values[K]} value
   */
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
