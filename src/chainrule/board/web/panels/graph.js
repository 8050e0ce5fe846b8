// Panel 1: the graph, values in the forward lane, gradients mirrored below.

import { html, svg, nothing } from "lit-html";
import { heatMap, painted, styled } from "../draw.js";
import { number, shapeText, short } from "../numbers.js";

/** @typedef {import("../board.js").Board} Board */

const AROUND = 64; // pixels of the page that are beside the drawing
const LEAST_ZOOM = 0.75;
const MOST_ZOOM = 1.25;
const PHASE_OF = { forward: 0, loss: 1, backward: 2, update: 3 };

/** @param {Board} board */
export function graphPanel(board) {
  const { scene, answers } = board;
  const { layout } = scene;
  const told = new Map((answers.frame?.nodes ?? []).map((/** @type {any} */ node) => [node.name, node]));
  const [width, height] = [layout.width + 16, layout.height + 16];
  const zoom = fitting(board, width);
  const names = layout.boxes.filter((/** @type {any} */ box) => !box.elided).map(nameOf);
  const stop = names.includes(chosenNode(board)) ? chosenNode(board) : names[0];
  return html`
    <section class="panel graph" aria-labelledby="graph-title">
      <div class="bar">
        <h2 id="graph-title">Graph</h2>
        <p class="aside">${driver(board)}</p>
        <span class="scale"><span aria-hidden="true">−</span><span class="ramp" role="img" aria-label="Colours: orange below 0, blue above"></span><span aria-hidden="true">+</span></span>
        <form class="find" @submit=${(/** @type {Event} */ event) => find(board, event)}>
          <label for="find">Find</label>
          <input id="find" name="entry" list="nodes" placeholder="W1[0, 3]" autocomplete="off" spellcheck="false" />
          <datalist id="nodes">${scene.nodes.map((/** @type {any} */ node) => html`<option value=${node.name}></option>`)}${board.recorded?.entries.map((entry) => html`<option value=${entry}></option>`)}</datalist>
        </form>
      </div>
      <div class="scroll" role="group" aria-label="Nodes">
        <div class="drawing" ${styled({ width: `${width}px`, height: `${height}px`, zoom: String(zoom) })}>
          <svg viewBox="-8 -8 ${width} ${height}" width=${width} height=${height} aria-hidden="true">
            ${layout.routes.map((/** @type {any} */ route) => line(route))}
            ${layout.tags.map((/** @type {any} */ tag) => svg`<text class="tag ${tag.lane}" x=${tag.x + tag.width / 2} y=${tag.y + tag.height / 2 + 4}>${tag.text}</text>`)}
          </svg>
          ${layout.headings.map((/** @type {any} */ heading) => html`<div class="heading ${heading.lane}" aria-hidden="true" ${styled({ top: `${heading.y + 8}px`, left: `${heading.x + 8}px` })}><span>${heading.text}</span></div>`)}
          ${layout.boxes.map((/** @type {any} */ box) => card(board, box, told.get(box.name), stop))}
        </div>
      </div>
      ${board.expanded ? entries(board) : nothing}
    </section>
  `;
}

/**
 * How far the drawing is drawn together or apart to take the page's width; a small page moves it under its window instead.
 * @param {Board} board
 * @param {number} width
 */
