"""A session answers, goes on, and survives whatever is asked of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fresh_python import run_python

from chainrule.board.scene import Network, spiral
from chainrule.board.session import Session
from chainrule.board.stage import Focus, Stage
from chainrule.errors import ChainruleError, InputError


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(spiral()) as session:
        yield session


def test_steps_phases_and_the_way_back(session: Session) -> None:
    assert session.ask("state")["step"] == 0
    assert session.ask("step", count=3)["step"] == 3
    phases = [session.ask("phase")["phase"] for _ in range(5)]
    assert phases == ["forward", "loss", "backward", "update", "forward"]
    assert session.ask("state")["step"] == 4
    session.ask("phase")
    assert (session.ask("back")["step"], session.ask("state")["phase"]) == (4, "forward")
    assert session.ask("back")["step"] == 3
    assert session.ask("goto", step=50)["step"] == 50
    assert session.ask("seek", step=10)["step"] == 10
    assert session.ask("reset")["step"] == 0


def test_it_trains_while_questions_are_asked(session: Session) -> None:
    session.ask("play")
    seen = [session.ask("frame")["step"] for _ in range(30)]
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]
    stopped = session.ask("pause")["step"]
    assert session.ask("state")["step"] == stopped


def test_patient_questions_wait_for_the_run_and_for_clicks(session: Session) -> None:
    session.ask("play")
    patient = [session.request("plane", {"x": 0, "y": 1}, patient=True, asker=i) for i in range(40)]
    first = session.ask("state")["step"]
    assert sum(question.done() for question in patient) < 20
    session.ask("inspect", entry="W1[0, 3]")
    assert patient[-1].result(timeout=60)["step"] > first  # it went on, and nobody is forgotten
    session.ask("pause")
    assert session.request("plane", {}, patient=True).result(timeout=20)


def test_a_patient_question_that_is_asked_anew_waits_no_more(session: Session) -> None:
    """Else a page whose user clicks fast has more questions open than it may."""
    session.ask("network", changes={"hidden_layer_sizes": [2000, 2000]})
    session.ask("play")
    asked = [session.request("inspect", {"entry": f"W1[0, {i}]"}, patient=True, asker="page") for i in range(100)]
    assert session.request("inspect", {"entry": "b1[0]"}, asker="page").result(timeout=60)["entry"] == "b1[0]"
    answered = [one for one in asked if one.exception(timeout=60) is None]
    assert len(answered) <= 5
    assert all("asked anew" in str(one.exception()) for one in asked if one not in answered)


def test_a_ledger_is_of_the_moment_it_was_asked_at(session: Session) -> None:
    session.ask("step", count=50)
    at_50 = session.ask("ledger", entry="W1[0, 3]", focus=7)
    asked = session.request("ledger", {"entry": "W1[0, 3]", "focus": 7})
    session.ask("step", count=50)
    assert asked.result(timeout=20) == at_50
    assert session.ask("ledger", entry="W1[0, 3]", focus=7)["gradient"] != at_50["gradient"]


def test_a_pace_is_kept(session: Session) -> None:
    session.ask("play", rate=50.0)
    time.sleep(0.4)
    assert 1 <= session.ask("pause")["step"] <= 60  # 20, were nobody else about


def test_an_edit_says_what_was_foretold_and_what_happened(session: Session) -> None:
    session.ask("step", count=20)
    told = session.ask("edit", entry="W1[0, 3]", value=0.01, focus=7)
    assert told["change"] == 0.01 - told["old"]
    assert told["predicted"] == told["gradient"] * told["change"]
    assert told["happened"] == pytest.approx(told["predicted"], rel=0.1)  # the step is small: first order
    assert session.ask("frame", focus=7)["loss"] == told["after"]


def test_another_optimizer_goes_on_and_another_network_begins_anew(session: Session) -> None:
    session.ask("step", count=20)
    before = session.ask("block", node="W1")["entries"]
    state = session.ask("network", changes={"solver": "adam", "learning_rate": 0.01})
    assert (state["step"], state["revision"]) == (20, 1)
    np.testing.assert_array_equal(session.ask("block", node="W1")["entries"], before)
    session.ask("step", count=5)
    state = session.ask("network", changes={"hidden_layer_sizes": [16, 8]})
    assert (state["step"], state["revision"]) == (0, 2)
    assert [node["name"] for node in session.ask("scene")["nodes"] if node["parameter"]] == [
        "W1", "b1", "W2", "b2", "W3", "b3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cmd", "args", "match"),
    [
        ("dance", {}, "no command 'dance'"),
        ("seek", {}, "seek needs step="),
        ("seek", {"step": "1"}, "step must be int"),
        ("seek", {"step": 7}, "from 0 to 0"),
        ("seek", {"step": True}, "step must be int"),
        ("step", {"count": 10**9}, "1 to 10,000"),
        ("frame", {"focus": 300}, "from 0 to 299"),
        ("frame", {"rows": 3}, "takes no 'rows'"),
        ("ledger", {"entry": "W9[0]"}, "W9"),
        ("ledger", {"entry": "W1[0, 100]"}, "W1"),
        ("edit", {"entry": "Z1[0, 0]", "value": 1.0}, "no parameter"),
        ("edit", {"entry": "W1[0, 0]", "value": float("inf")}, "finite"),
        ("network", {"changes": {"hidden_layer_sizes": [10**9]}}, "1 to 4096"),
        ("network", {"changes": {"hidden_layer_sizes": "wide"}}, "."),
        ("network", {"changes": {"solver": "magic"}}, "no optimizer"),
        ("network", {"changes": {"width": 3}}, "no 'width'"),
        ("plane", {"x": 0, "y": 0}, "two of the columns"),
        ("samples", {"order": "random"}, "'loss' or 'row'"),
        ("play", {"rate": -1.0}, "above 0"),
        ("answer", {"question": 0, "value": 1.0}, "no question"),
    ],
)
def test_what_cannot_be_answered_is_said(session: Session, cmd: str, args: dict[str, Any], match: str) -> None:
    with pytest.raises(ChainruleError, match=match):
        session.ask(cmd, **args)
    assert session.ask("state")["step"] == 0


def test_a_run_that_diverges_stops_and_says_where(session: Session) -> None:
    session.ask("network", changes={"learning_rate": 1e4})
    session.ask("play")
    deadline = time.monotonic() + 20.0
    while session.ask("state")["stopped_at"] is None and time.monotonic() < deadline:
        time.sleep(0.02)
    state = session.ask("state")
    assert state["stopped_at"] == state["step"]
    assert not state["playing"]
    trouble = session.ask("trouble")
    assert trouble["entry"] is not None
    assert "learning rate" in trouble["text"]


def test_watchers_hear_of_changes(session: Session) -> None:
    heard: list[dict[str, Any]] = []
    stop = session.watch(heard.append)
    session.ask("step")
    stop()
    session.ask("step")
    assert [event["step"] for event in heard if event["event"] == "state"] == [1]


def test_a_check_leaves_the_session_free_and_the_newest_wins(session: Session) -> None:
    session.ask("network", changes={"hidden_layer_sizes": [64, 64]})
    first = session.request("check", {})
    began = time.perf_counter()
    session.ask("frame")
    assert time.perf_counter() - began < 5.0  # a whole check takes far longer than a frame
    second = session.request("check", {"most": 50})
    with pytest.raises(InputError, match="given up"):
        first.result(timeout=60)
    assert second.result(timeout=60)["worst_error"] <= 1e-6


def test_the_ledger_adds_up_for_every_kind_of_entry(session: Session) -> None:
    session.ask("step", count=100)
    for entry in ("W1[0, 3]", "b1[7]", "W2[5, 1]", "b2[2]"):
        for focus in (None, 7):
            told = session.ask("ledger", entry=entry, focus=focus)
            assert abs(told["residual"]) <= 1e-9 * max(told["magnitude"], 1e-300)
            assert told["total"] == pytest.approx(sum(row["product"] for row in told["rows"]) + told["rest"])


def test_quiz_answers_are_judged(session: Session) -> None:
    session.ask("step", count=30)
    for _ in range(20):
        asked = session.ask("quiz")
        assert not session.ask("answer", question=asked["id"], value=1e9)["right"]
        true = session._asked[asked["id"]].value
        assert session.ask("answer", question=asked["id"], value=true)["right"]


def test_a_closed_session_refuses(session: Session) -> None:
    session.close()
    with pytest.raises(InputError, match="closed"):
        session.ask("state")


def test_many_threads_may_ask_at_once(session: Session) -> None:
    found: list[int] = []

    def ask() -> None:
        found.extend(session.ask("step")["step"] for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1, 81))


def test_two_networks_of_the_same_choices_are_the_same_run() -> None:
    network = Network(hidden_layer_sizes=(10,), dropout=0.3, batch_size=50, solver="adam", learning_rate=0.01)
    frames = []
    for _ in range(2):
        with Session(spiral().with_network(network)) as session:
            session.ask("step", count=40)
            frames.append(session.ask("block", node="W1")["entries"])
    np.testing.assert_array_equal(*frames)


def test_a_step_is_shown_phase_by_phase_only_while_one_walks(session: Session) -> None:
    """After whole steps half of the board was blank: everything beyond the forward pass."""
    assert session.ask("state")["walking"]  # as a run begins
    assert not session.ask("step")["walking"]
    shown = [session.ask("phase") for _ in range(2)]
    assert [(state["walking"], state["phase"]) for state in shown] == [(True, "forward"), (True, "loss")]
    assert session.ask("back")["walking"]
    assert not session.ask("seek", step=0)["walking"]


def test_pictures_hold_numbers_that_float32_does_not(session: Session) -> None:
    session.ask("edit", entry="b1[0]", value=1e200)
    bias = next(node for node in session.ask("frame")["nodes"] if node["name"] == "b1")["value"]
    assert (bias["most"], bias["picture"].max(), bias["nonfinite"]) == (1e200, 1.0, 0)


def test_code_names_the_row_that_it_is_about(session: Session) -> None:
    session.ask("step", count=10)
    code = session.ask("inspect", entry="dW1[0, 3]", focus=7)["numpy"]
    assert "# dW1[0, 3], sample 7 alone" in code
    assert "# X[7, 0]" in code
    assert session.ask("inspect", entry="W1[0, 3]", focus=7)["numpy"] == code  # of its gradient
    assert session.ask("inspect", entry="dW1[0, 3]", focus=7, code=2)["numpy"] == ""


def test_questions_of_one_moment_share_one_sweep() -> None:
    stage = Stage(spiral())
    subject = stage.subject(Focus(7))
    assert stage.subject(Focus(7)).values is subject.values
    assert stage.sweep(Focus(7)).gradients is subject.gradients
    stage.advance()
    assert stage.subject(Focus(7)) is not subject


def test_a_jump_of_many_steps_leaves_marks_behind(session: Session) -> None:
    session.ask("step", count=100)
    marks = session.ask("timeline")["marks"]
    assert marks.tolist() == list(range(0, 100, 4))


def test_a_run_that_nobody_ended_ends_silently_with_its_program() -> None:
    code = """
from chainrule.board.scene import spiral
from chainrule.board.session import Session

session = Session(spiral())
session.ask("play")
"""
    ended = run_python(code)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
