// What goes on, as shape, words and colour; how much the hands move; and what is wrong.

import { byId, icon, make } from "./dom.js";
import { text, textOf } from "./texts.js";

const ICONS = {
  off: "camera-off", loading: "wait", idle: "circle", signing: "hand", thinking: "dots", answer: "check",
  lost: "warning", practise: "circle", recording: "hand",
};

/** @typedef {keyof typeof ICONS} PageState */

/**
 * Show one of the states.
 *
 * @param {PageState} name
 */
export function showState(name) {
  const state = byId("state");
  if (state.dataset.state === name) return;
  state.dataset.state = name;
  state.replaceChildren(icon(ICONS[name]), make("span", {}, text(`state.${name}`)));
}

/**
 * Fill a meter.
 *
 * @param {string} id
 * @param {number} share 0 to 1
 */
export function showMeter(id, share) {
  const meter = byId(id);
  const percent = Math.round(100 * Math.min(1, Math.max(0, share || 0)));
  meter.ariaValueNow = String(percent);
  const bar = meter.firstElementChild;
  if (bar instanceof HTMLElement) bar.style.width = `${percent}%`;
}

/**
 * Say what is wrong with a subject, and what to do.
 *
 * @param {"camera" | "landmarks" | "service"} subject
 * @param {string | null} code null = it is well again
 */
export function notice(subject, code) {
  const notices = byId("notices");
  /** @type {HTMLElement | null} */
  const old = notices.querySelector(`[data-subject="${subject}"]`);
  if (old?.dataset.code === code) return;
  old?.remove();
  if (code === null) return;
  notices.append(make(
    "p", { className: "notice", data: { subject, code } }, icon("warning"),
    make("span", {}, textOf("error", code, "error.unknown")),
  ));
}
