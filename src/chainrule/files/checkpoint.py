"""A training run as a file: stopped at any moment, even by the power going, it goes on as if it had never stopped.

The file is a container as model files are (docs/model-file.md): one JSON document, arrays, and a checksum over all. It
is replaced in one step once the new one is on the disk, so that there is a whole one at every moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.errors import ChainruleError, InputError, ModelFileError
from chainrule.files.atomic import check_target, replacing
from chainrule.files.container import CHECKPOINT, pack, unpack
from chainrule.solvers import RunState

FORMAT = "chainrule checkpoint"
VERSION = 1


@dataclass(frozen=True)
class Checkpoint:
    """Where a run is kept as it goes, and how often.

    Attributes
    ----------
    path
        The file; what stands there is replaced.
    every_epochs, every_seconds
        Once so many epochs have passed, or so many seconds (then also within an epoch), whichever comes first; every
        epoch where neither is given. The end of a run, Ctrl-C included, is always kept.
    """

    path: str | Path
    every_epochs: int | None = None
    every_seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("every_epochs", "every_seconds"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0):
                raise InputError(f"{name} must be a number > 0, got {value!r}")

    def due(self, epochs: int, seconds: float) -> bool:
        """Return whether to keep the run, so many epochs and seconds after it was kept last."""
        if self.every_seconds is not None and seconds >= self.every_seconds:
            return True
        every = 1 if self.every_epochs is None and self.every_seconds is None else self.every_epochs
        return every is not None and epochs >= every

    def find(self, recipe: Mapping[str, Any]) -> RunState | None:
        """Return the state that is kept there, None if there is no file; see `load_checkpoint` for errors."""
        return load_checkpoint(self.path, recipe) if Path(self.path).exists() else None

    def keeper(self, recipe: Mapping[str, Any]) -> CheckpointKeeper:
        """Return what keeps a run with this recipe; raises `InputError` if there can't be a file."""
        check_target(self.path)
        return CheckpointKeeper(self, recipe)


@dataclass(frozen=True)
class CheckpointKeeper:
    """Keeps the states of one run."""

    checkpoint: Checkpoint
    recipe: Mapping[str, Any]

    def due(self, epochs: int, seconds: float) -> bool:
        """Return whether to keep the run, so many epochs and seconds after it was kept last."""
        return self.checkpoint.due(epochs, seconds)

    def keep(self, run: RunState) -> None:
        """Write the run to its file."""
        save_checkpoint(run, self.checkpoint.path, self.recipe)


def save_checkpoint(run: RunState, path: str | Path, recipe: Mapping[str, Any]) -> None:
    """Write a run to one file, whole or not at all.

    Parameters
    ----------
    run
        Where it stands.
    path
        Where; what stands there is replaced in one step once everything is on the disk.
    recipe
        What the run is a function of, as JSON: a resumed run has to have the same.

    Raises
    ------
    InputError
        If the file cannot be written: an existing one is untouched.
    """
    numbers, arrays = run.to_arrays()
    document = {"format": FORMAT, "version": VERSION, "recipe": dict(recipe), "run": numbers}
    packed = pack(document, arrays)
    # One run writes here. What a killed one left behind has this name too, so that it does not pile up.
    with replacing(path, scratch=f".{Path(path).name}.partial") as temporary:
        temporary.write_bytes(packed)


def load_checkpoint(path: str | Path, recipe: Mapping[str, Any] | None = None) -> RunState:
    """Read where a run stood.

    Parameters
    ----------
    path
        The file.
    recipe
        What the run that is to go on is a function of; None takes the file as it is.

    Raises
    ------
    ModelFileError
        If it is no checkpoint, was cut short or changed, or comes from a newer version.
    InputError
        If it belongs to a run with another recipe: says where they differ.
    """
    path = Path(path)
    document, arrays = unpack(path, CHECKPOINT)
    kind, version = document.get("format"), document.get("version")
    if kind != FORMAT or not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ModelFileError(f"'{path}' holds no checkpoint: its format is {kind!r}, version {version!r}.")
    if version > VERSION:
        raise ModelFileError(
            f"the checkpoint '{path}' was written by a newer chainrule (its format is version {version}, this "
            f"chainrule reads up to {VERSION}). Upgrade: pip install --upgrade chainrule"
        )
    if not isinstance(document.get("run"), dict) or not isinstance(document.get("recipe"), dict):
        raise ModelFileError(f"the checkpoint '{path}' cannot be used: its description is malformed.")
    if recipe is not None:
        _check_recipe(path, document["recipe"], recipe)
    try:
        return RunState.from_arrays(document["run"], arrays)
    except ChainruleError as error:
        raise ModelFileError(f"the checkpoint '{path}' cannot be used: {error}") from error


def _check_recipe(path: Path, kept: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    differences = [difference for part in given for difference in _differences(part, kept.get(part), given[part])]
    if differences:
        raise InputError(
            f"the checkpoint '{path}' belongs to another run: {'; '.join(differences)}. Resume with the same data and "
            "options, or begin anew without resume: the file is replaced then."
        )


def _differences(part: str, kept: Any, given: Any) -> list[str]:
    """Return in words where two parts of recipes differ."""
    if kept == given:
        return []
    if not isinstance(kept, Mapping) or not isinstance(given, Mapping):
        return [f"its {part} is another one" if kept and given else f"one has {part}, the other has not"]
    names = [name for name in given if name in kept and kept[name] != given[name]]
    if names in ([], ["checksum"]):
        return [f"its {part} has other values"]
    owner = "" if part == "options" else f"{part} "
    return [
        f"{owner}{name} is {kept.get(name)!r} there, {given.get(name)!r} here" for name in names if name != "checksum"
    ]
