// Panel 3: the paths of the chain rule from one entry to the loss, with numbers.

import { html, nothing } from "lit-html";
import { even, number, short } from "../numbers.js";

/** @typedef {import("../board.js").Board} Board */

/** @param {Board} board */
export function ledgerPanel(board) {
  const { ledger } = board.answers;
  const entry = board.ledgerEntry;
  return html`
    <section class="panel ledger" aria-labelledby="ledger-title">
      <div class="bar">
        <h2 id="ledger-title">Ledger of paths</h2>
        ${ledger ? html`<p class="aside">d${ledger.loss}/d${ledger.entry} · ${ledger.count} paths, ${ledger.over}</p>` : nothing}
      </div>
      ${entry === null
        ? html`<p class="hint">Select one entry, such as ${link(board, firstEntry(board))}, to see every path from it to the loss.</p>`
        : ledger
          ? ledger.count === "0"
            ? html`<p class="hint">No path leads from ${ledger.entry} to ${ledger.loss}: it has no gradient.</p>`
            : table(ledger)
          : html`<p class="hint">${board.errors.ledger || "…"}</p>`}
      ${board.recorded ? html`<p class="aside recorded">Recorded: ${board.recorded.entries.map((one) => html`${link(board, one)} `)}</p>` : nothing}
    </section>
  `;
}

/** @param {Board} board @param {string} entry */
function link(board, entry) {
  return html`<button type="button" class="link" @click=${() => board.select(entry)}>${entry}</button>`;
}

/** @param {Board} board */
function firstEntry(board) {
  if (board.recorded) return board.recorded.entries[0] ?? "W1[0, 0]";
  const weight = board.scene.nodes.find((/** @type {any} */ node) => node.parameter && node.shape.length === 2);
  return `${weight?.name ?? "W1"}[0, ${Math.min(3, (weight?.shape[1] ?? 4) - 1)}]`;
}

/** @param {any} ledger */
function table(ledger) {
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Paths">
      <table>
        <thead><tr><th scope="col">path, and its factors from J back</th><th scope="col" class="right">product</th></tr></thead>
        <tbody>
          ${ledger.rows.map(
            (/** @type {any} */ row) => html`
              <tr>
                <th scope="row"><span class="path">${row.path}</span>
                <span class="factors">${row.factors.map(
                  (/** @type {any} */ factor, /** @type {number} */ i) => html`${i ? html`<span class="times">·</span>` : nothing}<span class="factor" title="${factor.symbol} = ${factor.value}"><span class="symbol">${factor.formula}</span><span class="value">${number(factor.value, `factor ${factor.symbol} of ${row.path}`)}</span></span>`,
                )}</span></th>
                <td class="right">${number(row.product, `product of ${row.path}`, 8, even)}</td>
              </tr>
            `,
          )}
          ${ledger.rest_count ? html`<tr class="rest"><th scope="row">${ledger.rest_count} other paths together</th><td class="right">${number(ledger.rest, "ledger rest", 8, even)}</td></tr>` : nothing}
        </tbody>
        <tfoot>
          <tr><th scope="row">sum of the paths</th><td class="right">${number(ledger.total, "ledger total", 8, even)}</td></tr>
          <tr><th scope="row">gradient by the backward pass</th><td class="right">${number(ledger.gradient, "ledger gradient", 8, even)}</td></tr>
          <tr class=${Math.abs(ledger.residual) <= 1e-9 * Math.abs(ledger.magnitude || 1) ? "good" : "bad"}>
            <th scope="row">they differ by</th><td class="right">${number(ledger.residual, "ledger residual", 3)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
    <p class="aside">The sizes of all paths add up to ${short(ledger.magnitude)}.</p>
  `;
}
