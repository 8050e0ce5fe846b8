"""The lecture works as told: its page is executed, its figures lie in their bands, its pictures are fresh."""

from __future__ import annotations

import doctest
import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from chainrule.cli.lecture import lecture as lecture_command
from chainrule.datasets import make_spiral
from chainrule.engine import compile_graph
from chainrule.errors import InputError, NonFiniteError
from chainrule.graph import Sweep, build, sweep
from chainrule.lecture import (
    Descent,
    compare_with_sweep,
    derive,
    draw_pictures,
    engine_descent,
    experiment,
    give_lecture,
    gradient_descent,
    shape_rows,
    train_network,
    train_softmax,
    work_example,
)
from chainrule.lecture.experiment import NETWORK_ACCURACY, NETWORK_LOSS, SOFTMAX_ACCURACY, SOFTMAX_LOSS

DOCS = Path(__file__).parent.parent / "docs"
IMAGES = DOCS / "images" / "lecture"


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """Run the page's code blocks, and return what they leave."""
    page = (DOCS / "lecture.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names: dict[str, Any] = {}
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), names, "lecture.md", "docs/lecture.md", 0)
    reports: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(examples, out=reports.append, clear_globs=False)
    assert result.attempted > 60
    assert result.failed == 0, "".join(reports)
    return examples.globs


def test_the_page_says_what_its_code_does(told: dict[str, Any]) -> None:
    assert told["result"].passed()


def test_the_page_has_nothing_but_executed_code() -> None:
    page = (DOCS / "lecture.md").read_text(encoding="utf-8")
    for block in re.findall(r"```(.*?)```", page, flags=re.DOTALL):
        assert block.startswith("python\n>>> ")


def test_pictures_of_the_page_are_fresh(told: dict[str, Any], tmp_path: Path) -> None:
    fresh = _draw(tmp_path, told)
    if os.environ.get("CHAINRULE_DRAW") == "1":
        _draw(IMAGES, told)
    for path in fresh:
        kept = IMAGES / path.name
        stale = f"{kept} is stale: CHAINRULE_DRAW=1 pytest tests/test_lecture.py draws the pictures again"
        assert kept.stat().st_size < 100_000
        if path.name == "graph.svg":
            assert path.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8"), stale
            continue
        new, old = _figures_in(path), _figures_in(kept)
        # The softmax classifier's problem is convex, and four digits are printed. The network's ten thousand
        # steps at a rate of 1 blow up differences in rounding between processors.
        assert new[:2] == pytest.approx(old[:2], abs=1e-3), stale
        assert new[2:] == pytest.approx(old[2:], abs=0.03), stale


def _draw(directory: Path, told: dict[str, Any]) -> list[Path]:
    X, y = told["X"], told["y"]
    graph = directory / "graph.svg"
    graph.write_text(told["graph"].to_svg(), encoding="utf-8")
    return [graph, *draw_pictures(directory, train_softmax(X, y, 0), told["trained"], X, y, formats=("svg",))]


def _figures_in(path: Path) -> list[float]:
    """Loss and accuracy of both models, which the picture carries as its description."""
    tree = ElementTree.parse(path)
    (described,) = tree.iter("{http://purl.org/dc/elements/1.1/}description")
    return [float(figure) for figure in re.findall(r"\d+\.\d+", str(described.text))]


# --- on the blackboard


def test_the_worked_example() -> None:
    example = work_example()
    assert example.p.tolist() == pytest.approx([0.2, 0.3, 0.5], abs=1e-15)  # exp and log round
    np.testing.assert_array_almost_equal_nulp(example.d_logits, np.array([0.2, -0.7, 0.5]), nulp=4)
    np.testing.assert_allclose(example.by_chain_rule, example.d_logits, atol=1e-15)
    assert example.loss == pytest.approx(-np.log(0.3), rel=1e-15)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_the_long_way_is_the_short_way(n_classes: int) -> None:
    random = np.random.default_rng(n_classes)
    p = random.dirichlet(np.ones(n_classes))
    y = np.eye(n_classes)[random.integers(n_classes)]
    example = work_example(p, y)
    np.testing.assert_allclose(example.by_chain_rule, p - y, atol=1e-14)  # a few roundings of numbers up to 1
    np.testing.assert_allclose(example.d_logits, p - y, atol=1e-14)


