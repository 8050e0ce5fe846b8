// Panel 6: loss, accuracy, gradient norms and update ratios over the steps, and a scrubber: any past step comes back.

import { html, nothing, svg } from "lit-html";
import { grouped, number, short } from "../numbers.js";

/** @typedef {import("../board.js").Board} Board */

const WIDTH = 1000;
const HEIGHT = 110;

/** @param {Board} board */
export function timelinePanel(board) {
  const { timeline } = board.answers;
  return html`
    <section class="panel timeline" aria-labelledby="timeline-title">
      <div class="bar"><h2 id="timeline-title">Timeline</h2>${timeline ? html`<p class="aside">step ${grouped(board.state.step)} of ${grouped(board.state.furthest)}</p>` : nothing}</div>
      ${timeline ? body(board, timeline) : html`<p class="hint">${board.errors.timeline || "…"}</p>`}
    </section>
  `;
}

/** @param {Board} board @param {any} timeline */
function body(board, timeline) {
  const { layers } = timeline;
  const marks = timeline.marks.shape[0];
  const column = (/** @type {any} */ tensor, /** @type {number} */ j) => Array.from({ length: marks }, (_, i) => tensor.data[i * layers.length + j]);
  return html`
    <input type="range" class="scrubber" min="0" max=${Math.max(1, board.state.furthest)} .value=${String(board.state.step)}
      ?disabled=${board.state.furthest === 0} list=${board.recorded ? "recorded-steps" : nothing} aria-label="Step" aria-valuetext="step ${board.state.step}"
      @input=${(/** @type {any} */ event) => seek(board, Number(event.target.value))} />
    ${board.recorded ? html`<datalist id="recorded-steps">${board.recorded.steps.map((step) => html`<option value=${step}></option>`)}</datalist>` : nothing}
    <div class="curves">
      ${chart("loss, nats", timeline, [{ name: "batch", low: timeline.lowest.data, high: timeline.highest.data, edges: timeline.edges.data }], false)}
      ${chart("accuracy", timeline, [{ name: "accuracy", x: timeline.marks.data, y: Array.from(timeline.accuracies.data) }], false, [0, 1])}
      ${chart("gradient norm", timeline, layers.map((/** @type {string} */ name, /** @type {number} */ j) => ({ name: `d${name}`, x: timeline.marks.data, y: column(timeline.gradient_norms, j) })), true)}
      ${chart("update / weight", timeline, layers.map((/** @type {string} */ name, /** @type {number} */ j) => ({ name, x: timeline.marks.data, y: column(timeline.update_ratios, j) })), true)}
    </div>
    ${marks ? lastMark(timeline, column) : nothing}
  `;
}

let seeking = false;
/** @type {number | null} */
let wanted = null;

/** Seek to the newest place of the scrubber, one request at a time. @param {Board} board @param {number} step */
async function seek(board, step) {
  wanted = step;
  if (seeking) return;
  seeking = true;
  while (wanted !== null) {
    const next = wanted;
    wanted = null;
    await board.command("seek", { step: next });
  }
  seeking = false;
}

/**
 * @param {string} title
 * @param {any} timeline
 * @param {any[]} series
 * @param {boolean} log
 * @param {[number, number] | null} fixed
 */
function chart(title, timeline, series, log, fixed = null) {
  const scale = (/** @type {number} */ value) => (log ? Math.log10(Math.max(value, 1e-12)) : value);
  const values = series.flatMap((one) => (one.low ? [...one.low, ...one.high] : one.y)).filter((value) => Number.isFinite(value) && (!log || value > 0));
  const [bottom, top] = fixed ?? (values.length ? [Math.min(...values), Math.max(...values)] : [NaN, NaN]);
  const [low, high] = [scale(bottom), scale(top)];
  const last = Math.max(1, timeline.furthest);
  const x = (/** @type {number} */ step) => (step / last) * WIDTH;
  const y = (/** @type {number} */ value) => HEIGHT - 4 - ((scale(value) - low) / (high - low || 1)) * (HEIGHT - 8);
  return html`
    <figure class="curve">
      <figcaption>${title}${log ? ", log" : ""} ${series.length > 1 ? series.map((one, i) => html`<span class="key line-${i % 4}">${one.name}</span>`) : nothing}</figcaption>
      <div class="plot">
        ${Number.isNaN(top) ? nothing : html`<span class="top">${short(top, 3)}</span><span class="bottom">${short(bottom, 3)}</span>`}
        <span class="from">0</span><span class="to">${grouped(timeline.furthest)}</span>
        ${values.length ? nothing : html`<p class="hint">nothing yet</p>`}
        <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${title}${values.length ? `, from ${short(bottom, 3)} to ${short(top, 3)}` : ", nothing yet"}">
          ${series.map((one, i) => svg`<path class="line-${i % 4}" d=${one.low ? band(one, x, y) : path(one, x, y)} />`)}
          <line class="now" x1=${x(timeline.step)} x2=${x(timeline.step)} y1="0" y2=${HEIGHT} />
        </svg>
      </div>
    </figure>
  `;
}

/** @param {any} one @param {(step: number) => number} x @param {(value: number) => number} y */
function path(one, x, y) {
  let text = "";
  one.y.forEach((/** @type {number} */ value, /** @type {number} */ i) => {
    if (Number.isFinite(value)) text += `${text ? "L" : "M"}${x(one.x[i]).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  return text && `${text}h0`; // a place alone is a dot
}

/** From the lowest to the highest of each bin. @param {any} one @param {(step: number) => number} x @param {(value: number) => number} y */
function band(one, x, y) {
  let text = "";
  for (let i = 0; i < one.low.length; ++i) {
    const at = x((one.edges[i] + one.edges[i + 1]) / 2).toFixed(1);
    if (!Number.isFinite(one.low[i])) continue;
    text += `${text ? "L" : "M"}${at} ${y(one.high[i]).toFixed(1)}L${at} ${y(one.low[i]).toFixed(1)}`;
  }
  return text;
}

/** The last measurements as a table, for who does not see the curves. @param {any} timeline @param {(tensor: any, j: number) => number[]} column */
function lastMark(timeline, column) {
  const last = timeline.marks.shape[0] - 1;
  return html`
    <details class="measured"><summary>Measured at step <span data-of="marked step" data-exact=${timeline.marks.data[last]}>${grouped(timeline.marks.data[last])}</span>: accuracy ${number(timeline.accuracies.data[last], "marked accuracy", 3)}</summary>
      <table>
        <thead><tr><th scope="col">weight</th><th scope="col" class="right">gradient norm</th><th scope="col" class="right">update / weight</th></tr></thead>
        <tbody>${timeline.layers.map((/** @type {string} */ name, /** @type {number} */ j) => html`<tr><th scope="row">${name}</th>
          <td class="right">${number(column(timeline.gradient_norms, j)[last], `norm d${name}`)}</td><td class="right">${number(column(timeline.update_ratios, j)[last], `ratio ${name}`)}</td></tr>`)}</tbody>
      </table>
    </details>
  `;
}
