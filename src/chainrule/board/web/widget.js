// The board in a notebook (anywidget): the same page, messages through the kernel.

import { Board } from "./board.js";
import { revive } from "./messages.js";

/** @typedef {import("./socket.js").Transport} Transport */

/** @implements {Transport} */
class KernelTransport {
  readOnly = false;

  /** @param {any} model */
  constructor(model) {
    this.model = model;
    this.last = 0;
    this.page = crypto.randomUUID();
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    /** @type {((event: any) => void)[]} */
    this.listeners = [];
    this.hear = (/** @type {any} */ message, /** @type {DataView[]} */ buffers) => this.take(message, buffers);
    model.on("msg:custom", this.hear);
  }

  /** @param {string} cmd @param {object} args @param {boolean} patient */
  request(cmd, args = {}, patient = false) {
    return new Promise((resolve, reject) => {
      const id = ++this.last;
      this.waiting.set(id, { resolve, reject });
      this.model.send({ page: this.page, id, cmd, args, patient });
    });
  }

  /** @param {(event: any) => void} listener */
  listen(listener) {
    this.listeners.push(listener);
    queueMicrotask(() => listener({ event: "connected" }));
  }

  /** @param {any} message @param {DataView[]} buffers */
  take(message, buffers) {
    if (!message.event && message.page !== this.page) return;
    const read = revive(message, (_, i) => {
      const view = buffers[i];
      return /** @type {ArrayBuffer} */ (view.buffer).slice(view.byteOffset, view.byteOffset + view.byteLength);
    });
    if (read.event) {
      for (const listener of this.listeners) listener(read);
      return;
    }
    const { resolve, reject } = this.waiting.get(read.id) ?? {};
    this.waiting.delete(read.id);
    if (read.ok) resolve?.(read.result);
    else reject?.(new Error(read.error));
  }

  close() {
    this.model.off("msg:custom", this.hear);
  }
}

export default {
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    const root = document.createElement("div");
    root.className = "chainrule-board";
    root.tabIndex = -1;
    el.append(root);
    const transport = new KernelTransport(model);
    new Board(root, transport);
    return () => transport.close();
  },
};
