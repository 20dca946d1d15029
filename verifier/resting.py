"""What this organisation gave because an authority was accepted ends, waits and goes on with that authority (domain sheet C03).

Where the status of what was shown stands was kept, sealed, with what was given. The lists come by the clock, all of them (security rule S21);
what a new one says is told to the organisation's own issuer. It is told again until it has taken it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.credentials import by_id
from shared.errors import VcError
from shared.storage import Tx
from verifier import giving, own_issuer
from verifier.desk import Desk
from verifier.material import Picture, Store
from verifier.own_issuer import Send
from verifier.records import given, knowledge
from verifier.records.given import Given
from verifier.watching import standing_of

_WORST: Final = ("cancelled", "on-hold", "valid")

logger = logging.getLogger("muniment.verifier")


@dataclass(slots=True)
class Follower:
    """Looks only where a list is newer than those of its last look, or our issuer was not told then."""

    _looked: object = None

    async def follow(self, desk: Desk, store: Store, send: Send) -> None:
        lists = [(each.entity, each.uri, each.iat) for each in await desk.storage.read(knowledge.lists)]
        if lists != self._looked:
            self._looked = lists if await follow(desk, store, send) else None


async def follow(desk: Desk, store: Store, send: Send) -> bool:
    """Tell our issuer of each document that has to follow now; whether it took all of it."""
    made = await desk.storage.read(lambda tx: given.followed(tx, desk.clock())) if own_issuer.is_named(desk) else []
    if not made:
        return True
    picture = await store.picture()
    return all([await _follow(desk, picture, each, send) for each in made])


async def _follow(desk: Desk, picture: Picture, each: Given, send: Send) -> bool:
    known = await giving.open_given(desk, each)
    became = await _became(desk, picture, known["follows"])
    steps = [step for step in by_id(each.kind).follows if step.on == became and step.vct in {one["vct"] for one in known["follows"]}]
    if became in {None, each.standing} or not steps:
        return True
    try:
        await own_issuer.change(desk, send, known["made"]["number"], steps[0].action, steps[0].reason)
    except VcError as error:
        logger.warning("our own issuer was not told that a document has to follow: %s", error.detail)
        return False

    async def unit(tx: Tx) -> None:
        await given.stand(tx, each, str(became))

    await desk.storage.write(unit, point="given-stands")
    return True


async def _became(desk: Desk, picture: Picture, follows: list[Mapping[str, Any]]) -> str | None:
    """The worst of what is known; ``None`` where nobody can tell."""
    said = [await standing_of(desk, picture, one) for one in follows]
    return next((word for word in _WORST if word in said), None)
