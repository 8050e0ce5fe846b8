// A session behind a WebSocket: requests with answers, events, and coming back after the server went away.

import { decode } from "./messages.js";

const FIRST_WAIT = 300; // milliseconds before the first try to come back
const LONGEST_WAIT = 3000;

/**
 * @typedef {object} Transport
 * @property {(cmd: string, args?: object, patient?: boolean) => Promise<any>} request patient: others may go first
 * @property {(listener: (event: any) => void) => void} listen
 * @property {boolean} readOnly
 * @property {{steps: number[], rows: number[], entries: string[], checked: number | null}} [recorded] what a file without a session holds
 */

/** @implements {Transport} */
export class SocketTransport {
  readOnly = false;

  /** @param {string} address */
  constructor(address) {
    this.address = address;
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    /** @type {((event: any) => void)[]} */
    this.listeners = [];
    this.last = 0;
    this.wait = FIRST_WAIT;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.connect();
  }

  /** @param {string} cmd @param {object} args @param {boolean} patient */
  request(cmd, args = {}, patient = false) {
    return new Promise((resolve, reject) => {
      if (this.socket?.readyState !== WebSocket.OPEN) {
        reject(new Error("not connected"));
        return;
      }
      const id = ++this.last;
      this.waiting.set(id, { resolve, reject });
      this.socket.send(JSON.stringify({ id, cmd, args, patient }));
    });
  }

  /** @param {(event: any) => void} listener */
  listen(listener) {
    this.listeners.push(listener);
  }

  connect() {
    const socket = new WebSocket(this.address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.wait = FIRST_WAIT;
      this.tell({ event: "connected" });
    };
    socket.onmessage = ({ data }) => this.hear(decode(data));
    socket.onclose = ({ code }) => {
      for (const { reject } of this.waiting.values()) reject(new Error("the connection was lost"));
      this.waiting.clear();
      this.tell({ event: "disconnected", refused: code === 4403 });
      setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    };
  }

  /** @param {any} message */
  hear(message) {
    if (message.event) {
      this.tell(message);
      return;
    }
    const { resolve, reject } = this.waiting.get(message.id) ?? {};
    this.waiting.delete(message.id);
    if (message.ok) resolve?.(message.result);
    else reject?.(new Error(message.error));
  }

  /** @param {any} event */
  tell(event) {
    for (const listener of this.listeners) listener(event);
  }
}
