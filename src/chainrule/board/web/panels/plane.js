// Panel 5: decision regions over two columns, the others held.

import { html, nothing } from "lit-html";
import { painted, regions } from "../draw.js";
import { number, short } from "../numbers.js";
import { swatch } from "./samples.js";

/** @typedef {import("../board.js").Board} Board */

/** @param {Board} board */
export function planePanel(board) {
  const { plane } = board.answers;
  const { scene } = board;
  return html`
    <section class="panel plane" aria-labelledby="plane-title">
      <div class="bar">
        <h2 id="plane-title">Plane</h2>
        ${scene.columns > 2 && !board.readOnly ? [0, 1].map((side) => chooser(board, side)) : nothing}
      </div>
      ${plane ? drawing(board, plane) : html`<p class="hint">${board.errors.plane || "…"}</p>`}
    </section>
  `;
}

/** @param {Board} board @param {number} side */
function chooser(board, side) {
  return html`<label>${side ? "up" : "across"} <select @change=${(/** @type {any} */ event) => {
    const plane = /** @type {[number, number]} */ ([...board.plane]);
    plane[side] = Number(event.target.value);
    if (plane[0] !== plane[1]) board.look({ plane });
    else board.say("Two different columns make a plane.");
  }}>${board.scene.features.slice(0, 1000).map((/** @type {string} */ name, /** @type {number} */ i) => html`<option value=${i} ?selected=${board.plane[side] === i}>${name}</option>`)}</select></label>`;
}

/** @param {Board} board @param {any} plane */
function drawing(board, plane) {
  const { scene, view } = board;
  return html`
    <div class="axes">
      <span class="up"><span>${short(plane.up[0], 3)}</span><span>${scene.features[plane.y]}</span><span>${short(plane.up[1], 3)}</span></span>
      <canvas role="img" aria-label="Decision regions over ${scene.features[plane.x]} and ${scene.features[plane.y]}, with ${plane.rows.shape[0]} rows as points"
        ${painted(regions(plane, view.focus), [plane, view.focus, board.paper])}
        @click=${(/** @type {MouseEvent} */ event) => nearest(board, plane, event)}></canvas>
      <span class="ticks"><span>${short(plane.across[0], 3)}</span><span>${scene.features[plane.x]}</span><span>${short(plane.across[1], 3)}</span></span>
    </div>
    <ul class="legend">${scene.classes.slice(0, 12).map((/** @type {string} */ name, /** @type {number} */ k) => html`<li>${swatch(k)} ${name}</li>`)}</ul>
    ${scene.columns > 2 ? heldList(board, plane) : nothing}
  `;
}

/** @param {Board} board @param {any} plane */
function heldList(board, plane) {
  const from = board.view.focus === null ? "their means" : `sample ${board.view.focus}`;
  return html`
    <details class="held"><summary>The other columns are held at ${from}</summary>
      <dl>${board.scene.features.map((/** @type {string} */ name, /** @type {number} */ i) =>
        i === plane.x || i === plane.y || i > 200 ? nothing : html`<div><dt>${name}</dt><dd>${number(plane.held.data[i], `held ${i}`, 3)}</dd></div>`)}</dl>
    </details>
  `;
}

/** Let the row nearest to a click drive the board. @param {Board} board @param {any} plane @param {MouseEvent} event */
function nearest(board, plane, event) {
  const canvas = /** @type {HTMLCanvasElement} */ (event.currentTarget);
  const x = event.offsetX / canvas.clientWidth;
  const y = 1 - event.offsetY / canvas.clientHeight;
  let best = -1;
  let least = 0.05 ** 2;
  for (let i = 0; i < plane.rows.shape[0]; ++i) {
    if (!board.canFocus(plane.rows.data[i])) continue;
    const dx = (plane.points.data[2 * i] - plane.across[0]) / (plane.across[1] - plane.across[0]) - x;
    const dy = (plane.points.data[2 * i + 1] - plane.up[0]) / (plane.up[1] - plane.up[0]) - y;
    if (dx * dx + dy * dy < least) [best, least] = [i, dx * dx + dy * dy];
  }
  board.look({ focus: best < 0 ? null : plane.rows.data[best] });
}
