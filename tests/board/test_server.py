"""The page's server: who is let in, and what hostile clients can do (nothing)."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytest.importorskip("uvicorn")
websockets = pytest.importorskip("websockets.sync.client")

from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402

from chainrule.board.scene import spiral  # noqa: E402
from chainrule.board.server import LONGEST_REQUEST, Server, _Page  # noqa: E402
from chainrule.board.session import Session  # noqa: E402


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Session(spiral()) as session:
        server = Server(session, token="the-token")
        ready = threading.Event()
        thread = threading.Thread(target=server.run, kwargs={"when_ready": ready.set}, daemon=True)
        thread.start()
        assert ready.wait(20)
        yield server
        server.stop()
        thread.join(10)


def connect(
    server: Server, token: str | None = "the-token", origin: str | None = "own", host: str | None = None
) -> Any:
    where = "" if token is None else f"?token={token}"
    own = f"http://127.0.0.1:{server.port}"
    headers = {} if host is None else {"Host": host}
    return websockets.connect(
        f"ws://127.0.0.1:{server.port}/session{where}", origin=own if origin == "own" else origin,
        additional_headers=headers, max_size=None,
    )  # fmt: skip


def read(block: bytes) -> Any:
    (length,) = struct.unpack_from("<I", block)
    return json.loads(block[4 : 4 + length])


def ask(socket: Any, cmd: str, **args: Any) -> Any:
    socket.send(json.dumps({"id": 1, "cmd": cmd, "args": args}))
    while True:
        message = read(socket.recv(timeout=20))
        if "event" not in message:
            return message


def get(server: Server, path: str, host: str | None = None) -> tuple[int, str, dict[str, str]]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}")
    if host is not None:
        request.add_header("Host", host)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def test_the_page_is_there_for_who_has_the_address(server: Server) -> None:
    status, text, headers = get(server, "/?token=the-token")
    assert (status, "board.js" in text) == (200, True)
    assert "default-src 'none'" in headers["content-security-policy"]
    assert get(server, "/board.js")[0] == get(server, "/board.css")[0] == 200


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/?token=the-toke", "/?token=the-token2"])
def test_without_the_token_there_is_no_page(server: Server, path: str) -> None:
    status, text, _ = get(server, path)
    assert (status, "board.js" in text) == (403, False)


def test_another_hosts_name_is_refused(server: Server) -> None:
    """A foreign name that resolves to loopback: DNS rebinding."""
    assert get(server, "/?token=the-token", host="evil.example")[0] == 421


@pytest.mark.parametrize(
    "how",
    [
        {"token": None}, {"token": "wrong"}, {"origin": None}, {"origin": "http://evil.example"}, {"origin": "http://127.0.0.1:1"},
        {"origin": "null"}, {"host": "evil.example"},
    ],
)  # fmt: skip
def test_foreigners_get_no_connection(server: Server, how: dict[str, Any]) -> None:
    with pytest.raises((InvalidStatus, ConnectionClosed)), connect(server, **how) as socket:
        ask(socket, "state")


def test_a_page_asks_and_is_answered(server: Server) -> None:
    with connect(server) as socket:
        answer = ask(socket, "state")
        assert (answer["ok"], answer["id"]) == (True, 1)
        refused = ask(socket, "dance")
        assert (refused["ok"], "no command" in refused["error"]) == (False, True)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"id": {}, "cmd": "state"}', "\u0000", b"\xff\x00", '{"id":1,"cmd":[]}']
)
def test_what_is_no_request_is_refused_and_the_connection_goes_on(server: Server, text: str | bytes) -> None:
    with connect(server) as socket:
        socket.send(text)
        assert read(socket.recv(timeout=20))["ok"] is False
        assert ask(socket, "state")["ok"]


def test_an_oversized_message_ends_its_own_connection_alone(server: Server) -> None:
    with connect(server) as other:
        with pytest.raises(ConnectionClosed), connect(server) as socket:
            socket.send('{"id": 1, "cmd": "' + "x" * LONGEST_REQUEST + '"}')
            socket.recv(timeout=20)
        assert ask(other, "state")["ok"]


def test_a_thousand_messages_at_once_are_answered_or_refused_one_by_one(server: Server) -> None:
    with connect(server) as socket, connect(server) as other:
        for i in range(1000):
            socket.send(json.dumps({"id": i, "cmd": "frame", "args": {}}))
        began = time.monotonic()
        assert ask(other, "state")["ok"]
        assert time.monotonic() - began < 10.0
        answered: dict[int, bool] = {}
        while len(answered) < 1000:
            message = read(socket.recv(timeout=30))
            if "event" not in message:
                answered[message["id"]] = message["ok"]
        assert 0 < sum(answered.values()) <= 1000
        assert ask(socket, "state")["ok"]


def test_answers_and_events_come_in_the_order_of_the_session(server: Server) -> None:
    """An answer that is older than the newest state does not come after it; states that nobody has read are dropped."""

    class Slow:
        def __init__(self) -> None:
            self.sent: list[Any] = []

        async def send_bytes(self, block: bytes) -> None:
            self.sent.append(read(block))

    async def talk() -> list[Any]:
        socket = Slow()
        page = _Page(server.session, socket)  # type: ignore[arg-type]
        page._hear({"event": "state", "step": 1})
        page._reply(7, result={"step": 1})
        page._hear({"event": "check", "done": 3})
        page._hear({"event": "state", "step": 2})
        sending = asyncio.create_task(page._send())
        while page.outgoing:
            await asyncio.sleep(0)
        sending.cancel()
        return socket.sent

    with ThreadPoolExecutor(1) as beside:  # the browser's driver keeps a loop in this thread
        answer, check, state = beside.submit(lambda: asyncio.run(talk())).result(20)
    assert (answer["id"], check["done"], state["step"]) == (7, 3, 2)


def test_a_page_that_goes_away_leaves_nothing_behind(server: Server) -> None:
    before = len(server.session._watchers)
    for _ in range(5):
        with connect(server) as socket:
            socket.send(json.dumps({"id": 1, "cmd": "samples", "args": {}}))
    deadline = time.monotonic() + 10.0
    while len(server.session._watchers) > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(server.session._watchers) == before
    with connect(server) as socket:
        assert ask(socket, "state")["ok"]


def test_a_server_started_anew_at_the_same_address_is_found_again() -> None:
    with Session(spiral()) as session:
        for _ in range(2):
            server = Server(session, token="same", port=0)
            ready = threading.Event()
            thread = threading.Thread(target=server.run, kwargs={"when_ready": ready.set}, daemon=True)
            thread.start()
            assert ready.wait(20)
            with connect(server, token="same") as socket:
                assert ask(socket, "state")["ok"]
            server.stop()
            thread.join(10)
            assert not thread.is_alive()
