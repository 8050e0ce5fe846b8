// The keyboard: a whole lesson without a mouse.

/** @typedef {import("./board.js").Board} Board */

/** @type {[string, string][]} */
const KEYS = [
  ["Space", "play, pause"],
  [". and ,", "one step on, one back"],
  ["/", "find a node or an entry"],
  ["← → ↑ ↓", "walk the graph's edges; up and down change the lane"],
  ["n and m", "next sample, the batch"],
  ["h", "one phase on: forward, loss, backward, update"],
  ["g", "check the gradients"],
  ["q", "a question"],
  ["p", "projector"],
  ["?", "this list"],
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
    if (!isPlain || isTyping(target)) return;
    const act = ACTIONS[event.key];
    if (!act || !board.scene) return;
    if (event.key === " " && target.closest("button, a, summary, [role=button]")) return;
    if (event.key.startsWith("Arrow") && target.closest("[role=grid], [role=tablist], input, select")) return;
    event.preventDefault();
    act(board);
  });
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
  g: (board) => board.runCheck(),
  m: (board) => board.look({ focus: null }),
  n: (board) => board.look({ focus: nextRow(board) }),
  p: (board) => board.look({ projector: !board.view.projector }),
  q: (board) => board.readOnly || show(board, "quiz"),
  "?": (board) => show(board, "keys"),
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

/** @param {Board} board @param {string} panel */
function show(board, panel) {
  board.openPanel = board.openPanel === panel ? "" : panel;
  board.draw();
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
  if (next) board.select(isGradient ? `d${next}` : next);
}

/** @param {Board} board @param {boolean} toGradient */
function turn(board, toGradient) {
  const entry = board.view.entry;
  if (!entry) return;
  const isGradient = !board.scene.nodes.some((/** @type {any} */ node) => node.name === entry.replace(/\[.*$/, ""));
  if (isGradient !== toGradient) board.select(toGradient ? `d${entry}` : entry.slice(1));
}
