"""A board's run behind one thread: commands queue up, the run goes on in between, watchers are told.

Whoever asks, a page over a socket, a notebook, a test, gets a future. There is one worker; everything that touches the
`Stage` happens on it, so an answer is always of one moment. It trains in slices of some 10 ms and looks at its
queue in between: that is how long an answer may wait. Pages ask anew when the run has moved on, each question once at a
time: a slow page asks less often, and nothing piles up. Such questions are patient: they wait behind what somebody
has clicked, and while the run plays they get a share of the time.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from inspect import signature
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import numpy as np

from chainrule.board import answers, entries, quiz
from chainrule.board.scene import Network, Scene
from chainrule.board.stage import Stage
from chainrule.errors import InputError

SLICE_SECONDS = 0.01  # of training, or of a task, between two looks at the queue
TOLD_EVERY = 0.1  # seconds between two words of the state while it plays
MARK_SHARE = 0.05  # of the time that the timeline's measurements may take
PATIENT_SHARE = 0.1  # of the time that patient questions may take while the run plays
MOST_WAITING = 1000  # requests; beyond, they are refused

T = TypeVar("T")
Watcher: TypeAlias = Callable[[dict[str, Any]], None]
Request: TypeAlias = tuple[str | Callable[[Stage], Any], Mapping[str, Any], Future[Any]]


class Job(NamedTuple):
    """Work for a thread of its own: it is given something to tell how far it is with."""

    work: Callable[[Callable[[int, int], None]], Any]


class GivenUp(Exception):  # noqa: N818 - no error
    """A job is no longer wanted."""


QUESTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        answers.frame, answers.block, answers.samples, answers.sample, answers.plane, answers.timeline, answers.scene,
        entries.inspect, entries.ledger, entries.trouble,
    )
}  # fmt: skip
COMMANDS = (
    "play", "pause", "step", "phase", "back", "seek", "goto", "edit", "network", "reset", "check", "quiz", "answer",
    "state",
)  # fmt: skip
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
        self._queue: deque[Request] = deque()
        self._patient: dict[tuple[Hashable, Hashable], Request] = {}  # by who asks what: the newest, in its first place
        self._patient_at = 0.0  # when the next of these may be answered while it plays
        self._aside = ThreadPoolExecutor(1, "chainrule board: aside")
        self._wake = threading.Condition()
        self._watchers: list[Watcher] = []
        self._jobs: dict[str, threading.Event] = {}  # those under way; set where one is no longer wanted
        self._asked: dict[int, quiz.Question] = {}
        self._random = np.random.default_rng()
        self._playing = False
        self._rate: float | None = None  # steps a second, None for as fast as it goes
        self._step_seconds = 0.0
        self._owed = 0.0  # steps, where there is a rate
        self._marked_at = self._mark_seconds = 0.0
        self._told_at = 0.0
        self._is_closed = False
        self._questions: dict[str, Callable[..., Any]] = {
            **{name: partial(function, self._stage) for name, function in QUESTIONS.items()},
            **{name: getattr(self, f"_do_{name}") for name in COMMANDS},
        }
        self._worker = threading.Thread(target=self._work, name="chainrule board", daemon=True)
        self._worker.start()
        atexit.register(self.close)  # a thread that is cut off in compiled code leaves things behind

    def request(
        self, cmd: str, args: Mapping[str, Any] | None = None, *, patient: bool = False, asker: Hashable = None
    ) -> Future[Any]:
        """Queue a command or a question; its answer, or its error, comes in the future.

        A ``patient`` one lets others, and while the run plays the run, go first; it is refused once the same ``asker``
        asks the same question anew. Safe from any thread. Errors are `ChainruleError`.
        """
        return self._put(cmd, args or {}, patient, asker)

    def _put(
        self,
        cmd: str | Callable[[Stage], Any],
        args: Mapping[str, Any],
        patient: bool = False,
        asker: Hashable = None,
    ) -> Future[Any]:
        future: Future[Any] = Future()
        request: Request = cmd, args, future
        with self._wake:
            if self._is_closed or len(self._queue) + len(self._patient) >= MOST_WAITING:
                why = "the board is closed" if self._is_closed else "too many requests are waiting: ask less often"
                future.set_exception(InputError(why))
                return future
            overtaken = self._patient.get((asker, cmd))
            if patient:
                self._patient[asker, cmd] = request
            else:
                self._patient.pop((asker, cmd), None)
                self._queue.append(request)
            self._wake.notify()
        if overtaken is not None:
            overtaken[2].set_exception(InputError(f"{cmd} was asked anew"))
        return future

    def ask(self, cmd: str, **args: Any) -> Any:
        """Return the answer to a command or a question, when it is there."""
        return self.request(cmd, args).result()

    def do(self, work: Callable[[Stage], T]) -> T:
        """Return what ``work`` makes of the stage, on the worker's thread; it has to leave it as it was."""
        return cast(T, self._put(work, {}).result())

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Tell ``watcher`` of every change of the state, on the worker's thread; return what ends that."""
        self._watchers.append(watcher)

        def stop() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return stop

    def close(self) -> None:
        """End the run; requests that wait are refused."""
        atexit.unregister(self.close)
        with self._wake:
            self._is_closed = True
            waiting = [*self._queue, *self._patient.values()]
            self._queue.clear()
            self._patient.clear()
            self._wake.notify()
        for _, _, future in waiting:
            future.set_exception(InputError("the board is closed"))
        if threading.current_thread() is not self._worker:
            self._worker.join()
        self._aside.shutdown()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @np.errstate(all="ignore")  # a run that overflows is there to be looked at
    def _work(self) -> None:
        while True:
            with self._wake:
                while not (self._queue or self._patient or self._playing or self._is_closed):
                    self._wake.wait()
                if self._is_closed:
                    return
            until = time.perf_counter() + SLICE_SECONDS
            while time.perf_counter() < until and self._answer_next():
                pass
            if self._playing:
                self._play_a_slice()

    def _answer_next(self) -> bool:
        """Answer the next request, if there is one whose time has come."""
        began = time.perf_counter()
        with self._wake:
            is_patient = not self._queue and (began >= self._patient_at or not self._playing)
            if self._queue:
                request = self._queue.popleft()
            elif is_patient and self._patient:
                request = self._patient.pop(next(iter(self._patient)))
            else:
                return False
        self._answer(*request)
        if is_patient:
            self._rest_after(time.perf_counter() - began)
        return True

    def _rest_after(self, seconds: float) -> None:
        """Let patient questions wait, for they have had so much time."""
        self._patient_at = time.perf_counter() + seconds * (1.0 / PATIENT_SHARE - 1.0)

    def _answer(self, cmd: str | Callable[[Stage], Any], args: Mapping[str, Any], future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = self._ask(cmd, args) if isinstance(cmd, str) else cmd(self._stage)
        except Exception as error:
            future.set_exception(error)
            return
        if isinstance(cmd, str) and isinstance(result, Job):
            self._begin(cmd, result, future)
        elif isinstance(result, answers.Aside):
            self._aside.submit(self._finish, result, future)
        else:
            future.set_result(result)

    def _ask(self, cmd: str, args: Mapping[str, Any]) -> Any:
        arguments = self._fitting(cmd, args)
        return self._questions[cmd](**arguments)

    def _finish(self, aside: answers.Aside, future: Future[Any]) -> None:
        began = time.perf_counter()
        try:
            future.set_result(aside.work())
        except Exception as error:
            future.set_exception(error)
        self._rest_after(time.perf_counter() - began)

    def _fitting(self, cmd: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with the stage; raises `InputError` where they are none of the command's."""
        if cmd not in self._questions:
            raise InputError(f"no command {cmd!r}; there are {', '.join(sorted(self._questions))}")
        parameters = signature(self._questions[cmd]).parameters
        for name in args:
            if name not in parameters:
                raise InputError(f"{cmd} takes no {name!r}; it takes {', '.join(parameters) or 'nothing'}")
        for name, parameter in parameters.items():
            if parameter.default is parameter.empty and name not in args:
                raise InputError(f"{cmd} needs {name}=")
            if name in args and not _is_of(args[name], str(parameter.annotation)):
                raise InputError(f"{cmd}: {name} must be {parameter.annotation}, got {args[name]!r}")
        return dict(args)

    # Commands: they change where the run stands, and return that.

    def _do_play(self, rate: float | None = None) -> dict[str, Any]:
        if rate is not None and not 0.0 < rate <= 1e6:
            raise InputError(f"rate must be a number of steps a second above 0, or null, got {rate}")
        self._playing, self._rate, self._owed = self._stage.course.stopped_at is None, rate, 0.0
        self._played_at = time.perf_counter()
        return self._tell()

    def _do_pause(self) -> dict[str, Any]:
        self._playing = False
        return self._tell()

    def _do_step(self, count: int = 1) -> dict[str, Any]:
        if not 1 <= count <= 10_000:
            raise InputError(f"count must be a number of steps from 1 to 10,000, got {count}")
        self._playing = False
        self._stage.advance_charted(count)
        return self._tell()

    def _do_goto(self, step: int) -> dict[str, Any]:
        """Go to a step of the run, training as far as it takes."""
        self._playing = False
        stage = self._stage
        if step <= stage.course.furthest:
            stage.seek(step)
        elif step - stage.course.furthest > MOST_STEPS:
            raise InputError(f"step {step:,} is more than {MOST_STEPS:,} steps ahead")
        else:
            stage.advance_charted(step - stage.course.step)
        return self._tell()

    def _do_state(self) -> dict[str, Any]:
        return {**answers.state(self._stage), "playing": self._playing, "rate": self._rate}

    def _do_phase(self) -> dict[str, Any]:
        self._playing = False
        self._stage.next_phase()
        return self._tell()

    def _do_back(self) -> dict[str, Any]:
        self._playing = False
        self._stage.back()
        return self._tell()

    def _do_seek(self, step: int) -> dict[str, Any]:
        self._playing = False
        self._stage.seek(step)
        return self._tell()

    def _do_edit(self, entry: str, value: float, focus: int | None = None) -> dict[str, Any]:
        self._playing = False
        return {**entries.edit(self._stage, entry=entry, value=value, focus=focus), "state": self._tell()}

    def _do_network(self, changes: dict[str, Any]) -> dict[str, Any]:
        self._give_up_jobs()
        self._stage.change_network(Network.from_request(self._stage.scene.network, changes))
        return self._tell()

    def _do_reset(self) -> dict[str, Any]:
        self._playing = False
        self._stage.seek(0)
        return self._tell()

    def _do_check(self, most: int = 2000, focus: int | None = None) -> Job:
        return Job(entries.check(self._stage, entries=most, focus=focus))

    def _do_quiz(self, focus: int | None = None) -> dict[str, Any]:
        question = quiz.ask(self._stage, focus, self._random)
        identity = len(self._asked)
        self._asked[identity] = question
        return question.to_dict(identity)

    def _do_answer(self, question: int, value: float) -> dict[str, Any]:
        if question not in self._asked:
            raise InputError(f"no question {question} was asked")
        asked = self._asked[question]
        right = asked.is_right(value)
        return {"right": right, "value": asked.value if right else None}

    def _begin(self, name: str, job: Job, future: Future[Any]) -> None:
        if name in self._jobs:
            self._jobs[name].set()  # the newest wins
        given_up = self._jobs[name] = threading.Event()
        told_at = 0.0

        def tell(done: int, of: int) -> None:
            nonlocal told_at
            if given_up.is_set():
                raise GivenUp
            if time.perf_counter() - told_at >= TOLD_EVERY:
                told_at = time.perf_counter()
                self._tell_watchers({"event": name, "done": done, "of": of})

        @np.errstate(all="ignore")
        def work() -> None:
            try:
                future.set_result(job.work(tell))
            except GivenUp:
                future.set_exception(
                    InputError(f"{name} was given up: another one was asked for, or the network changed")
                )
            except Exception as error:
                future.set_exception(error)

        threading.Thread(target=work, name=f"chainrule board: {name}", daemon=True).start()

    def _give_up_jobs(self) -> None:
        for given_up in self._jobs.values():
            given_up.set()
        self._jobs.clear()

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
        told = self._do_state()
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
