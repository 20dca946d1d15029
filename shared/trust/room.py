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


class Room:
    """What has been taken in one walk, by the ways down from the anchor."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, ...], tuple[int, int]] = {}

    def fits(self, path: tuple[str, ...], publication: Publication, *, held: bool = False) -> bool:
        """Whether there is room. ``held`` is what was taken before: it gives way to others on its own way only."""
        after = self._after(path, publication)
        return all(
            size <= MOST_BYTES >> depth and files <= MOST_FILES >> depth
            for depth, (size, files) in enumerate(after.values())
            if depth or not held
        )

    def take(self, path: tuple[str, ...], publication: Publication, *, held: bool = False) -> None:
        """As ``fits``; ``TooLarge`` if there is none."""
        if not self.fits(path, publication, held=held):
            raise TooLarge("it publishes more than its share, or those before it on its way down from the anchor have taken it")
        self._used |= self._after(path, publication)

    def _after(self, path: tuple[str, ...], publication: Publication) -> dict[tuple[str, ...], tuple[int, int]]:
        more = len(publication.snapshot.jws.token) + sum(len(each.data) for each in publication.artefacts)
        used = {path[:depth]: self._used.get(path[:depth], (0, 0)) for depth in range(1, len(path) + 1)}
        return {each: (size + more, files + len(publication.artefacts)) for each, (size, files) in used.items()}
