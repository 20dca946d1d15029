"""A cache that is bounded by the bytes of what it keeps, not by their number."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")


class Budget(Generic[V]):
    """Least recently used values go first once all together weigh more than ``max_bytes``."""

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._kept: OrderedDict[str | bytes, tuple[V, int]] = OrderedDict()
        self._weight = 0

    def get(self, key: str | bytes) -> V | None:
        """The value under ``key``, which thereby becomes the newest."""
        entry = self._kept.get(key)
        if entry is None:
            return None
        self._kept.move_to_end(key)
        return entry[0]

    def put(self, key: str | bytes, value: V, weight: int) -> None:
        """Keep ``value`` instead of what was there; alone too heavy, it is not kept."""
        self._drop(key)
        self._kept[key] = (value, weight)
        self._weight += weight
        self._shrink()

    def grow(self, key: str | bytes, weight: int) -> None:
        """The value under ``key`` has become so much heavier. Nothing happens if it has gone."""
        entry = self._kept.get(key)
        if entry is not None:
            self.put(key, entry[0], entry[1] + weight)

    def _drop(self, key: str | bytes) -> None:
        entry = self._kept.pop(key, None)
        if entry is not None:
            self._weight -= entry[1]

    def _shrink(self) -> None:
        while self._weight > self._max:
            self._drop(next(iter(self._kept)))