def test_the_derivation_ends_where_it_should() -> None:
    arguments = derive(work_example())
    assert arguments[-1].symbols == "dZ = p − y"
    assert arguments[-1].numbers == "[0.2, 0.3, 0.5] − [0, 1, 0] = [0.2, -0.7, 0.5]"
    cases = [argument.symbols for argument in arguments if "case" in argument.says]
    assert cases[0].endswith("p_k (1 − p_k)")
    assert cases[1].endswith("−p_j p_k")
    assert any("quotient rule" in argument.says for argument in arguments)
    assert any("Σ_j dJ/dp_j · dp_j/dZ_k" in argument.symbols for argument in arguments)


@pytest.mark.parametrize(
    ("p", "y"), [([0.5, 0.6], [0, 1]), ([0.0, 1.0], [0, 1]), ([0.5, 0.5], [1, 1]), ([0.5, 0.5], [0, 1, 0])]
)
def test_what_is_no_example_is_refused(p: list[float], y: list[int]) -> None:
    with pytest.raises(InputError):
        work_example(p, y)


def test_shapes_are_those_of_the_notes() -> None:
    rows = {row.name: row for row in shape_rows(300, 2, 3)}
    assert {name: row.shape for name, row in rows.items()} == {
        "X": (300, 2),
        "W": (2, 3),
        "b": (3,),
        "Z": (300, 3),
        "p": (300, 3),
        "J": (),
        "dZ": (300, 3),
        "dW": (2, 3),
        "db": (3,),
        "dX": (300, 2),
    }
    assert rows["dW"].arithmetic == "(2, 300) (300, 3)"
    assert rows["dZ"].formula == "(p − y) / m"


# --- gradient descent


def test_gradient_descent_is_the_notes_in_numpy() -> None:
    X, y = make_spiral(30, 3, random_state=1)
    graph = build.softmax_classifier(2, 3)
    start = build.initialize(graph, np.random.default_rng(0))
    W, b = (array.copy() for array in graph.parameters.views(start).values())
    seen: list[Sweep] = []
    trained = gradient_descent(graph, start, X, y, learning_rate=0.5, n_steps=5, on_step=seen.append)
    for now in seen:
        p = np.exp(X @ W + b) / np.exp(X @ W + b).sum(axis=1, keepdims=True)
        assert now.loss == pytest.approx(-np.log(p[range(30), y]).mean(), rel=1e-13)
        dZ = (p - np.eye(3)[y]) / 30
        W, b = W - 0.5 * X.T @ dZ, b - 0.5 * dZ.sum(axis=0)
    views = graph.parameters.views(trained.parameters)
    np.testing.assert_allclose(views["W"], W, rtol=1e-12)  # the same sums in another order
    np.testing.assert_allclose(views["b"], b, rtol=1e-12, atol=1e-15)
    assert len(trained.loss_curve) == 6
    assert trained.loss_curve[:5].tolist() == [now.loss for now in seen]
    np.testing.assert_array_equal(start, build.initialize(graph, np.random.default_rng(0)))


def test_a_descent_that_leaves_the_numbers_stops() -> None:
    X, y = make_spiral(30, 3, random_state=1)
    graph = build.softmax_classifier(2, 3, l2=1.0)
    with pytest.raises(NonFiniteError, match="learning_rate"), np.errstate(all="ignore"):
        gradient_descent(graph, np.ones(9), X, y, learning_rate=1e200, n_steps=5)
    with pytest.raises(InputError, match="n_steps"):
        gradient_descent(graph, np.ones(9), X, y, learning_rate=1.0, n_steps=-1)


