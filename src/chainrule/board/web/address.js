// What is looked at, in the address's hash: #step=120&focus=3&entry=W1[0,3]&plane=0,1

/** @typedef {import("./board.js").View} View */

/** Panels that open and close. */
export const PANELS = /** @type {const} */ (["network", "quiz", "keys"]);

/** @type {View} */
export const FIRST_VIEW = { focus: null, entry: null, plane: null, order: "loss", projector: false, theme: "auto", panel: "" };

/**
 * @param {string} hash
 * @returns {Partial<View> & {step?: number}}
 */
export function fromHash(hash) {
  const found = new URLSearchParams(hash.replace(/^#/, ""));
  /** @type {Partial<View> & {step?: number}} */
  const view = {};
  const whole = (/** @type {string} */ name) => {
    const text = found.get(name) ?? "";
    return /^\d{1,12}$/.test(text) ? Number(text) : undefined;
  };
  const focus = whole("focus");
  const step = whole("step");
  if (focus !== undefined) view.focus = focus;
  if (step !== undefined) view.step = step;
  const entry = found.get("entry");
  if (entry) view.entry = entry.replaceAll(",", ", ").replaceAll(",  ", ", ");
  const columns = (found.get("plane") ?? "").split(",");
  if (columns.length === 2 && columns.every((text) => /^\d{1,6}$/.test(text))) {
    view.plane = [Number(columns[0]), Number(columns[1])];
  }
  if (found.get("order") === "row") view.order = "row";
  if (found.has("projector")) view.projector = true;
  const theme = found.get("theme");
  if (theme === "light" || theme === "dark") view.theme = theme;
  const panel = PANELS.find((name) => name === found.get("panel"));
  if (panel) view.panel = panel;
  return view;
}

/**
 * @param {View} view
 * @param {number | undefined} step
 */
export function toHash(view, step) {
  const parts = [];
  if (step !== undefined) parts.push(`step=${step}`);
  if (view.focus !== null) parts.push(`focus=${view.focus}`);
  if (view.entry) parts.push(`entry=${encodeURIComponent(view.entry.replaceAll(" ", ""))}`);
  if (view.plane) parts.push(`plane=${view.plane.join(",")}`);
  if (view.order !== "loss") parts.push(`order=${view.order}`);
  if (view.projector) parts.push("projector");
  if (view.panel) parts.push(`panel=${view.panel}`);
  if (view.theme !== "auto") parts.push(`theme=${view.theme}`);
  return parts.length ? `#${parts.join("&")}` : "";
}
