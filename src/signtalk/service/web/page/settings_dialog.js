// The dialog of the settings: what stands in it is what settings.js remembers.

import { byId, dialogById, inputById, make } from "./dom.js";
import { canSpeak } from "./speech.js";
import { LANGUAGES } from "./texts.js";

/** @import { Mode } from "./answerer.js" */
/** @import { Settings } from "./settings.js" */

/** @param {Settings} settings */
export function wireSettingsDialog(settings) {
  const dialog = dialogById("settings-dialog");
  byId("open-settings").onclick = () => {
    byId("no-voice").hidden = canSpeak();
    dialog.showModal();
  };
  byId("close-settings").onclick = () => dialog.close();
  for (const name of /** @type {const} */ (
    ["confirm", "learn", "speak", "contrast", "skeleton", "gpu", "turned", "thumb"]
  )) {
    const box = inputById(`setting-${name}`);
    box.checked = settings.get(name);
    box.onchange = () => settings.set(name, box.checked);
  }
  wireModes(settings);
  wireLanguages(settings);
}

/** @param {Settings} settings */
function wireModes(settings) {
  const radios = [...document.querySelectorAll("input")].filter(({ name }) => name === "mode");
  const mark = () => {
    for (const radio of radios) radio.checked = radio.value === settings.get("mode");
  };
  for (const radio of radios) radio.onchange = () => settings.set("mode", /** @type {Mode} */ (radio.value));
  settings.on("change", mark);
  mark();
}

/** @param {Settings} settings */
function wireLanguages(settings) {
  const languages = byId("setting-language", HTMLSelectElement);
  languages.append(...Object.entries(LANGUAGES).map(([tag, name]) => make("option", { value: tag, lang: tag }, name)));
  languages.value = settings.get("language");
  languages.onchange = () => {
    settings.set("language", languages.value);
    location.reload(); // the talk is kept
  };
}
