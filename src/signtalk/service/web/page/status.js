// What goes on, as shape, words and colour; how much the hands move; and what is wrong.

import { byId, icon, make } from "./dom.js";
import { text, textOf } from "./texts.js";

/** @import { GpuReason } from "./delegate.js" */
/** @import { PageState } from "./states.js" */

/** @type {Record<PageState, string>} */
const ICONS = {
  off: "camera-off", loading: "wait", idle: "sign", signing: "hand", thinking: "dots", asking: "question",
  unsure: "repeat", answer: "check", lost: "unplugged", blind: "eye-off", paused: "pause", practise: "sign",
  recording: "record",
};

/** What keeps a signing from being seen or understood, and why an answer was refused. @type {Record<string, string>} */
const REASON_ICONS = {
  nobody: "nobody", hands: "hands", far: "far", dark: "dark", fast: "fast", slow: "wait", low_motion: "still",
  low_similarity: "unknown", ambiguous_top2: "alike", prototype_disagreement: "part", text_disagreement: "part",
  empty_index: "unknown", gate_not_fitted: "tool", written_not_proven: "pen", not_proven: "pen", none_of_these: "pen",
};

/** What is wrong with a subject. @type {Record<string, string>} */
const NOTICE_ICONS = {
  lost: "unplugged", silent: "unplugged", camera_frozen: "frozen", camera_covered: "eye-off", camera_denied: "camera-off",
  camera_none: "camera-off", camera_ended: "camera-off",
};

/**
 * Show one of the states.
 *
 * @param {PageState} name
 */
export function showState(name) {
  const state = byId("state");
  if (state.dataset.state === name) return;
  state.dataset.state = name;
  state.replaceChildren(...stateParts(name));
}

/**
 * Picture and words of a state; those of "off" where it is none of this page's.
 *
 * @param {string} name
 */
export function stateParts(name) {
  const known = Object.hasOwn(ICONS, name) ? /** @type {PageState} */ (name) : "off";
  return [icon(ICONS[known]), make("span", {}, text(`state.${known}`))];
}

/**
 * The picture of a reason.
 *
 * @param {string} reason
 */
export function reasonIcon(reason) {
  return icon(REASON_ICONS[reason] ?? "repeat");
}

/**
 * Say what to do so that the person is seen.
 *
 * @param {"nobody" | "hands" | "far" | "dark" | "slow" | ""} reason "" = nothing
 */
export function showHint(reason) {
  const hint = byId("hint");
  if (hint.dataset.reason === reason) return;
  hint.dataset.reason = reason;
  hint.replaceChildren(...(reason ? [reasonIcon(reason), make("span", {}, text(`hint.${reason}`))] : []));
}

/**
 * Say in the settings what finds the landmarks, and why.
 *
 * @param {GpuReason | "off" | "trying"} reason
 */
export function showGpu(reason) {
  const line = byId("gpu-told");
  if (line.dataset.reason === reason) return;
  line.dataset.reason = reason;
  line.textContent = text(`gpu.${reason}`);
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
    "p", { className: "notice", data: { subject, code } }, icon(NOTICE_ICONS[code] ?? "warning"),
    make("span", {}, textOf("error", code, "error.unknown")),
  ));
}
