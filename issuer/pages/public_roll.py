"""What everybody reads of a roll: its rows are made once after each change, and not for everybody who asks, as nobody has to sign in for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from issuer.office import Office
from issuer.records.roll import Entry, Roll
from shared.storage import Tx

E = TypeVar("E", bound=Entry)
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class PublicRoll(Generic[E]):
    """``shown`` are those of whom something is public."""

    office: Office
    roll: Roll[E]
    shown: Callable[[E], bool]
    _made: dict[str, tuple[int, list[Row]]] = field(default_factory=dict)  # by language, as of which event

    async def rows(self, locale: str, row: Callable[[E], Row]) -> list[Row]:
        n, rows = self._made.get(locale, (-1, []))

        async def unit(tx: Tx) -> tuple[int, list[E] | None]:
            now = await self.roll.newest_event(tx)
            return now, None if now == n else await self.roll.everybody(tx)

        now, everybody = await self.office.storage.read(unit)
        if everybody is not None:
            rows = [row(each) for each in everybody if self.shown(each)]
            self._made[locale] = now, rows
        return rows
