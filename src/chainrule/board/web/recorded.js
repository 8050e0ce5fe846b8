// The board as one file without a session: what was asked when it was recorded is answered, the rest says so.

import { Board } from "./board.js";
import { decode } from "./messages.js";

/** @typedef {import("./socket.js").Transport} Transport */

/** @implements {Transport} */
class RecordedTransport {
  readOnly = true;

  /** @param {any} record */
  constructor(record) {
    this.record = record;
    this.place = record.steps.length - 1;
    /** @type {((event: any) => void)[]} */
    this.listeners = [];
  }

  /** @param {string} cmd @param {any} args */
  async request(cmd, args = {}) {
    const { steps } = this.record;
    if (cmd === "scene") return this.record.scene;
    if (cmd === "seek") {
      // The recorded step nearest to the one that was asked for.
      const distance = (/** @type {number} */ step) => Math.abs(step - args.step);
      this.place = steps.reduce((/** @type {number} */ best, /** @type {number} */ step, /** @type {number} */ i) => (distance(step) < distance(steps[best]) ? i : best), 0);
    }
    if (cmd === "seek" || cmd === "state") return { ...this.record.state, step: steps[this.place], phase: "update" };
    const key = `${steps[this.place]} ${cmd} ${JSON.stringify(args, Object.keys(args).sort())}`;
    if (key in this.record.answers) return this.record.answers[key];
    throw new Error("This was not recorded. The board itself (chainrule board) answers it.");
  }

  /** @param {(event: any) => void} listener */
  listen(listener) {
    this.listeners.push(listener);
    queueMicrotask(() => listener({ event: "connected" }));
  }
}

const text = /** @type {HTMLElement} */ (document.getElementById("record")).textContent ?? "";
const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
const inflated = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
const root = /** @type {HTMLElement} */ (document.getElementById("board"));
new Board(root, new RecordedTransport(decode(inflated)), { address: true });
