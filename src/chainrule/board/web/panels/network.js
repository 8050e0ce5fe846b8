// Another network, another optimizer: what is looked at stays.

import { html, nothing } from "lit-html";

/** @typedef {import("../board.js").Board} Board */

/** @param {Board} board */
export function networkPanel(board) {
  if (board.openPanel !== "network" || board.readOnly) return nothing;
  const { network, choices } = board.scene;
  const select = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string[]} */ options) => html`
    <label>${label} <select name=${name}>${options.map((option) => html`<option ?selected=${option === network[name]}>${option}</option>`)}</select></label>`;
  const field = (/** @type {string} */ name, /** @type {string} */ label, /** @type {unknown} */ value) => html`
    <label>${label} <input name=${name} .value=${String(value)} autocomplete="off" spellcheck="false" /></label>`;
  return html`
    <section class="panel network" aria-labelledby="network-title">
      <div class="bar"><h2 id="network-title">Network</h2></div>
      <form @submit=${(/** @type {Event} */ event) => apply(board, event)}>
        ${field("hidden_layer_sizes", "Hidden layers", network.hidden_layer_sizes.join(", "))}
        ${select("activation", "Activation", choices.activation)} ${select("initialization", "Start", choices.initialization)}
        ${field("l2", "L2, λ", network.l2)} ${field("dropout", "Dropout", network.dropout)} ${field("seed", "Seed", network.seed)}
        ${select("solver", "Optimizer", choices.solver)} ${field("learning_rate", "Learning rate", network.learning_rate)}
        ${field("batch_size", "Batch size", network.batch_size)}
        <button type="submit" class="main">Change</button>
      </form>
      <p class="hint">Optimizer, learning rate and batch size change from this step on. Layers, activation, start, L2, dropout and seed begin a new run.</p>
    </section>
  `;
}

const NUMBERS = ["l2", "dropout", "learning_rate"];
const WHOLE = ["seed", "batch_size"];

/** @param {Board} board @param {Event} event */
async function apply(board, event) {
  event.preventDefault();
  const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
  /** @type {Record<string, unknown>} */
  const changes = {};
  for (const [name, value] of data) {
    const text = String(value).trim();
    let wanted = /** @type {unknown} */ (text);
    if (name === "hidden_layer_sizes") wanted = text === "" ? [] : text.split(/[\s,]+/).map(Number);
    else if (NUMBERS.includes(name) || WHOLE.includes(name)) wanted = Number(text);
    if (typeof wanted === "number" ? Number.isNaN(wanted) : Array.isArray(wanted) && wanted.some(Number.isNaN)) {
      board.say(`${name.replaceAll("_", " ")}: ${text} is not a number.`);
      return;
    }
    if (JSON.stringify(wanted) !== JSON.stringify(board.scene.network[name])) changes[name] = wanted;
  }
  if (!Object.keys(changes).length) {
    board.say("Nothing was changed.");
    return;
  }
  await board.command("network", { changes });
}
