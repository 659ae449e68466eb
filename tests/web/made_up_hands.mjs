// Made-up hands that show a thumb, or do not.

import { emptyFrame } from "../../src/signtalk/service/web/engine/landmarks.js";
import { PARTS } from "../../src/signtalk/service/web/engine/tables.js";

export const ASPECT = 4 / 3;
export const [RIGHT] = PARTS.right_hand, [LEFT] = PARTS.left_hand;

/** A fist seen from its side, thumb up, in palms: the wrist at the origin, the fingers bent to the left. */
export const FIST = [
  [0, 0], [-0.1, -0.35], [-0.3, -0.62], [-0.33, -0.95], [-0.33, -1.25],
  ...[-0.55, -0.35, -0.15, 0.05].flatMap((y) => [[-0.95, y], [-1.3, y], [-1, y + 0.12], [-0.75, y + 0.1]]),
];
export const OPEN = FIST.map(([x, y], i) => (i < 5 || i % 4 === 1 ? [x, y] : [-0.95 - 0.3 * ((i - 1) % 4), y]));
export const THUMB_IN = FIST.map(([x, y], i) => (i === 3 ? [-0.55, -0.7] : i === 4 ? [-0.8, -0.55] : [x, y]));

/**
 * A frame with such a hand.
 *
 * @param {number[][]} shape
 * @param {{degrees?: number, first?: number, mirrored?: boolean, size?: number, frame?: ReturnType<typeof emptyFrame>}} [how]
 */
export function hand(shape, { degrees = 0, first = RIGHT, mirrored = false, size = 0.12, frame = emptyFrame(0) } = {}) {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  shape.forEach(([a, b], i) => {
    const x = size * (mirrored ? -a : a), y = size * b;
    frame.landmarks.set([0.5 + (x * cos - y * sin) / ASPECT, 0.5 + x * sin + y * cos, 0], 3 * (first + i));
  });
  return frame;
}
