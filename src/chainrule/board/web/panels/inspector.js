// Panel 2: what the selected node or entry is, in symbols and in numbers.

import { html, nothing } from "lit-html";
import { keyed } from "lit-html/directives/keyed.js";
import { unsafeHTML } from "lit-html/directives/unsafe-html.js";
import { number, shapeText } from "../numbers.js";

/** @typedef {import("../board.js").Board} Board */

/** @param {Board} board */
export function inspectorPanel(board) {
  const { inspect } = board.answers;
  return html`
    <section class="panel inspector" aria-labelledby="inspector-title">
      <div class="bar"><h2 id="inspector-title">Inspector</h2>${inspect ? html`<p class="aside">${inspect.entry}</p>` : nothing}</div>
      ${board.view.entry === null
        ? html`<p class="hint">Select a node of the graph, or find an entry: <kbd>/</kbd> then <code>W1[0, 3]</code>.</p>`
        : inspect
          ? about(board, inspect)
          : html`<p class="hint">${board.errors.inspect || "…"}</p>`}
    </section>
  `;
}

/** @param {Board} board @param {any} found */
function about(board, found) {
  return html`
    <dl class="facts">
      ${found.value === undefined ? nothing : html`<div><dt>value</dt><dd>${number(found.value, `value ${found.entry}`, 6)}</dd></div>`}
      ${found.gradient === undefined ? nothing : html`<div><dt>gradient</dt><dd>${number(found.gradient, `gradient ${found.entry}`, 6)}</dd></div>`}
      <div><dt>shape</dt><dd>${shapeText(found.shape)}</dd></div>
    </dl>
    ${found.formulas.map(
      (/** @type {any} */ formula) => html`
        <figure class="formula">
          <figcaption>${formula.caption}</figcaption>
          <div class="math" tabindex="0" role="group" aria-label=${formula.text}>${unsafeHTML(formula.mathml)}</div>
          ${formula.shapes ? html`<p class="shapes">${formula.shapes.replaceAll("->", "→")}</p>` : nothing}
        </figure>
      `,
    )}
    ${found.editable && !board.readOnly ? keyed(found.editable, editor(board, found)) : nothing}
    ${found.numpy ? numpy(board, found) : board.readOnly ? html`<p class="hint">As NumPy: not recorded.</p>` : nothing}
  `;
}

/** @param {Board} board @param {any} found */
function editor(board, found) {
  const edited = board.edited?.entry === found.editable ? board.edited : null;
  return html`
    <form class="edit" @submit=${(/** @type {any} */ event) => {
      event.preventDefault();
      const value = Number(event.target.elements.value.value);
      if (event.target.elements.value.value.trim() && !Number.isNaN(value)) board.edit(found.editable, value);
    }}>
      <label>Set ${found.editable} to <input name="value" inputmode="decimal" autocomplete="off" .value=${String(found.value)} /></label>
      <button type="submit">Set</button>
    </form>
    ${edited ? outcome(edited, board.scene.loss) : nothing}
  `;
}

/** What g dw foretold, beside what happened. @param {any} edited @param {string} loss its name */
function outcome(edited, loss) {
  return html`
    <table class="outcome">
      <caption>What the gradient foretold, and what happened to ${loss}</caption>
      <tbody>
        <tr><th scope="row">dw</th><td>${number(edited.change, "edit dw", 6)}</td></tr>
        <tr><th scope="row">g · dw</th><td>${number(edited.predicted, "edit predicted", 6)}</td></tr>
        <tr><th scope="row">${loss} before</th><td>${number(edited.before, "edit before", 8)}</td></tr>
        <tr><th scope="row">${loss} after</th><td>${number(edited.after, "edit after", 8)}</td></tr>
        <tr><th scope="row">change of ${loss}</th><td>${number(edited.happened, "edit happened", 6)}</td></tr>
      </tbody>
    </table>
  `;
}

/** @param {Board} board @param {any} found */
function numpy(board, found) {
  return html`
    <details class="numpy">
      <summary>As NumPy</summary>
      <button type="button" @click=${() => copy(board, found.numpy)}>Copy</button>
      <pre tabindex="0"><code data-name="numpy">${found.numpy}</code></pre>
    </details>
  `;
}

/** @param {Board} board @param {string} text */
async function copy(board, text) {
  try {
    await navigator.clipboard.writeText(text);
    board.message = "Copied.";
  } catch {
    board.message = "The browser refused to copy: select the lines instead.";
  }
  board.draw();
}
