// The page of `chainrule board`.

import { Board } from "./board.js";
import { SocketTransport } from "./socket.js";

const token = new URLSearchParams(location.search).get("token") ?? "";
const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/session?token=${encodeURIComponent(token)}`;
const root = /** @type {HTMLElement} */ (document.getElementById("board"));
new Board(root, new SocketTransport(address), { address: true });
