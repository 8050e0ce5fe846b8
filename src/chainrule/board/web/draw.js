// Pictures on canvases: heat maps, the plane, curves. Sharp at any pixel ratio, and drawn only when something changed.

import { directive } from "lit-html/directive.js";
import { AsyncDirective } from "lit-html/async-directive.js";
import { classColour, classShape, diverging } from "./colours.js";

/** @typedef {import("./messages.js").Tensor} Tensor */

class Painted extends AsyncDirective {
  /** @type {unknown[]} */
  of = [];
  /** @type {(canvas: HTMLCanvasElement) => void} */
  paint = () => {};
  /** @type {HTMLCanvasElement | null} */
  canvas = null;
  sizes = new ResizeObserver(() => this.canvas && this.paint(this.canvas));

  /** @param {any} part @param {[(canvas: HTMLCanvasElement) => void, unknown[]]} given */
  update(part, [paint, of]) {
    this.paint = paint;
    if (!this.canvas) {
      this.canvas = /** @type {HTMLCanvasElement} */ (part.element);
      this.sizes.observe(this.canvas); // tells the first size too
    } else if (of.some((one, i) => one !== this.of[i])) {
      requestAnimationFrame(() => this.canvas && this.paint(this.canvas));
    }
    this.of = of;
    return undefined;
  }

  disconnected() {
    this.sizes.disconnect();
  }

  reconnected() {
    if (this.canvas) this.sizes.observe(this.canvas);
  }

  render() {
    return undefined;
  }
}

/** Paint a canvas with a function: anew when one of what it is made from is another one, or its size. */
export const painted = directive(/** @type {any} */ (Painted));

class Styled extends AsyncDirective {
  /** @param {any} part @param {[Record<string, string>]} given */
  update(part, [style]) {
    for (const [name, value] of Object.entries(style)) part.element.style.setProperty(name, value);
    return undefined;
  }

  render() {
    return undefined;
  }
}

/** Set an element's style by properties: the page's policy allows no style attributes. */
export const styled = directive(/** @type {any} */ (Styled));

/**
 * A canvas's context in CSS pixels.
 * @param {HTMLCanvasElement} canvas
 * @returns {{context: CanvasRenderingContext2D, width: number, height: number}}
 */
export function fitted(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** @param {Element} element @returns {"light" | "dark"} */
export function themeOf(element) {
  const [r, g, b] = (getComputedStyle(element).color.match(/[\d.]+/g) ?? ["0", "0", "0"]).map(Number);
  return r + g + b > 384 ? "dark" : "light"; // light ink: dark paper
}

/**
 * Entries as a grid of colours, zero being the paper.
 * @param {Tensor} picture (rows, columns), shares of the largest
 * @returns {(canvas: HTMLCanvasElement) => void}
 */
export function heatMap(picture) {
  return (canvas) => {
    const [rows, columns] = picture.shape;
    canvas.width = Math.max(1, columns);
    canvas.height = Math.max(1, rows);
    if (!rows || !columns) return;
    const theme = themeOf(canvas);
    const image = new ImageData(columns, rows);
    for (let i = 0; i < rows * columns; ++i) {
      const [r, g, b] = diverging(picture.data[i], theme);
      image.data.set([r, g, b, 255], 4 * i);
    }
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} shape
 * @param {number} x
 * @param {number} y
 * @param {number} r
 */
export function marker(context, shape, x, y, r) {
  context.beginPath();
  if (shape === "circle") context.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === "square") context.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
  else if (shape === "triangle") polygon(context, x, y + r * 0.2, r * 1.25, 3, -Math.PI / 2);
  else if (shape === "diamond") polygon(context, x, y, r * 1.25, 4, 0);
  else if (shape === "star") polygon(context, x, y, r * 1.25, 5, -Math.PI / 2, 0.5);
  else polygon(context, x, y, r * 1.35, 4, Math.PI / 4, 0.4);
  context.fill();
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {number} corners
 * @param {number} turn
 * @param {number} waist between corners, as a share of r; 0 for straight edges
 */
function polygon(context, x, y, r, corners, turn, waist = 0) {
  const points = waist ? 2 * corners : corners;
  for (let i = 0; i < points; ++i) {
    const reach = waist && i % 2 ? r * waist : r;
    const angle = turn + (2 * Math.PI * i) / points;
    context.lineTo(x + reach * Math.cos(angle), y + reach * Math.sin(angle));
  }
  context.closePath();
}

/**
 * Decision regions, the surer the stronger, and rows as points.
 * @param {any} plane answer to "plane"
 * @param {number | null} focus the row that drives the board
 * @returns {(canvas: HTMLCanvasElement) => void}
 */
export function regions(plane, focus) {
  return (canvas) => {
    const { context, width, height } = fitted(canvas);
    const theme = themeOf(canvas);
    const { size, classes, confidence } = plane;
    const image = new ImageData(size, size);
    const n = Math.max(2, Math.max(...classes.data) + 1);
    for (let i = 0; i < size * size; ++i) {
      const from = (size - 1 - Math.floor(i / size)) * size + (i % size); // the grid's rows go up
      const colour = classColour(classes.data[from]);
      const sure = Math.max(0, (confidence.data[from] / 255 - 1 / n) / (1 - 1 / n));
      const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
      image.data.set([r, g, b, (theme === "dark" ? 40 : 26) + 100 * sure], 4 * i);
    }
    const small = new OffscreenCanvas(size, size);
    /** @type {OffscreenCanvasRenderingContext2D} */ (small.getContext("2d")).putImageData(image, 0, 0);
    context.imageSmoothingEnabled = true;
    context.drawImage(small, 0, 0, width, height);
    const x = (/** @type {number} */ value) => ((value - plane.across[0]) / (plane.across[1] - plane.across[0])) * width;
    const y = (/** @type {number} */ value) => height - ((value - plane.up[0]) / (plane.up[1] - plane.up[0])) * height;
    const r = Math.max(2.2, Math.min(4.5, 90 / Math.sqrt(plane.rows.shape[0] + 1)));
    for (let i = 0; i < plane.rows.shape[0]; ++i) {
      const label = plane.labels.data[i];
      context.fillStyle = classColour(label);
      context.strokeStyle = theme === "dark" ? "#0f1216" : "#ffffff";
      context.lineWidth = 0.8;
      marker(context, classShape(label), x(plane.points.data[2 * i]), y(plane.points.data[2 * i + 1]), r);
      if (plane.rows.data[i] === focus) {
        context.beginPath();
        context.strokeStyle = theme === "dark" ? "#ffffff" : "#000000";
        context.lineWidth = 2;
        context.arc(x(plane.points.data[2 * i]), y(plane.points.data[2 * i + 1]), r + 5, 0, 2 * Math.PI);
        context.stroke();
      }
    }
  };
}
