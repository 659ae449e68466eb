// The page: camera, landmarks and answers brought together.

import { clipFromFrames } from "../engine/landmarks.js";
import { MOST_NAME, MOST_TEXT } from "../engine/tables.js";
import { Acquaintance } from "./acquaintance.js";
import { AnswerView } from "./answer.js";
import { Board } from "./board.js";
import { Camera } from "./camera.js";
import { CameraChoice } from "./camera_choice.js";
import { Conversation } from "./conversation.js";
import { buttonById, byId, loadIcons } from "./dom.js";
import { Enrolment } from "./enrolment.js";
import { codeOf, messageOf } from "./errors.js";
import { ServiceKey } from "./key.js";
import { Knowing } from "./knowing.js";
import { NurseSide } from "./nurse.js";
import { openAnswerer } from "./open_answerer.js";
import { Own } from "./own.js";
import { Pairing } from "./pairing.js";
import { PairView } from "./pair_view.js";
import { Practise } from "./practise.js";
import { Remember } from "./remember.js";
import { Settings } from "./settings.js";
import { wireSettingsDialog } from "./settings_dialog.js";
import { Signs } from "./signs.js";
import { AT_START, stateOf } from "./states.js";
import { notice, showGpu, showHint, showMeter, showState } from "./status.js";
import { holdSteady } from "./steady.js";
import { wireTalkDialog } from "./talk_dialog.js";
import { countTalk, Tally } from "./tally.js";
import { TallyView } from "./tally_view.js";
import { loadTexts, text } from "./texts.js";
import { ThumbReply } from "./thumb_reply.js";
import { isQuestion, wordsOf } from "./turn.js";
import { Undo } from "./undo.js";
import { Voice } from "./voice.js";
import { Wake } from "./wake.js";
import { Watch } from "./watch.js";
import { Welcome } from "./welcome.js";

/** @import { Answerer } from "./answerer.js" */
/** @import { PictureProblem } from "./picture.js" */
/** @import { Facts } from "./states.js" */

const FASTEST = 6; // shoulder widths a second: brisk signing fills the meter
const CONFIG_RETRY_MS = 5000;
const KEPT_MS = 3000;

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

