// What goes on, as shape, words and colour; how much the hands move; and what is wrong.

import { byId, icon, make } from "./dom.js";
import { text, textOf } from "./texts.js";

const ICONS = {
  off: "camera-off", loading: "wait", idle: "circle", signing: "hand", thinking: "dots", answer: "check",
  lost: "warning", practise: "circle", recording: "hand",
};

/** Show one of the states of ICONS. */
export function showState(name) {
  const state = byId("state");
  if (state.dataset.state === name) return;
  state.dataset.state = name;
  state.replaceChildren(icon(ICONS[name]), make("span", {}, text(`state.${name}`)));
}

/** Fill a meter: 0 to 1. */
export function showMeter(id, share) {
  const meter = byId(id);
  const percent = Math.round(100 * Math.min(1, Math.max(0, share || 0)));
  meter.ariaValueNow = String(percent);
  meter.firstElementChild.style.width = `${percent}%`;
}

/** Say what is wrong with a subject ("camera", "landmarks", "service"), and what to do; code null = it is well again. */
export function notice(subject, code) {
  const notices = byId("notices");
  const old = notices.querySelector(`[data-subject="${subject}"]`);
  if (old?.dataset.code === code) return;
  old?.remove();
  if (code === null) return;
  notices.append(make(
    "p", { className: "notice", data: { subject, code } }, icon("warning"),
    make("span", {}, textOf("error", code, "error.unknown")),
  ));
}