def test_the_engine_descends_as_the_loop_that_is_read() -> None:
    X, y = make_spiral(60, 3, random_state=2)
    graph = build.mlp(2, [7], 3, l2=1e-2)
    start = build.initialize(graph, np.random.default_rng(0), scale=0.5)
    told: list[tuple[int, Any]] = []
    compiled = engine_descent(
        compile_graph(graph), start, X, y, learning_rate=0.5, n_steps=130, on_stride=lambda *place: told.append(place)
    )
    readable = gradient_descent(graph, start, X, y, learning_rate=0.5, n_steps=130)
    # Sums of 60 numbers in another order, over 130 steps that don't overshoot.
    np.testing.assert_allclose(compiled.parameters, readable.parameters, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(compiled.loss_curve, readable.loss_curve, rtol=1e-10)
    assert [step for step, _ in told] == [0, 100, 130]
    np.testing.assert_array_equal(told[0][1], start)
    np.testing.assert_array_equal(told[-1][1], compiled.parameters)


def test_the_engine_stops_where_numbers_end() -> None:
    X, y = make_spiral(30, 3, random_state=1)
    program = compile_graph(build.mlp(2, [3], 3, l2=1.0))
    start = np.ones(program.graph.parameters.size)
    with pytest.raises(NonFiniteError, match="learning_rate"):
        engine_descent(program, start, X, y, learning_rate=1e200, n_steps=5)
    with pytest.raises(InputError, match="n_steps"):
        engine_descent(program, start, X, y, learning_rate=1.0, n_steps=-1)


def test_the_agreement_finds_what_differs() -> None:
    X, y = make_spiral(60, 3, random_state=2)
    graph = build.mlp(2, [7], 3, l2=1e-2)
    start = build.initialize(graph, np.random.default_rng(0), scale=0.5)
    told: list[tuple[int, Any]] = []
    trained = engine_descent(
        compile_graph(graph), start, X, y, learning_rate=0.5, n_steps=200, on_stride=lambda *place: told.append(place)
    )
    agreement = compare_with_sweep(trained, told, X, y, learning_rate=0.5)
    assert (agreement.n_places, agreement.n_retraced) == (3, 100)
    assert max(agreement.loss, agreement.gradient, agreement.retraced) < 1e-10  # rounding, over a hundred steps
    assert agreement.largest_gradient > 1e-3
    other = Descent(graph, trained.parameters, trained.loss_curve + 1e-3)
    assert compare_with_sweep(other, told, X, y, learning_rate=0.5).loss == pytest.approx(1e-3, rel=1e-6)
    assert compare_with_sweep(trained, told, X, y, learning_rate=0.4).retraced > 1e-4


# --- to the end


def test_the_softmax_classifier_ends_in_its_bands_for_twenty_seeds() -> None:
    for seed in range(20):
        X, y = make_spiral(random_state=seed)
        trained = train_softmax(X, y, seed)
        assert trained.loss_curve[-1] in SOFTMAX_LOSS, seed
        assert trained.accuracy(X, y) in SOFTMAX_ACCURACY, seed
        assert len(trained.loss_curve) == 201
        # ln 3, off by what small random weights do
        assert trained.loss_curve[0] == pytest.approx(np.log(3), abs=0.01)


def test_the_kernel_descends_as_the_readable_sweep_does() -> None:
    X, y = make_spiral(random_state=3)
    trained = train_softmax(X, y, 3)
    now = sweep(trained.graph, trained.parameters, X, y)
    assert now.loss == pytest.approx(trained.loss_curve[-1], rel=1e-12)  # sums of 300 terms in another order
    further = gradient_descent(trained.graph, trained.parameters, X, y, learning_rate=1.0, n_steps=50)
    assert further.loss_curve[-1] <= now.loss


def _network_ends_in_its_bands(trained: Descent, seed: int) -> None:
    X, y = make_spiral(random_state=seed)
    assert trained.loss_curve[-1] in NETWORK_LOSS, (seed, trained.loss_curve[-1])
    assert trained.accuracy(X, y) in NETWORK_ACCURACY, (seed, trained.accuracy(X, y))


def test_the_network_ends_in_its_bands(told: dict[str, Any]) -> None:
    _network_ends_in_its_bands(told["trained"], 0)
    _network_ends_in_its_bands(train_network(*make_spiral(random_state=1), seed=1), 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 20))