function fitting(board, width) {
  const room = board.root.clientWidth - AROUND;
  return room < LEAST_ZOOM * width ? 1 : Math.min(MOST_ZOOM, room / width);
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
 * @param {string} stop the one card that Tab comes to; arrows lead on
 */
function card(board, box, told, stop) {
  const isGradient = box.lane === "backward";
  const name = nameOf(box);
  const place = styled({ left: `${box.x + 8}px`, top: `${box.y + 8}px`, width: `${box.width}px`, height: `${box.height}px` });
  if (box.elided) return html`<div class="card elided" ${place}>${box.elided}</div>`;
  const portrait = isGradient ? told?.gradient : told?.value;
  return html`
    <button type="button" class="card ${box.lane} ${box.kind} ${isReached(board, box) ? "" : "ahead"}" ${place}
      data-node=${name} aria-pressed=${name === chosenNode(board)} tabindex=${name === stop ? 0 : -1}
      @click=${() => (board.view.entry === name ? expand(board, box.name, isGradient) : board.select(name))}>
      <span class="name ${name.length > 6 ? "long" : ""}">${isGradient ? html`<i class="d">d</i>${label(box.name)}` : label(box.name)}</span>
      <span class="shape">${box.shape.length ? shapeText(told?.shape ?? box.shape) : nothing}</span>
      <span class="visually-hidden">${isGradient ? "gradient" : box.operation}</span>
      ${portrait ? picture(board, name, portrait) : html`<span class="none">${isGradient ? "no gradient" : "not given"}</span>`}
    </button>
  `;
}

/** @param {any} box */
function nameOf(box) {
  return box.lane === "backward" ? `d${box.name}` : box.name;
}

/** The node of what is selected. @param {Board} board */
function chosenNode(board) {
  return (board.view.entry ?? "").replace(/\[.*$/, "");
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
    return html`<span class="scalar ${nonfinite ? "bad" : ""}">${number(portrait.only, `only ${name}`, board.view.projector ? 3 : 4)}</span>`;
  }
  const isHuge = Math.max(Math.abs(least), Math.abs(most)) >= 1e100; // long exponents leave little room
  const digits = isHuge ? 1 : board.view.projector ? 2 : 3;
  return html`
    <canvas class="heat" ${painted(heatMap(portrait.picture), [portrait, board.paper])}></canvas>
    <span class="range ${nonfinite ? "bad" : ""}">${nonfinite ? `${nonfinite} not finite` : [number(least, `least ${name}`, digits), number(most, `most ${name}`, digits)]}</span>
  `;
}

/** Whether the phase of the step has come so far. @param {Board} board @param {any} box */
function isReached(board, box) {
  const phase = PHASE_OF[/** @type {keyof PHASE_OF} */ (board.state.phase)];
  if (!board.state.walking) return true;
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
  input.select();
  board.goTo(entry);
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
        <button type="button" @click=${() => board.close()}>Close</button>
      </div>
      <div class="scroll">
        <table class="cells">
          <caption class="visually-hidden">Entries of ${name}</caption>
          <thead><tr><td></td>${range(columns).map((j) => html`<th scope="col">${block.column + j}</th>`)}</tr></thead>
          <tbody>
            ${range(rows).map(
              (i) => html`<tr><th scope="row">${isVector ? "" : block.row + i}</th>
                ${range(columns).map((j) => html`<td>${entryCell(board, name + index(i, j), block.entries.data[i * columns + j], i + j === 0)}</td>`)}</tr>`,
            )}
          </tbody>
        </table>
      </div>
    </div>
  `;
}

/**
 * A number of the table; a button where more is known of it.
 * @param {Board} board
 * @param {string} name
 * @param {number} value
 * @param {boolean} isStop for Tab; arrows lead on
 */
function entryCell(board, name, value, isStop) {
  const shown = number(value, `entry ${name}`, 3);
  if (!board.canSelect(name)) return shown;
  return html`<button type="button" class="entry" tabindex=${isStop ? 0 : -1} data-entry=${name} @click=${() => board.select(name)}>${shown}</button>`;
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
  if (board.readOnly) return html`<span class="mover">${what} 0 to ${count - 1} of ${all}: the others were not recorded</span>`;
  const key = what === "rows" ? "row" : "column";
  const go = (/** @type {number} */ to) => {
    board.expanded = { .../** @type {any} */ (board.expanded), [key]: Math.max(0, to < all ? to : first) };
    board.refresh();
  };
  return html`
    <span class="mover">${what} ${first} to ${first + count - 1} of ${all}
      <button type="button" aria-label="Earlier ${what}" aria-disabled=${first === 0} @click=${() => go(first - count)}>‹</button>
      <button type="button" aria-label="Later ${what}" aria-disabled=${first + count >= all} @click=${() => go(first + count)}>›</button>
    </span>
  `;
}

/** @param {number} n */
function range(n) {
  return Array.from({ length: n }, (_, i) => i);
}