class Page {
  /**
   * @param {Answerer} answerer
   * @param {Settings} settings
   */
  constructor(answerer, settings) {
    this.facts = AT_START;
    for (const field of document.querySelectorAll("input")) {
      const most = field.dataset.most;
      if (most) field.maxLength = most === "name" ? MOST_NAME : MOST_TEXT;
    }
    this.settings = settings;
    this.answerer = answerer;
    this.camera = new Camera(byId("video", HTMLVideoElement));
    this.cameras = new CameraChoice(this.camera, this.settings);
    this.wake = new Wake();
    this.watch = new Watch(this.camera, byId("overlay", HTMLCanvasElement));
    this.undo = new Undo();
    this.conversation = new Conversation(this.undo);
    wireTalkDialog(this.conversation);
    this.signs = new Signs(this.answerer);
    this.welcome = new Welcome({ answerer: this.answerer, signs: this.signs });
    this.key = new ServiceKey();
    this.enrolment = new Enrolment(this.answerer, this.key, (sentence) => {
      this.answer.learned(sentence);
      this.refresh();
    });
    this.own = new Own({ answerer: this.answerer, key: this.key, changed: () => this.refresh() });
    this.nurse = new NurseSide({
      answerer: this.answerer, conversation: this.conversation, shown: () => this.thumbs.turnAway(),
    });
    this.pairing = new Pairing(document.baseURI);
    this.pair = new PairView({
      pairing: this.pairing, conversation: this.conversation, nurse: this.nurse, staffs: () => this.stop(),
    });
    this.voice = new Voice();
    this.answer = new AnswerView({
      conversation: this.conversation,
      settings: this.settings,
      signs: this.signs,
      voice: this.voice,
      teach: (words, clip) => this.enrolment.open(words, clip),
      declined: (sentences) => {
        for (const sentence of sentences) this.tally.count("corrected", sentence);
      },
      changed: (step) => {
        this.tell({ step: step.kind });
        this.pairing.tellStanding(step.kind, wordsOf(step));
      },
    });
    this.acquaintance = new Acquaintance({ answerer: this.answerer, signs: this.signs });
    this.knowing = new Knowing({
      answerer: this.answerer,
      conversation: this.conversation,
      heard: () => this.answer.standing.heard,
      changed: (able) => this.acquaintance.allow(able),
    });
    this.remember = new Remember({
      answerer: this.answerer,
      key: this.key,
      signs: this.signs,
      conversation: this.conversation,
      heard: () => this.answer.standing.heard,
    });
    this.tally = new Tally();
    this.thumbs = new ThumbReply({ settings: this.settings, asksElse: () => this.acquaintance.isAsking });
    byId("board").addEventListener("click", () => this.thumbs.turnAway());
    holdSteady(byId("board"), byId("answer-card"));
    this.board = new Board({
      answerer: this.answerer,
      signs: this.signs,
      conversation: this.conversation,
      settings: this.settings,
      voice: this.voice,
      counts: () => this.tally.wanted,
      said: (words) => {
        const { step } = this.answer.standing;
        if (!words) this.pairing.tellStanding(step.kind, wordsOf(step));
        else if (!isQuestion(step)) this.pairing.tellStanding("tapped", [words]);
      },
    });
    this.tallyView = new TallyView(this.tally, () => this.board.erase());
    this.tab = "talk";
    this.practise = new Practise({
      answerer: this.answerer,
      ring: this.watch.ring,
      aspect: () => this.camera.aspect,
      changed: (recording) => this.tell({ recording }),
    });
    this.personS = 0; // since when it is this person
    this.signing = false;
    this.starts = 0; // counts how often the camera was started or stopped: what was begun before the last time is over
    this.ready = false; // whether a stream is open
    this.learned = false; // whether it is known what the service can do
    /** @type {Promise<unknown>} until what the page asks for is kept for use without a connection */
    this.kept = Promise.resolve();
    this.offered = false; // whether the button mode was offered, and not wanted
    this.wireCamera();
    this.wireAnswers();
    this.wireControls();
    this.wireTabs();
    this.wireSettings();
    countTalk(this.tally, {
      answerer: this.answerer, conversation: this.conversation, isAside: () => this.acquaintance.isAsking,
    });
    this.learn();
  }

  /**
   * More is known: show the state that follows.
   *
   * @param {Partial<Facts>} changes
   */
  tell(changes) {
    this.facts = { ...this.facts, ...changes };
    const state = stateOf(this.facts);
    showState(state);
    this.pairing.tell("state", { state });
  }

  /** Whether nothing goes on here that loading the page again would end. */
  get isUntouched() {
    return !this.camera.running && !document.querySelector("dialog[open]")
      && !document.activeElement?.matches("input");
  }

  /** Learn what the service can do; asked again until it is there. */
  async learn() {
    try {
      const config = await this.answerer.config();
      this.answer.canTeach = config.can_enroll === true;
      this.enrolment.canKeep = this.remember.allowed = config.can_keep_clips === true;
      this.own.allowed = config.can_enroll === true;
      this.key.needed = config.needs_key;
      this.pair.allowed = config.can_pair === true;
      for (const { picker } of [this.nurse, this.practise]) picker.canSearch = config.can_search === true;
      this.refresh();
      this.learned = true;
      notice("service", null);
    } catch {
      notice("service", "lost");
      setTimeout(() => this.learn(), CONFIG_RETRY_MS);
    }
  }