def test_the_network_ends_in_its_bands_for_twenty_seeds(seed: int) -> None:
    _network_ends_in_its_bands(train_network(*make_spiral(random_state=seed), seed=seed), seed)


# --- the command


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setattr(experiment, "NETWORK_STEPS", 60)  # the text is the same after 60 steps as after 10,000
    application = typer.Typer()
    application.command()(lecture_command)
    return application


def test_the_command_tells_the_lecture_and_writes_it(command: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--output", str(tmp_path / "new" / "lecture"), "--seed", "1"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split(".")[0].strip() for line in lines if re.match(r" \d+\. [A-Z]", line) and len(line) > 5]
    for said in (
        "[0.2, 0.3, 0.5] − [0, 1, 0] = [0.2, -0.7, 0.5]",
        "dJ/dW = dJ/dp · dp/dZ · dZ/dW",
        "(2, 300) (300, 3)",
        "step 3: J = ",
        "2-100-3 ReLU network",
        "engine and readable sweep",
        "603 of 603 entries against central differences",
        "by the backward pass",
    ):
        assert said in result.stdout
    written = {path.name for path in (tmp_path / "new" / "lecture").iterdir()}
    assert written == {
        "lecture.txt",
        "lecture.json",
        "graph.svg",
        *(
            f"{name}.{kind}"
            for name in ("softmax-regions", "network-regions", "loss-curves")
            for kind in ("png", "svg")
        ),
    }
    text = (tmp_path / "new" / "lecture" / "lecture.txt").read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 100
    assert "dZ = p − y" in text


def test_json_is_one_object_of_figures(command: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--output", str(tmp_path), "--json"])
    facts = json.loads(result.stdout)
    assert facts["worked_example"]["dZ"] == pytest.approx([0.2, -0.7, 0.5], abs=1e-15)
    assert facts["softmax"]["within_bands"] is True
    assert facts["network"]["n_steps"] == 60
    assert facts["network"]["within_bands"] is False  # after 60 steps
    assert facts["gradient_check"]["passed"] is True
    assert facts["engine_and_sweep"]["gradient"] < 1e-12  # rounding of numbers below 1
    assert facts["engine_and_sweep"]["loss"] < 1e-12
    ledger = facts["ledger"]
    total = sum(path["product"] for path in ledger["paths"]) + ledger["rest"]
    assert total == pytest.approx(ledger["gradient"], rel=1e-9)
    assert all(Path(path).is_file() for path in facts["files"])


def test_without_matplotlib_there_is_the_text(
    command: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = CliRunner().invoke(command, ["--output", str(tmp_path)])
    assert result.exit_code == 0
    assert "chainrule[plot]" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"lecture.txt", "lecture.json", "graph.svg"}


def test_an_output_that_is_a_file_is_refused_before_the_training(command: typer.Typer, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    result = CliRunner().invoke(command, ["--output", str(taken)])
    assert isinstance(result.exception, InputError)
    assert "is a file" in str(result.exception)
    assert taken.read_text() == "mine"


def test_the_lecture_is_the_same_for_the_same_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "NETWORK_STEPS", 20)
    first, second = (give_lecture(seed=4).to_dict() for _ in range(2))
    assert first == second
    assert first["mean_of_samples_difference"] < 1e-15  # rounding of numbers below 0.1
