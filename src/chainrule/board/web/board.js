// The page's state, and what it asks of the session. Numbers come from there; here they are only shown.

import { html, render } from "lit-html";
import { FIRST_VIEW, fromHash, toHash } from "./address.js";
import { themeOf } from "./draw.js";
import { listenToKeys } from "./keys.js";
import { header, keyList, notices } from "./panels/header.js";
import { graphPanel } from "./panels/graph.js";
import { inspectorPanel } from "./panels/inspector.js";
import { ledgerPanel } from "./panels/ledger.js";
import { samplesPanel } from "./panels/samples.js";
import { planePanel } from "./panels/plane.js";
import { timelinePanel } from "./panels/timeline.js";
import { checkPanel } from "./panels/check.js";
import { networkPanel } from "./panels/network.js";
import { quizPanel } from "./panels/quiz.js";

/** @typedef {import("./socket.js").Transport} Transport */

/**
 * What is looked at: in the address, so that a link opens it again.
 * @typedef {object} View
 * @property {number | null} focus the row that drives the board, null for the batch
 * @property {string | null} entry "W1[0, 3]", "dZ1", ...
 * @property {[number, number] | null} plane two columns; null for the session's choice
 * @property {"loss" | "row"} order of the samples
 * @property {boolean} projector
 * @property {"auto" | "light" | "dark"} theme
 * @property {"" | "network" | "quiz" | "keys"} panel the one that is open
 */

/** @typedef {{moment: string, args: object | null, text: string}} Asked */

/** Answers that are kept, by what they depend on. @type {Record<string, (board: Board) => object | null>} */
const QUESTIONS = {
  frame: (board) => ({ focus: board.view.focus }),
  samples: (board) => ({ order: board.view.order, count: board.listed }),
  sample: (board) => (board.view.focus === null ? null : { row: board.view.focus }),
  plane: (board) => ({
    x: board.plane[0],
    y: board.plane[1],
    ...(board.scene.columns > 2 ? { focus: board.view.focus } : {}), // of two columns none is held
  }),
  timeline: () => ({}),
  inspect: (board) => (board.view.entry ? { entry: board.view.entry, focus: board.view.focus } : null),
  block: (board) => (board.expanded ? { ...board.expanded, focus: board.view.focus } : null),
  ledger: (board) => (board.ledgerEntry ? { entry: board.ledgerEntry, focus: board.view.focus, top: 12 } : null),
};

const PATIENCE = 100; // milliseconds between two pictures of a run that plays

