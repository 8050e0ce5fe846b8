// The board as one file without a session: what was asked when it was recorded is answered, the rest says so.

import { Board } from "./board.js";
import { decode } from "./messages.js";

/** @typedef {import("./socket.js").Transport} Transport */

const PACE = 2; // steps a second, where none is chosen: they are far apart

/** @implements {Transport} */
class RecordedTransport {
  readOnly = true;

  /** @param {any} record */
  constructor(record) {
    this.record = record;
    this.recorded = { steps: record.steps, rows: record.rows, entries: record.entries, checked: record.checked };
    this.place = record.steps.length - 1;
    this.phase = "forward";
    this.walking = false;
    /** @type {number | null} */
    this.rate = null;
    this.timer = 0; // while it plays
    /** @type {((event: any) => void)[]} */
    this.listeners = [];
  }

  /** @param {string} cmd @param {any} args */
  async request(cmd, args = {}) {
    if (cmd === "scene") return this.record.scene;
    if (cmd in MOVES) {
      if (cmd !== "state") this.stop();
      MOVES[cmd](this, args);
      return this.state;
    }
    return this.answer(cmd, args);
  }

  get state() {
    const { record, phase, walking, rate } = this;
    return { ...record.state, step: record.steps[this.place], phase, walking, rate, playing: this.timer !== 0 };
  }

  /** @param {string} question @param {any} args */
  answer(question, args) {
    const { answers, told, arrays } = this.record;
    const at = answers[`${question} ${JSON.stringify(args, Object.keys(args).sort())}`]?.[this.place] ?? null;
    if (at === null) throw new Error(`${args.entry ?? "This"} was not recorded. The board itself (chainrule board) answers it.`);
    const answer = withArrays(told[at], arrays);
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  /** @param {number} place */
  go(place) {
    this.place = Math.max(0, Math.min(place, this.record.steps.length - 1));
    this.phase = "forward";
    this.walking = false;
  }

  play() {
    if (this.place === this.record.steps.length - 1) this.go(0);
    this.timer = setInterval(() => {
      this.go(this.place + 1);
      if (this.place === this.record.steps.length - 1) this.stop();
      for (const listener of this.listeners) listener({ event: "state", ...this.state });
    }, 1000 / (this.rate ?? PACE));
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
  }

  /** @param {(event: any) => void} listener */
  listen(listener) {
    this.listeners.push(listener);
    queueMicrotask(() => listener({ event: "connected" }));
  }
}

/** What moves a run, among the steps that were recorded. @type {Record<string, (transport: RecordedTransport, args: any) => void>} */
const MOVES = {
  state: () => {},
  pause: () => {},
  play: (transport, { rate }) => {
    transport.rate = rate;
    transport.play();
  },
  step: (transport) => transport.go(transport.place + 1),
  reset: (transport) => transport.go(0),
  seek: (transport, { step }) => transport.go(nearest(transport.record.steps, step)),
  goto: (transport, { step }) => transport.go(nearest(transport.record.steps, step)),
  back: (transport) => {
    if (transport.phase !== "forward") transport.phase = "forward";
    else transport.go(transport.place - 1);
  },
  phase: (transport) => {
    const { phases } = transport.record.scene;
    const isLast = transport.phase === phases.at(-1);
    if (isLast && transport.place === transport.record.steps.length - 1) return;
    if (isLast) transport.go(transport.place + 1);
    else if (transport.walking) transport.phase = phases[phases.indexOf(transport.phase) + 1];
    transport.walking = true;
  },
};

/** The place of the step nearest to one. @param {number[]} steps @param {number} wanted */
function nearest(steps, wanted) {
  let best = 0;
  steps.forEach((step, i) => {
    if (Math.abs(step - wanted) < Math.abs(steps[best] - wanted)) best = i;
  });
  return best;
}

/**
 * Put arrays, which are kept once each, into an answer.
 * @param {any} value
 * @param {any[]} arrays
 * @returns {any}
 */
function withArrays(value, arrays) {
  if (Array.isArray(value)) return value.map((entry) => withArrays(entry, arrays));
  if (value === null || typeof value !== "object") return value;
  if ("$kept" in value) return arrays[value.$kept];
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, withArrays(entry, arrays)]));
}

/** @returns {Promise<any>} */
async function read() {
  const text = /** @type {HTMLElement} */ (document.getElementById("record")).textContent ?? "";
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  return decode(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

const root = /** @type {HTMLElement} */ (document.getElementById("board"));
try {
  new Board(root, new RecordedTransport(await read()), { address: true });
} catch (error) {
  root.textContent = `The recording can't be read: ${/** @type {Error} */ (error).message}. A browser of 2023 or later opens it, unless the file is cut off.`;
}
