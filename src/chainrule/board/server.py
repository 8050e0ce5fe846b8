"""The board's page over loopback: one WebSocket for each tab, for whoever has the address with its token.

Refused before anything else: a Host that is not this server (a foreign name that resolves to loopback), an Origin that
is not this page, a wrong token. Requests are small and few at a time; what is too large ends its connection, what is
too much is refused by name, and the session goes on.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from typing import Any

from chainrule.board.messages import Message, compose, parse_request
from chainrule.board.page import page
from chainrule.board.session import Session
from chainrule.errors import ChainruleError, MissingDependencyError

try:
    import uvicorn
    import websockets  # noqa: F401  (uvicorn's, for the sockets)
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, PlainTextResponse, Response
    from starlette.routing import Route, WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect
except ImportError as error:
    raise MissingDependencyError(f"the board needs {error.name}: pip install 'chainrule[board]'") from None

HOST = "127.0.0.1"
LONGEST_REQUEST = 64 * 1024  # bytes
MOST_OPEN = 32  # requests of a page that wait for their answers
MOST_PAGES = 32
REFUSED = 4403  # WebSocket close code
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server:
    """A session's page.

    Parameters
    ----------
    session
        What it shows.
    port
        0 takes a free one.
    token
        What the address has to end with; made up by default.
    """

    def __init__(self, session: Session, *, port: int = 0, token: str | None = None) -> None:
        self.session = session
        self.token = token or secrets.token_urlsafe(24)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, port))
        self.port: int = self._socket.getsockname()[1]
        self._n_pages = 0
        routes = [
            Route("/", self._page),
            Route("/board.js", _asset("board.js", "text/javascript")),
            Route("/board.css", _asset("board.css", "text/css")),
            WebSocketRoute("/session", self._talk),
        ]
        self._server = uvicorn.Server(
            uvicorn.Config(
                Starlette(routes=routes),
                log_level="warning",
                access_log=False,
                ws_max_size=LONGEST_REQUEST,
                timeout_graceful_shutdown=1,
                lifespan="off",
            )
        )

    @property
    def address(self) -> str:
        """What to open."""
        return f"http://{HOST}:{self.port}/?token={self.token}"

    def run(self, *, when_ready: Callable[[], None] | None = None) -> None:
        """Serve until Ctrl-C, or `stop`."""

        async def serve() -> None:
            serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
            while not self._server.started and not serving.done():
                await asyncio.sleep(0.01)
            if when_ready is not None and self._server.started:
                when_ready()
            await serving

        with suppress(KeyboardInterrupt):  # uvicorn has closed every page, and passes the signal on
            asyncio.run(serve())

    def stop(self) -> None:
        """End `run`, from any thread."""
        self._server.should_exit = True

    async def _page(self, request: Request) -> Response:
        if not self._is_own_host(request.headers.get("host")):
            return PlainTextResponse("not this server", 421, HEADERS)
        if not self._knows(request.query_params.get("token")):
            return HTMLResponse(
                page("<p>Open the address that <code>chainrule board</code> printed.</p>"), 403, HEADERS
            )
        return HTMLResponse(page(), 200, HEADERS)

    async def _talk(self, socket: WebSocket) -> None:
        known = self._is_own_host(socket.headers.get("host")) and self._knows(socket.query_params.get("token"))
        own_origins = {f"http://{host}:{self.port}" for host in (HOST, "localhost")}
        if not known or socket.headers.get("origin") not in own_origins or self._n_pages >= MOST_PAGES:
            await socket.close(REFUSED)
            return
        await socket.accept()
        self._n_pages += 1
        try:
            await _Page(self.session, socket).talk()
        finally:
            self._n_pages -= 1

    def _knows(self, token: str | None) -> bool:
        return token is not None and hmac.compare_digest(token.encode(), self.token.encode())

    def _is_own_host(self, host: str | None) -> bool:
        return host in {f"{HOST}:{self.port}", f"localhost:{self.port}"}


class _Page:
    """One tab's connection: requests come in, answers and the newest state go out."""

    def __init__(self, session: Session, socket: WebSocket) -> None:
        self.session, self.socket = session, socket
        self.loop = asyncio.get_running_loop()
        # In the order of the session, so that no older state comes last; of each kind of event the newest alone.
        self.outgoing: dict[str | int, Message] = {}
        self.n_answers = 0
        self.has_news = asyncio.Event()
        self.n_open = 0

    async def talk(self) -> None:
        def hear(event: dict[str, Any]) -> None:
            self.loop.call_soon_threadsafe(self._hear, event)

        stop = self.session.watch(hear)
        sending = asyncio.create_task(self._send())
        try:
            while True:
                received = await self.socket.receive()
                if received["type"] == "websocket.disconnect":
                    return
                self._take(received.get("text") or received.get("bytes") or "")
        except WebSocketDisconnect:
            return
        finally:
            stop()
            sending.cancel()

    def _take(self, text: str | bytes) -> None:
        try:
            request = parse_request(text, LONGEST_REQUEST)
        except ChainruleError as error:
            self._reply(None, error=str(error))
            return
        if self.n_open >= MOST_OPEN:
            self._reply(request["id"], error=f"{MOST_OPEN} requests are waiting: wait for an answer")
            return
        self.n_open += 1
        future = self.session.request(request["cmd"], request["args"], patient=request["patient"], asker=self)

        def answered(done: Any) -> None:
            if not self.loop.is_closed():  # the server may have ended meanwhile
                self.loop.call_soon_threadsafe(self._answered, request["id"], done)

        future.add_done_callback(answered)

    def _answered(self, identity: Any, done: Any) -> None:
        self.n_open -= 1
        error = done.exception()
        if error is None:
            self._reply(identity, result=done.result())
        elif isinstance(error, ChainruleError):
            self._reply(identity, error=str(error))
        else:
            self._reply(identity, error=f"a bug of chainrule: {type(error).__name__}: {error}")

    def _reply(self, identity: Any, **said: Any) -> None:
        self.n_answers += 1
        self.outgoing[self.n_answers] = compose({"id": identity, "ok": "error" not in said, **said})
        self.has_news.set()

    def _hear(self, event: dict[str, Any]) -> None:
        self.outgoing.pop(event["event"], None)
        self.outgoing[event["event"]] = compose(event)
        self.has_news.set()

    async def _send(self) -> None:
        while True:
            await self.has_news.wait()
            self.has_news.clear()
            while self.outgoing:
                message = self.outgoing.pop(next(iter(self.outgoing)))
                await self.socket.send_bytes(message.to_bytes())


def _asset(name: str, kind: str) -> Callable[[Request], Any]:
    async def serve(request: Request) -> Response:
        content = (files("chainrule.board") / "static" / name).read_bytes()
        return Response(content, 200, HEADERS, media_type=kind)

    return serve
