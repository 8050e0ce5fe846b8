"""What was measured, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.networks.figures import (
    compare,
    describe_cell,
    mean_over_peer,
    median_seconds,
    paired_ratio,
    peers_in,
    summarize,
)
from benchmarks.networks.machine import machine_line
from benchmarks.networks.peers import OURS, PRODUCTS

Cell = Mapping[str, Any]


def render(results: Mapping[str, Any]) -> str:
    """Return every measurement that is there, one section each."""
    versions = {
        name: version
        for part in results.values()
        if isinstance(part, Mapping)
        for name, version in part.get("versions", {}).items()
    }
    sections = [machine_line(results["machine"], versions)]
    writers: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "grid": grid_section,
        "products": products_section,
        "first_fit": first_fit_section,
        "predict": predict_section,
        "memory": memory_section,
        "leak": leak_section,
        "kill": kill_section,
    }
    sections += [write(results[name]) for name, write in writers.items() if name in results]
    return "\n\n".join(sections) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int = 1) -> str:
    """Return a Markdown table; columns from ``numbers_from`` on are set to the right."""
    rule = ["---" if i < numbers_from else "---:" for i in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def milliseconds(seconds: float) -> str:
    """Return three significant digits."""
    return three_digits(1e3 * seconds)


def three_digits(value: float) -> str:
    decimals = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{decimals}f}"


def grid_section(found: Mapping[str, Any]) -> str:
    cells: list[Cell] = found["cells"]
    single = [cell for cell in cells if cell["dtype"] == "float32"]
    parts = ["### An epoch of Adam, over the grid", summary_words(single)]
    for threads in sorted({cell["threads"] for cell in single}):
        here = [cell for cell in single if cell["threads"] == threads]
        parts += [f"float32, {threads} thread{'s' * (threads > 1)}, ms an epoch:", epochs_table(here, everywhere=True)]
    double = [cell for cell in cells if cell["dtype"] == "float64"]
    if double:
        parts += [f"float64, {double[0]['threads']} threads, ms an epoch:", epochs_table(double, everywhere=True)]
    occasional = [
        cell for cell in single if set(peers_in([cell], everywhere=False)) - set(peers_in([cell], everywhere=True))
    ]
    if occasional:
        parts += [
            f"Also torch.compile, skorch, our estimator; batch 128, {occasional[0]['threads']} threads, ms an epoch:",
            epochs_table(occasional, everywhere=False),
        ]
    if found["unequal"]:
        parts.append(
            "\n".join(["Not timed, since the work was unequal:", "", *(f"- {why}" for why in found["unequal"])])
        )
    missing = missing_words(cells)
    return "\n\n".join(parts + ([missing] if missing else []))


def summary_words(cells: Sequence[Cell]) -> str:
    summary = summarize(cells)
    if summary is None:
        return "Nothing to compare: ours or every peer is missing."
    over = ", ".join(
        f"{peer} {mean:.2f}"
        for peer in peers_in(cells, everywhere=True)
        if (mean := mean_over_peer(cells, peer)) is not None
    )
    return (
        f"Ours over the fastest peer of each cell: geometric mean {summary.geometric_mean:.2f} over {summary.cells} "
        f"cells, faster in {summary.wins}, worst {summary.worst:.2f} ({summary.worst_where}: net / batch / threads). "
        f"Over each peer, geometric mean: {over}."
    )


def epochs_table(cells: Sequence[Cell], *, everywhere: bool) -> str:
    peers = peers_in(cells, everywhere=everywhere)
    head = ["net", "rows", "batch", *peers, "ours / fastest", "fastest peer"]
    rows = []
    for cell in cells:
        comparison = compare(cell)
        batch = "full" if cell["full"] else str(cell["batch"])
        times = [milliseconds(median_seconds(cell, peer)) if peer in cell["peers"] else "" for peer in peers]
        ratio = ["", ""] if comparison is None else [f"{comparison.over_fastest:.2f}", comparison.fastest]
        rows.append([cell["net"], f"{cell['rows']:,}", batch, *times, *ratio])
    return table(head, rows)


def missing_words(cells: Sequence[Cell]) -> str:
    reasons: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        for peer, why in cell["missing"].items():
            reasons.setdefault((peer, why), []).append(describe_cell(cell))
    lines = [
        f"- {peer}: {why.splitlines()[0] if why else 'no reason given'} "
        f"({len(where)} cell{'s' * (len(where) > 1)}, first {where[0]})"
        for (peer, why), where in reasons.items()
    ]
    return "\n".join(["Missing:", "", *lines]) if lines else ""


def products_section(found: Mapping[str, Any]) -> str:
    cells: list[Cell] = found["cells"]
    rows = []
    for cell in cells:
        if OURS not in cell["peers"] or PRODUCTS not in cell["peers"]:
            continue
        ours, least = cell["peers"][OURS]["seconds"], cell["peers"][PRODUCTS]["seconds"]
        flops = cell["product_flops"] / statistics.median(least) / 1e9
        rows.append(
            [
                str(cell["threads"]),
                *(milliseconds(statistics.median(seconds)) for seconds in (ours, least)),
                f"{paired_ratio(ours, least):.2f}",
                f"{flops:.0f}",
            ]
        )
    head = ["threads", "ours, ms", "products alone, ms", "ours / products", "the products' GFLOP/s"]
    title = f"### {cells[0]['net']}, batch {cells[0]['batch']}: over its matrix products alone"
    return "\n\n".join(part for part in (title, table(head, rows, 0), missing_words(cells)) if part)


def first_fit_section(found: Mapping[str, Any]) -> str:
    rows = [
        [name, milliseconds(statistics.median(times["process"])), milliseconds(statistics.median(times["fit"]))]
        for name, times in found["peers"].items()
    ]
    words = (
        f"The first fit in a new process: {found['rows']} rows, net {found['net']}, {found['epochs']} epochs of "
        f"batch {found['batch']}; medians of {found['runs']} processes."
    )
    head = ["", "process start to trained, ms", "of it the fit, ms"]
    return "\n\n".join(["### First fit", words, table(head, rows), *_missing_list(found["missing"])])


def predict_section(found: Mapping[str, Any]) -> str:
    one, many = found["one_row"], found["many_rows"]
    per_row = [[peer, f"{1e6 * median_seconds(one, peer):.1f}"] for peer in one["peers"]]
    parts = [
        "### Prediction",
        f"`predict_proba` of one row of {one['net']}, {one['dtype']}, {one['threads']} thread:",
        table(["", "us"], per_row),
    ]
    for cell in many:
        rates = [[peer, f"{cell['rows'] / median_seconds(cell, peer):,.0f}"] for peer in cell["peers"]]
        words = f"{cell['rows']:,} rows of {cell['net']}, {cell['dtype']}, {cell['threads']} threads, rows a second:"
        parts += [words, table(["", "rows / s"], rates)]
    missing = missing_words([one, *many])
    return "\n\n".join(parts + ([missing] if missing else []))


def memory_section(found: Mapping[str, Any]) -> str:
    rows = [
        [peer, f"{share['peak_mb']:.1f}", f"{share['peak_mb'] / found['X_mb']:.3f}"]
        for peer, share in found["peers"].items()
    ]
    words = (
        f"Training {found['net']}, batch {found['batch']}, on {found['rows']:,} rows (X: {found['X_mb']:.0f} MB, "
        "float32): resident peak of the process above where it stood with X, libraries loaded and a tiny net trained."
    )
    head = ["", "beyond X, MB", "share of X"]
    return "\n\n".join(["### Memory", words, table(head, rows), *_missing_list(found["missing"])])


def leak_section(found: Mapping[str, Any]) -> str:
    rows = [
        [name, f"{part['fits']:,}", f"{part['start_mb']:.1f}", f"{part['end_mb']:.1f}", f"{part['growth_kb']:+.0f}"]
        for name, part in found["kinds"].items()
    ]
    head = ["", "fits", "resident after the warm-up, MB", "at the end, MB", "growth, KB"]
    words = f"Beyond {found['limit_kb']:,} KB it would be called a leak."
    return "\n\n".join(["### Many small fits", table(head, rows), words, *_missing_list(found["missing"])])


def kill_section(found: Mapping[str, Any]) -> str:
    return (
        "### kill -9\n\n"
        f"A training of {found['epochs']} epochs that keeps checkpoints was killed at {found['kills']} random moments "
        f"and resumed: {found['same_bits']} ended in the bits of the run that was never stopped, {found['unreadable']} "
        f"left an unreadable file. They went on after {found['resumed_after'][0]} to {found['resumed_after'][1]} whole "
        f"epochs ({found['found_nothing']} found no checkpoint yet; {found['ended_before']} had ended before the kill)."
        + "".join(f"\n\nA resume failed: {why}" for why in found["failures"])
    )


def _missing_list(missing: Mapping[str, str]) -> list[str]:
    return ["\n".join(["Missing:", "", *(f"- {name}: {why}" for name, why in missing.items())])] if missing else []
