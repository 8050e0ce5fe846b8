// Panel 1: the graph, values in the forward lane, gradients mirrored below.

import { html, svg, nothing } from "lit-html";
import { heatMap, painted, styled } from "../draw.js";
import { number, shapeText, short } from "../numbers.js";

/** @typedef {import("../board.js").Board} Board */

const PHASE_OF = { forward: 0, loss: 1, backward: 2, update: 3 };

/** @param {Board} board */
export function graphPanel(board) {
  const { scene, answers } = board;
  const { layout } = scene;
  const told = new Map((answers.frame?.nodes ?? []).map((/** @type {any} */ node) => [node.name, node]));
  const [width, height] = [layout.width + 16, layout.height + 16];
  return html`
    <section class="panel graph" aria-labelledby="graph-title">
      <div class="bar">
        <h2 id="graph-title">Graph</h2>
        <p class="aside">${driver(board)}</p>
        <form class="find" @submit=${(/** @type {Event} */ event) => find(board, event)}>
          <label for="find">Find</label>
          <input id="find" name="entry" list="nodes" placeholder="W1[0, 3]" autocomplete="off" spellcheck="false" />
          <datalist id="nodes">${scene.nodes.map((/** @type {any} */ node) => html`<option value=${node.name}></option>`)}</datalist>
        </form>
      </div>
      <div class="scroll" tabindex="0" role="group" aria-label="Graph, scrollable">
        <div class="drawing" ${styled({ width: `${width}px`, height: `${height}px` })}>
          <svg viewBox="-8 -8 ${width} ${height}" width=${width} height=${height} aria-hidden="true">
            ${layout.routes.map((/** @type {any} */ route) => line(route))}
            ${layout.tags.map((/** @type {any} */ tag) => svg`<text class="tag ${tag.lane}" x=${tag.x + tag.width / 2} y=${tag.y + tag.height / 2 + 4}>${tag.text}</text>`)}
            ${layout.headings.map((/** @type {any} */ heading) => svg`<text class="heading ${heading.lane}" x=${heading.x} y=${heading.y}>${heading.text}</text>`)}
          </svg>
          ${layout.boxes.map((/** @type {any} */ box) => card(board, box, told.get(box.name)))}
        </div>
      </div>
      ${board.expanded ? entries(board) : nothing}
    </section>
  `;
}

/** @param {Board} board */
function driver(board) {
  const { focus } = board.view;
  if (focus !== null) return html`driven by sample ${focus} alone: m = 1`;
  const m = board.answers.frame?.rows;
  return html`driven by the batch${m ? html` of m = ${m} rows: J is a mean, so 1/m stands in dZ` : nothing}`;
}

/** @param {any} route */
function line(route) {
  const points = route.points.map((/** @type {number[]} */ [x, y]) => `${x},${y}`);
  return svg`<polyline class="route ${route.lane}" points=${points.join(" ")} />
    ${arrow(route)}`;
}

/** @param {any} route */
function arrow(route) {
  const n = route.points.length;
  if (n < 2 || route.target === null) return nothing;
  const [[x0, y0], [x1, y1]] = [route.points[n - 2], route.points[n - 1]];
  const turn = (Math.atan2(y1 - y0, x1 - x0) * 180) / Math.PI;
  return svg`<path class="head ${route.lane}" d="M0 0L-8 -4L-8 4Z" transform="translate(${x1} ${y1}) rotate(${turn})" />`;
}

/**
 * @param {Board} board
 * @param {any} box
 * @param {any} told
 */
