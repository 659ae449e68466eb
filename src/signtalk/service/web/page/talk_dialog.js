// A talk is copied, saved or printed only where the patient agreed: this dialog asks. Nothing of it stays on the device.

import { today } from "../engine/day.js";
import { buttonById, byId, dialogById, inputById, make, saveFile } from "./dom.js";
import { talkAsPage, talkAsTable, talkAsText } from "./talk_file.js";
import { language, text, textOf } from "./texts.js";

/** @import { Conversation } from "./conversation.js" */
/** @import { FileWords } from "./talk_file.js" */

const ACTIONS = ["keep-copy", "keep-text", "keep-page", "keep-print"];

/** @param {Conversation} conversation */
export function wireTalkDialog(conversation) {
  const dialog = dialogById("keep-dialog"), agreed = inputById("keep-agreed");
  const mark = () => {
    for (const id of ACTIONS) buttonById(id).disabled = !agreed.checked;
  };
  buttonById("keep-history").onclick = () => {
    agreed.checked = false; // each talk is asked about
    mark();
    dialog.showModal();
  };
  agreed.onchange = mark;
  byId("keep-cancel").onclick = () => dialog.close();
  /** @type {(id: string, keep: () => void) => void} */
  const keeps = (id, keep) => {
    buttonById(id).onclick = () => {
      dialog.close();
      keep();
    };
  };
  keeps("keep-copy", () => copy(talkAsText(conversation.lines, fileWords(), new Date())));
  keeps("keep-text", () => saveFile(
    new Blob([talkAsText(conversation.lines, fileWords(), new Date())], { type: "text/plain;charset=utf-8" }), `signtalk-${today()}.txt`));
  keeps("keep-page", () => saveFile(
    new Blob([talkAsPage(conversation.lines, fileWords(), new Date())], { type: "text/html;charset=utf-8" }), `signtalk-${today()}.html`));
  keeps("keep-print", () => print(conversation));
  window.addEventListener("afterprint", () => byId("print").replaceChildren());
  conversation.on("changed", () => {
    buttonById("keep-history").disabled = conversation.lines.length === 0;
  });
  buttonById("keep-history").disabled = conversation.lines.length === 0;
}

/** @param {string} plain */
async function copy(plain) {
  try {
    await navigator.clipboard.writeText(plain);
    byId("history-told").textContent = text("history.copied");
  } catch {
    byId("history-told").textContent = text("history.not_copied");
  }
}

/** @returns {FileWords} */
function fileWords() {
  return {
    title: text("keep.file_title"),
    note: text("keep.file_note"),
    language: language(),
    who: ({ who }) => text(`who.${who}`),
    how: ({ how }) => textOf("how", how, "how.shown"),
  };
}

/**
 * Only the talk and its day go to the printer (print.css); it is taken out of the page afterwards.
 *
 * @param {Conversation} conversation
 */
function print(conversation) {
  const { body } = new DOMParser().parseFromString(talkAsTable(conversation.lines, fileWords(), new Date()), "text/html");
  byId("print").replaceChildren(make("div", {}, ...body.children));
  window.print();
}
