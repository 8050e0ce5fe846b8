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
        ${board.recorded?.checked === null ? nothing : html`<button type="button" aria-disabled=${Boolean(isRunning)} @click=${() => board.runCheck()}>${board.recorded ? `Show the check of step ${board.recorded.checked}` : "Check the gradients"}</button>`}
      </div>
      ${!check
        ? html`<p class="hint">Is the gradient right? Each entry against (J(w + h) − J(w − h)) / 2h.${board.recorded?.checked === null ? " No check was recorded." : nothing}</p>`
        : isRunning
          ? html`<p role="status"><progress aria-label="Entries checked" max=${check.of} .value=${check.done}></progress> ${grouped(check.done)} of ${grouped(check.of)} entries</p>`
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
      ${number(check.worst_error, "worst error", 2)}${check.worst ? html` at ${board.canSelect(check.worst) ? html`<button type="button" class="link" @click=${() => board.select(check.worst)}>${check.worst}</button>` : check.worst}` : nothing}${isOld ? html` (at step ${check.step})` : nothing}
    </p>
    <div class="maps">
      ${check.parameters.map(
        (/** @type {any} */ parameter) => html`
          <figure>
            <figcaption>${parameter.name}: ${parameter.checked} checked${parameter.kinks ? html`, ${parameter.kinks} at a kink` : nothing}</figcaption>
            <canvas class="errors" role="img" aria-label="Relative errors of ${parameter.name}, at most ${short(parameter.worst, 2)}"
              ${painted(errorMap(parameter), [parameter, board.paper])}></canvas>
          </figure>
        `,
      )}
    </div>
    <ul class="legend">
      <li><span class="tone good"></span> at most 1e−7</li><li><span class="tone middle"></span> between</li>
      <li><span class="tone bad"></span> above 1e−2</li><li><span class="tone kink"></span> the step crosses a ReLU's kink: not judged</li>
    </ul>
    <div class="visually-hidden"><table><caption>Largest relative errors</caption>
      <thead><tr><th scope="col">parameter</th><th scope="col">checked</th><th scope="col">at a kink</th><th scope="col">largest error</th></tr></thead>
      <tbody>${check.parameters.map((/** @type {any} */ p) => html`<tr><th scope="row">${p.name}</th><td>${p.checked}</td><td>${p.kinks}</td><td>${short(p.worst, 2)}</td></tr>`)}</tbody>
    </table></div>
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
      const [x, y] = [Math.round((i % columns) * w), Math.round(Math.floor(i / columns) * h)];
      const error = parameter.errors.data[i];
      const state = parameter.states.data[i]; // 0 not checked, 1 checked, 2 at a kink
      if (state === 0) continue;
      context.fillStyle = state === 2 ? (dark ? "#4a505a" : "#c9ced6") : tone(error, dark);
      const gap = w > 4 && h > 4 ? 1 : 0;
      const [right, bottom] = [Math.round(((i % columns) + 1) * w), Math.round((Math.floor(i / columns) + 1) * h)];
      context.fillRect(x, y, Math.max(1, right - x - gap), Math.max(1, bottom - y - gap));
      const isBad = state === 1 && !(error <= BAD);
      if (state === 2 || isBad) { // a stroke, or a cross: told apart without colour too
        context.strokeStyle = isBad ? (dark ? "#1b1f25" : "#ffffff") : dark ? "#9aa3b0" : "#6b7280";
        context.lineWidth = isBad ? 1.5 : 1;
        context.beginPath();
        context.moveTo(x, y + h);
        context.lineTo(x + w, y);
        if (isBad) {
          context.moveTo(x, y);
          context.lineTo(x + w, y + h);
        }
        context.stroke();
      }
    }
  };
}

/** @param {number} error @param {boolean} dark */
function tone(error, dark) {
  // From light to dark on light paper, from dark to light on dark: in order for eyes that don't tell red from green.
  if (!(error <= BAD)) return dark ? "#ff8a6b" : "#a31d00";
  if (error <= GOOD) return dark ? "#1f7a5c" : "#7fcfb2";
  const t = Math.log10(error / GOOD) / Math.log10(BAD / GOOD);
  return dark ? `hsl(${160 - 110 * t} ${58 + 10 * t}% ${30 + 24 * t}%)` : `hsl(${158 - 108 * t} ${45 + 35 * t}% ${66 - 24 * t}%)`;
}
