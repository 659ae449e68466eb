// How many pictures a second the camera is asked for: showing many costs time that a slow device needs to look at them.
// Pure.

import { SLOW_RATE } from "./view.js";

/** Pictures a second, where as many can be looked at, and where few can. */
export const SMOOTH = 30;
export const SPARING = 15;

const QUICK_RATE = 11; // well above SLOW_RATE, so that it does not go to and fro
const SURE_S = 4;

/**
 * The pace from now on.
 *
 * @param {number} pace now
 * @param {number} rate pictures a second that were looked at of late
 * @param {number} seconds since when
 */
export function paceOf(pace, rate, seconds) {
  if (seconds < SURE_S) return pace;
  if (rate < SLOW_RATE) return SPARING;
  return rate > QUICK_RATE ? SMOOTH : pace;
}
