"""The marks of persons in documents, and of the instrument: made with each document, after each correction, and once for documents of before.

They are made only where the rules of a kind (``CredentialType.follows``) compare persons, and go when the document is cancelled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from issuer.claims import source
from issuer.instruments import entry_of
from issuer.office import Office, keyed
from issuer.records import documents, named
from issuer.records.named import Named
from issuer.sessions import Document
from shared.credentials import ClaimPath, CredentialType
from shared.credentials._joint import TAG
from shared.errors import CredentialRequestDenied
from shared.marks import Mark, Side, marks_of, sides
from shared.storage import Tx

INSTRUMENT: Final = "instrument"
"""The side, beside those of persons, that says of which instrument a document is."""
_AT_ONCE = 50


def follows_any(kind: CredentialType) -> bool:
    """Whether documents of that kind end with something else."""
    return bool(kind.follows)


def name_of(path: ClaimPath) -> str:
    """How a side is called in the tables."""
    return "/".join(map(str, path))


async def marks(office: Office, kind: CredentialType, claims: Mapping[str, Any]) -> list[Named]:
    """All that the rules of ``kind`` can compare in a document with ``claims``."""
    found: dict[Named, None] = {}
    for follow in kind.follows:
        for side in sides(follow.match):
            more = [(name_of(own), own) for own, _ in side.more]
            found |= {Named(name_of(side.own), mark): None for mark in await _keyed(office, kind, side, marks_of(claims, side.own, more))}
    instrument = await instrument_of(office, kind, claims)
    return [*found, *([] if instrument is None else [Named(INSTRUMENT, Mark(INSTRUMENT, instrument))])]


async def instrument_of(office: Office, kind: CredentialType, claims: Mapping[str, Any]) -> bytes | None:
    """What documents of one instrument have in common here, under a key of its own: the mark that they show says nothing of it."""
    entry = entry_of(claims) if kind.claim(TAG) is not None else None
    plain = "".join(each for each in (entry or "").casefold() if each.isalnum())  # with or without its hyphens it is the same entry
    return await keyed(office, f"same-instrument\0{kind.id}", plain) if plain else None


async def marks_shown(office: Office, kind: CredentialType, side: Side, claims: Mapping[str, Any]) -> frozenset[Mark]:
    """The same of somebody whom another document names, to be compared with those of ``kind``."""
    return await _keyed(office, kind, side, marks_of(claims, side.other, [(name_of(own), other) for own, other in side.more]))


async def _keyed(office: Office, kind: CredentialType, side: Side, found: Collection[Mark]) -> frozenset[Mark]:
    purpose = f"person\0{kind.id}\0{name_of(side.own)}"
    return frozenset([Mark(each.kind, await keyed(office, f"{purpose}\0{each.kind}", str(each.value))) for each in found])


async def tend(office: Office) -> int:
    """Look at some of the documents that were made before this was done; how many."""
    kinds = {kind.id: kind for kind in office.types if follows_any(kind)}
    if not kinds:
        return 0
    found = await office.storage.read(lambda tx: named.unmarked(tx, list(kinds), _AT_ONCE))
    for each in found:
        await _mark(office, kinds[each.type], each)
    return len(found)


async def _mark(office: Office, kind: CredentialType, one: named.Unmarked) -> None:
    async def look(tx: Tx) -> tuple[bytes | None, Document]:
        return await documents.sealed_claims(tx, one.id), await documents.get(tx, one.id)

    sealed, document = await office.storage.read(look)
    try:
        made = await marks(office, kind, await source(office, kind).give(sealed, document))
    except CredentialRequestDenied:
        made = []  # nobody knows any more

    async def unit(tx: Tx) -> None:
        if (await documents.get(tx, one.id)).version == one.version:  # else somebody changed it: the next round looks again
            await named.write(tx, one.id, made)

    await office.storage.write(unit, point="mark")