export class Board {
  /**
   * @param {HTMLElement} root
   * @param {Transport} transport
   * @param {{address?: boolean, themeAround?: () => "light" | "dark" | null}} options the theme of what is around, where
   * that isn't the browser's
   */
  constructor(root, transport, options = {}) {
    this.root = root;
    this.transport = transport;
    this.keepsAddress = options.address ?? false;
    this.themeAround = options.themeAround ?? (() => null);
    /** @type {View} */
    this.view = { ...FIRST_VIEW };
    this.listed = 30;
    /** @type {any} */
    this.state = null;
    /** @type {any} */
    this.scene = null;
    /** @type {Record<string, any>} */
    this.answers = {};
    /** @type {Record<string, Asked>} */
    this.asked = {};
    /** @type {Record<string, string>} what went wrong, by question */
    this.errors = {};
    /** @type {{node: string, gradient: boolean, row: number, column: number} | null} */
    this.expanded = null;
    this.connected = false;
    this.refused = false;
    this.message = "";
    this.told = ""; // by the transport
    /** @type {any} */
    this.check = null;
    /** @type {any} */
    this.edited = null;
    /** @type {any} */
    this.quiz = null;
    /** @type {HTMLElement | null} */
    this.cameFrom = null; // what had the focus before a panel opened
    this.focusNext = ""; // what gets it with the next drawing: a selector
    /** @type {number | null} steps a second that Play goes at, null for as fast as it goes */
    this.pace = null;
    /** @type {Set<string>} questions on their way */
    this.asking = new Set();
    this.pending = 0; // commands that have not been answered
    this.isRendering = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.soon = undefined;
    transport.listen((event) => this.hear(event));
    listenToKeys(this);
    if (this.keepsAddress) {
      this.readAddress();
      window.addEventListener("hashchange", () => this.follow());
    }
    new ResizeObserver(() => this.draw()).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  /** The two columns of the plane. @returns {[number, number]} */
  get plane() {
    return this.view.plane ?? this.scene.plane;
  }

  /** Light or dark: as chosen, as the notebook around is, or as the browser is. */
  get paper() {
    return themeOf(this.root);
  }

  /** What numbers depend on, beside what is looked at. */
  get moment() {
    return `${this.state.revision}/${this.state.version}/${this.state.step}`;
  }

  get readOnly() {
    return this.transport.readOnly;
  }

  get recorded() {
    return this.transport.recorded ?? null;
  }

  /** Whether a row can drive the board. @param {number} row */
  canFocus(row) {
    return this.recorded?.rows.includes(row) ?? true;
  }

  /** Whether there is something to say about an entry. @param {string} entry */
  canSelect(entry) {
    return this.recorded?.entries.some((one) => one === entry || `d${one}` === entry) ?? true;
  }

  /** The entry whose paths are shown: the selected one, without the d of its gradient. */
  get ledgerEntry() {
    const entry = this.view.entry;
    if (!entry || !entry.includes("[")) return null;
    return entry.startsWith("d") ? entry.slice(1) : entry;
  }

  /** @param {any} event */
  hear(event) {
    if (event.event === "connected") {
      this.connected = true;
      this.refused = false;
      this.open();
    } else if (event.event === "disconnected") {
      this.connected = false;
      this.refused = event.refused;
      this.told = event.text ?? "";
      this.draw();
    } else if (event.event === "told") {
      this.told = event.text;
      this.draw();
    } else if (event.event === "state") {
      this.take(event);
    } else if (event.event === "check" && this.check) {
      this.check = { ...this.check, done: event.done, of: event.of };
      this.draw();
    }
  }

  async open() {
    try {
      this.scene = await this.transport.request("scene");
      const wanted = this.keepsAddress ? this.readAddress() : undefined;
      this.fitView();
      let state = await this.transport.request("state");
      if (wanted !== undefined && wanted !== state.step && !state.playing && !this.state) {
        state = await this.transport.request("goto", { step: wanted });
      }
      this.take(state);
    } catch (error) {
      this.say(error);
    }
  }

  /** @param {any} state */
  async take(state) {
    const isOther = !this.scene || state.revision !== this.scene.revision || state.version !== this.scene.version;
    const stopped = state.stopped_at !== null && this.state?.stopped_at !== state.stopped_at;
    this.state = state;
    if (state.playing) this.pace = state.rate;
    const { edited } = this;
    if (edited && (edited.state.step !== state.step || edited.state.version !== state.version)) this.edited = null;
    if (isOther) {
      const scene = await this.transport.request("scene");
      const isNew = this.scene?.revision !== scene.revision; // asked now: two words of one change may cross
      this.scene = scene;
      if (isNew) this.fitView();
    }
    if (stopped) this.goToTrouble();
    this.refresh();
  }

  /** Keep what is looked at, as far as it still exists. */
  fitView() {
    const names = new Set(this.scene.nodes.map((/** @type {any} */ node) => node.name));
    const node = this.view.entry?.replace(/\[.*$/, "");
    if (node && !names.has(node) && !(node.startsWith("d") && names.has(node.slice(1)))) this.view.entry = null;
    if (this.view.focus !== null && this.view.focus >= this.scene.rows) this.view.focus = null;
    if (this.view.plane?.some((column) => column >= this.scene.columns)) this.view.plane = null;
    this.expanded = null;
    this.check = null;
    this.edited = null;
    this.message = "";
    this.answers = {};
    this.asked = {};
  }

  async goToTrouble() {
    try {
      const found = await this.transport.request("trouble", { focus: this.view.focus });
      if (found.entry) this.select(found.entry);
      this.message = found.text;
    } catch (error) {
      this.say(error);
    }
    this.draw();
  }

  /**
   * Look at something else.
   * @param {Partial<View>} change
   */
  look(change) {
    this.message = "";
    if ("focus" in change || "entry" in change) this.edited = null;
    if ("focus" in change && !("entry" in change)) change.entry = this.entryFor(change.focus ?? null);
    Object.assign(this.view, change);
    this.refresh();
  }

  /**
   * The selected entry as it is written for another focus: a row alone goes without its index.
   * @param {number | null} focus
   */
  entryFor(focus) {
    const { entry } = this.view;
    const [, d, name, inside] = entry?.match(/^(d?)(.*?)\[(.*)\]$/) ?? [];
    const node = this.scene.nodes.find((/** @type {any} */ one) => one.name === name || one.name === d + name);
    if (!node?.batch || (focus === null) === (this.view.focus === null)) return entry;
    const shown = node.name === name ? d + name : node.name;
    const rest = inside.split(",").slice(1).join(",").trim();
    return focus !== null && rest ? `${shown}[${rest}]` : shown;
  }

  /** @param {string | null} entry */
  select(entry) {
    this.look({ entry });
  }

  /** Select a node or an entry, and give its card the focus. @param {string} entry */
  goTo(entry) {
    this.select(entry);
    this.focusOn(`[data-node="${CSS.escape(entry.replace(/\[.*$/, "").trim())}"]`);
  }

  /** Give something the focus when it is there. @param {string} selector */
  focusOn(selector) {
    this.focusNext = selector;
    this.draw();
  }

  /** Open a panel, or close it if it is the open one; the focus goes there and comes back. @param {View["panel"]} panel */
  toggle(panel) {
    const isOpen = this.view.panel !== panel && panel !== "";
    if (isOpen && !this.view.panel) this.cameFrom = this.focused;
    this.look({ panel: isOpen ? panel : "" });
    if (isOpen) this.focusOn(`.${panel} :is(input, button)`);
    else this.cameFrom?.focus();
  }

  /** What has the focus, if it is in the board. */
  get focused() {
    const { activeElement } = /** @type {Document | ShadowRoot} */ (this.root.getRootNode());
    return activeElement instanceof HTMLElement && this.root.contains(activeElement) ? activeElement : null;
  }

  /** Close what is open: a panel, or a node's numbers. */
  close() {
    if (this.view.panel) this.toggle("");
    else if (this.expanded) {
      const { node, gradient } = this.expanded;
      this.expanded = null;
      this.refresh();
      this.focusOn(`[data-node="${CSS.escape((gradient ? "d" : "") + node)}"]`);
    }
  }

  /** Ask again for whatever depends on what has changed. */
  async refresh() {
    this.draw();
    if (!this.connected || !this.scene || !this.state) return;
    await Promise.all(Object.keys(QUESTIONS).map((name) => this.ask(name)));
    if (this.keepsAddress) this.writeAddress();
    this.draw();
  }

  /**
   * What a question depends on now: the moment and its arguments, null where it is not to be asked.
   * @param {string} name
   * @returns {Asked}
   */
  wanted(name) {
    const args = QUESTIONS[name](this);
    return { moment: this.moment, args, text: JSON.stringify(args) };
  }

  /** @param {string} name */
  isCurrent(name) {
    const [asked, wanted] = [this.asked[name], this.wanted(name)];
    return asked?.moment === wanted.moment && asked.text === wanted.text;
  }

  /**
   * Ask a question until its answer is the present one; once at a time, unless somebody has clicked on something else.
   * Where only a run that plays has moved on it is patient: what somebody has clicked goes first.
   * @param {string} name
   */
  async ask(name) {
    if (this.asking.has(name) && this.asked[name]?.text === this.wanted(name).text) return;
    this.asking.add(name);
    while (!this.isCurrent(name)) {
      const wanted = this.wanted(name);
      const patient = this.state.playing && this.asked[name]?.text === wanted.text;
      this.asked[name] = wanted;
      let answer;
      let error = "";
      try {
        if (wanted.args !== null) answer = await this.transport.request(name, wanted.args, patient);
      } catch (thrown) {
        error = /** @type {Error} */ (thrown).message;
      }
      if (this.asked[name] !== wanted) return; // something else was asked meanwhile
      this.answers[name] = answer;
      this.errors[name] = error;
      if (name === "inspect" && error) this.message = error; // its panel may be out of sight
      if (patient) this.drawSoon();
      else this.draw();
    }
    this.asking.delete(name);
  }

  /** Whether all that is shown is of one moment. */
  get isSettled() {
    const isOfOneMoment = this.scene?.revision === this.state?.revision && this.scene?.version === this.state?.version;
    if (!this.state || !isOfOneMoment || this.pending || this.asking.size) return false;
    return Object.keys(QUESTIONS).every((name) => this.isCurrent(name));
  }

  /**
   * Tell the session to do something.
   * @param {string} cmd
   * @param {object} args
   */
  async command(cmd, args = {}) {
    this.message = "";
    this.pending += 1;
    this.draw();
    try {
      const result = await this.transport.request(cmd, args);
      if (result && "step" in result && "phase" in result) await this.take(result);
      return result;
    } catch (error) {
      this.say(error);
      return null;
    } finally {
      this.pending -= 1;
      this.draw();
    }
  }

  /** @param {any} error */
  say(error) {
    this.message = error.message ?? String(error);
    this.draw();
  }

  togglePlay() {
    return this.state.playing ? this.command("pause") : this.command("play", { rate: this.pace });
  }

  /** @param {string} entry @param {number} value */
  async edit(entry, value) {
    const result = await this.command("edit", { entry, value, focus: this.view.focus });
    if (result) {
      this.edited = result;
      await this.take(result.state);
    }
  }

  async runCheck() {
    if (this.check && !this.check.parameters) return; // it is under way
    if (this.recorded) {
      if (this.recorded.checked === null) return;
      this.look({ focus: null });
      await this.command("seek", { step: this.recorded.checked });
    }
    this.check = { done: 0, of: 1 };
    this.draw();
    const moment = { step: this.state.step, version: this.state.version };
    const result = await this.command("check", { focus: this.view.focus });
    this.check = result ? { ...result, ...moment } : null;
    this.draw();
  }

  /** Look at what the address says; return the step that it names. */
  readAddress() {
    const { step, ...view } = fromHash(location.hash);
    this.view = { ...FIRST_VIEW, ...view };
    return step;
  }

  /** Go where a link in this page's own address leads. */
  follow() {
    const step = this.readAddress();
    if (step !== undefined && this.state && step !== this.state.step) this.command(this.readOnly ? "seek" : "goto", { step });
    this.refresh();
  }

  writeAddress() {
    const hash = toHash(this.view, this.state.playing ? undefined : this.state.step);
    if (hash !== location.hash) history.replaceState(null, "", hash || location.pathname + location.search);
  }

  /** Draw once for all answers of a moment that nobody waits for. */
  drawSoon() {
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      this.draw();
    }, PATIENCE);
  }

