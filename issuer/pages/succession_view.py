"""How a succession is shown: to those who decide about it, and to everybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from issuer.office import Office
from issuer.records import askers, subordinates, successions
from issuer.records.successions import Handed
from shared.credentials import Text, all_types
from shared.storage import Tx
from shared.trust.succession import Succession


@dataclass(frozen=True, slots=True)
class Known:
    """What bodies are called here, and what their registered uses are, by body and id."""

    bodies: Mapping[str, str]
    uses: Mapping[tuple[str, str], Text]


async def read_known(tx: Tx, outgoing: Iterable[str]) -> Known:
    """With the uses of these bodies; of the others here, of whom there may be a thousand, nobody asks."""
    bodies = {each.entity: each.name for each in await subordinates.everybody(tx)}
    handing = [found for each in dict.fromkeys(outgoing) if (found := await askers.find(tx, each)) is not None]
    return Known(bodies, {(each.entity, use.id): use.title for each in handing for use in each.uses})


async def read_everything(tx: Tx) -> tuple[list[Handed], Known]:
    found = await successions.everything(tx)
    return found, await read_known(tx, [each.outgoing for each in found])


async def published(office: Office, locale: str) -> list[dict[str, Any]]:
    """What everybody may read: who keeps whose records now, and for what they may be used."""
    everything, known = await office.storage.read(read_everything)
    found = [each.published for each in everything]
    return [view(each, known, locale) for each in found if each is not None and each.since <= office.clock()]


def view(each: Succession, known: Known, locale: str) -> dict[str, Any]:
    """All that one says, in words; dates stay numbers for the page to show."""
    titles = {kind.vct: kind.title.in_(locale) for kind in all_types().values()}
    titled = [known.uses.get((each.outgoing, use)) for use in each.purposes_carried]
    return {
        "outgoing": known.bodies.get(each.outgoing, each.outgoing),
        "successor": known.bodies.get(each.successor, each.successor),
        "entities": (each.outgoing, each.successor),
        "instead": each.issuer != each.outgoing,
        "since": each.since,
        "types": None if each.vcts is None else [titles.get(vct, vct) for vct in each.vcts],
        "uses": [use if title is None else title.in_(locale) for use, title in zip(each.purposes_carried, titled, strict=True)],
        "status_duty": each.status_duty,
        "may_cancel": each.may_cancel,
        "private": each.private,
        "note": each.note.in_(locale),
    }