function card(board, box, told) {
  const isGradient = box.lane === "backward";
  const name = isGradient ? `d${box.name}` : box.name;
  const place = styled({ left: `${box.x + 8}px`, top: `${box.y + 8}px`, width: `${box.width}px`, height: `${box.height}px` });
  if (box.elided) return html`<div class="card elided" ${place}>${box.elided}</div>`;
  const portrait = isGradient ? told?.gradient : told?.value;
  const selected = (board.view.entry ?? "").replace(/\[.*$/, "") === name;
  return html`
    <button type="button" class="card ${box.lane} ${box.kind} ${isReached(board, box) ? "" : "ahead"}" ${place}
      data-node=${name} aria-pressed=${selected}
      @click=${() => board.select(name)} @dblclick=${() => expand(board, box.name, isGradient)}>
      <span class="name">${isGradient ? html`<i class="d">d</i>${label(box.name)}` : label(box.name)}</span>
      <span class="shape">${shapeText(told?.shape ?? box.shape)}</span>
      <span class="visually-hidden">${isGradient ? "gradient" : box.operation}</span>
      ${portrait ? picture(board, name, portrait) : html`<span class="none">no gradient</span>`}
    </button>
  `;
}

/** Trailing digits as a subscript. @param {string} name */
function label(name) {
  const [, stem, digits] = /** @type {RegExpMatchArray} */ (name.match(/^(.*?)(\d*)$/s));
  return html`<i>${stem || digits}</i>${stem && digits ? html`<sub>${digits}</sub>` : nothing}`;
}

/**
 * @param {Board} board
 * @param {string} name
 * @param {any} portrait
 */
function picture(board, name, portrait) {
  const { least, most, nonfinite } = portrait;
  if (portrait.size === 1) {
    return html`<span class="scalar ${nonfinite ? "bad" : ""}">${number(portrait.only, `only ${name}`)}</span>`;
  }
  const largest = Math.max(Math.abs(least ?? 0), Math.abs(most ?? 0));
  return html`
    <canvas class="heat" ${painted(heatMap(portrait.picture, largest), [portrait, board.view.theme])}></canvas>
    <span class="range ${nonfinite ? "bad" : ""}">${nonfinite ? `${nonfinite} not finite` : html`${number(least, `least ${name}`, 3)} … ${number(most, `most ${name}`, 3)}`}</span>
  `;
}

/** Whether the phase of the step has come so far. @param {Board} board @param {any} box */
function isReached(board, box) {
  const phase = PHASE_OF[/** @type {keyof PHASE_OF} */ (board.state.phase)];
  if (board.state.playing) return true;
  if (box.lane === "backward") return phase >= 2;
  return box.shape.length === 0 && !box.elided ? phase >= 1 : true; // the loss and its terms are numbers
}

/** @param {Board} board @param {string} node @param {boolean} gradient */
function expand(board, node, gradient) {
  board.expanded = { node, gradient, row: 0, column: 0 };
  board.refresh();
}

/** @param {Board} board @param {Event} event */
function find(board, event) {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (/** @type {HTMLFormElement} */ (event.target).elements.namedItem("entry"));
  const entry = input.value.trim();
  if (!entry) return;
  board.select(entry);
  input.value = "";
  input.blur();
}

/** A node's entries as numbers. @param {Board} board */
function entries(board) {
  const { block } = board.answers;
  const expanded = /** @type {NonNullable<Board["expanded"]>} */ (board.expanded);
  const name = expanded.gradient ? `d${expanded.node}` : expanded.node;
  if (!block) return html`<p class="waiting">${board.errors.block || "…"}</p>`;
  const [rows, columns] = block.entries.shape;
  const isVector = block.shape.length < 2;
  const node = board.scene.nodes.find((/** @type {any} */ one) => one.name === expanded.node);
  const isAlone = node.batch && board.view.focus !== null; // a row alone goes without its index
  const index = (/** @type {number} */ i, /** @type {number} */ j) => {
    const places = isVector ? [block.column + j] : [block.row + i, block.column + j];
    const shown = block.shape.length === 0 ? [] : isAlone ? places.slice(1) : places;
    return shown.length ? `[${shown.join(", ")}]` : "";
  };
  return html`
    <div class="entries">
      <div class="bar">
        <h3>${name} ${shapeText(block.shape)}</h3>
        ${mover(board, "rows", block.row, rows, isVector ? 1 : block.shape[0])}
        ${mover(board, "columns", block.column, columns, block.shape.at(-1) ?? 1)}
        <button type="button" @click=${() => { board.expanded = null; board.refresh(); }}>Close</button>
      </div>
      <div class="scroll" tabindex="0" role="group" aria-label="Entries of ${name}">
        <table>
          <thead><tr><th></th>${range(columns).map((j) => html`<th scope="col">${block.column + j}</th>`)}</tr></thead>
          <tbody>
            ${range(rows).map(
              (i) => html`<tr><th scope="row">${isVector ? "" : block.row + i}</th>
                ${range(columns).map((j) => html`<td><button type="button" class="entry" data-entry="${name}${index(i, j)}"
                  @click=${() => board.select(name + index(i, j))}>${number(block.entries.data[i * columns + j], `entry ${name}${index(i, j)}`, 3)}</button></td>`)}</tr>`,
            )}
          </tbody>
        </table>
      </div>
    </div>
  `;
}

/**
 * @param {Board} board
 * @param {"rows" | "columns"} what
 * @param {number} first
 * @param {number} count
 * @param {number} all
 */
function mover(board, what, first, count, all) {
  if (count >= all) return nothing;
  const key = what === "rows" ? "row" : "column";
  const go = (/** @type {number} */ to) => {
    board.expanded = { .../** @type {any} */ (board.expanded), [key]: Math.max(0, Math.min(to, all - 1)) };
    board.refresh();
  };
  return html`
    <span class="mover">${what} ${first} to ${first + count - 1} of ${all}
      <button type="button" aria-label="Earlier ${what}" ?disabled=${first === 0} @click=${() => go(first - count)}>‹</button>
      <button type="button" aria-label="Later ${what}" ?disabled=${first + count >= all} @click=${() => go(first + count)}>›</button>
    </span>
  `;
}

/** @param {number} n */
function range(n) {
  return Array.from({ length: n }, (_, i) => i);
}
