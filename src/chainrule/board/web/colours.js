// Colours of classes and of heat maps. Classes: Okabe and Ito 2008; a shape goes with each, so colour is never alone.
// Heat maps: from orange through the paper to blue, told apart by every common kind of colour vision.

export const CLASS_COLOURS = [
  "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#6a3d9a", "#8c8c8c", "#a6761d", "#1b1b1b",
];
export const CLASS_SHAPES = ["circle", "triangle", "square", "diamond", "cross", "star"];

/** @param {number} index */
export function classColour(index) {
  return CLASS_COLOURS[index % CLASS_COLOURS.length];
}

/** @param {number} index */
export function classShape(index) {
  return CLASS_SHAPES[index % CLASS_SHAPES.length];
}

/** @typedef {[number, number, number]} Rgb */

/** @type {{light: {low: Rgb, zero: Rgb, high: Rgb, bad: Rgb}, dark: {low: Rgb, zero: Rgb, high: Rgb, bad: Rgb}}} */
const SCALES = {
  light: { low: [194, 84, 8], zero: [250, 250, 248], high: [8, 92, 158], bad: [0, 0, 0] },
  dark: { low: [255, 158, 82], zero: [24, 28, 34], high: [96, 178, 255], bad: [255, 255, 255] },
};

/**
 * The colour of a value between -1 and 1; anything not finite stands out.
 * @param {number} share
 * @param {"light" | "dark"} theme
 * @returns {Rgb}
 */
export function diverging(share, theme) {
  const scale = SCALES[theme];
  if (!Number.isFinite(share)) return scale.bad;
  const end = share < 0 ? scale.low : scale.high;
  const t = Math.min(1, Math.abs(share)) ** 0.7; // small values are to be seen
  return /** @type {Rgb} */ (scale.zero.map((from, i) => Math.round(from + (end[i] - from) * t)));
}
