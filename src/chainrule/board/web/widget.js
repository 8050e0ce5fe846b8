// The board in a notebook (anywidget): the same page, messages through the kernel.

import { Board } from "./board.js";
import { revive } from "./messages.js";

/** @typedef {import("./socket.js").Transport} Transport */

const PATIENCE = 3000; // milliseconds before it is said that no answer comes
const GONE = "The kernel was restarted or has ended: run this cell again for a new board.";
const SILENT = "No answer from the kernel. If a cell is running, the board goes on when it has finished; if the kernel is gone, run this cell again.";

/** @implements {Transport} */
class KernelTransport {
  readOnly = false;

  /** @param {any} model */
  constructor(model) {
    this.model = model;
    this.last = 0;
    this.page = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    /** @type {((event: any) => void)[]} */
    this.listeners = [];
    this.patience = 0;
    this.isSilent = false;
    this.isGone = false;
    this.hear = (/** @type {any} */ message, /** @type {DataView[]} */ buffers) => this.take(message, buffers);
    this.leave = () => this.end();
    model.on("msg:custom", this.hear);
    model.on("comm_live_update", this.leave); // as the kernel goes: what is told by an old one can't be asked of a new one
  }

  /** @param {string} cmd @param {object} args @param {boolean} patient */
  request(cmd, args = {}, patient = false) {
    if (this.isGone) return Promise.reject(new Error(GONE));
    return new Promise((resolve, reject) => {
      const id = ++this.last;
      this.waiting.set(id, { resolve, reject });
      this.model.send({ page: this.page, id, cmd, args, patient });
      this.watch();
    });
  }

  /** @param {(event: any) => void} listener */
  listen(listener) {
    this.listeners.push(listener);
    queueMicrotask(() => listener({ event: "connected" }));
  }

  /** @param {any} message @param {DataView[]} buffers */
  take(message, buffers) {
    if (this.isSilent) {
      this.isSilent = false;
      this.tell({ event: "told", text: "" });
    }
    if (!message.event && message.page !== this.page) return;
    const read = revive(message, (_, i) => {
      const view = buffers[i];
      return /** @type {ArrayBuffer} */ (view.buffer).slice(view.byteOffset, view.byteOffset + view.byteLength);
    });
    if (read.event) {
      this.tell(read);
      return;
    }
    const { resolve, reject } = this.waiting.get(read.id) ?? {};
    this.waiting.delete(read.id);
    this.watch();
    if (read.ok) resolve?.(read.result);
    else reject?.(new Error(read.error));
  }

  /** Say so where an answer does not come: a kernel that runs a cell reads no messages. */
  watch() {
    clearTimeout(this.patience);
    if (!this.waiting.size) return;
    this.patience = setTimeout(() => {
      this.isSilent = true;
      this.tell({ event: "told", text: SILENT });
    }, PATIENCE);
  }

  /** @param {any} event */
  tell(event) {
    for (const listener of this.listeners) listener(event);
  }

  end() {
    this.isGone = true;
    clearTimeout(this.patience);
    this.tell({ event: "disconnected", refused: true, text: GONE });
    for (const { reject } of this.waiting.values()) reject(new Error(GONE));
    this.waiting.clear();
  }

  close() {
    clearTimeout(this.patience);
    this.model.off("msg:custom", this.hear);
    this.model.off("comm_live_update", this.leave);
  }
}

/** The theme of the notebook around: JupyterLab's, VS Code's, Colab's; null where none says. @returns {"light" | "dark" | null} */
function themeAround() {
  const { body, documentElement } = document;
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "true" ? "light" : "dark";
  if (body.dataset.vscodeThemeKind) return body.dataset.vscodeThemeKind.includes("light") ? "light" : "dark";
  const colab = documentElement.getAttribute("theme");
  return colab === "dark" || colab === "light" ? colab : null;
}

export default {
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    const root = document.createElement("div");
    root.className = "chainrule-board";
    root.tabIndex = -1;
    // A tree of its own: the notebook's styles don't reach in, and several boards don't share their ids.
    const style = document.createElement("style");
    style.textContent = model.get("_css");
    el.attachShadow({ mode: "open" }).append(style, root);
    const transport = new KernelTransport(model);
    const board = new Board(root, transport, { themeAround });
    const themes = new MutationObserver(() => board.draw());
    themes.observe(document.body, { attributes: true });
    themes.observe(document.documentElement, { attributes: true });
    return () => {
      themes.disconnect();
      transport.close();
    };
  },
};
