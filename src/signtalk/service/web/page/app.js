// The page: camera, landmarks and answers brought together.

import { clipFromFrames } from "../engine/landmarks.js";
import { AnswerView } from "./answer.js";
import { Camera } from "./camera.js";
import { Conversation } from "./conversation.js";
import { buttonById, byId, dialogById, inputById, loadIcons } from "./dom.js";
import { Enrolment } from "./enrolment.js";
import { codeOf, messageOf } from "./errors.js";
import { ServiceKey } from "./key.js";
import { NurseSide } from "./nurse.js";
import { Own } from "./own.js";
import { Practise } from "./practise.js";
import { ServiceAnswerer } from "./service_answerer.js";
import { Settings } from "./settings.js";
import { canSpeak, stopSpeaking } from "./speech.js";
import { notice, showMeter, showState } from "./status.js";
import { Tally } from "./tally.js";
import { TallyView } from "./tally_view.js";
import { loadTexts, text } from "./texts.js";
import { Watch } from "./watch.js";

/** @import { Answerer, Mode } from "./answerer.js" */
/** @import { PageState } from "./status.js" */

const FASTEST = 6; // shoulder widths a second: brisk signing fills the meter
const UNSEEN_S = 2;
const CONFIG_RETRY_MS = 5000;

/**
 * The Answerer of this page: the service, or in an offline page (`signtalk bundle web`) the page itself.
 *
 * @returns {Promise<Answerer>}
 */
async function openAnswerer() {
  if (document.documentElement.dataset.answers !== "engine") return new ServiceAnswerer(document.baseURI);
  const { EngineAnswerer } = await import("./engine_answerer.js");
  return new EngineAnswerer(document.baseURI);
}

class Page {
  /** @param {Answerer} answerer */
  constructor(answerer) {
    this.settings = new Settings();
    this.answerer = answerer;
    this.camera = new Camera(byId("video", HTMLVideoElement));
    this.watch = new Watch(this.camera, byId("overlay", HTMLCanvasElement));
    this.conversation = new Conversation();
    this.key = new ServiceKey();
    this.enrolment = new Enrolment(this.answerer, this.key, () => this.refresh());
    this.own = new Own({ answerer: this.answerer, key: this.key, changed: () => this.refresh() });
    this.answer = new AnswerView({
      conversation: this.conversation,
      settings: this.settings,
      teach: (words, clip) => this.enrolment.open(words, clip),
    });
    this.nurse = new NurseSide({ answerer: this.answerer, conversation: this.conversation });
    this.tally = new Tally();
    this.tallyView = new TallyView(this.tally);
    this.tab = "talk";
    this.practise = new Practise({
      answerer: this.answerer,
      ring: this.watch.ring,
      aspect: () => this.camera.aspect,
      changed: (recording) => {
        if (this.tab === "practise") showState(recording ? "recording" : this.resting());
      },
    });
    this.seenS = 0; // when a person was last seen
    this.personS = 0; // since when it is this person
    this.signing = false;
    this.ready = false; // whether a stream is open
    this.wireCamera();
    this.wireAnswers();
    this.wireControls();
    this.wireTabs();
    this.wireSettings();
    this.wireTally();
    showState("off");
    this.learn();
  }

  /**
   * The state where nothing goes on.
   *
   * @returns {PageState}
   */
  resting() {
    if (!this.camera.running) return "off";
    return this.tab === "practise" ? "practise" : "idle";
  }

  /** Learn what the service can do; asked again until it is there. */
  async learn() {
    try {
      const config = await this.answerer.config();
      this.answer.canTeach = config.can_enroll === true;
      this.enrolment.canKeep = config.can_keep_clips === true;
      this.own.allowed = config.can_enroll === true;
      this.key.needed = config.needs_key;
      for (const { picker } of [this.nurse, this.practise]) picker.canSearch = config.can_search === true;
      this.refresh();
      notice("service", null);
    } catch {
      notice("service", "lost");
      setTimeout(() => this.learn(), CONFIG_RETRY_MS);
    }
  }