  /** List the sentences as they are now. */
  async refresh() {
    this.signs.forget();
    const pickers = [this.nurse.picker, this.practise.picker];
    await Promise.all(pickers.map((picker) => picker.refresh()));
    this.answer.knowsNothing = pickers.some(({ isBare }) => isBare);
    await Promise.all([this.welcome.sign(), this.board.refresh()]);
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
    this.camera.on("opened", () => {
      byId("stage").classList.toggle("looks-away", this.camera.looksAway);
      this.cameras.list();
    });
    this.camera.on("problem", (problem) => this.mind(problem));
    this.watch
      .on("restarting", (error) => {
        notice("landmarks", "landmarker_silent");
        this.tell({ blind: true });
        console.warn(error);
      })
      .on("restarted", () => {
        notice("landmarks", null);
        this.tell({ blind: false });
      })
      .on("failed", (error) => {
        this.stop();
        notice("landmarks", codeOf(error) === "landmarker_silent" ? "landmarker_died" : codeOf(error) || "landmarker");
        console.warn(error);
      });
    this.watch.on("frame", ({ frame }) => {
      if (this.tab !== "talk") return;
      this.pairing.push(frame);
      this.thumbs.look(frame, this.camera.aspect);
      this.answerer.pushFrame(frame);
    });
    this.watch.on("view", ({ timeS }) => {
      showMeter("motion", this.watch.speed / FASTEST);
      this.hint(timeS);
    });
    document.addEventListener("visibilitychange", () => {
      this.tell({ hidden: document.hidden });
      document.title = text(document.hidden && this.camera.running ? "title.paused" : "title");
      this.attend();
    });
  }

  /**
   * Something is wrong with the pictures, or is no longer.
   *
   * @param {PictureProblem} problem
   */
  mind(problem) {
    const useless = problem === "frozen" || problem === "covered";
    notice("camera", useless ? `camera_${problem}` : null);
    this.tell({ blind: useless });
  }

  async start() {
    const start = (this.starts += 1), hadFocus = document.activeElement === byId("start-camera");
    notice("camera", null);
    notice("landmarks", null);
    buttonById("start-camera").disabled = true;
    buttonById("stop-camera").disabled = false;
    if (hadFocus) byId("stop-camera").focus({ preventScroll: true });
    this.tell({ camera: "loading" });
    try {
      await this.camera.start();
      if (start !== this.starts) return;
      byId("stage").classList.add("running");
      this.welcome.rest();
      await Promise.race([this.kept, pause(KEPT_MS)]); // then the models are sent once, and kept
      await this.watch.open();
      if (start !== this.starts) return;
      this.practise.setCamera(true);
      this.tell({ camera: "on" });
      this.attend();
    } catch (error) {
      console.warn(error);
      if (start !== this.starts) return;
      this.stop();
      const code = codeOf(error) || "landmarker";
      notice(code.startsWith("camera") ? "camera" : "landmarks", code);
    }
  }

  /** The camera runs no longer, nor what was begun for it; what was told of it is over. */
  stop() {
    this.starts += 1;
    const hadFocus = document.activeElement === byId("stop-camera");
    this.camera.stop();
    this.watch.clear();
    byId("stage").classList.remove("running");
    this.welcome.wake();
    buttonById("start-camera").disabled = false;
    buttonById("stop-camera").disabled = true;
    for (const id of ["motion", "signing"]) showMeter(id, 0);
    showHint("");
    byId("slow-offer").hidden = true;
    byId("rate").textContent = "";
    this.practise.setCamera(false);
    notice("camera", null);
    this.tell({ camera: "off", blind: false });
    this.attend();
    if (hadFocus) byId("start-camera").focus();
  }

  /** Hold a stream open while somebody may sign to it, and only then. */
  attend() {
    this.ready = false;
    this.knowing.begin(false);
    this.setSigning(false);
    this.wake.keep(this.camera.running && !document.hidden);
    if (this.camera.running && this.tab === "talk" && !document.hidden) {
      this.tell({ talks: true, connection: "opening", stream: "idle" });
      this.knowing.wanted = this.settings.get("learn");
      this.answerer.connect(this.camera.aspect, this.settings.get("mode"), this.knowing.wanted);
    } else {
      this.tell({ talks: this.tab === "talk" });
      this.answerer.disconnect();
      if (this.learned) notice("service", null); // nobody is asked any longer
    }
  }

