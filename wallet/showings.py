"""What a phone showed without a network, told to the wallet's history afterwards: names of groups, never what they say (R6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from shared.codec import base64url
from shared.errors import PurposeMismatch, VcError
from shared.ovp.envelope import RECEIPT, render_text
from shared.ovp.receipt import MAX_BYTES, parse_desk_receipt, verify_desk_receipt
from shared.storage import Tx
from shared.trust.relying_party import Register
from wallet import history, register
from wallet.cards import acting_for, type_of
from wallet.entries import ClaimNames, Entry, Party, Words
from wallet.given import MAX_LINES, OF_THE_MOMENT, OtherParty, answer_line, enter, may_pass
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import DOCUMENTS
from wallet.registered import told_of
from wallet.sessions import Document
from wallet.statement import ASKED

GROUP = "group:"
"""Before the name of a group where the history otherwise has names of claims."""

_MOST = (MAX_BYTES * 4 + 2) // 3  # characters

Line = Annotated[str, Meta(max_length=300)]


class Showing(Struct, frozen=True, forbid_unknown_fields=True):
    """One showing. ``id`` is the phone's, so that telling it twice adds nothing; ``agreed`` false is a request that was turned down.

    ``receipt`` are the bytes of the receipt that a desk gave for it (base64url), ``receipt_fault`` the code of what the phone found wrong with it:
    the phone alone has what was shown. A showing that was told before may be told again with its receipt.
    """

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
    receipt: Annotated[str, Meta(max_length=_MOST, pattern="^[A-Za-z0-9_-]*$")] = ""
    receipt_fault: Annotated[str, Meta(max_length=60, pattern="^[a-z_]*$")] = ""


async def add(means: Means, vault: Vault, showings: Sequence[Showing]) -> None:
    """Those that are not there yet, and receipts for any, in one unit of work, in the phone's order. The time is the phone's own."""
    said = {(one.entity, one.use): await told_of(means, one.entity, one.use) for one in showings}
    known, at = await register.register(means), means.clock()

    async def work(tx: Tx) -> None:
        lines = [line.entry for line in await history.read(tx, vault)]
        there = {entry.transaction_identifier: entry for entry in reversed(lines) if entry.transaction_type != "answer"}
        given: dict[tuple[str, object], str] = {
            (entry.transaction_identifier, entry.provisional): entry.receipt_problem
            for entry in lines
            if entry.provisional and not entry.receipt
        }
        for one in showings:
            if one.id not in there:
                document = await DOCUMENTS.find(tx, vault, one.document)
                entry = _entry(one, None if document is None else document.value)
                entry = msgspec.structs.replace(entry, registered=said[one.entity, one.use])
                there[one.id] = (await history.append(tx, vault, entry, entropy=means.entropy)).entry
            about = there[one.id]
            line = _receipt(one, about, known, at=at) if one.receipt and about.transaction_type in ASKED else None
            if line is None:
                continue
            key = one.id, line.provisional
            if key not in given and [each for each, _ in given].count(one.id) >= MAX_LINES:
                continue
            if given.get(key) in {"", line.receipt_problem}:  # what did not fit is looked at again
                continue
            given[key] = line.receipt_problem
            await enter(tx, means, vault, line)

    await means.storage.write(work, point="phone-showings")


def _receipt(one: Showing, about: Entry, known: Register, *, at: int) -> Entry | None:
    """The line of a desk's receipt. Of what the phone found and what is found here the worse counts (S11).

    ``None`` where a fault of the moment kept the phone from holding it against what was shown: it fits, or not, when it is scanned again.
    """
    data = base64url.decode(one.receipt, where="/receipt")
    waits = one.receipt_fault in OF_THE_MOMENT
    problem = "" if waits or not one.receipt_fault else f"{one.receipt_fault}: the phone found that it is not for what was shown"
    try:
        given = parse_desk_receipt(data)
        if given.desk.entity != about.interacting_party_identifier.identifier:
            raise OtherParty("the receipt is by another organisation than the one that it was shown to")
        if given.use != about.intended_use_identifier:
            raise PurposeMismatch("the receipt is for another use")
        verify_desk_receipt(given, known, at=at)
    except VcError as error:
        if not (waits and may_pass(error)):
            problem = problem or f"{error.code}: {error.detail}"
    return None if waits and not problem else answer_line(about, render_text(RECEIPT, data), problem=problem, at=at)


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
