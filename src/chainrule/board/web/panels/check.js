// Panel 7: every parameter's gradient against central differences.

import { html, nothing } from "lit-html";
import { fitted, painted, themeOf } from "../draw.js";
import { grouped, number, short } from "../numbers.js";

/** @typedef {import("../board.js").Board} Board */

const GOOD = 1e-7;
const BAD = 1e-2;

/** @param {Board} board */
export function checkPanel(board) {
  const { check } = board;
  const isRunning = check && !check.parameters;
  return html`
    <section class="panel check" aria-labelledby="check-title">
      <div class="bar">
        <h2 id="check-title">Check</h2>
        ${board.readOnly ? nothing : html`<button type="button" ?disabled=${isRunning} @click=${() => board.runCheck()}>Check the gradients</button>`}
      </div>
      ${!check
        ? html`<p class="hint">Is the gradient right? Each entry against (J(w + h) − J(w − h)) / 2h.</p>`
        : isRunning
          ? html`<p role="status"><progress max=${check.of} .value=${check.done}></progress> ${grouped(check.done)} of ${grouped(check.of)} entries</p>`
          : verdict(board, check)}
    </section>
  `;
}

/** @param {Board} board @param {any} check */
function verdict(board, check) {
  const isOld = check.step !== board.state.step || check.version !== board.state.version;
  return html`
    <p class="verdict ${check.worst_error <= 1e-6 ? "good" : "bad"}">
      ${check.worst_error <= 1e-6 ? "The gradients agree" : "The gradients DIFFER"}: largest relative error
      ${number(check.worst_error, "worst error", 2)}${check.worst ? html` at <button type="button" class="link" @click=${() => board.select(check.worst)}>${check.worst}</button>` : nothing}${isOld ? html` (at step ${check.step})` : nothing}
    </p>
    <div class="maps">
      ${check.parameters.map(
        (/** @type {any} */ parameter) => html`
          <figure>
            <figcaption>${parameter.name}: ${parameter.checked} checked${parameter.kinks ? html`, ${parameter.kinks} at a kink` : nothing}</figcaption>
            <canvas class="errors" role="img" aria-label="Relative errors of ${parameter.name}, at most ${short(parameter.worst, 2)}"
              ${painted(errorMap(parameter), [parameter, board.view.theme])}></canvas>
          </figure>
        `,
      )}
    </div>
    <ul class="legend">
      <li><span class="tone good"></span> at most 1e−7</li><li><span class="tone middle"></span> between</li>
      <li><span class="tone bad"></span> above 1e−2</li><li><span class="tone kink"></span> the step crosses a ReLU's kink: not judged</li>
    </ul>
    <table class="visually-hidden"><caption>Largest relative errors</caption>
      <thead><tr><th scope="col">parameter</th><th scope="col">checked</th><th scope="col">at a kink</th><th scope="col">largest error</th></tr></thead>
      <tbody>${check.parameters.map((/** @type {any} */ p) => html`<tr><th scope="row">${p.name}</th><td>${p.checked}</td><td>${p.kinks}</td><td>${short(p.worst, 2)}</td></tr>`)}</tbody>
    </table>
  `;
}

/** Green to red on the logarithm of the error; kinks hatched, unchecked entries left out. @param {any} parameter */
function errorMap(parameter) {
  return (/** @type {HTMLCanvasElement} */ canvas) => {
    const { context, width, height } = fitted(canvas);
    const [rows, columns] = parameter.errors.shape;
    const dark = themeOf(canvas) === "dark";
    const [w, h] = [width / columns, height / rows];
    for (let i = 0; i < rows * columns; ++i) {
      const [x, y] = [(i % columns) * w, Math.floor(i / columns) * h];
      const error = parameter.errors.data[i];
      const state = parameter.states.data[i]; // 0 not checked, 1 checked, 2 at a kink
      if (state === 0) continue;
      context.fillStyle = state === 2 ? (dark ? "#4a505a" : "#c9ced6") : tone(error, dark);
      context.fillRect(x, y, Math.max(1, w - 0.5), Math.max(1, h - 0.5));
      if (state === 2) {
        context.strokeStyle = dark ? "#9aa3b0" : "#6b7280";
        context.lineWidth = 1;
        context.beginPath();
        context.moveTo(x, y + h);
        context.lineTo(x + w, y);
        context.stroke();
      }
    }
  };
}

/** @param {number} error @param {boolean} dark */
function tone(error, dark) {
  if (!(error <= BAD)) return dark ? "#ff7a59" : "#c2290a";
  if (error <= GOOD) return dark ? "#37b98a" : "#00805a";
  const t = Math.log10(error / GOOD) / Math.log10(BAD / GOOD);
  return dark ? `hsl(${150 - 110 * t} 60% 58%)` : `hsl(${160 - 120 * t} 70% 36%)`;
}
