"""The history: one line an exchange, chained, so that taking a line out or changing one shows (security rule S25).

Lines hold names of claims, never values (domain rule R6). The chain is that of ``shared.receipts``: each line's ``prev`` is the head
before it, and the export carries salts and commitments so that anybody can follow it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from shared import receipts
from shared.clock import Entropy
from shared.errors import HistoryRewritten, VcError
from shared.inbox import NO_ANSWER
from shared.log_heads import LEEWAY
from shared.receipts import LogEntry, LogHead, Receipt
from shared.storage import Storage, Tx
from shared.trust.registered_use import RegisteredUse
from wallet.entries import AgreedTo, ClaimNames, Entry, Head, Party, Policy, Registered, Sealed, Words
from wallet.keep import Vault
from wallet.records import HEAD, HISTORY
from wallet.sessions import Asker, Document, Receiving, Request, Use

HEAD_NAME = "head"
SCHEMA = "urn:muniment:wallet-history:1"
UNHEARD, UNSENT = "not_heard", "not_sent"
"""Why a showing came to nothing where nobody refused it: ``reason_of_noncompletion`` begins so, and a colon follows."""


async def append(tx: Tx, vault: Vault, entry: Entry, *, entropy: Entropy) -> Sealed:
    """Add one line at the end, in the unit of work of what it tells."""
    at_hand = await HEAD.find(tx, vault, HEAD_NAME)
    before = LogHead(size=0, digest=receipts.EMPTY_HEAD) if at_hand is None else _head(at_hand.value)
    placed = msgspec.structs.replace(entry, seq=before.size + 1, prev=before.digest.hex())
    committed = receipts.commit(msgspec.to_builtins(placed), entropy=entropy)
    after = receipts.extend(before, committed)
    sealed = Sealed(entry=placed, salt=committed.salt or b"", commitment=committed.commitment)
    await HISTORY.put(tx, vault, name_of(vault, placed.seq), sealed, entropy=entropy)
    await HEAD.save(tx, vault, HEAD_NAME, Head(size=after.size, digest=after.digest), entropy=entropy)
    return sealed


def name_of(vault: Vault, seq: int) -> str:
    """The opaque name of a line."""
    return vault.tag("history", str(seq))


async def read(tx: Tx, vault: Vault) -> list[Sealed]:
    """All lines, oldest first."""
    return sorted((item.value for item in await HISTORY.all(tx, vault)), key=lambda one: one.entry.seq)


async def check(tx: Tx, vault: Vault) -> LogHead:
    """Follow the whole chain to the head that is kept apart; ``HistoryRewritten`` where it breaks or ends early."""
    lines = await read(tx, vault)
    at_hand = await HEAD.find(tx, vault, HEAD_NAME)
    heads = [] if at_hand is None else [_head(at_hand.value)]
    found = receipts.verify_log([_log_entry(line) for line in lines], heads=heads)
    if heads and found != heads[0]:
        raise HistoryRewritten("lines were added to this history from outside")
    return found


async def read_checked(storage: Storage, vault: Vault) -> tuple[list[Sealed], bool]:
    """All lines, oldest first, and whether the chain holds."""
    lines = await storage.read(lambda tx: read(tx, vault))
    try:
        await storage.read(lambda tx: check(tx, vault))
    except HistoryRewritten:
        return lines, False
    return lines, True


async def receipts_by(storage: Storage, vault: Vault, party: Party) -> list[str]:
    """Those that ``party`` gave and that were found good, oldest first: of another nobody knows whose word it is."""
    entries = [line.entry for line in await storage.read(lambda tx: read(tx, vault))]
    return [one.receipt for one in entries if one.interacting_party_identifier == party and one.receipt and not one.receipt_problem]


def check_heads(receipt: Receipt, before: Sequence[str]) -> None:
    """``HistoryRewritten`` if the log that the receipt speaks of and those that earlier receipts spoke of cannot have grown out of each other.

    Receipts may come in another order than that in which they were given, and decisions of about one time are entered in any order: of two
    within ``LEEWAY`` nobody can tell which was first.
    """
    for token in before:
        other = receipts.peek_receipt(token)
        earlier, later = sorted((other, receipt), key=lambda one: one.received_at)
        then, now = earlier.log_head, later.log_head
        if now is None or then is None:
            continue
        late = earlier.reason_code == NO_ANSWER  # it speaks of a later log than that in which the letter stands
        shrunk = now.size < then.size and earlier.received_at + LEEWAY < later.received_at and not late
        if shrunk or (now.size == then.size and now.digest != then.digest):
            raise HistoryRewritten("their own record of decisions was changed since an earlier receipt")


def _head(head: Head) -> LogHead:
    return LogHead(size=head.size, digest=head.digest)


def _log_entry(line: Sealed) -> LogEntry:
    return LogEntry(commitment=line.commitment, salt=line.salt, entry=msgspec.to_builtins(line.entry))


def export(lines: Sequence[Sealed], *, holder: str, at: int) -> bytes:
    """JSON for people and programs, with salts and commitments to follow the chain by."""
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "holder": holder,
        "exported_at": at,
        "entries": [msgspec.to_builtins(line.entry) | {"salt": line.salt.hex(), "commitment": line.commitment.hex()} for line in lines],
    }
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


# --- what is told --------------------------------------------------------------------------------------------------------------------


def issuance(document: Document, *, at: int, renewed: bool = False) -> Entry:
    """A document was collected, or its copies were renewed."""
    return Entry(
        seq=0,
        time=at,
        transaction_identifier=document.id,
        transaction_type="renewal" if renewed else "issuance",
        transaction_result="success",
        interacting_party_identifier=Party(type="uri", identifier=document.issuer),
        interacting_party_name=document.issuer_name,
        documents=(document.id,),
    )


def refused_issuance(receiving: Receiving, error: VcError, *, at: int) -> Entry:
    """Something was sent and not kept."""
    return Entry(
        seq=0,
        time=at,
        transaction_identifier="",
        transaction_type="issuance",
        transaction_result="failed",
        interacting_party_identifier=Party(type="uri", identifier=receiving.issuer),
        interacting_party_name=receiving.issuer_name,
        reason_of_noncompletion=f"{error.code}{f' at {error.where}' if error.where else ''}: {error.detail}",
    )


def exchange(
    request: Request,
    *,
    at: int,
    result: str,
    requested: Sequence[ClaimNames],
    presented: Sequence[ClaimNames] = (),
    transaction: str,
    documents: Sequence[str] = (),
    acting_for: str = "",
    receipt: str = "",
    receipt_problem: str = "",
    reason: str = "",
    agreed: Sequence[AgreedTo] = (),
    registered: Registered | msgspec.UnsetType = msgspec.UNSET,
) -> Entry:
    """Somebody asked. ``acting_for`` names the document that was used on behalf of another person."""
    use = request.use or Use()
    return Entry(
        seq=0,
        time=at,
        transaction_identifier=transaction,
        transaction_type="presentation",
        transaction_result=result,
        interacting_party_identifier=party_of(request.asker),
        interacting_party_name=request.asker.name,
        interacting_party_contact=use.contact,
        purpose=tuple(Words(lang=lang, content=words) for lang, words in use.purpose.items()),
        privacy_policy=Policy(type="privacy", policy_uri=use.privacy_policy) if use.privacy_policy else None,
        dpa_name="" if not registered else registered.authority,
        dpa_contact=(registered.authority_contact if registered else "") or use.how_to_complain,
        claims_requested=tuple(requested),
        claims_presented=tuple(presented),
        intended_use_identifier=use.use_id,
        on_behalf_of=acting_for,
        documents=tuple(documents),
        level=3,
        receipt=receipt,
        receipt_problem=receipt_problem,
        reason_of_noncompletion=reason,
        agreed=tuple(agreed) or msgspec.UNSET,
        registered=registered,
    )


def party_of(asker: Asker) -> Party:
    """A proved organisation by its own identifier, another one by what its client id says that it is: ``x509_hash``, ``origin`` …"""
    return Party(type=asker.client_id.partition(":")[0] if asker.party == asker.client_id else "uri", identifier=asker.party)


def addressed(
    *, entity: str, name: str, purpose_id: str, presented: ClaimNames, document: Document, acting_for: str, transaction: str, at: int
) -> Entry:
    """A copy was made out to somebody."""
    return Entry(
        seq=0,
        time=at,
        transaction_identifier=transaction,
        transaction_type="addressed-copy",
        transaction_result="success",
        interacting_party_identifier=Party(type="uri", identifier=entity),
        interacting_party_name=name,
        claims_presented=(presented,),
        intended_use_identifier=purpose_id,
        on_behalf_of=acting_for,
        documents=(document.id,),
        level=1,
    )


def for_use(entry: Entry, use: RegisteredUse, said: Registered) -> Entry:
    """The same with what the register says of the use: why, whom to ask, how long it is kept."""
    return msgspec.structs.replace(
        entry,
        purpose=(Words(lang="en", content=use.purpose.en), Words(lang="cy", content=use.purpose.cy)),
        interacting_party_contact=use.contact or "",
        privacy_policy=Policy(type="privacy", policy_uri=use.privacy_policy) if use.privacy_policy else None,
        dpa_name=said.authority,
        dpa_contact=said.authority_contact,
        registered=said,
    )


def removed(document: Document, *, at: int) -> Entry:
    """The holder took a document out of the wallet."""
    return msgspec.structs.replace(issuance(document, at=at), transaction_type="removal")


def said_wrong(document: Document, shown: ClaimNames, *, at: int) -> Entry:
    """The holder told the office that made it that a detail is wrong."""
    entry = msgspec.structs.replace(issuance(document, at=at), transaction_type="correction", claims_presented=(shown,), level=1)
    return msgspec.structs.replace(entry, intended_use_identifier="correction")


def by_phone(document: Document, kind: str, *, at: int) -> Entry:
    """A phone keeps copies of its own (``kept-on-phone``), has lost them (``lost-by-phone``) or given them up (``moved-off-phone``)."""
    return msgspec.structs.replace(issuance(document, at=at), transaction_type=kind)


def known_keeper(document: Document, entity: str, name: str, *, at: int) -> Entry:
    """The holder has said to know who keeps the records of a document now."""
    entry = msgspec.structs.replace(issuance(document, at=at), transaction_type="keeper-known")
    return msgspec.structs.replace(entry, interacting_party_identifier=Party(type="uri", identifier=entity), interacting_party_name=name)


def moved(*, at: int) -> Entry:
    """The wallet was opened on a new phone by two scans."""
    return msgspec.structs.replace(restored(at=at, made_at=at), transaction_type="moved-to-phone", reason_of_noncompletion="")


def restored(*, at: int, made_at: int) -> Entry:
    """Everything here came from a backup file, made at ``made_at``."""
    return Entry(
        seq=0,
        time=at,
        transaction_identifier="",
        transaction_type="backup-restored",
        transaction_result="success",
        interacting_party_identifier=Party(type="self", identifier=""),
        interacting_party_name="",
        reason_of_noncompletion=f"backup of {made_at}",
    )
