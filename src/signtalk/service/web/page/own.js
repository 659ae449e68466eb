// What was taught here: listed, searched, played, renamed and deleted, and both undone.

import { AnswererError } from "./answerer.js";
import { CopyView } from "./copy.js";
import { button, buttonById, byId, dialogById, inputById, make } from "./dom.js";
import { failureOf } from "./key.js";
import { addPlayer } from "./player.js";
import { text } from "./texts.js";

/** @import { Origin, TaughtSentence } from "../engine/takes.js" */
/** @import { Answerer } from "./answerer.js" */
/** @import { ServiceKey } from "./key.js" */

const PAUSE_MS = 250;

/**
 * @typedef {object} OwnParts
 * @property {Answerer} answerer
 * @property {ServiceKey} key
 * @property {() => void} changed called when sentences were renamed, deleted or put back
 */

export class Own {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #query = 0; // counts what was asked for
  #player = addPlayer(byId("own-player"), text("own.player"));
  /** @type {TaughtSentence | null} */
  #renamed = null;
  /** @type {(() => Promise<unknown>) | null} */
  #undo = null;

  /** @param {OwnParts} parts */
  constructor({ answerer, key, changed }) {
    this.answerer = answerer;
    this.key = key;
    this.changed = changed;
    this.allowed = true; // whether this page can be taught
    this.copy = new CopyView({
      answerer, key,
      learned: () => {
        this.changed();
        this.refresh();
      },
    });
    byId("own-key-form").onsubmit = (event) => {
      event.preventDefault();
      this.key.value = inputById("own-key").value.trim();
      this.open();
    };
    inputById("own-text").oninput = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.refresh(), PAUSE_MS);
    };
    byId("own-undo").onclick = () => this.#takeBack();
    byId("own-close").onclick = () => this.#close();
    byId("rename-form").onsubmit = (event) => {
      event.preventDefault();
      this.#rename();
    };
    byId("rename-cancel").onclick = () => dialogById("rename-dialog").close();
  }

  /** The tab was opened, or a key was typed. */
  async open() {
    byId("own-about").textContent = text(this.allowed ? "own.about" : "own.forbidden");
    const canAsk = this.allowed && (!this.key.needed || this.key.value);
    byId("own-key-form").hidden = !this.allowed || !this.key.needed || Boolean(canAsk);
    byId("own-open").hidden = !canAsk;
    this.copy.show(Boolean(canAsk));
    byId("own-key-told").textContent = "";
    if (canAsk) await this.refresh();
  }

  /** Another tab is open: what was shown does not go on moving. */
  leave() {
    this.#player.pause();
  }

  /** Ask again for what the field holds. */
  async refresh() {
    clearTimeout(this.#timer);
    const number = (this.#query += 1), query = inputById("own-text").value.trim();
    byId("own-list").ariaBusy = "true"; // what stands there may be no longer so
    try {
      const { total, sentences } = await this.answerer.taught(query, this.key.value);
      if (number !== this.#query) return; // typed on meanwhile
      byId("own-told").textContent = told(total, sentences.length, query);
      byId("own-list").replaceChildren(...sentences.map((sentence) => this.#line(sentence)));
      byId("own-list").ariaBusy = "false";
    } catch (error) {
      if (number === this.#query) this.#refused(error);
    }
  }

  /** @param {unknown} error */
  #refused(error) {
    byId("own-list").ariaBusy = "false";
    if (error instanceof AnswererError && error.status === 401) {
      this.key.value = "";
      this.open();
      byId("own-key-told").textContent = text("error.key");
      inputById("own-key").select();
      inputById("own-key").focus();
      return;
    }
    byId("own-told").textContent = failureOf(error, "own.failed");
  }

  /** @param {TaughtSentence} sentence */
  #line(sentence) {
    const named = { sentence: sentence.sentence };
    const play = button(text("own.play"), () => this.#play(sentence));
    const rename = button(text("own.rename"), () => this.#askName(sentence));
    const forget = button(text("own.forget"), () => this.#forget(sentence));
    play.ariaLabel = text("own.play_name", named);
    rename.ariaLabel = text("own.rename_name", named);
    forget.ariaLabel = text("own.forget_name", named);
    const actions = sentence.num_clips ? [play, rename, forget] : [play, forget]; // else its text is not this page's
    const parts = [
      make("h3", { dir: "auto", lang: sentence.language }, sentence.sentence),
      make("p", { className: "about" }, aboutOf(sentence)),
    ];
    if (sentence.num_lost) parts.push(make("p", { className: "about" }, text("own.lost", { count: sentence.num_lost })));
    return make("li", {}, ...parts, make("div", { className: "row" }, ...actions));
  }

  /** @param {TaughtSentence} sentence */
  async #play(sentence) {
    const kept = sentence.takes.filter(({ consent }) => consent);
    const last = kept.findLast(({ origin }) => origin === "taught") ?? kept.at(-1);
    try {
      const own = last ? await this.answerer.keptClip(last.clip_id, this.key.value) : null;
      const clip = own ?? (sentence.has_sign ? await this.answerer.sign(sentence.sentence_id) : null);
      byId("own-shown-told").textContent = clip ? "" : text("own.no_clip");
      byId("own-player").hidden = !clip;
      this.#player.show(clip);
    } catch (error) {
      byId("own-shown-told").textContent = failureOf(error, "own.failed");
      byId("own-player").hidden = true;
      this.#player.show(null);
    }
    byId("own-words").textContent = sentence.sentence;
    byId("own-shown").hidden = false;
    byId("own-shown").scrollIntoView({ block: "nearest" });
    byId("own-words").focus({ preventScroll: true });
  }

  #close() {
    this.#player.show(null);
    byId("own-shown").hidden = true;
    byId("own-title").focus();
  }

  /** @param {TaughtSentence} sentence */
  #askName(sentence) {
    this.#renamed = sentence;
    inputById("rename-text").value = sentence.sentence;
    byId("rename-told").textContent = "";
    buttonById("rename-save").disabled = false;
    dialogById("rename-dialog").showModal();
    inputById("rename-text").select();
  }

  async #rename() {
    const before = this.#renamed?.sentence, words = inputById("rename-text").value.trim();
    if (!before || !words) return;
    buttonById("rename-save").disabled = true;
    try {
      if (words !== before) await this.answerer.rename(before, words, this.key.value);
      dialogById("rename-dialog").close();
      const undo = () => this.answerer.rename(words, before, this.key.value);
      if (words !== before) await this.#done(text("own.renamed", { before, sentence: words }), undo);
    } catch (error) {
      byId("rename-told").textContent = failureOf(error, "own.failed");
      buttonById("rename-save").disabled = false;
    }
  }

  /** @param {TaughtSentence} sentence */
  async #forget({ sentence }) {
    try {
      const undo = await this.answerer.forget(sentence, this.key.value);
      await this.#done(text("own.forgotten", { sentence }), () => this.answerer.restore(undo, this.key.value));
    } catch (error) {
      this.#refused(error);
    }
  }

  async #takeBack() {
    const undo = this.#undo;
    if (!undo) return;
    try {
      await undo();
      await this.#done(text("own.undone"), null);
    } catch {
      await this.#done(text("own.not_undone"), null);
    }
  }

  /**
   * Tell what was done, and offer to undo it.
   *
   * @param {string} words
   * @param {(() => Promise<unknown>) | null} undo
   */
  async #done(words, undo) {
    this.#undo = undo;
    byId("own-done").hidden = false;
    byId("own-done-told").textContent = words;
    byId("own-undo").hidden = !undo;
    byId("own-shown").hidden = true;
    this.#player.show(null);
    this.changed();
    await this.refresh();
    byId(undo ? "own-undo" : "own-title").focus(); // the button that was pressed is gone
    byId("own-done").scrollIntoView({ block: "nearest" });
  }
}

/**
 * How many there are.
 *
 * @param {number} total
 * @param {number} count
 * @param {string} query
 */
function told(total, count, query) {
  if (!total) return query ? text("own.none") : text("own.bare", { teach: text("answer.teach") });
  return text(total > count ? "own.first" : "own.all", { total, count });
}

/** @param {TaughtSentence} sentence */
function aboutOf(sentence) {
  const { num_clips: count, signers, date, category, takes } = sentence;
  const isTrain = takes.some(({ consent }) => consent === "train"), isKept = takes.some(({ consent }) => consent);
  const said = (/** @type {Origin} */ kind) => takes.filter(({ origin }) => origin === kind).length;
  const [confirmed, corrected] = [said("confirmed"), said("corrected")];
  return [
    count === 1 ? text("own.clips_one") : count ? text("own.clips_many", { count }) : "",
    confirmed ? text("own.confirmed", { count: confirmed }) : "",
    corrected ? text("own.corrected", { count: corrected }) : "",
    category,
    signers.length ? text("own.signed_by", { signers: signers.join(", ") }) : "",
    date,
    text(isTrain ? "own.consent_train" : isKept ? "own.consent_recognize" : "own.consent_none"),
  ].filter(Boolean).join(" · ");
}
