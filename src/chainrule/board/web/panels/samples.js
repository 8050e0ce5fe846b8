// Panel 4: rows by their loss; one of them, or the whole batch, drives the board.

import { html, nothing, svg } from "lit-html";
import { classColour, classShape } from "../colours.js";
import { styled } from "../draw.js";
import { even, grouped, number } from "../numbers.js";

/** @typedef {import("../board.js").Board} Board */

/** @param {Board} board */
export function samplesPanel(board) {
  const { samples, sample } = board.answers;
  return html`
    <section class="panel samples" aria-labelledby="samples-title">
      <div class="bar">
        <h2 id="samples-title">Samples</h2>
        <label>by <select @change=${(/** @type {any} */ event) => board.look({ order: event.target.value })}>
          <option value="loss" ?selected=${board.view.order === "loss"}>loss</option>
          <option value="row" ?selected=${board.view.order === "row"}>row</option>
        </select></label>
        <button type="button" aria-pressed=${board.view.focus === null} @click=${() => board.look({ focus: null })}>Whole batch</button>
      </div>
      ${sample ? residual(board, sample) : batchHint()} ${board.recorded ? recordedRows(board, board.recorded.rows) : nothing}
      ${samples ? list(board, samples) : html`<p class="hint">${board.errors.samples || "…"}</p>`}
    </section>
  `;
}

function batchHint() {
  return html`<p class="hint">The whole batch drives the board. Choose a row to follow it alone.</p>`;
}

/** @param {Board} board @param {number[]} rows */
function recordedRows(board, rows) {
  const link = (/** @type {number} */ row) => html`<button type="button" class="link" aria-pressed=${row === board.view.focus} data-row=${row} @click=${() => board.look({ focus: row })}>${row}</button> `;
  return html`<p class="aside recorded">Recorded: ${rows.map(link)}</p>`;
}

/** p, y and p - y as bars. @param {Board} board @param {any} sample */
function residual(board, sample) {
  const classes = board.scene.classes;
  return html`
    <table class="residual">
      <caption>Sample ${sample.row}, class ${classes[sample.label]}: ${board.scene.loss} = ${number(sample.loss, "sample loss")}</caption>
      <thead><tr><th scope="col">class</th><th scope="col" class="right">p</th><th scope="col" class="right">y</th><th scope="col" class="right">dZ = p − y</th></tr></thead>
      <tbody>
        ${classes.slice(0, 30).map(
          (/** @type {string} */ name, /** @type {number} */ k) => html`
            <tr>
              <th scope="row">${swatch(k)} ${name}</th>
              <td class="right">${bar(sample.p.data[k], "value")}${number(sample.p.data[k], `p ${k}`, 4, even)}</td>
              <td class="right">${number(sample.y.data[k], `y ${k}`, 1)}</td>
              <td class="right">${bar(sample.d.data[k], "gradient")}${number(sample.d.data[k], `p-y ${k}`, 4, even)}</td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `;
}

/** A bar from -1 to 1, or 0 to 1. @param {number} value @param {"value" | "gradient"} kind */
function bar(value, kind) {
  const share = Math.max(-1, Math.min(1, Number.isFinite(value) ? value : 0));
  const [left, width] = kind === "value" ? [0, 100 * share] : [50 + Math.min(0, 50 * share), 50 * Math.abs(share)];
  return html`<span class="bar-track ${kind}" aria-hidden="true"><span class="bar-fill" ${styled({ left: `${left}%`, width: `${width}%` })}></span></span>`;
}

/** The mark of a class: its colour and its shape. @param {number} k */
export function swatch(k) {
  return html`<svg class="swatch" viewBox="-6 -6 12 12" aria-hidden="true">${SHAPES[classShape(k)](classColour(k))}</svg>`;
}

/** @type {Record<string, (colour: string) => unknown>} */
const SHAPES = {
  circle: (colour) => svg`<circle r="4.5" fill=${colour} />`,
  square: (colour) => svg`<rect x="-4" y="-4" width="8" height="8" fill=${colour} />`,
  triangle: (colour) => svg`<path d="M0 -5L5 4L-5 4Z" fill=${colour} />`,
  diamond: (colour) => svg`<path d="M0 -5.5L5.5 0L0 5.5L-5.5 0Z" fill=${colour} />`,
  cross: (colour) => svg`<path d="M-4 -4L4 4M-4 4L4 -4" stroke=${colour} stroke-width="2.6" />`,
  star: (colour) => svg`<path d="M0 -5.5L1.5 -1.6L5.5 -1.6L2.3 1L3.4 5L0 2.7L-3.4 5L-2.3 1L-5.5 -1.6L-1.5 -1.6Z" fill=${colour} />`,
};

/** @param {Board} board @param {any} samples */
function list(board, samples) {
  const K = board.scene.classes.length;
  const focus = /** @type {number} */ (board.view.focus);
  const count = samples.rows.shape[0];
  const others = samples.of < samples.all ? `, of ${grouped(samples.of)} looked at of ${grouped(samples.all)}` : "";
  return html`
    <div class="scroll">
      <table class="rows cells">
        <caption class="visually-hidden">Rows, by ${board.view.order}</caption>
        <thead><tr><th scope="col">row</th><th scope="col">class</th><th scope="col" class="right">loss</th><th scope="col" class="right">p of class</th><th scope="col">predicted</th></tr></thead>
        <tbody>
          ${Array.from({ length: count }, (_, i) => row(board, samples, i, K, i === Math.max(0, samples.rows.data.indexOf(focus))))}
        </tbody>
      </table>
    </div>
    <p class="aside">${grouped(count)} rows${others}; mean loss ${number(samples.mean_loss, "mean loss", 4, even)}
      ${count < samples.of && !board.readOnly ? html`<button type="button" class="link" @click=${() => { board.listed += 50; board.refresh(); }}>more</button>` : nothing}</p>
  `;
}

/**
 * @param {Board} board
 * @param {any} samples
 * @param {number} i
 * @param {number} K
 * @param {boolean} isStop for Tab; arrows lead on
 */
function row(board, samples, i, K, isStop) {
  const at = samples.rows.data[i];
  const label = samples.labels.data[i];
  const p = samples.probabilities.data.subarray(i * K, (i + 1) * K);
  const predicted = p.indexOf(Math.max(...p));
  return html`
    <tr class=${at === board.view.focus ? "chosen" : ""}>
      <th scope="row">${board.canFocus(at) ? html`<button type="button" class="link" tabindex=${isStop ? 0 : -1} aria-pressed=${at === board.view.focus} data-row=${at} @click=${() => board.look({ focus: at })}>${at}</button>` : at}</th>
      <td>${swatch(label)} ${board.scene.classes[label]}</td>
      <td class="right">${number(samples.losses.data[i], `row loss ${at}`, 4, even)}</td>
      <td class="right">${number(p[label], `row p ${at}`, 4, even)}</td>
      <td class=${predicted === label ? "" : "wrong"}>${swatch(predicted)} ${board.scene.classes[predicted]}${predicted === label ? nothing : html`<span class="visually-hidden"> (wrong)</span>`}</td>
    </tr>
  `;
}
