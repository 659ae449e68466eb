// A drawn body to point at: shapes of its places, seen from the front, from behind, and the face. Pure.

/**
 * A place: its name in the texts (`body.NAME`), its shape, and where its middle is.
 *
 * @typedef {{name: string, path: string, x: number, y: number}} Place
 */
/** @typedef {"front" | "back" | "face"} View */

export const WIDTH = 200;
export const HEIGHTS = { front: 420, back: 420, face: 270 };

/** Limbs of the side that is drawn at the left; the other side mirrors them. @type {[string, number[][]][]} */
const LIMBS = [
  ["shoulder", [[70, 84], [52, 88], [45, 104], [66, 112]]],
  ["upper_arm", [[44, 107], [65, 115], [56, 158], [36, 151]]],
  ["forearm", [[35, 154], [55, 161], [44, 208], [25, 203]]],
  ["hand", [[23, 206], [45, 211], [43, 232], [32, 243], [16, 238], [15, 218]]],
  ["thigh", [[69, 220], [98, 220], [96, 292], [69, 292]]],
  ["knee", [[68, 295], [97, 295], [96, 322], [69, 322]]],
  ["lower_leg", [[69, 325], [96, 325], [92, 384], [73, 384]]],
  ["foot", [[72, 387], [93, 387], [95, 410], [58, 410], [60, 401]]],
];

/** @type {[string, number[][]][]} */
const NECK = [["neck", [[88, 72], [112, 72], [115, 86], [85, 86]]]];

/** @type {[string, number[][]][]} */
const FRONT = [
  ["head", oval(100, 40, 27, 33)], ...NECK,
  ["chest", [[73, 88], [127, 88], [130, 116], [127, 144], [73, 144], [70, 116]]],
  ["belly", [[73, 147], [127, 147], [125, 182], [75, 182]]],
  ["lower_belly", [[74, 185], [126, 185], [131, 217], [69, 217]]],
];

/** @type {[string, number[][]][]} */
const BACK = [
  ["back_of_head", oval(100, 40, 27, 33)], ...NECK,
  ["upper_back", [[73, 88], [127, 88], [130, 116], [127, 138], [73, 138], [70, 116]]],
  ["lower_back", [[73, 141], [127, 141], [126, 182], [74, 182]]],
  ["buttocks", [[74, 185], [126, 185], [131, 217], [69, 217]]],
];

/** @type {[string, number[][]][]} */
const FACE = [
  ["forehead", [[45, 62], [58, 30], [100, 14], [142, 30], [155, 62], [152, 84], [48, 84]]],
  ["nose", [[92, 98], [108, 98], [117, 140], [100, 148], [83, 140]]],
  ["mouth", oval(100, 169, 30, 14)],
  ["chin", [[64, 184], [80, 188], [120, 188], [136, 184], [118, 210], [82, 210]]],
  ["throat", [[78, 214], [122, 214], [130, 258], [70, 258]]],
];

/** @type {[string, number[][]][]} */
const FACE_SIDES = [
  ["eye", oval(70, 104, 17, 11)],
  ["cheek", [[47, 122], [81, 122], [78, 143], [66, 156], [62, 182], [51, 158]]],
  ["ear", oval(30, 110, 13, 24)],
];

/**
 * The places of a view. Who looks at a front sees the right side at the left.
 *
 * @param {View} view
 * @returns {Place[]}
 */
export function placesOf(view) {
  const middle = view === "front" ? FRONT : view === "back" ? BACK : FACE;
  const sides = view === "face" ? FACE_SIDES : LIMBS;
  const [drawnLeft, drawnRight] = view === "back" ? ["left", "right"] : ["right", "left"];
  const mirrored = (/** @type {number[][]} */ points) => points.map(([x, y]) => [WIDTH - x, y]);
  return [
    ...middle.map(([name, points]) => place(name, points)),
    ...sides.flatMap(([name, points]) => [place(`${drawnLeft}_${name}`, points), place(`${drawnRight}_${name}`, mirrored(points))]),
  ];
}

/**
 * The nearest place in a direction, for the arrow keys; none where nothing lies there.
 *
 * @param {Place[]} places
 * @param {Place} from
 * @param {string} key of the keyboard
 */
export function neighbour(places, from, key) {
  const [right, down] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key] ?? [0, 0];
  const cost = (/** @type {Place} */ { x, y }) => {
    const along = (x - from.x) * right + (y - from.y) * down;
    const aside = Math.abs((x - from.x) * down) + Math.abs((y - from.y) * right);
    return along > 1 ? along + 2 * aside : Infinity;
  };
  const [nearest] = places.filter((each) => each !== from && cost(each) < Infinity).sort((a, b) => cost(a) - cost(b));
  return nearest;
}

/**
 * @param {string} name
 * @param {number[][]} points
 * @returns {Place}
 */
function place(name, points) {
  const middle = (/** @type {number} */ axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  return { name, path: `M${points.map((point) => point.join(" ")).join("L")}Z`, x: middle(0), y: middle(1) };
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} rx
 * @param {number} ry
 */
function oval(x, y, rx, ry) {
  return Array.from({ length: 20 }, (_, i) => {
    const angle = (i / 20) * 2 * Math.PI;
    return [Math.round(10 * (x + rx * Math.cos(angle))) / 10, Math.round(10 * (y + ry * Math.sin(angle))) / 10];
  });
}
