"""How much the superiors below one anchor may publish: all together, and each with those below it.

A superior right below the anchor has half of everything for itself and all whom it names, one below that half of the half, and so on: who
publishes without end, or names many who do, takes the room of nobody but those below it.
"""

from __future__ import annotations

from typing import Final

from ..errors import TooLarge
from .publication import Publication

MOST_BYTES: Final = 48_000_000  # of one federation, as they are kept
MOST_FILES: Final = 24_000


Size = tuple[int, int]
"""Bytes and files."""
NOTHING: Final[Size] = (0, 0)


def size_of(publication: Publication) -> Size:
    """As it is kept."""
    files = publication.artefacts
    return len(publication.snapshot.jws.token) + sum(len(each.data) for each in files), len(files)


class Room:
    """What has been taken in one walk, by the ways down from the anchor."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, ...], Size] = {}

    def fits(self, path: tuple[str, ...], size: Size, *, held: bool = False) -> bool:
        """Whether there is room. ``held`` is what was taken before: it gives way to others on its own way only."""
        return all(
            used <= MOST_BYTES >> depth and files <= MOST_FILES >> depth
            for depth, (used, files) in enumerate(self._after(path, size).values())
            if depth or not held
        )

    def check(self, path: tuple[str, ...], size: Size, *, held: bool = False) -> None:
        """As ``fits``; ``TooLarge`` if there is none."""
        if not self.fits(path, size, held=held):
            raise TooLarge("it publishes more than its share, or those before it on its way down from the anchor have taken it")

    def take(self, path: tuple[str, ...], size: Size, *, held: bool = False) -> None:
        """As ``check``; from now on it is taken."""
        self.check(path, size, held=held)
        self._used |= self._after(path, size)

    def _after(self, path: tuple[str, ...], size: Size) -> dict[tuple[str, ...], Size]:
        used = {path[:depth]: self._used.get(path[:depth], NOTHING) for depth in range(1, len(path) + 1)}
        return {each: (taken + size[0], files + size[1]) for each, (taken, files) in used.items()}
