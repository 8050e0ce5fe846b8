"""The benchmarks' own laws: what is compared is the same work, and what is told is what was measured."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the benchmarks are no part of the installed package

from benchmarks.networks import figures, lineup, memory, predict, problems, products, tables  # noqa: E402
from benchmarks.networks.peers import ESTIMATOR, JAX, OURS, PRODUCTS, SKLEARN, TORCH, make_peer  # noqa: E402

TINY = problems.Problem((5, 8, 3), 70, 16)  # 16 does not divide 70: the last batch is a short one
SECONDS = st.floats(1e-6, 1e3)


def cell(threads=1, missing=None, **seconds):
    named = {"ours": OURS, "torch": TORCH, "jax": JAX, "estimator": ESTIMATOR, "products": PRODUCTS}
    return {
        "net": "5-8-3",
        "rows": 70,
        "batch": 16,
        "full": False,
        "steps": 5,
        "dtype": "float32",
        "threads": threads,
        "missing": missing or {},
        "peers": {named[name]: {"seconds": of, "cores": 1.0, "loss": 1.0} for name, of in seconds.items()},
    }


@given(st.lists(st.tuples(SECONDS, SECONDS, SECONDS), min_size=1, max_size=9))
def test_a_slow_round_does_not_change_a_paired_ratio(rounds):
    ours = [a for a, _, _ in rounds]
    theirs = [b for _, b, _ in rounds]
    slowed = [a * slow for a, _, slow in rounds], [b * slow for _, b, slow in rounds]
    # Two roundings more on each side.
    assert figures.paired_ratio(*slowed) == pytest.approx(figures.paired_ratio(ours, theirs), rel=1e-14)


def test_ratios_are_paired_or_refused():
    assert figures.paired_ratio([1.0, 1.0, 9.0], [2.0, 2.0, 2.0]) == 0.5
    with pytest.raises(ValueError, match="paired by rounds: got 1 and 2"):
        figures.paired_ratio([1.0], [1.0, 2.0])


def test_the_fastest_peer_has_the_smallest_median_and_is_not_one_of_ours():
    # JAX has the fastest single round, PyTorch the smaller median.
    one = cell(ours=[1, 1, 1], torch=[2, 2, 2], jax=[0.5, 4, 4], estimator=[0.1] * 3, products=[0.1] * 3)
    comparison = figures.compare(one)
    assert comparison.fastest == TORCH
    assert comparison.over_fastest == 0.5
    assert comparison.over_each == {TORCH: 0.5, JAX: 0.25}
    assert figures.compare(cell(ours=[1])) is None
    assert figures.compare(cell(torch=[1])) is None


def test_a_summary_tells_the_mean_and_the_worst_cell():
    summary = figures.summarize([cell(ours=[1], torch=[4]), cell(threads=2, ours=[2], torch=[1]), cell(ours=[1])])
    assert summary.cells == 2
    assert summary.geometric_mean == pytest.approx(math.sqrt(0.25 * 2))
    assert (summary.worst, summary.worst_where, summary.wins) == (2, "5-8-3 / 16 / 2", 1)
    assert figures.summarize([]) is None


def test_equal_work_passes_rounding_and_names_who_did_other_work():
    losses = {OURS: 1.0, TORCH: 1.00001, JAX: 0.99999}
    allowed = dict.fromkeys(losses, 1e-4)
    lineup.check_equal_work(losses, 2.0, allowed, "here")
    lineup.check_equal_work({name: 3 - loss for name, loss in losses.items()}, 1.0, allowed, "a loss that rose")
    lineup.check_equal_work({**losses, SKLEARN: 1.01}, 2.0, {**allowed, SKLEARN: 0.02}, "epsilon elsewhere")
    with pytest.raises(lineup.UnequalWork, match=r"here: .*but JAX 1\.1$"):
        lineup.check_equal_work({**losses, JAX: 1.1}, 2.0, allowed, "here")
    with pytest.raises(lineup.UnequalWork, match="PyTorch nan"):
        lineup.check_equal_work({**losses, TORCH: math.nan}, 2.0, allowed, "here")
    with pytest.raises(lineup.UnequalWork, match="took the loss from 1 to 1"):
        lineup.check_equal_work(losses, 1.0, allowed, "here")


def loss_after_first_epoch(peer, problem):
    X, labels = problems.make_rows(problem)
    peer.prepare(problem, X, labels, problems.make_start(problem))
    return problems.mean_cross_entropy(peer.first_epoch(problems.first_order(problem)), X, labels, problem.sizes)


@pytest.mark.parametrize("problem", [TINY, replace(TINY, batch=70), replace(TINY, dtype="float64")], ids=str)
def test_engine_estimator_and_scikit_learn_do_equal_work(problem):
    losses = {name: loss_after_first_epoch(make_peer(name), problem) for name in (OURS, ESTIMATOR, SKLEARN)}
    X, labels = problems.make_rows(problem)
    start_loss = problems.mean_cross_entropy(problems.make_start(problem), X, labels, problem.sizes)
    allowed = {name: lineup.tolerance(name, problem.dtype) for name in losses}
    lineup.check_equal_work(losses, start_loss, allowed, "tiny")


def test_a_wrong_learning_rate_and_a_wrong_order_are_noticed():
    right = make_peer(OURS)
    wrong_rate, wrong_order = make_peer(OURS), make_peer(OURS)
    losses = {name: loss_after_first_epoch(make_peer(name), TINY) for name in (OURS, SKLEARN)}
    X, labels = problems.make_rows(TINY)
    start = problems.make_start(TINY)
    start_loss = problems.mean_cross_entropy(start, X, labels, TINY.sizes)
    for peer in (right, wrong_rate, wrong_order):
        peer.prepare(TINY, X, labels, start)
    wrong_rate.rates = 1.1 * wrong_rate.rates
    order = problems.first_order(TINY)
    allowed = {name: lineup.tolerance(name, "float32") for name in (*losses, "wrong")}
    for peer, seen in ((wrong_rate, order), (wrong_order, order[::-1].copy())):
        other = problems.mean_cross_entropy(peer.first_epoch(seen), X, labels, TINY.sizes)
        with pytest.raises(lineup.UnequalWork, match="but wrong"):
            lineup.check_equal_work({**losses, "wrong": other}, start_loss, allowed, "tiny")


def test_going_back_to_the_start_repeats_the_epoch():
    for name in (OURS, SKLEARN):
        peer = make_peer(name)
        first = loss_after_first_epoch(peer, TINY)
        peer.train(3)
        X, labels = problems.make_rows(TINY)
        again = peer.first_epoch(problems.first_order(TINY))
        assert problems.mean_cross_entropy(again, X, labels, TINY.sizes) == first


def test_other_probabilities_are_noticed():
    p = np.full((2, 3), 1 / 3)
    predict.check_same_probabilities({OURS: p, TORCH: p + 1e-7, JAX: p}, "here")
    with pytest.raises(lineup.UnequalWork, match="other probabilities from PyTorch"):
        predict.check_same_probabilities({OURS: p, TORCH: p + 1e-3, JAX: p}, "here")


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_layers_are_views_of_the_flat_vector(sizes):
    flat = np.arange(problems.count_parameters(tuple(sizes)), dtype=float)
    layers = problems.layers_of(flat, tuple(sizes))
    assert [W.shape for W, _ in layers] == list(pairwise(sizes))
    np.testing.assert_array_equal(problems.flatten(layers), flat)
    layers[-1][1][...] = -1
    assert (flat[-sizes[-1] :] == -1).all()


def test_the_grid_ends_every_net_with_the_full_batch():
    cells = problems.grid((1, 2))
    assert len(cells) == len(set(cells)) == 2 * (7 * 6 - 1)  # 300 rows have no batch of 1024
    assert all(problem.batch <= problem.rows for problem in cells)
    assert sum(problem.full for problem in cells) == 2 * 7


@given(SECONDS, st.integers(3, 15), st.floats(0.1, 100))
def test_rounds_keep_to_the_budget(cost, rounds, budget):
    n = lineup.affordable_rounds(cost, rounds, budget)
    assert n % 2 == 1
    assert 3 <= n <= rounds
    assert n == 3 or n * cost <= budget


def test_the_products_are_counted():
    # Two layers: 2 * 5 * 8 + 3 * 8 * 3 multiplications and as many additions for each row.
    assert products.product_flops(TINY) == 2 * 70 * (2 * 40 + 3 * 24)


def test_the_peak_is_above_what_is_resident_now():
    assert memory.resident("VmHWM") >= 0.99 * memory.resident("VmRSS") > 1e6  # the kernel counts pages in batches


def results():
    one = cell(ours=[0.001, 0.002], torch=[0.004, 0.004], missing={JAX: "No module named 'jax'"})
    two = {**cell(ours=[1.0], products=[0.5]), "product_flops": 10**9}
    return {
        "machine": {
            "processor": "a processor",
            "cores": 2,
            "memory_gb": 4,
            "load": 0.0,
            "system": "Linux 6",
            "python": "3.11",
            "simd": "v3",
            "date": "2026-01-01",
        },
        "grid": {"cells": [one, {**one, "dtype": "float64"}], "versions": {"torch": "2"}, "unequal": ["5-8-3: no"]},
        "products": {"cells": [two], "versions": {}},
        "predict": {"one_row": one, "many_rows": [one]},
        "first_fit": {
            "net": "4-100-3",
            "rows": 150,
            "batch": 150,
            "epochs": 200,
            "runs": 2,
            "peers": {OURS: {"process": [0.1, 0.3], "fit": [0.01, 0.02]}},
            "missing": {TORCH: "not installed"},
        },
        "memory": {"net": "n", "batch": 1, "rows": 2, "X_mb": 100.0, "peers": {OURS: {"peak_mb": 5.0}}, "missing": {}},
        "leak": {
            "kinds": {OURS: {"fits": 10, "start_mb": 1.0, "end_mb": 1.0, "growth_kb": 0.0}},
            "missing": {},
            "limit_kb": 1024,
        },
        "kill": {
            "epochs": 1,
            "kills": 2,
            "same_bits": 2,
            "unreadable": 0,
            "found_nothing": 1,
            "ended_before": 0,
            "failures": [],
            "resumed_after": [0, 3],
        },
    }


def test_every_table_is_a_table_and_says_who_is_missing():
    text = tables.render(results())
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 8
    for block in blocks:
        assert len({line.count("|") for line in block}) == 1, block
    assert "| 5-8-3 | 70 | 16 | 1.50 | 4.00 |  | 0.38 | PyTorch |" in text
    assert "geometric mean 0.38 over 1 cells" in text
    assert "- JAX: No module named 'jax' (2 cells, first 5-8-3 / 16 / 1)" in text
    assert "- PyTorch: not installed" in text
    assert "| 1 | 1,000 | 500 | 2.00 | 2 |" in text
    assert "torch 2" in text
    assert "unequal:\n\n- 5-8-3: no" in text


def test_the_pictures_are_drawn(tmp_path):
    from benchmarks.networks.plots import draw

    paths = draw([cell(ours=[0.1], torch=[0.4]), cell(threads=2, torch=[0.4])], tmp_path)
    assert [path.name for path in paths] == ["ratio.svg", "epochs.svg"]
    assert all("</svg>" in path.read_text() for path in paths)


def test_publishing_replaces_what_was_measured_before_and_refuses_quick_runs(tmp_path):
    from benchmarks.networks import __main__ as command

    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text(f"above\n\n{command.BEGIN}\nold\n{command.END}\n\nbelow\n")
    folder = tmp_path / "out"
    folder.mkdir()
    command.write(results(), folder)
    command.draw_pictures(results(), folder)
    for _ in range(2):
        command.publish(folder, page, page.parent / "images")
        text = page.read_text()
        assert text.startswith("above\n")
        assert text.endswith("\nbelow\n")
        assert "old" not in text
        assert text.count("### An epoch of Adam") == text.count("](images/ratio.svg)") == 1
    command.write({**results(), "leak": {**results()["leak"], "quick": True}}, folder)
    with pytest.raises(SystemExit, match="quick run"):
        command.publish(folder, page, page.parent / "images")


def test_workers_take_turns_without_the_peer_that_is_not_installed(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    peers = (OURS, SKLEARN, TORCH)
    with lineup.Lineup(peers, 1) as workers:
        found = lineup.run_cell(workers, peers, TINY, rounds=3, budget=0.1)
        with pytest.raises(lineup.PeerFailed, match="AttributeError"):
            workers.workers[OURS].ask("prepare_nothing")
        with pytest.raises(lineup.PeerFailed, match="no answer within"):
            workers.workers[SKLEARN].ask("time_epochs", 10**6, patience=0.05)
        again = lineup.run_cell(workers, (OURS, SKLEARN), TINY, rounds=3, budget=0.1)  # with a new process
    assert found["missing"] == {TORCH: "no torch here"}
    assert {peer: len(of["seconds"]) for peer, of in found["peers"].items()} == {OURS: 3, SKLEARN: 3}
    assert all(second > 0 for of in found["peers"].values() for second in of["seconds"])
    assert set(again["peers"]) == {OURS, SKLEARN}
