// Where the run stands, and what moves it.

import { html, nothing } from "lit-html";
import { KEYS } from "../keys.js";
import { grouped, number } from "../numbers.js";

/** @typedef {import("../board.js").Board} Board */

const PHASE_WORDS = { forward: "forward", loss: "loss", backward: "backward", update: "update" };

/** @param {Board} board */
export function header(board) {
  const { state, scene } = board;
  return html`
    <header>
      <div class="title">
        <h1>chainrule board</h1>
        <p>${scene.title} · ${layers(scene)} · ${grouped(scene.parameters)} parameters</p>
      </div>
      ${board.readOnly ? nothing : controls(board)}
      <dl class="measures">
        <div><dt>step</dt><dd data-of="step" data-exact=${state.step}>${grouped(state.step)}</dd></div>
        <div><dt>loss</dt><dd>${number(board.answers.frame?.loss, "loss")}</dd></div>
        <div><dt>accuracy</dt><dd>${number(board.answers.samples?.accuracy, "accuracy", 3)}</dd></div>
      </dl>
      <div class="tools">
        <button type="button" aria-pressed=${board.view.projector} @click=${() => board.look({ projector: !board.view.projector })}>Projector</button>
        <button type="button" aria-label="Theme: ${board.view.theme}" @click=${() => board.look({ theme: nextTheme(board.view.theme) })}>${THEME_WORDS[board.view.theme]}</button>
        ${board.readOnly ? nothing : toggles(board)}
      </div>
      ${notices(board)} ${board.openPanel === "keys" ? keyList() : nothing}
    </header>
  `;
}

const THEME_WORDS = { auto: "Auto", light: "Light", dark: "Dark" };

/** @param {"auto" | "light" | "dark"} theme @returns {"auto" | "light" | "dark"} */
function nextTheme(theme) {
  return theme === "auto" ? "light" : theme === "light" ? "dark" : "auto";
}

/** @param {any} scene */
function layers(scene) {
  return [scene.columns, ...scene.network.hidden_layer_sizes, scene.classes.length].join("–");
}

/** @param {Board} board */
function controls(board) {
  const { state } = board;
  return html`
    <div class="controls" role="group" aria-label="Run">
      <button type="button" class="main" @click=${() => board.togglePlay()}>${state.playing ? "Pause" : "Play"}</button>
      <button type="button" @click=${() => board.command("back")} ?disabled=${state.step === 0 && state.phase === "forward"}>Back</button>
      <button type="button" @click=${() => board.command("step")}>Step</button>
      <button type="button" @click=${() => board.command("step", { count: 100 })}>100 steps</button>
      <button type="button" @click=${() => board.command("reset")} ?disabled=${state.step === 0}>To the start</button>
      <label class="rate">pace
        <select @change=${(/** @type {any} */ event) => pace(board, event.target.value)}>
          <option value="" ?selected=${board.pace === null}>as fast as it goes</option>
          ${[1, 4, 20, 100].map((rate) => html`<option value=${rate} ?selected=${board.pace === rate}>${rate} a second</option>`)}
        </select>
      </label>
    </div>
    <ol class="phases" aria-label="Phases of step ${state.step + 1}">
      ${board.scene.phases.map(
        (/** @type {keyof PHASE_WORDS} */ phase) => html`
          <li aria-current=${phase === state.phase ? "step" : nothing}>${PHASE_WORDS[phase]}</li>
        `,
      )}
      <li><button type="button" @click=${() => board.command("phase")}>Next phase</button></li>
    </ol>
  `;
}

/** @param {Board} board @param {string} value */
function pace(board, value) {
  board.pace = value ? Number(value) : null;
  if (board.state.playing) board.command("play", { rate: board.pace });
}

/** @param {Board} board */
function toggles(board) {
  return ["network", "quiz", "keys"].map(
    (panel) => html`
      <button type="button" aria-expanded=${board.openPanel === panel} @click=${() => {
        board.openPanel = board.openPanel === panel ? "" : panel;
        board.draw();
      }}>${{ network: "Network", quiz: "Quiz", keys: "Keys" }[panel]}</button>
    `,
  );
}

/** @param {Board} board */
function notices(board) {
  const words = [];
  if (!board.connected) words.push(board.waitingText());
  if (board.state.stopped_at !== null) {
    words.push(`Step ${board.state.stopped_at + 1}: the loss is no longer a number. The run has stopped before it.`);
  }
  if (board.message) words.push(board.message);
  return html`<div class="notices" role="status" aria-live="polite">${words.map((text) => html`<p>${text}</p>`)}</div>`;
}

function keyList() {
  return html`
    <section class="keys" aria-label="Keys">
      <dl>${KEYS.map(([key, does]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`)}</dl>
    </section>
  `;
}
