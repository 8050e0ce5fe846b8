"""The board in a notebook: the page's own front end, its messages through the kernel (anywidget)."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from chainrule.board.export import export
from chainrule.board.messages import compose
from chainrule.board.open import open_scene
from chainrule.board.session import Session
from chainrule.errors import ChainruleError, MissingDependencyError
from chainrule.markup import Html, element

try:
    import anywidget
except ImportError:
    raise MissingDependencyError('a board in a notebook needs anywidget: pip install "chainrule[board]"') from None

STATIC = files("chainrule.board") / "static"
KEPT = "chainrule-board-kept"
"""Class of what a saved notebook shows in place of a board that is gone: hidden as long as a board is there."""


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
    _css = (STATIC / "board.css").read_text(encoding="utf-8") + (
        f".{KEPT}, .jp-OutputArea-child:has(> * > .{KEPT}) {{ display: none; }}"
    )

    def __init__(
        self, what: Any = None, X: Any = None, y: Any = None, *, target: str | None = None, **options: Any
    ) -> None:
        super().__init__()
        scene = open_scene(what, X, y, target=target, **options)
        self._title = scene.title
        self._kept = str(
            element("div", element("p", str(self).strip("<>")), Html(scene.graph._repr_svg_()), class_=KEPT)
        )
        self.session = Session(scene)
        self._stop = self.session.watch(self._tell)
        self.on_msg(self._hear)

    def export(self, path: str | Path, **options: Any) -> Path:
        """Write the run as it stands as one HTML file that opens from disk, and show how far that is.

        Options are those of `chainrule.board.export.export`.
        """
        from rich.progress import Progress

        with Progress(transient=True) as shown:
            task = shown.add_task("Recording", total=None)
            return export(
                self.session, path, progress=lambda done, of: shown.update(task, completed=done, total=of), **options
            )

    def __repr__(self) -> str:
        return (
            f"<Board of {self._title}. It lives with its kernel: run this cell again, or keep it with .export(path).>"
        )

    def _ipython_display_(self, **options: Any) -> None:
        """Show the board, and what is left of it where its kernel is gone; see ``KEPT``."""
        from IPython.display import publish_display_data

        publish: Callable[..., None] = publish_display_data
        publish({"text/html": self._kept, "text/plain": ""})
        bundle = self._repr_mimebundle_(**options)
        if bundle is not None:
            publish(*bundle)

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