  /** List the sentences as they are now. */
  async refresh() {
    const pickers = [this.nurse.picker, this.practise.picker];
    await Promise.all(pickers.map((picker) => picker.refresh()));
    this.answer.knowsNothing = pickers.some(({ isBare }) => isBare);
  }

  wireCamera() {
    byId("start-camera").onclick = () => this.start();
    byId("stop-camera").onclick = () => this.stop();
    this.camera.on("ended", () => {
      this.stop();
      notice("camera", "camera_ended");
    });
    this.camera.on("turned", () => {
      this.watch.clear(); // a clip has one shape of picture
      this.attend();
    });
    this.watch.on("failed", (error) => {
      this.stop();
      notice("landmarks", codeOf(error) || "landmarker");
      console.warn(error);
    });
    this.watch.on("frame", ({ frame, somebody }) => {
      if (this.tab === "talk") this.answerer.pushFrame(frame);
      if (somebody) this.seenS = frame.timeS;
      showMeter("motion", this.watch.speed / FASTEST);
      this.hint(frame.timeS);
    });
    document.addEventListener("visibilitychange", () => this.attend());
  }

  async start() {
    notice("camera", null);
    notice("landmarks", null);
    const hadFocus = document.activeElement === byId("start-camera");
    buttonById("start-camera").disabled = true;
    showState("loading");
    try {
      await this.camera.start();
      byId("stage").classList.add("running");
      await this.watch.open();
      this.seenS = performance.now() / 1000;
      buttonById("stop-camera").disabled = false;
      this.practise.setCamera(true);
      this.attend();
    } catch (error) {
      this.stop();
      const code = codeOf(error) || "landmarker";
      notice(code.startsWith("camera") ? "camera" : "landmarks", code);
      console.warn(error);
    } finally {
      buttonById("start-camera").disabled = false;
      if (hadFocus) byId(this.camera.running ? "stop-camera" : "start-camera").focus({ preventScroll: true });
    }
  }

  stop() {
    const hadFocus = document.activeElement === byId("stop-camera");
    this.camera.stop();
    this.watch.clear();
    byId("stage").classList.remove("running");
    buttonById("stop-camera").disabled = true;
    for (const id of ["motion", "signing"]) showMeter(id, 0);
    byId("hint").textContent = "";
    byId("rate").textContent = "";
    this.practise.setCamera(false);
    this.attend();
    if (hadFocus) byId("start-camera").focus();
  }

  /** Hold a stream open while somebody may sign to it, and only then. */
  attend() {
    this.ready = false;
    this.setSigning(false);
    if (this.camera.running && this.tab === "talk" && !document.hidden) {
      this.answerer.connect(this.camera.aspect, this.settings.get("mode"));
      showState("loading");
    } else {
      this.answerer.disconnect();
      showState(this.resting());
    }
  }

  /** @param {number} timeS */
  hint(timeS) {
    const unseen = timeS - this.seenS > UNSEEN_S;
    const hint = unseen ? text("hint.nobody") : this.watch.slow ? text("hint.slow") : "";
    if (byId("hint").textContent !== hint) byId("hint").textContent = hint;
    byId("rate").textContent = text("hint.rate", { rate: this.watch.rate.toFixed(1) });
  }

  wireAnswers() {
    this.answerer
      .on("ready", () => {
        this.ready = true;
        this.setSigning(false);
        notice("service", null);
        showState("idle");
      })
      .on("lost", ({ code }) => {
        this.ready = false;
        this.setSigning(false);
        showMeter("signing", 0);
        notice("service", code);
        showState("lost");
      })
      .on("state", ({ state }) => {
        this.setSigning(state === "signing");
        showState(/** @type {PageState} */ (state));
      })
      .on("activity", ({ probability }) => showMeter("signing", probability))
      .on("answer", ({ answer, start_s: startS, end_s: endS }) => {
        if (endS <= this.personS) return; // of the person before
        this.answer.show(answer, clipFromFrames(this.watch.ring.between(startS, endS), this.camera.aspect));
      })
      .on("error", ({ error, segment }) => {
        if (segment === undefined) notice("service", error.code);
        else this.answer.fail(error.code);
      });
  }

