// The recorder's page: one person is led through a list of sentences, take after take.

import { today } from "../engine/day.js";
import { clipFromFrames } from "../engine/landmarks.js";
import { Camera } from "./camera.js";
import { buttonById, byId, inputById, loadIcons } from "./dom.js";
import { codeOf, messageOf } from "./errors.js";
import { Film } from "./film.js";
import { addPlayer } from "./player.js";
import { Settings } from "./settings.js";
import { notice, showHint } from "./status.js";
import { RecorderError, Takes } from "./takes.js";
import { loadTexts, text } from "./texts.js";
import { Watch } from "./watch.js";

/** @import { Clip } from "../engine/landmarks.js" */
/** @import { RecordingPlan } from "./takes.js" */

class Recorder {
  /** @type {RecordingPlan | null} */
  #plan = null;
  #number = 0;
  #signer = "";
  #session = "";
  /** @type {number | null} seconds since when it records */
  #sinceS = null;
  /** @type {Clip | null} looked at, and not kept yet */
  #clip = null;
  #films = false;
  /** @type {Film | null} of the take that is recorded */
  #film = null;
  /** @type {Promise<Blob> | null} of the take that is looked at */
  #video = null;
  #busy = false;

  constructor() {
    this.takes = new Takes(document.baseURI);
    this.camera = new Camera(byId("video", HTMLVideoElement));
    this.watch = new Watch(this.camera, byId("overlay", HTMLCanvasElement));
    this.watch.useGpu = new Settings().get("gpu");
    this.sign = addPlayer(byId("sign"), text("recorder.sign"));
    this.own = addPlayer(byId("own"), text("recorder.own"));
    inputById("session").value = today();
    byId("who-form").onsubmit = (event) => {
      event.preventDefault();
      this.#attempt(() => this.#begin());
    };
    inputById("films").onchange = () => {
      inputById("shown").disabled = !inputById("films").checked;
    };
    byId("withdraw").onclick = () => this.#attempt(() => this.#withdraw());
    byId("record").onclick = () => this.#attempt(() => this.#step());
    byId("again").onclick = () => this.#attempt(async () => this.#record());
    byId("before").onclick = () => this.#attempt(async () => this.#go(this.#number - 1));
    byId("next").onclick = () => this.#attempt(async () => this.#go(this.#number + 1));
    byId("undo").onclick = () => this.#attempt(() => this.#undo());
    this.watch.on("view", ({ timeS }) => this.#judge(timeS));
    this.watch.on("failed", (error) => notice("landmarks", codeOf(error) || "landmarker"));
    this.camera.on("ended", () => notice("camera", "camera_ended"));
    this.camera.on("problem", (problem) => {
      notice("camera", problem === "frozen" || problem === "covered" ? `camera_${problem}` : null);
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#attempt(() => this.#learn());
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== " " || event.repeat || byId("prompt").hidden || document.activeElement?.matches("button, input")) return;
    event.preventDefault();
    this.#attempt(() => this.#step());
  }

  /**
   * Do one thing at a time, and say what went wrong.
   *
   * @param {() => Promise<void>} work
   */
  async #attempt(work) {
    if (this.#busy) return;
    this.#busy = true;
    const focused = document.activeElement;
    this.#draw();
    try {
      await work();
    } catch (error) {
      this.#tell(messageOf(error));
    } finally {
      this.#busy = false;
      this.#draw();
      if (focused instanceof HTMLElement && document.activeElement === document.body) focused.focus(); // it was disabled meanwhile
    }
  }

  /** @param {string} words */
  #tell(words) {
    byId(byId("prompt").hidden ? "who-told" : "told").textContent = words;
  }

  async #learn() {
    this.#plan = await this.takes.plan("");
    byId("form-text").textContent = this.#plan.consent_form;
    byId("films-part").hidden = !this.#plan.keeps_videos;
  }

  async #begin() {
    const plan = this.#plan;
    if (!plan) return;
    [this.#signer, this.#session] = [inputById("signer").value.trim(), inputById("session").value.trim()];
    this.#films = plan.keeps_videos && inputById("films").checked;
    await this.takes.agree(this.#signer, plan.form, { videos: this.#films, shown: this.#films && inputById("shown").checked });
    this.#plan = await this.takes.plan(this.#signer);
    await this.#startCamera();
    for (const [id, hidden] of /** @type {[string, boolean][]} */ ([["who", true], ["camera", false], ["prompt", false]])) {
      byId(id).hidden = hidden;
    }
    const open = this.#plan.sentences.findIndex(({ takes }) => takes < plan.takes_each);
    this.#go(Math.max(0, open));
  }

  async #startCamera() {
    try {
      await this.camera.start();
      await this.watch.open();
    } catch (error) {
      this.camera.stop();
      const code = codeOf(error) || "landmarker";
      notice(code.startsWith("camera") ? "camera" : "landmarks", code);
      throw error;
    }
  }

