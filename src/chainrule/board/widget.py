"""The board in a notebook: the page's own front end, its messages through the kernel (anywidget)."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from chainrule.board.export import export
from chainrule.board.messages import compose
from chainrule.board.open import open_scene
from chainrule.board.session import Session
from chainrule.errors import ChainruleError, MissingDependencyError

try:
    import anywidget
except ImportError:
    raise MissingDependencyError('a board in a notebook needs anywidget: pip install "chainrule[board]"') from None

STATIC = files("chainrule.board") / "static"


class Board(anywidget.AnyWidget):
    """A board in a notebook.

    Parameters
    ----------
    what
        Nothing for the lecture's spiral; a `Model` or the path of its file; a fitted classifier; a table (a path, a
        DataFrame) with ``target``; rows ``X`` with ``y``.
    y
        Labels, where ``what`` is a classifier or rows: see `chainrule.board.open.open_scene`.
    target
        The column to learn, where ``what`` is a table.
    options
        Of `chainrule.board.scene.Network`: ``hidden_layer_sizes``, ``solver``, ``learning_rate``, ...

    Attributes
    ----------
    session
        What answers; ``board.session.ask("step", count=10)`` does from code what the page's buttons do.
    """

    _esm = (STATIC / "widget.js").read_text(encoding="utf-8")
    _css = (STATIC / "board.css").read_text(encoding="utf-8")

    def __init__(
        self, what: Any = None, X: Any = None, y: Any = None, *, target: str | None = None, **options: Any
    ) -> None:
        super().__init__()
        self.session = Session(open_scene(what, X, y, target=target, **options))
        self._stop = self.session.watch(self._tell)
        self.on_msg(self._hear)

    def export(self, path: str | Path, **options: Any) -> Path:
        """Write the run as it stands as one HTML file that opens from disk; see `chainrule.board.export.export`."""
        return export(self.session, path, **options)

    def close(self) -> None:
        """End the run."""
        self._stop()
        self.session.close()
        super().close()

    def _hear(self, _: Any, content: Any, __: Any) -> None:
        if not isinstance(content, dict) or not isinstance(content.get("cmd"), str):
            return
        page, identity = content.get("page"), content.get("id")
        future = self.session.request(
            content["cmd"], content.get("args") or {}, patient=content.get("patient") is True, asker=str(page)
        )

        def answer(done: Any) -> None:
            error = done.exception()
            if error is None:
                said = {"ok": True, "result": done.result()}
            else:
                known = isinstance(error, ChainruleError)
                said = {"ok": False, "error": str(error) if known else f"a bug of chainrule: {error!r}"}
            self._tell({"page": page, "id": identity, **said})

        future.add_done_callback(answer)

    def _tell(self, said: dict[str, Any]) -> None:
        message = compose(said)
        self.send(message.content, list(message.buffers))
