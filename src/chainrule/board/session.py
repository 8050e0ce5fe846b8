"""A board's run behind one thread: commands queue up, the run goes on in between, watchers are told.

Whoever asks, a page over a socket, a notebook, a test, gets a future. There is one worker; everything that touches the
`Stage` happens on it, so an answer is always of one moment. It trains in slices of some 20 ms and looks at its
queue in between: that is how long an answer may wait. Questions come from the pages, one at a time for each: a slow page
asks less often, and nothing piles up.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from inspect import signature
from typing import Any, TypeAlias

from chainrule.board import answers, tasks
from chainrule.board.scene import Network, Scene
from chainrule.board.stage import Stage
from chainrule.errors import InputError

SLICE_SECONDS = 0.02  # of training, or of a task, between two looks at the queue
TOLD_EVERY = 0.05  # seconds between two words of the state while it plays
MARK_SHARE = 0.1  # of the time that the timeline's measurements may take
MOST_WAITING = 1000  # requests; beyond, they are refused

Watcher: TypeAlias = Callable[[dict[str, Any]], None]
Task: TypeAlias = Generator[dict[str, Any], None, dict[str, Any]]


QUESTIONS = ("frame", "block", "samples", "sample", "plane", "timeline", "scene", "ledger")
COMMANDS = ("play", "pause", "step", "phase", "back", "seek", "goto", "edit", "network", "reset", "check", "state")
MOST_STEPS = 100_000  # of one command


class Session:
    """A run on a board.

    Parameters
    ----------
    scene
        What to begin with.
    """

    def __init__(self, scene: Scene) -> None:
        self._stage = Stage(scene)
        self._queue: deque[tuple[str, Mapping[str, Any], Future[Any]]] = deque()
        self._wake = threading.Condition()
        self._watchers: list[Watcher] = []
        self._tasks: dict[str, tuple[Task, Future[Any]]] = {}
        self._playing = False
        self._rate: float | None = None  # steps a second, None for as fast as it goes
        self._step_seconds = 0.0
        self._owed = 0.0  # steps, where there is a rate
        self._marked_at = self._mark_seconds = 0.0
        self._told_at = 0.0
        self._is_closed = False
        self._questions: dict[str, Callable[..., Any]] = {
            **{name: getattr(answers, name) for name in QUESTIONS},
            **{name: getattr(self, f"_{name}") for name in COMMANDS},
        }
        self._worker = threading.Thread(target=self._work, name="chainrule board", daemon=True)
        self._worker.start()

    def request(self, cmd: str, args: Mapping[str, Any] | None = None) -> Future[Any]:
        """Queue a command or a question; its answer, or its error, comes in the future.

        Safe from any thread. Errors are `ChainruleError`.
        """
        future: Future[Any] = Future()
        with self._wake:
            if self._is_closed or len(self._queue) >= MOST_WAITING:
                why = "the board is closed" if self._is_closed else "too many requests are waiting: ask less often"
                future.set_exception(InputError(why))
                return future
            self._queue.append((cmd, args or {}, future))
            self._wake.notify()
        return future

    def ask(self, cmd: str, **args: Any) -> Any:
        """Return the answer to a command or a question, when it is there."""
        return self.request(cmd, args).result()

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Tell ``watcher`` of every change of the state, on the worker's thread; return what ends that."""
        self._watchers.append(watcher)

        def stop() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return stop

    def close(self) -> None:
        """End the run; requests that wait are refused."""
        with self._wake:
            self._is_closed = True
            waiting = list(self._queue)
            self._queue.clear()
            self._wake.notify()
        for _, _, future in waiting:
            future.set_exception(InputError("the board is closed"))
        if threading.current_thread() is not self._worker:
            self._worker.join()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self) -> None:
        while True:
            with self._wake:
                while not (self._queue or self._tasks or self._playing or self._is_closed):
                    self._wake.wait()
                if self._is_closed:
                    return
            until = time.perf_counter() + SLICE_SECONDS
            while self._queue and time.perf_counter() < until:
                self._answer(*self._queue.popleft())
            if self._tasks:
                self._go_on_with_tasks()
            if self._playing:
                self._play_a_slice()

    def _answer(self, cmd: str, args: Mapping[str, Any], future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = self._questions[cmd](**self._fitting(cmd, args))
        except Exception as error:
            future.set_exception(error)
            return
        if isinstance(result, Generator):
            self._start_task(cmd, result, future)
        else:
            future.set_result(result)

    def _fitting(self, cmd: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with the stage; raises `InputError` where they are none of the command's."""
        if cmd not in self._questions:
            raise InputError(f"no command {cmd!r}; there are {', '.join(sorted(self._questions))}")
        parameters = {name: p for name, p in signature(self._questions[cmd]).parameters.items() if name != "stage"}
        for name in args:
            if name not in parameters:
                raise InputError(f"{cmd} takes no {name!r}; it takes {', '.join(parameters) or 'nothing'}")
        for name, parameter in parameters.items():
            if parameter.default is parameter.empty and name not in args:
                raise InputError(f"{cmd} needs {name}=")
            if name in args and not _is_of(args[name], str(parameter.annotation)):
                raise InputError(f"{cmd}: {name} must be {parameter.annotation}, got {args[name]!r}")
        return {"stage": self._stage, **args} if cmd in QUESTIONS else dict(args)

    # Commands: they change where the run stands, and return that.

    def _play(self, rate: float | None = None) -> dict[str, Any]:
        if rate is not None and not 0.0 < rate <= 1e6:
            raise InputError(f"rate must be a number of steps a second above 0, or null, got {rate}")
        self._playing, self._rate, self._owed = self._stage.course.stopped_at is None, rate, 0.0
        self._played_at = time.perf_counter()
        return self._tell()

    def _pause(self) -> dict[str, Any]:
        self._playing = False
        return self._tell()

    def _step(self, count: int = 1) -> dict[str, Any]:
        if not 1 <= count <= 10_000:
            raise InputError(f"count must be a number of steps from 1 to 10,000, got {count}")
        self._playing = False
        self._stage.advance_marked(count)
        return self._tell()

    def _goto(self, step: int) -> dict[str, Any]:
        """Go to a step of the run, training as far as it takes."""
        self._playing = False
        stage = self._stage
        if step <= stage.course.furthest:
            stage.seek(step)
        elif step - stage.course.furthest > MOST_STEPS:
            raise InputError(f"step {step:,} is more than {MOST_STEPS:,} steps ahead")
        else:
            stage.advance_marked(step - stage.course.step)
        return self._tell()

    def _state(self) -> dict[str, Any]:
        return {**answers.state(self._stage), "playing": self._playing, "rate": self._rate}

    def _phase(self) -> dict[str, Any]:
        self._playing = False
        self._stage.next_phase()
        return self._tell()

    def _back(self) -> dict[str, Any]:
        self._playing = False
        self._stage.back()
        return self._tell()

    def _seek(self, step: int) -> dict[str, Any]:
        self._playing = False
        self._stage.seek(step)
        return self._tell()

    def _edit(self, entry: str, value: float, focus: int | None = None) -> dict[str, Any]:
        self._playing = False
        return {**tasks.edit(self._stage, entry, value, focus), "state": self._tell()}

    def _network(self, changes: dict[str, Any]) -> dict[str, Any]:
        self._stop_tasks()
        self._stage.change_network(Network.from_request(self._stage.scene.network, changes))
        return self._tell()

    def _reset(self) -> dict[str, Any]:
        self._playing = False
        self._stage.seek(0)
        return self._tell()

    def _check(self, entries: int = 2000, focus: int | None = None) -> Task:
        return tasks.check(self._stage, entries, focus)  # type: ignore

    def _start_task(self, name: str, task: Task, future: Future[Any]) -> None:
        if name in self._tasks:
            self._tasks[name][1].set_exception(InputError(f"another {name} was asked for"))
        self._tasks[name] = task, future

    def _go_on_with_tasks(self) -> None:
        for name, (task, future) in list(self._tasks.items()):
            until = time.perf_counter() + SLICE_SECONDS
            try:
                while time.perf_counter() < until:
                    progress = next(task)
                self._tell_watchers({"event": name, **progress})
            except StopIteration as end:
                del self._tasks[name]
                future.set_result(end.value)
            except Exception as error:
                del self._tasks[name]
                future.set_exception(error)

    def _stop_tasks(self) -> None:
        for name, (task, future) in self._tasks.items():
            task.close()
            future.set_exception(InputError(f"{name} was given up: the network changed"))
        self._tasks.clear()

    def _play_a_slice(self) -> None:
        began = time.perf_counter()
        size = max(1, int(SLICE_SECONDS / self._step_seconds)) if self._step_seconds else 1
        if self._rate is not None:
            self._owed += (began - self._played_at) * self._rate
            self._played_at = began
            size = min(size, int(self._owed))
            if size == 0:
                with self._wake:
                    if not self._queue:
                        self._wake.wait(min(SLICE_SECONDS, (1.0 - self._owed) / self._rate))
                return
            self._owed = min(self._owed - size, 1.0)
        is_due = began - self._marked_at >= self._mark_seconds / MARK_SHARE
        taken = self._stage.advance_marked(size) if is_due else self._stage.advance(size)
        ended = time.perf_counter()
        if is_due:
            self._marked_at, self._mark_seconds = ended, ended - began
        elif taken:
            self._step_seconds = (ended - began) / taken
        if taken < size:
            self._playing = False
        if taken < size or ended - self._told_at >= TOLD_EVERY:
            self._tell()

    def _tell(self) -> dict[str, Any]:
        """Tell the watchers where the run stands, and return it."""
        self._told_at = time.perf_counter()
        told = self._state()
        self._tell_watchers({"event": "state", **told})
        return told

    def _tell_watchers(self, event: dict[str, Any]) -> None:
        for watcher in list(self._watchers):
            watcher(event)


def _is_of(value: Any, annotation: str) -> bool:
    """Return whether a JSON value fits a parameter's annotation."""
    kinds = annotation.split(" | ")
    if value is None:
        return "None" in kinds
    if isinstance(value, bool):
        return "bool" in kinds
    if isinstance(value, (int, float)):
        return "float" in kinds or ("int" in kinds and isinstance(value, int))
    if isinstance(value, str):
        return "str" in kinds
    return isinstance(value, dict) and any(kind.startswith(("dict", "Mapping")) for kind in kinds)