  /** @param {number} timeS */
  hint(timeS) {
    showHint(this.watch.hint(timeS));
    const button = this.settings.get("mode") === "button" || this.tab !== "talk";
    byId("slow-offer").hidden = this.offered || button || !this.watch.lacksPictures;
    const { gpu, rate } = this.watch;
    byId("rate").textContent = text(gpu === "used" ? "hint.rate_gpu" : "hint.rate", { rate: rate.toFixed(1) });
    showGpu(gpu);
  }

  wireAnswers() {
    this.answerer
      .on("ready", () => {
        this.ready = true;
        this.setSigning(false);
        notice("service", null);
        this.tell({ connection: "open", stream: "idle" });
      })
      .on("lost", ({ code }) => {
        this.ready = false;
        this.setSigning(false);
        showMeter("signing", 0);
        notice("service", code);
        this.tell({ connection: "lost" });
      })
      .on("state", ({ state }) => {
        this.setSigning(state === "signing");
        this.tell({ stream: state });
      })
      .on("activity", ({ probability }) => showMeter("signing", probability))
      .on("answer", ({ answer, segment, start_s: startS, end_s: endS }) => {
        if (endS <= this.personS) return; // of the person before
        if (this.acquaintance.take(answer, segment)) return;
        const clip = clipFromFrames(this.watch.ring.between(startS, endS), this.camera.aspect);
        this.answer.show(answer, clip, this.camera.dark);
      })
      .on("error", ({ error, segment }) => {
        if (segment === undefined) notice("service", error.code);
        else if (error.code !== "not_offered" && !this.acquaintance.fail()) this.answer.fail(error.code);
      });
  }

  wireControls() {
    byId("sign-button").onclick = () => {
      if (this.signing) this.answerer.stop();
      else this.answerer.start();
    };
    byId("take-offer").onclick = () => this.settings.set("mode", "button");
    byId("leave-offer").onclick = () => {
      this.offered = true;
      byId("slow-offer").hidden = true;
    };
    byId("new-person").onclick = () => {
      this.personS = performance.now() / 1000;
      if (this.pairing.isPaired) this.pairing.end();
      this.answerer.reset();
      this.watch.clear();
      const { standing } = this.answer;
      this.answer.clear();
      const lines = this.conversation.clear();
      this.nurse.clear();
      this.enrolment.newPerson();
      const agreed = this.remember.newPerson();
      this.knowing.newPerson();
      this.acquaintance.close();
      this.board.clear();
      if (lines.length || standing.step.kind !== "empty") {
        this.undo.offer(text("undo.new_person"), () => {
          this.conversation.restore(lines);
          this.answer.restore(standing);
          this.remember.restore(agreed);
        });
      }
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

  wireSettings() {
    wireSettingsDialog(this.settings);
    this.settings.on("change", (name) => {
      this.apply();
      if (name === "mode") byId("slow-offer").hidden = true;
      if (name === "mode" || name === "learn") this.attend(); // a stream begins anew, with all that it learned forgotten
      if (name === "speak" && !this.settings.get("speak")) this.voice.stop();
    });
    this.apply();
  }

  apply() {
    document.documentElement.classList.toggle("contrast", this.settings.get("contrast"));
    document.documentElement.classList.toggle("turned", this.settings.get("turned"));
    this.watch.drawn = this.settings.get("skeleton");
    this.watch.useGpu = this.settings.get("gpu");
    showGpu(this.watch.gpu);
  }
}

const settings = new Settings();
await Promise.all([loadTexts(settings.get("language")), loadIcons()]);
const answerer = await openAnswerer();
const page = new Page(answerer, settings);
page.kept = answerer.keep(() => page.isUntouched).catch((error) => console.info(`no use without network: ${messageOf(error)}`));
