"""A model as a file, and back. Format: docs/model-file.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._typing import Float64Array
from chainrule.errors import ChainruleError, InputError, ModelFileError
from chainrule.files.atomic import replacing
from chainrule.files.container import pack, unpack
from chainrule.graph import Graph
from chainrule.model import Model

FORMAT = "chainrule model"
VERSION = 1
_MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def save_model(model: Model, path: str | Path) -> Path:
    """Write a model to one file, whole or not at all.

    Parameters
    ----------
    model
        What to save.
    path
        Where; what stands there is replaced in one step once everything is on the disk. By custom it ends in
        ``.chainrule``.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    InputError
        If the file cannot be written (no such directory, disk full ...): an existing file is untouched. Also
        if a parameter is NaN or infinite.
    """
    path = Path(path)
    for name, values in model.parameter_arrays.items():
        if not np.isfinite(values).all():
            raise InputError(f"parameter {name!r} has NaN or infinite entries: such a model is not saved")
    packed = pack(_describe(model), model.parameter_arrays)
    with replacing(path) as temporary:
        temporary.write_bytes(packed)
    return path


def load_model(path: str | Path) -> Model:
    """Read a model that `save_model` wrote. Runs no code from the file, and believes nothing in it unchecked.

    Parameters
    ----------
    path
        The model file.

    Raises
    ------
    ModelFileError
        If it is no model, was cut short or changed, comes from a newer version, or its parts don't fit
        together.
    """
    path = Path(path)
    document, arrays = unpack(path)
    try:
        _check_version(path, document)
        graph = Graph.from_dict(document["graph"])
        return _build(path, graph, document, arrays)
    except ModelFileError:
        raise
    except ChainruleError as error:
        raise ModelFileError(f"the model file '{path}' cannot be used: {error}") from error
    except _MALFORMED as error:
        what = f"{type(error).__name__}: {error}"
        raise ModelFileError(
            f"the model file '{path}' cannot be used: its description is malformed ({what})."
        ) from error


def _describe(model: Model) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "writer": _package_version(),
        "graph": model.graph.to_dict(),
        "labels": model.labels.to_dict(),
        "encoding": None if model.encoding is None else model.encoding.to_dict(),
        "dtype": model.dtype,
        "feature_names": list(model.feature_names),
        "record": dict(model.record),
    }


def _package_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("chainrule")
    except PackageNotFoundError:  # run from the source tree
        return "unknown"


def _check_version(path: Path, document: Mapping[str, Any]) -> None:
    version = document.get("version")
    if document.get("format") != FORMAT or not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ModelFileError(f"'{path}' holds no model: its format is {document.get('format')!r}, version {version!r}.")
    if version > VERSION:
        raise ModelFileError(
            f"the model file '{path}' was written by a newer chainrule ({document.get('writer')}; its format "
            f"is version {version}, this chainrule reads up to {VERSION}). "
            "Upgrade: pip install --upgrade chainrule"
        )


def _build(path: Path, graph: Graph, document: Mapping[str, Any], arrays: Mapping[str, Float64Array]) -> Model:
    from chainrule.tables import Encoding, LabelEncoding

    _check_parameters(path, graph, arrays)
    record, names, encoding = document["record"], document["feature_names"], document["encoding"]
    if not isinstance(record, dict):
        raise TypeError("record is no object")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError("feature_names is no list of texts")
    return Model(
        graph=graph,
        parameters=graph.parameters.flatten(arrays),
        labels=LabelEncoding.from_dict(document["labels"]),
        encoding=None if encoding is None else Encoding.from_dict(encoding),
        dtype=document["dtype"],
        feature_names=tuple(names),
        record=record,
    )


def _check_parameters(path: Path, graph: Graph, arrays: Mapping[str, Float64Array]) -> None:
    """Compare the arrays with the graph before anything is allocated by the graph's word."""
    where = f"the model file '{path}' cannot be used"
    for name, shape in graph.parameters.items():
        if name not in arrays:
            raise ModelFileError(f"{where}: its graph needs a parameter {name!r}, which is missing.")
        if arrays[name].shape != shape:
            raise ModelFileError(
                f"{where}: parameter {name!r} has shape {arrays[name].shape}, its graph needs {shape}."
            )
        if not np.isfinite(arrays[name]).all():
            raise ModelFileError(f"{where}: parameter {name!r} holds NaN or infinite values.")
    unknown = [name for name in arrays if name not in graph.parameters]
    if unknown:
        raise ModelFileError(f"{where}: its graph has no parameter {unknown[0]!r}, but the file has.")
