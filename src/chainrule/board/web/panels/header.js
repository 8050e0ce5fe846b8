// Where the run stands, and what moves it.

import { html, nothing } from "lit-html";
import { PANELS } from "../address.js";
import { keysOf } from "../keys.js";
import { even, grouped, number } from "../numbers.js";

/** @typedef {import("../board.js").Board} Board */

/** @param {Board} board */
export function header(board) {
  const { state, scene } = board;
  return html`
    <header>
      <div class="title">
        <h1>chainrule board</h1>
        <p>${scene.title} · ${layers(scene)} · ${grouped(scene.parameters)} parameters${board.recorded ? html` · a recording of ${grouped(board.recorded.steps.length)} steps of ${grouped(state.furthest)}` : nothing}</p>
        <div class="tools">
          ${pace(board)}
          <button type="button" aria-pressed=${board.view.projector} @click=${() => board.look({ projector: !board.view.projector })}>Projector</button>
          <button type="button" @click=${() => board.look({ theme: nextTheme(board.view.theme) })}>Theme: ${board.view.theme}</button>
          ${PANELS.filter((panel) => panel === "keys" || !board.readOnly).map((panel) => toggle(board, panel))}
        </div>
      </div>
      <div class="run">
        <div class="primary">
          ${controls(board)}
          <dl class="measures">
            <div><dt>step</dt><dd data-of="step" data-exact=${state.step}>${grouped(state.step)}</dd></div>
            <div><dt>loss</dt><dd>${number(board.answers.frame?.loss, "loss", 4, even)}</dd></div>
            <div><dt>accuracy</dt><dd>${number(board.answers.samples?.accuracy, "accuracy", 3, even)}</dd></div>
          </dl>
        </div>
        ${jumps(board)} ${phases(board)}
      </div>
    </header>
  `;
}

/** @param {"auto" | "light" | "dark"} theme @returns {"auto" | "light" | "dark"} */
function nextTheme(theme) {
  return theme === "auto" ? "light" : theme === "light" ? "dark" : "auto";
}

/** @param {any} scene */
function layers(scene) {
  return [scene.columns, ...scene.network.hidden_layer_sizes, scene.classes.length].join("–");
}

/** @param {Board} board @param {typeof PANELS[number]} panel */
function toggle(board, panel) {
  const words = { network: "Network", quiz: "Quiz", keys: "Keys" };
  return html`<button type="button" aria-expanded=${board.view.panel === panel} @click=${() => board.toggle(panel)}>${words[panel]}</button>`;
}

/** @param {Board} board */
function pace(board) {
  return html`
    <label>Pace
      <select @change=${(/** @type {any} */ event) => keepPace(board, event.target.value)}>
        <option value="" ?selected=${board.pace === null}>${board.readOnly ? "2 a second" : "full speed"}</option>
        ${(board.readOnly ? [1, 4, 10] : [1, 4, 20, 100]).map((each) => html`<option value=${each} ?selected=${board.pace === each}>${each} a second</option>`)}
      </select>
    </label>
  `;
}

/** @param {Board} board @param {string} value */
function keepPace(board, value) {
  board.pace = value ? Number(value) : null;
  if (board.state.playing) board.command("play", { rate: board.pace });
}

/** Where there is nothing behind, the buttons do nothing; they keep the focus all the same. @param {Board} board */
function controls(board) {
  const { state } = board;
  return html`
    <div class="controls" role="group" aria-label="Run">
      <button type="button" class="main" @click=${() => board.togglePlay()}>${state.playing ? "Pause" : "Play"}</button>
      <button type="button" @click=${() => board.command("back")} aria-disabled=${state.step === 0 && state.phase === "forward"}>Back</button>
      <button type="button" @click=${() => board.command("step")}>Step</button>
    </div>
  `;
}

/** @param {Board} board */
function jumps(board) {
  return html`
    <div class="jumps" role="group" aria-label="Jumps">
      ${board.readOnly ? nothing : html`<button type="button" @click=${() => board.command("step", { count: 100 })}>100 steps</button>`}
      <button type="button" @click=${() => board.command("reset")} aria-disabled=${board.state.step === 0}>To the start</button>
    </div>
  `;
}

/** @param {Board} board */
function phases(board) {
  const { state } = board;
  return html`
    <div class="phases" role="group" aria-label="Phases of step ${state.step + 1}">
      <ol>
        ${board.scene.phases.map((/** @type {string} */ phase) => html`<li aria-current=${state.walking && phase === state.phase ? "step" : nothing}>${phase}</li>`)}
      </ol>
      <button type="button" @click=${() => board.command("phase")}>Next phase</button>
    </div>
  `;
}

/** What there is to say, in sight wherever the page is scrolled to. @param {Board} board */
export function notices(board) {
  const words = [];
  if (!board.connected || board.told) words.push(board.waitingText());
  if (board.state.stopped_at !== null) {
    words.push(`Step ${board.state.stopped_at + 1}: the loss is no longer a number. The run has stopped before it.`);
  }
  if (board.message) words.push(board.message);
  return html`<div class="notices" role="status" aria-live="polite">${words.map((text) => html`<p>${text}</p>`)}</div>`;
}

/** @param {Board} board */
export function keyList(board) {
  if (board.view.panel !== "keys") return nothing;
  return html`
    <section class="panel keys" aria-labelledby="keys-title">
      <div class="bar"><h2 id="keys-title">Keys</h2><button type="button" class="close" @click=${() => board.close()}>Close</button></div>
      <dl>${keysOf(board).map(([key, does]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`)}</dl>
    </section>
  `;
}
