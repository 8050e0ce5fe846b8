// Numbers on the page: short to read, whole where it counts. The whole number is in data-exact, for who asks.

import { html } from "lit-html";

const MINUS = "−";

/**
 * Write a number in so many significant digits.
 * @param {number | null | undefined} value
 * @param {number} digits
 */
export function short(value, digits = 4) {
  if (value === null || value === undefined) return "";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  const size = Math.abs(value);
  let text;
  if (Number.isInteger(size) && size < 1e6) text = String(size); // no digits that say nothing
  else if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
    text = `${mantissa}e${exponent.replace("+", "").replace("-", MINUS)}`;
  } else {
    text = size.toPrecision(digits);
    if (text.includes("e")) text = String(Number(text));
  }
  return value < 0 || Object.is(value, -0) ? MINUS + text : text;
}

/**
 * Write a number of a column whose points stand below each other.
 * @param {number} value
 * @param {number} decimals
 */
export function even(value, decimals = 4) {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size >= 1e4 || (size !== 0 && size < 0.5 * 10 ** -decimals)) return short(value, 2);
  return (value < 0 ? MINUS : "") + size.toFixed(decimals);
}

/**
 * A number that shows all its digits when pointed at, and says which one it is.
 * @param {number | null | undefined} value
 * @param {string} of what: "least dW1", "product 3", ...
 * @param {number} digits
 * @param {(value: number, digits: number) => string} write
 */
export function number(value, of, digits = 4, write = short) {
  if (value === null || value === undefined) return "";
  return html`<span class="number" data-of=${of} data-exact=${String(value)} title=${String(value)}>${write(value, digits)}</span>`;
}

/** @param {number} count */
export function grouped(count) {
  return count.toLocaleString("en-US").replaceAll(",", "\u202f");
}

/** @param {number[]} shape */
export function shapeText(shape) {
  return shape.length ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "scalar";
}
