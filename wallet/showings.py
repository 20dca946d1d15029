"""What a phone showed without a network, told to the wallet's history afterwards: names of groups, never what they say (R6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from shared.storage import Tx
from wallet import history
from wallet.cards import acting_for, type_of
from wallet.entries import ClaimNames, Entry, Party, Words
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import DOCUMENTS
from wallet.registered import told_of
from wallet.sessions import Document

GROUP = "group:"
"""Before the name of a group where the history otherwise has names of claims."""

Line = Annotated[str, Meta(max_length=300)]


class Showing(Struct, frozen=True, forbid_unknown_fields=True):
    """One showing. ``id`` is the phone's, so that telling it twice adds nothing; ``agreed`` false is a request that was turned down."""

    id: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    at: Annotated[int, Meta(ge=0, le=253_402_300_799)]
    document: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,200}$")]
    entity: Annotated[str, Meta(min_length=1, max_length=2_000)]
    name: Line
    use: Line
    level: Annotated[int, Meta(ge=1, le=3)]
    purpose: dict[str, Annotated[str, Meta(max_length=1_000)]] = {}
    asked: Annotated[tuple[Line, ...], Meta(max_length=64)] = ()
    shown: Annotated[tuple[Line, ...], Meta(max_length=64)] = ()
    agreed: bool = True


async def add(means: Means, vault: Vault, showings: Sequence[Showing]) -> None:
    """Those that are not there yet, in one unit of work, in the phone's order. The time is the phone's own."""
    said = {(one.entity, one.use): await told_of(means, one.entity, one.use) for one in showings}

    async def work(tx: Tx) -> None:
        known = {line.entry.transaction_identifier for line in await history.read(tx, vault)}
        for one in showings:
            if one.id in known:
                continue
            known.add(one.id)
            document = await DOCUMENTS.find(tx, vault, one.document)
            entry = _entry(one, None if document is None else document.value)
            entry = msgspec.structs.replace(entry, registered=said[one.entity, one.use])
            await history.append(tx, vault, entry, entropy=means.entropy)

    await means.storage.write(work, point="phone-showings")


def _entry(one: Showing, document: Document | None) -> Entry:
    behalf = document is not None and bool(acting_for(type_of(document), document.claims))
    return Entry(
        seq=0,
        time=one.at,
        transaction_identifier=one.id,
        transaction_type="addressed-copy" if one.level == 1 else "presentation",
        transaction_result="success" if one.agreed else "declined",
        interacting_party_identifier=Party(type="uri", identifier=one.entity),
        interacting_party_name=one.name,
        purpose=tuple(Words(lang=lang, content=words) for lang, words in one.purpose.items() if lang in {"en", "cy"}),
        claims_requested=_names(document, one.asked),
        claims_presented=_names(document, one.shown),
        intended_use_identifier=one.use,
        on_behalf_of=one.document if behalf else "",
        documents=(one.document,),
        level=one.level,
    )


def _names(document: Document | None, groups: Sequence[str]) -> tuple[ClaimNames, ...]:
    if not groups or document is None:
        return ()
    return (ClaimNames(credential_identifier=document.vct, claims=tuple(f"{GROUP}{group}" for group in groups)),)