  /**
   * Say what is wrong with the picture.
   *
   * @param {number} timeS now
   */
  #judge(timeS) {
    showHint(this.watch.hint(timeS));
    byId("rate").textContent = text("hint.rate", { rate: this.watch.rate.toFixed(1) });
  }

  async #withdraw() {
    const signer = inputById("signer").value.trim();
    if (!signer || !confirm(text("recorder.withdraw_sure", { signer }))) return;
    const { takes } = await this.takes.withdraw(signer);
    this.#tell(text("recorder.withdrawn", { takes }));
  }

  /** @param {number} number of the sentence to be signed next */
  #go(number) {
    const sentences = this.#plan?.sentences ?? [];
    this.#number = Math.min(Math.max(0, number), sentences.length - 1);
    this.#clip = this.#sinceS = this.#video = null;
    this.#film?.stop();
    this.#film = null;
    this.#tell("");
    this.#draw();
    this.#showSign();
  }

  async #showSign() {
    const number = this.#number, known = this.#plan?.sentences[number].has_sign;
    const clip = known ? await this.takes.sign(number).catch(() => null) : null;
    if (number !== this.#number) return;
    byId("sign-part").hidden = clip === null;
    this.sign.show(clip);
    if (!clip) this.#tell(text("recorder.no_sign"));
  }

  /** The one button: record, stop, keep. */
  async #step() {
    if (this.#clip) await this.#keep(this.#clip);
    else if (this.#sinceS === null) this.#record();
    else this.#stop(this.#sinceS);
  }

  #record() {
    this.#clip = this.#video = null;
    const { srcObject } = this.camera.video;
    this.#film = this.#films && srcObject instanceof MediaStream ? new Film(srcObject) : null;
    this.#sinceS = performance.now() / 1000;
    this.#tell(text("recorder.recording"));
    this.#draw();
  }

  /** @param {number} sinceS */
  #stop(sinceS) {
    const frames = this.watch.ring.between(sinceS, performance.now() / 1000);
    this.#sinceS = null;
    this.#video = this.#film?.stop() ?? null;
    this.#film = null;
    if (frames.length < 2) {
      this.#tell(text("practise.too_short"));
      return;
    }
    this.#clip = clipFromFrames(frames, this.camera.aspect);
    this.own.show(this.#clip);
    this.#tell(text("recorder.look"));
  }

  /** @param {Clip} clip */
  async #keep(clip) {
    const plan = this.#plan;
    if (!plan) return;
    const where = { number: this.#number, signer: this.#signer, session: this.#session };
    const { takes, clip_id: clipId } = await this.takes.keep(where, clip).catch((error) => {
      if (error instanceof RecorderError) this.#clip = null; // a refused one is recorded again
      throw error; // one that did not arrive stands, to be kept once more
    });
    const lost = await this.#keepVideo(clipId);
    this.#clip = null;
    plan.sentences[this.#number].takes = takes;
    if (takes >= plan.takes_each) this.#go(this.#number + 1);
    this.#tell(lost ? text("recorder.film_lost", { why: lost }) : text("recorder.kept"));
  }

  /**
   * Keep the pictures of a take that is kept, where the person allows it; why they could not be kept, else "".
   *
   * @param {string} clipId
   */
  async #keepVideo(clipId) {
    try {
      const video = await this.#video;
      if (video) await this.takes.film(clipId, video);
      return "";
    } catch (error) {
      return messageOf(error);
    } finally {
      this.#video = null;
    }
  }

  async #undo() {
    const plan = this.#plan;
    if (!plan) return;
    plan.sentences[this.#number].takes = (await this.takes.undo(this.#number, this.#signer)).takes;
    this.#tell(text("recorder.deleted"));
  }

  #draw() {
    const plan = this.#plan;
    if (!plan || byId("prompt").hidden) return;
    const sentence = plan.sentences[this.#number], total = plan.sentences.length, all = total * plan.takes_each;
    const done = plan.sentences.reduce((sum, { takes }) => sum + Math.min(takes, plan.takes_each), 0);
    const label = this.#clip ? "recorder.keep" : this.#sinceS === null ? "recorder.record" : "recorder.stop";
    byId("sentence").textContent = sentence.sentence;
    byId("progress-text").textContent = done === all ? text("recorder.finished", { all })
      : text("recorder.progress", {
        number: this.#number + 1, total, take: Math.min(sentence.takes + 1, plan.takes_each), takes: plan.takes_each, done, all,
      });
    byId("progress", HTMLProgressElement).value = done / all;
    byId("record").textContent = text(label);
    byId("again").hidden = byId("own-part").hidden = this.#clip === null;
    for (const id of ["record", "again"]) buttonById(id).disabled = this.#busy; // what is kept or deleted is this sentence's
    buttonById("before").disabled = this.#busy || this.#number === 0;
    buttonById("next").disabled = this.#busy || this.#number === total - 1;
    buttonById("undo").disabled = this.#busy || sentence.takes === 0;
  }
}

await Promise.all([loadTexts(new Settings().get("language")), loadIcons()]);
new Recorder();
