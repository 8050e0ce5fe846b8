// The keyboard: a whole lesson without a mouse.

/** @typedef {import("./board.js").Board} Board */

/** @type {[string, string][]} */
const KEYS = [
  ["Space", "play, pause"],
  [". and ,", "one step on, one back"],
  ["/", "find a node or an entry"],
  ["← → ↑ ↓", "walk the graph's edges, up and down change the lane; walk a table's cells"],
  ["Enter", "the selected node's numbers"],
  ["n and m", "next sample, the batch"],
  ["h", "one phase on: forward, loss, backward, update"],
  ["g", "check the gradients"],
  ["q", "a question"],
  ["p", "projector"],
  ["Home", "back to the start"],
  ["?", "this list"],
  ["Esc", "close what is open"],
];

/** The keys and what they do, for a list. @param {Board} board */
export function keysOf(board) {
  return board.readOnly ? KEYS.filter(([key]) => key !== "q") : KEYS;
}

/** @param {Board} board */
export function listenToKeys(board) {
  const heard = board.keepsAddress ? document : board.root; // a notebook has keys of its own
  heard.addEventListener("keydown", (given) => {
    const event = /** @type {KeyboardEvent} */ (given);
    const target = /** @type {HTMLElement} */ (event.target);
    const isPlain = !(event.ctrlKey || event.metaKey || event.altKey);
    // What is meant for the board is not for the notebook around; Escape and Tab lead out.
    if (!board.keepsAddress && isPlain && event.key !== "Escape" && event.key !== "Tab") event.stopPropagation();
    if (!isPlain || !board.scene) return;
    if (event.key === "Escape") {
      if (target.id === "find") board.goTo(board.view.entry ?? board.scene.nodes[0].name);
      else board.close();
      return;
    }
    if (isTyping(target) || (event.key in STEPS && walkCells(event, target))) return;
    const act = ACTIONS[event.key];
    if (!act) return;
    // A button takes Space for itself, but for a node: with the focus it is selected already.
    if (event.key === " " && target.closest("button:not(.card), a, summary")) return;
    if ((event.key in STEPS || event.key === "Home") && target.closest("input, .scroll[tabindex], .math, pre")) return; // these scroll
    event.preventDefault();
    act(board);
  });
}

/** Rows and columns on. @type {Record<string, [number, number]>} */
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/**
 * Move the focus among a table's buttons, of which one alone is a stop for Tab.
 * @param {KeyboardEvent} event
 * @param {HTMLElement} target
 * @returns {boolean} whether it was in such a table
 */
function walkCells(event, target) {
  const row = target.closest("table.cells tr");
  if (!row) return false;
  const [down, right] = STEPS[event.key];
  const rows = [.../** @type {HTMLElement} */ (row.parentElement).children];
  const column = [...row.querySelectorAll("button")].indexOf(/** @type {HTMLButtonElement} */ (target)) + right;
  const next = rows[rows.indexOf(row) + down]?.querySelectorAll("button")[column];
  event.preventDefault();
  next?.focus();
  return true;
}

/** @param {HTMLElement} target */
function isTyping(target) {
  return target.matches("input:not([type=range]), textarea, select, [contenteditable]");
}

/** @type {Record<string, (board: Board) => void>} */
const ACTIONS = {
  " ": (board) => board.togglePlay(),
  ".": (board) => board.command("step"),
  ",": (board) => board.command("back"),
  "/": (board) => /** @type {HTMLElement | null} */ (board.root.querySelector(".find input"))?.focus(),
  h: (board) => board.command("phase"),
  g: (board) => {
    board.runCheck();
    board.focusOn(".check .bar button");
  },
  m: (board) => board.look({ focus: null }),
  n: (board) => board.look({ focus: nextRow(board) }),
  p: (board) => board.look({ projector: !board.view.projector }),
  q: (board) => board.readOnly || board.toggle("quiz"),
  "?": (board) => board.toggle("keys"),
  Home: (board) => board.command("reset"),
  ArrowRight: (board) => walk(board, 1),
  ArrowLeft: (board) => walk(board, -1),
  ArrowUp: (board) => turn(board, false),
  ArrowDown: (board) => turn(board, true),
};

/** @param {Board} board */
function nextRow(board) {
  const { focus } = board.view;
  const { recorded } = board;
  if (recorded) return recorded.rows[(recorded.rows.indexOf(focus ?? -1) + 1) % recorded.rows.length] ?? null;
  return ((focus ?? -1) + 1) % board.scene.rows;
}

/**
 * Follow an edge from the selected node: along the values forward, or back. In the backward lane the arrows keep their
 * direction on the page.
 * @param {Board} board
 * @param {number} way
 */
function walk(board, way) {
  const nodes = board.scene.nodes;
  const entry = board.view.entry?.replace(/\[.*$/, "") ?? "";
  const isGradient = !nodes.some((/** @type {any} */ node) => node.name === entry) && entry.startsWith("d");
  const name = isGradient ? entry.slice(1) : entry;
  const at = nodes.find((/** @type {any} */ node) => node.name === name);
  const next = !at
    ? nodes[0]?.name
    : way > 0
      ? nodes.find((/** @type {any} */ node) => node.inputs.includes(name))?.name
      : at.inputs[0];
  if (next) board.goTo(isGradient ? `d${next}` : next);
}

/** @param {Board} board @param {boolean} toGradient */
function turn(board, toGradient) {
  const entry = board.view.entry;
  if (!entry) return;
  const isGradient = !board.scene.nodes.some((/** @type {any} */ node) => node.name === entry.replace(/\[.*$/, ""));
  if (isGradient !== toGradient) board.goTo(toGradient ? `d${entry}` : entry.slice(1));
}
