"""The arena: values whose lifetimes do not overlap share memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Use:
    """When a value is needed, first and last instruction included, and how many columns it has."""

    first: int
    last: int
    columns: int


def allot(uses: Mapping[K, Use]) -> dict[K, int]:
    """Return an offset in columns for every value.

    Only values with equally many columns share memory: a row then stands in the same place for all of them, so that
    blocks of rows may be at different instructions without touching each other's.
    """
    offsets: dict[K, int] = {}
    free: defaultdict[int, list[int]] = defaultdict(list)  # offsets by columns
    busy: list[tuple[int, int, int]] = []  # (last instruction, offset, columns)
    end = 0
    for key, use in sorted(uses.items(), key=lambda item: item[1].first):
        while busy and busy[0][0] < use.first:
            _, offset, columns = heappop(busy)
            heappush(free[columns], offset)
        if free[use.columns]:
            offset = heappop(free[use.columns])
        else:
            offset, end = end, end + use.columns
        offsets[key] = offset
        heappush(busy, (use.last, offset, use.columns))
    return offsets
