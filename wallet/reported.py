"""The donor's side: her wallet leaves the key that reports are sealed to, and fetches what was reported of the use of her power (S27).

Both happen by the clock, when her document is looked after. Who has the document can stop the attorney by it (``at_office``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from shared import donor
from shared.codec.reader import get_int, get_object, get_objects, get_str
from shared.credentials._reports import SECRET
from shared.donor import Told
from shared.errors import Missing, Refused, VcError
from shared.jose import jwe
from shared.storage import Tx
from wallet.at_office import post
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import Item, Shelf
from wallet.sessions import Document

EVERY: Final = 12 * 3_600  # seconds between two visits to the box
RETRY: Final = 3_600
_AT_ONCE: Final = 50  # that an office gives or takes back in one answer
_MOST: Final = 200  # that lie there


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """Her key, and what she was told, in order. ``left``: the office has the key; ``had`` are reports that it may forget.

    ``reports`` is how many came, ``last_at`` when the last did, ``unread`` how many lie there that open with no key of hers: they are somebody
    else's to read, and stay. ``elsewhere_at`` is when she found that new ones are locked for another key; 0 while they are for hers.
    """

    key: dict[str, str]
    left: bool = False
    next_at: int = 0
    uses: tuple[Told, ...] = ()
    had: tuple[str, ...] = ()
    reports: int = 0
    last_at: int = 0
    unread: int = 0
    elsewhere_at: int = 0


REPORTED = Shelf("reported", Reported)
"""By the document's name."""


def secret_of(document: Document) -> str | None:
    """What opens the box; ``None`` for every document but a donor's."""
    found = document.claims.get(str(SECRET[0]))
    return found if isinstance(found, str) else None


async def tend(means: Means, vault: Vault, item: Item[Document]) -> None:
    """Leave the key if that is still to be done, and fetch what is there."""
    secret = secret_of(item.value)
    if secret is None:
        return
    at, known = means.clock(), await means.storage.read(lambda tx: REPORTED.find(tx, vault, item.id))
    if known is None:  # written down before the office hears of it: reports to a key that is lost would be lost with it
        fresh = Reported(key={name: value for name, value in jwe.generate_ephemeral().items() if name in {"kty", "crv", "x", "y", "d"}})
        known = await means.storage.write(lambda tx: REPORTED.put(tx, vault, item.id, fresh, entropy=means.entropy), point="report-key")
    if known.value.next_at > at:
        return
    try:
        state = await _visit(means, item.value.issuer, secret, known.value)
    except (Missing, Refused):
        state = msgspec.structs.replace(known.value, next_at=at + EVERY)
    except VcError:
        state = msgspec.structs.replace(known.value, next_at=at + RETRY)
    kept, before = state, known
    await means.storage.write(lambda tx: REPORTED.replace(tx, vault, before, kept, entropy=means.entropy), point="reports-fetched")


async def _visit(means: Means, issuer: str, secret: str, state: Reported) -> Reported:
    if not state.left:
        await post(means, f"{issuer}/reports/key", {"secret": secret, "key": donor.public_key(state.key)})
    to = get_object(await post(means, f"{issuer}/reports/to", {"secret": secret}), "key")
    elsewhere = 0 if donor.parse_key(to, where="/key") == donor.public_key(state.key) else state.elsewhere_at or means.clock()
    found = await _fetch(means, issuer, secret, state.had)
    return _taken(msgspec.structs.replace(state, elsewhere_at=elsewhere), found, means.clock())


async def _fetch(means: Means, issuer: str, secret: str, had: tuple[str, ...]) -> list[dict[str, Any]]:
    """All that lies there. What opens for nobody stays, and hides nothing that comes after it."""
    ask = {"secret": secret}
    while len(had) > _AT_ONCE:
        await post(means, f"{issuer}/reports/collect", {**ask, "had": list(had[:_AT_ONCE])})
        had = had[_AT_ONCE:]
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"had": list(had)}
    while len(found) < _MOST:
        got = get_objects(await post(means, f"{issuer}/reports/collect", {**ask, **asked}), "reports", max_items=_AT_ONCE)
        found += got
        if len(got) < _AT_ONCE:
            break
        asked = {"had": [], "skip": len(found)}
    return found


async def take_back(means: Means, vault: Vault, item: Item[Document]) -> None:
    """From the next visit on, which is now, reports are locked for her key again."""

    async def unit(tx: Tx) -> None:
        known = await REPORTED.get(tx, vault, item.id)
        await REPORTED.replace(tx, vault, known, msgspec.structs.replace(known.value, left=False, next_at=0), entropy=means.entropy)

    await means.storage.write(unit, point="report-key")
    await tend(means, vault, item)


def _taken(state: Reported, reports: Sequence[Mapping[str, Any]], at: int) -> Reported:
    """The state with these reports in it (``donor.lines``); one that comes again, or was sealed to another key, changes nothing."""
    had: list[str] = []
    told, unread = [*state.uses], 0
    for place, each in enumerate(reports):
        try:
            report = donor.open_report(get_str(each, "report", f"/reports/{place}", max_length=donor.SIZE), state.key)
        except VcError:
            unread += 1
            continue
        told += report.told(get_int(each, "turn", f"/reports/{place}", optional=True) or 0)
        had.append(get_str(each, "id", f"/reports/{place}", max_length=60))
    return msgspec.structs.replace(
        state,
        left=True,
        next_at=at + EVERY,
        uses=tuple(donor.lines(told)),
        had=tuple(had),
        reports=state.reports + len(had),
        last_at=at if had else state.last_at,
        unread=unread,
    )


async def state_of(means: Means, vault: Vault, document: str) -> Reported | None:
    """What she was told, for the document's page."""
    found = await means.storage.read(lambda tx: REPORTED.find(tx, vault, document))
    return None if found is None else found.value
