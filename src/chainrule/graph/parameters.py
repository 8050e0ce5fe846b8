"""All parameters in one flat vector, each a named view: solvers, files and all-reduce need no packing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np

from chainrule._typing import Array
from chainrule.errors import InputError
from chainrule.graph.operation import listed


class ParameterLayout(Mapping[str, tuple[int, ...]]):
    """Names and shapes of parameters, in the order in which they stand in the flat vector."""

    def __init__(self, shapes: Mapping[str, tuple[int | str, ...]]) -> None:
        self._shapes = {name: tuple(int(extent) for extent in shape) for name, shape in shapes.items()}
        self._slices: dict[str, slice] = {}
        start = 0
        for name, shape in self._shapes.items():
            self._slices[name] = slice(start, start + prod(shape))
            start += prod(shape)
        self.size = start

    def __getitem__(self, name: str) -> tuple[int, ...]:
        return self._shapes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def __repr__(self) -> str:
        return f"<ParameterLayout of {len(self)} parameters, {self.size:,} numbers>"

    def count(self, name: str) -> int:
        """Return how many numbers the parameter holds."""
        return prod(self._shapes[name])

    def where(self, name: str) -> slice:
        """Return the parameter's place in the flat vector."""
        return self._slices[name]

    def views(self, flat: Array) -> dict[str, Array]:
        """Return the parameters as views of ``flat``: writing to one writes to the vector."""
        if flat.shape != (self.size,):
            raise InputError(f"the parameters are a vector of {self.size} numbers, got shape {flat.shape}")
        return {name: flat[self._slices[name]].reshape(shape) for name, shape in self._shapes.items()}

    def flatten(self, parameters: Mapping[str, Array], dtype: type = np.float64) -> Array:
        """Return the flat vector of named arrays; raises `InputError` for a wrong name or shape."""
        if set(parameters) != set(self._shapes):
            missing = [name for name in self._shapes if name not in parameters]
            unknown = [name for name in parameters if name not in self._shapes]
            raise InputError(
                f"parameters missing: {listed(missing) or 'none'}; not parameters of this graph: "
                f"{listed(unknown) or 'none'}. Give exactly {listed(self._shapes)}."
            )
        flat: Array = np.empty(self.size, dtype=dtype)
        for name, view in self.views(flat).items():
            given = np.asarray(parameters[name])
            if given.shape != view.shape:
                raise InputError(f"parameter {name!r} has shape {view.shape}, got {given.shape}")
            view[...] = given
        return flat
