"""A table and options in, a model out: the one call behind every face."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import numpy as np

from chainrule._typing import Float64Array
from chainrule.errors import InputError
from chainrule.graph import Graph
from chainrule.model import Model
from chainrule.training.network import build_network, fit_network, hold_out
from chainrule.training.network_options import NetworkOptions
from chainrule.training.prepare import Prepared, prepare_table
from chainrule.training.rows import class_weights, total_weight
from chainrule.training.softmax import SoftmaxOptions, fit_softmax
from chainrule.training.table_options import NetworkRecipe

ClassWeight: TypeAlias = Mapping[Any, float] | Literal["balanced"]

# A network takes standardised numbers no further than this: one far value would drive all it meets into one corner. On
# MNIST, where the pixels of the rim are 0 but in a few images, 3 gives 98.35 % on the test images, 5 98.16 %, no
# limit 97.98 % (784-256-128-10, the same recipe). A linear model is given every number as it is.
NETWORK_CLIP = 3.0


def train(
    data: Any,
    target: str,
    *,
    options: SoftmaxOptions | NetworkOptions | NetworkRecipe | None = None,
    class_weight: ClassWeight | None = None,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    keep: Sequence[str] = (),
    test_size: float = 0.2,
    seed: int = 0,
    callback: Any = None,
    checkpoint: Any = None,
    resume: bool = False,
) -> Model:
    """Train a softmax classifier or a network on a table.

    Parameters
    ----------
    data
        A path (CSV, TSV, Parquet, JSON lines; a glob for several files), a DataFrame, or a `Table`.
    target
        The column to predict; rows where it is missing are left out.
    options
        What to train and how: `SoftmaxOptions` (the default), `NetworkOptions`, which have scikit-learn's defaults,
        or a `NetworkRecipe`, which fits a network's options to the table's size.
    class_weight
        ``"balanced"`` or a factor per class label; for the softmax classifier its options say it too.
    drop
        Columns to leave out.
    categorical
        Columns of numbers that are names (codes, years) and get one feature per value.
    keep
        Columns to use although they look like identifiers.
    test_size
        Share of the rows held out for the evaluation in the model's record; 0 trains on every row.
    seed
        Of the split, of the rows that a network watches, and of any random start.
    callback
        Told of every iteration of the softmax classifier's solver (`chainrule.solvers.Progress`), or where a network
        is (`chainrule.solvers.EpochProgress`); then it ends the training by returning True.
    checkpoint
        For a network: a `chainrule.files.Checkpoint`, where the run is kept as it goes.
    resume
        Go on from the checkpoint, if it is there; everything else must be as it was.

    Returns
    -------
    Model
        Its ``record`` tells what was trained on what and how well it does on the rows held out.

    Raises
    ------
    TableError
        If the table can't be read, or lacks what is needed.
    InputError
        For an option that makes no sense.
    NonFiniteError
        If the loss of a network becomes NaN or infinite.
    """
    began = time.perf_counter()
    network = isinstance(options, NetworkOptions | NetworkRecipe)
    if not network and (checkpoint is not None or resume):
        raise InputError("checkpoints are for networks; a softmax classifier is trained in one go")
    prepared = prepare_table(
        data,
        str(target),  # a frame's column names may be numbers; a table's are text
        drop=drop,
        categorical=categorical,
        keep=keep,
        test_size=test_size,
        seed=seed,
        clip=NETWORK_CLIP if network else None,
    )
    encoded = time.perf_counter()
    if isinstance(options, NetworkOptions | NetworkRecipe):
        trained = _train_network(prepared, options, class_weight, callback, checkpoint, resume)
    else:
        trained = _train_softmax(prepared, options or SoftmaxOptions(random_state=seed), class_weight, callback)
    model = Model(
        graph=trained.graph,
        parameters=trained.parameters,
        labels=prepared.labels,
        encoding=prepared.encoding,
        dtype=str(prepared.X.dtype),
        feature_names=tuple(prepared.encoding.feature_names),
        record={
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "data": prepared.data_record(),
            "split": prepared.split_record() | trained.split,
            "options": trained.options,
            "fit": trained.fit,
            "seconds": {"prepare": encoded - began, "fit": trained.fit["seconds"]},
        },
    )
    return _evaluated(model, prepared) if len(prepared.split.test) else model


@dataclass(frozen=True, eq=False)
class _Trained:
    """What either kind of training leaves: graph, parameters, and facts for the record."""

    graph: Graph
    parameters: Float64Array
    options: dict[str, Any]
    fit: dict[str, Any]
    split: dict[str, Any]


def _train_softmax(
    prepared: Prepared, options: SoftmaxOptions, class_weight: ClassWeight | None, callback: Any
) -> _Trained:
    if class_weight is not None:
        if options.class_weight is not None:
            raise InputError("class_weight is given twice, alone and in the options: leave one out")
        options = replace(options, class_weight=class_weight)
    weights = class_weights(options.class_weight, prepared.y_train, prepared.labels.classes)
    fit = fit_softmax(
        prepared.X, prepared.y_train, prepared.n_classes, options, sample_weight=weights, callback=callback
    )
    return _Trained(fit.graph, fit.parameters, _plain(asdict(options)), fit.to_record(), {})


def _train_network(
    prepared: Prepared,
    options: NetworkOptions | NetworkRecipe,
    class_weight: ClassWeight | None,
    callback: Any,
    checkpoint: Any,
    resume: bool,
) -> _Trained:
    X, y = prepared.X, prepared.y_train
    if isinstance(options, NetworkRecipe):
        options = options.options(len(y), seed=prepared.seed)
    weights = class_weights(class_weight, y, prepared.labels.classes)
    rows, validation, counts = None, None, {}
    if options.early_stopping:
        rows, validation = hold_out(X, y, options, weights)
        counts = {"n_fit": len(rows), "n_validation": len(validation.labels)}
    fit = fit_network(
        X,
        y,
        build_network(X.shape[1], prepared.n_classes, options, mass=total_weight(y, weights, rows)),
        options,
        rows=rows,
        sample_weight=weights,
        validation=validation,
        callback=callback,
        checkpoint=checkpoint,
        resume=resume,
    )
    chosen = options.to_record() | {"class_weight": _plain_weights(class_weight)}
    return _Trained(fit.graph, fit.parameters, chosen, fit.to_record(), counts)


def _evaluated(model: Model, prepared: Prepared) -> Model:
    """Return the model with an evaluation on the rows held out, and a note if copies of these were trained on."""
    from chainrule.evaluation import evaluate
    from chainrule.tables.copies import count_copies, row_keys

    y, split = prepared.y, prepared.split
    rows = prepared.rows.take(split.test)
    baseline = np.bincount(prepared.y_train, minlength=prepared.n_classes) / len(split.train)
    evaluation = evaluate(model.predict_proba(rows), y[split.test], prepared.labels.classes, baseline=baseline)
    keys = row_keys(prepared.X), row_keys(prepared.encoding.transform(rows))
    copies, same = count_copies(keys[0], prepared.y_train, keys[1], y[split.test])
    data, halves = dict(model.record["data"]), dict(model.record["split"])
    if copies:
        halves["copies"] = {"n_rows": copies, "same_label": same}
        data["notes"] = [*data["notes"], _copies_note(copies, same, len(split.test))]
    return model.with_record(data=data, split=halves, evaluation=evaluation.to_dict())


def _copies_note(copies: int, same: int, held_out: int) -> str:
    are = "is the same" if copies == 1 else "are the same"
    share = 100 * copies / held_out
    return (
        f"{copies:,} of the {held_out:,} rows held out ({share:.1f} %) {are} in every feature as a row trained on, "
        f"{same:,} with the same label there: on these the figures show memory, not foresight"
    )


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Make the softmax classifier's options JSON: infinity as text."""
    if np.isinf(options["C"]):
        options["C"] = "inf"
    return options | {"class_weight": _plain_weights(options["class_weight"])}


def _plain_weights(class_weight: ClassWeight | None) -> Any:
    """Make class weights JSON: labels of any type as text."""
    if isinstance(class_weight, Mapping):
        return {str(key): float(value) for key, value in class_weight.items()}
    return class_weight