  wireControls() {
    byId("sign-button").onclick = () => {
      if (this.signing) this.answerer.stop();
      else this.answerer.start();
    };
    byId("new-person").onclick = () => {
      this.personS = performance.now() / 1000;
      this.answerer.reset();
      this.watch.clear();
      this.answer.clear();
      this.conversation.clear();
      this.nurse.clear();
      this.enrolment.newPerson();
      stopSpeaking();
      this.setSigning(false);
    };
  }

  /** @param {boolean} signing */
  setSigning(signing) {
    this.signing = signing;
    const byButton = this.settings.get("mode") === "button" && this.tab === "talk";
    byId("sign-button").hidden = !byButton;
    buttonById("sign-button").disabled = !this.ready;
    byId("sign-button").textContent = text(signing ? "controls.done" : "controls.sign");
  }

  wireTabs() {
    /** @type {HTMLElement[]} */
    const tabs = [...document.querySelectorAll("[role=tab]")].filter((each) => each instanceof HTMLElement);
    const choose = (/** @type {HTMLElement} */ chosen) => {
      this.tab = chosen.id.replace("tab-", "");
      for (const tab of tabs) {
        tab.ariaSelected = String(tab === chosen);
        tab.tabIndex = tab === chosen ? 0 : -1;
        byId(tab.getAttribute("aria-controls") ?? "").hidden = tab !== chosen;
      }
      this.tallyView.refresh();
      if (this.tab === "own") this.own.open();
      else this.own.leave();
      this.attend();
    };
    tabs.forEach((tab, i) => {
      tab.onclick = () => choose(tab);
      tab.onkeydown = ({ key }) => {
        const step = Number(key === "ArrowRight") - Number(key === "ArrowLeft");
        if (!step) return;
        const next = tabs[(i + step + tabs.length) % tabs.length];
        next.focus();
        choose(next);
      };
    });
    choose(tabs[0]);
  }

  /** Count what is asked and what becomes of it. */
  wireTally() {
    this.answerer.on("answer", ({ answer }) => {
      this.tally.count("asked");
      if (answer.outcome === "not_sure") this.tally.count("refused");
    });
    this.conversation
      .on("added", ({ who, words, how }) => {
        if (who === "patient") this.tally.count(how === "chosen" ? "chosen" : "answered", words);
      })
      .on("removed", ({ who, words }) => {
        if (who === "patient") this.tally.count("corrected", words);
      });
  }

  wireSettings() {
    const dialog = dialogById("settings-dialog");
    byId("open-settings").onclick = () => {
      byId("no-voice").hidden = canSpeak();
      dialog.showModal();
    };
    byId("close-settings").onclick = () => dialog.close();
    for (const name of /** @type {const} */ (["speak", "contrast", "skeleton"])) {
      const box = inputById(`setting-${name}`);
      box.checked = this.settings.get(name);
      box.onchange = () => this.settings.set(name, box.checked);
    }
    for (const radio of document.querySelectorAll("input")) {
      if (radio.name !== "mode") continue;
      radio.checked = radio.value === this.settings.get("mode");
      radio.onchange = () => this.settings.set("mode", /** @type {Mode} */ (radio.value));
    }
    this.settings.on("change", (name) => {
      this.apply();
      if (name === "mode") this.attend();
      if (name === "speak" && !this.settings.get("speak")) stopSpeaking();
    });
    this.apply();
  }

  apply() {
    document.documentElement.classList.toggle("contrast", this.settings.get("contrast"));
    this.watch.drawn = this.settings.get("skeleton");
  }
}

await Promise.all([loadTexts(), loadIcons()]);
const answerer = await openAnswerer();
new Page(answerer);
Promise.resolve(answerer.keep()).catch((error) => console.info(`no use without network: ${messageOf(error)}`));
