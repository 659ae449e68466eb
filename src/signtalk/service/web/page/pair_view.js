// Two devices: the dialog that pairs them, the bar that tells whether the other one is there, and who sees what.

import { frameFromBytes } from "../engine/wire.js";
import { byId, dialogById, icon, inputById, make } from "./dom.js";
import { drawOverlay } from "./overlay.js";
import { asQuestion } from "./sign_cards.js";
import { stateParts } from "./status.js";
import { text, textOf } from "./texts.js";

/** @import { Conversation } from "./conversation.js" */
/** @import { NurseSide } from "./nurse.js" */
/** @import { Pairing, PairState, Role } from "./pairing.js" */

/** @type {Record<PairState, string>} */
const PICTURES = { off: "devices", code: "devices", lost: "unplugged", alone: "unplugged", together: "devices" };
const PICTURE = { width: 320, height: 240, isMirrored: false };

/**
 * @typedef {object} PairViewParts
 * @property {Pairing} pairing
 * @property {Conversation} conversation
 * @property {NurseSide} nurse
 * @property {() => void} staffs called when this becomes staff's device: its camera is of no use
 */

export class PairView {
  #dialog = dialogById("pair-dialog");
  /** @type {Role | null} */
  #role = null;

  /** @param {PairViewParts} parts */
  constructor({ pairing, conversation, nurse, staffs }) {
    this.pairing = pairing;
    this.conversation = conversation;
    this.nurse = nurse;
    this.staffs = staffs;
    this.#wireDialog();
    byId("unpair").onclick = () => this.#leave(() => pairing.end());
    conversation.on("changed", () => pairing.tellTalk(conversation.lines));
    pairing.tellTalk(conversation.lines);
    pairing
      .on("changed", ({ state, role }) => this.#change(state, role))
      .on("ended", ({ cause }) => this.#tellEnd(textOf("pair_ended", cause, "pair_ended.ended")))
      .on("show", ({ words, sentence_id: id }) => nurse.showFor(words, id))
      .on("talk", ({ lines }) => conversation.mirror(lines.map((line) => ({ ...line, at: new Date(line.at) }))))
      .on("state", ({ state }) => byId("partner-state").replaceChildren(...stateParts(state)))
      .on("standing", ({ kind, words }) => {
        const asking = kind === "confirm" || kind === "ask";
        this.#standing(asking ? words.map(asQuestion) : words, asking);
      })
      .on("frames", (bytes) => this.#draw(bytes));
  }

  /** Whether the service can do it. @param {boolean} allowed */
  set allowed(allowed) {
    byId("open-pair").hidden = !allowed;
    if (allowed && this.pairing.state === "off") this.pairing.resume();
  }

  #wireDialog() {
    const { pairing } = this;
    byId("open-pair").onclick = () => {
      this.#tell("");
      inputById("pair-typed").value = "";
      this.#dialog.showModal();
    };
    byId("pair-open").onclick = () => {
      this.#tell("");
      pairing.open();
    };
    byId("pair-form").onsubmit = (event) => {
      event.preventDefault();
      this.#tell(text("pair.joining"));
      pairing.join(inputById("pair-typed").value);
    };
    byId("pair-cancel").onclick = () => this.#dialog.close();
    this.#dialog.addEventListener("close", () => {
      if (pairing.state === "code") pairing.end();
    });
    pairing
      .on("code", ({ code, seconds }) => {
        byId("pair-code").textContent = `${code.slice(0, 3)} ${code.slice(3)}`;
        this.#tell(text("pair.type_it", { minutes: Math.max(1, Math.round(seconds / 60)) }));
      })
      .on("failed", ({ code }) => this.#tell(textOf("pair_failed", code, "pair_failed.unreachable")));
  }

  /**
   * @param {PairState} state
   * @param {Role | null} role
   */
  #change(state, role) {
    byId("pair-code").hidden = state !== "code";
    byId("pair-ways").hidden = state === "code";
    const paired = role !== null && state !== "off";
    if (paired && this.#dialog.open) this.#dialog.close();
    byId("pair-bar").hidden = !paired;
    byId("pair-bar").dataset.state = state;
    if (paired) byId("pair-bar-told").replaceChildren(icon(PICTURES[state]), make("span", {}, text(`pair.is.${state}`)));
    byId("open-pair").hidden ||= paired;
    if (role === this.#role) return;
    const before = this.#role;
    this.#role = role;
    document.documentElement.dataset.side = role ?? "";
    if (role !== null && byId("talk").hidden) byId("tab-talk").click(); // the tabs are hidden now
    this.nurse.partner = role === "staff" ? (words, id) => this.pairing.show(words, id) : null;
    byId("partner").hidden = role !== "staff";
    if (role === "staff") this.staffs();
    if (before === "staff") this.#wipe();
    if (role === null) byId("open-pair").hidden = false;
  }

  /** The patient's words do not stay on staff's device. */
  #wipe() {
    this.conversation.clear();
    this.nurse.clear();
    this.#standing([], false);
    byId("partner-state").replaceChildren();
    drawOverlay(byId("partner-view", HTMLCanvasElement), null, PICTURE);
  }

  /** @param {() => void} leave */
  #leave(leave) {
    leave();
    byId("open-pair").focus(); // the button itself is gone
  }

  /** @param {string} words what stands in the bar for a while */
  #tellEnd(words) {
    const bar = byId("pair-bar");
    if (this.#dialog.open) {
      this.#tell(words);
      return;
    }
    bar.hidden = false;
    bar.dataset.state = "off";
    byId("pair-bar-told").replaceChildren(icon("devices"), make("span", {}, words));
    setTimeout(() => { bar.hidden = bar.dataset.state === "off"; }, 8000);
  }

  /** @param {string} words in the dialog */
  #tell(words) {
    byId("pair-told").textContent = words;
  }

  /**
   * What the patient's screen shows now; nothing where that shows nothing.
   *
   * @param {string[]} words
   * @param {boolean} asking whether they are questions
   */
  #standing(words, asking) {
    byId("partner-standing").classList.toggle("asking", asking);
    byId("partner-standing").replaceChildren(...words.map((each) => make("span", { dir: "auto" }, each)));
  }

  /** @param {ArrayBuffer} bytes */
  #draw(bytes) {
    drawOverlay(byId("partner-view", HTMLCanvasElement), frameFromBytes(bytes), PICTURE);
  }
}
