// Which camera: the one that faces the person, unless another one was chosen in the settings.

import { byId, make } from "./dom.js";
import { notice } from "./status.js";
import { text } from "./texts.js";

/** @import { Camera } from "./camera.js" */
/** @import { Settings } from "./settings.js" */

export class CameraChoice {
  #isRefused = false; // whether it is told that another one could not be used

  /**
   * @param {Camera} camera
   * @param {Settings} settings
   */
  constructor(camera, settings) {
    this.camera = camera;
    this.settings = settings;
    this.select = byId("setting-camera", HTMLSelectElement);
    camera.device = settings.get("camera");
    this.select.onchange = () => settings.set("camera", this.select.value);
    settings.on("change", (name) => {
      if (name === "camera") this.#choose(settings.get("camera"));
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => this.list());
    this.list();
  }

  /** @param {string} device its id, or "" */
  async #choose(device) {
    if (device === this.camera.device) return;
    try {
      await this.camera.choose(device);
      if (this.#isRefused) notice("camera", null);
      this.#isRefused = false;
    } catch (error) {
      console.info(`another camera was not opened: ${error}`);
      this.settings.set("camera", this.camera.device);
      this.select.value = this.camera.device;
      this.#isRefused = true;
      notice("camera", "camera_kept");
    }
  }

  /** Name the cameras that are there; browsers give names once a camera is allowed. */
  async list() {
    const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? [];
    const cameras = devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
    this.select.replaceChildren(
      make("option", { value: "" }, text("settings.camera_front")),
      ...cameras.map(({ deviceId, label }, i) => (
        make("option", { value: deviceId }, label || text("settings.camera_number", { number: i + 1 }))
      )),
    );
    this.select.value = this.settings.get("camera");
    if (!this.select.value) this.select.value = ""; // the one that was chosen is not there now
  }
}