  draw() {
    if (this.isRendering) return;
    this.isRendering = true;
    requestAnimationFrame(() => {
      this.isRendering = false;
      const isResized = this.root.classList.contains("projector") !== this.view.projector;
      this.root.classList.toggle("projector", this.view.projector);
      this.root.dataset.theme = this.view.theme === "auto" ? (this.themeAround() ?? "auto") : this.view.theme;
      render(this.page(), this.root);
      const next = this.focusNext ? /** @type {HTMLElement | null} */ (this.root.querySelector(this.focusNext)) : null;
      this.focusNext = "";
      next?.focus();
      if (isResized) this.focused?.scrollIntoView({ block: "nearest" });
      this.root.dataset.moment = this.isSettled ? `${this.moment} ${JSON.stringify(this.view)}` : ""; // for who waits
    });
  }

  page() {
    if (!this.scene || !this.state) {
      return html`<p class="waiting" role="status">${this.waitingText()}</p>`;
    }
    return html`
      ${header(this)}
      <div class="panels">
        ${keyList(this)} ${networkPanel(this)} ${quizPanel(this)}
        ${graphPanel(this)} ${inspectorPanel(this)} ${ledgerPanel(this)} ${samplesPanel(this)} ${planePanel(this)}
        ${timelinePanel(this)} ${checkPanel(this)}
      </div>
      ${notices(this)}
    `;
  }

  waitingText() {
    if (this.told) return this.told;
    if (this.refused) return "The board was started anew, with another address: open that one.";
    return this.connected ? "Loading …" : "Waiting for the board …";
  }
}
