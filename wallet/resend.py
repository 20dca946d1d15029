"""Those who were told before: who was sent what, and letters that correct it or call it back (domain rule R8).

All of it comes from what this wallet keeps; whoever made the document never learns who was told.

    bodies = await told_of(means, vault, document)
    telling = await resend(means, vault, outbox, document, [one for one in bodies if one.stale and one.choice], name=name)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from shared.errors import Conflict, Malformed
from shared.match import compare_dates, compare_names, full_names, person_of
from shared.storage import Tx
from wallet import history, telling
from wallet.cards import key_of as key_of_path
from wallet.cards import type_of
from wallet.cut_off import under_way
from wallet.entries import Entry, Sealed
from wallet.keep import Vault
from wallet.means import Means
from wallet.outbox import Outbox
from wallet.records import DOCUMENTS, SENT, Item
from wallet.sent import Sent, Telling, key_of
from wallet.sessions import Document
from wallet.showings import GROUP
from wallet.statement import ASKED
from wallet.telling import About, Choice, Picked

CANCELLED, CORRECTED = "cancelled", "corrected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who was shown a document last, for one use: at ``at``, by a copy that was made out (``jti``), or live (empty ``jti``). Whoever was sent it
    may have seen it, also where that failed.

    ``stale``: the document says something else now, or was cancelled, and they have not heard it from this wallet; never while new copies are on
    their way. ``choice`` is what they
    are registered for, ``None`` where a letter cannot be made to them.
    """

    entity: str
    use: str
    name: str
    at: int
    jti: str
    stale: bool
    choice: Choice | None

    @property
    def key(self) -> str:
        return key_of(self.entity, self.use)


async def told_of(means: Means, vault: Vault, document: str, *, by: str = "") -> list[Told]:
    """Everybody whom this wallet has shown ``document``, by name; ``by`` names another document that says what is right now: ``Conflict``
    unless that may take its place (``may_replace``).
    """

    async def read(tx: Tx) -> tuple[Document, Document, list[Sealed], list[Sent]]:
        old, new = await DOCUMENTS.get(tx, vault, document), await DOCUMENTS.get(tx, vault, by or document)
        lines = [*await history.read(tx, vault), *await under_way(tx, means, vault)]
        return old.value, new.value, lines, [item.value for item in await SENT.all(tx, vault)]

    old, new, lines, sent = await means.storage.read(read)
    if not may_replace(old, new):
        raise Conflict("this document is about somebody or something else than they were told of", where="document")
    called_back = {one.jti: one for one in sent if one.word == CANCELLED}
    entries = [line.entry for line in lines if _shown(line.entry) and line.entry.transaction_identifier not in called_back]
    entries.sort(key=_heard)  # what failed first, so that it gives way
    before = {_key(entry): entry for entry in entries if document in entry.documents}  # the last of each stays
    again = {_key(entry): entry.time for entry in entries if new.id in entry.documents and _heard(entry)}
    corrected = {one.jti for one in sent if one.word == CORRECTED}
    recalled = {one.body.key: one.at for one in called_back.values() if one.document == document}
    found = [
        Told(
            entity=_entity(entry),
            use=entry.intended_use_identifier,
            name=entry.interacting_party_name,
            at=entry.time,
            jti=entry.transaction_identifier if entry.transaction_type == "addressed-copy" else "",
            stale=key not in again
            if new.id != old.id
            else _stale(old, [one for one in entries if old.id in one.documents and _key(one) == key], corrected, recalled.get(key, 0)),
            choice=await telling.choice_of(means, new, _entity(entry), entry.intended_use_identifier),
        )
        for key, entry in before.items()
    ]
    return sorted(found, key=lambda one: (one.name.casefold(), one.key))


def word_for(document: Document) -> str:
    """Why those who were told before hear of it again. ``Conflict`` while new copies are on their way: only these say what is right."""
    if document.standing == "renewing":
        raise Conflict("new copies of this document are on their way: tell them by those")
    return CANCELLED if document.standing == "invalid" else CORRECTED


def pick(document: Document, bodies: Sequence[Told], *, word: str) -> Picked:
    """To tell ``bodies`` what the document says now, about what they were told. ``Conflict`` where no letter can be made to one of them."""
    if far := [one.name for one in bodies if one.choice is None]:
        raise Conflict(f"not registered to be told this now: {far[0]}", where="to")
    about = {one.key: About(one.jti, one.at) for one in bodies}
    return Picked(document=document.id, keys=[one.key for one in bodies], word=word, about=about)


async def again(means: Means, vault: Vault, document: str, keys: Collection[str], *, by: str) -> Picked:
    """Those of ``keys`` who were shown ``document``, to be told by ``by`` what is right now. ``Malformed`` for somebody who was not."""
    told = {one.key: one for one in await told_of(means, vault, document, by=by)}
    if never := [key for key in keys if key not in told]:
        raise Malformed(f"never shown this document: {never[0]}", where="to")
    item = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, by))
    return pick(item.value, [told[key] for key in keys], word=word_for(item.value))


async def resend(
    means: Means, vault: Vault, outbox: Outbox, document: str, bodies: Sequence[Told], *, name: str, seen: str | None = None
) -> Item[Telling]:
    """Letters to ``bodies`` with what ``document`` says now, each about the copy that they had. ``name`` and errors as ``telling.tell``."""
    item = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, document))
    return await telling.tell(means, vault, outbox, name, pick(item.value, bodies, word=word_for(item.value)), seen=seen)


async def successors(means: Means, vault: Vault, document: Document) -> list[Item[Document]]:
    """Newer documents by the same office that are in force and may take the place of one that was cancelled; the newest first."""
    items = await means.storage.read(lambda tx: DOCUMENTS.all(tx, vault))
    same = [item for item in items if item.value.issuer == document.issuer and may_replace(document, item.value)]
    newer = [item for item in same if item.value.received_at > document.received_at and item.value.status.value != "invalid"]
    return sorted(newer, key=lambda item: -item.value.received_at) if document.standing == "invalid" else []


def may_replace(old: Document, new: Document) -> bool:
    """Whether ``new`` may be what is right of that which ``old`` said: of one kind and, as far as names and dates of birth tell, of one person.

    A wallet holds several documents of a kind, as of two deaths: who was told of one of them is never told of the other instead.
    """
    if old.id == new.id or old.vct != new.vct:
        return old.id == new.id
    kind = type_of(old)
    one, other = (
        replace(person_of(each.claims, kind.about or kind.represents), also_known_as=()) for each in (old, new)
    )  # which others may share
    if not full_names(one) or not full_names(other):
        return full_names(one) == full_names(other)
    return compare_names(one, other) != "differs" and compare_dates(one.birthdate, other.birthdate) != "differs"


def _stale(document: Document, shown: Sequence[Entry], corrected: Collection[str], recalled_at: int) -> bool:
    """``shown``: all that one body saw of it for one use. What was told by a letter of ``corrected`` (by their numbers) was told anew."""
    if document.standing == "renewing":
        return False
    if document.standing == "invalid":
        return recalled_at <= max((each.at for each in document.changes), default=0)

    def wrong(at: int, name: str) -> bool:
        seen = any(entry.time < at and _saw(document, entry, [name]) for entry in shown)
        again = (
            entry.transaction_identifier in corrected or _saw(document, entry, [name])
            for entry in shown
            if entry.time >= at and _heard(entry)
        )
        return seen and not any(again)

    return any(wrong(each.at, name) for each in document.changes for name in each.claims)


def _saw(document: Document, entry: Entry, claims: Collection[str]) -> bool:
    """Whether one of these details was among what was shown. A name that nobody knows may be any of them."""
    kind = type_of(document)
    groups = {key_of_path(claim.path): claim.group for claim in kind.leaves}
    seen = {name for one in entry.claims_presented if one.credential_identifier == document.vct for name in one.claims}
    plain = {re.sub(r"/\d+(?=/|$)", "/*", name.removeprefix("credentialSubject/")) for name in seen}
    if any(name not in groups and not name.startswith(GROUP) for name in plain):
        return True
    return any(name in plain or f"{GROUP}{groups.get(name, '')}" in plain for name in claims)


def _shown(entry: Entry) -> bool:
    sent = _heard(entry) or (entry.transaction_result == "failed" and bool(entry.claims_presented))
    return entry.transaction_type in ASKED and sent and entry.interacting_party_identifier.type == "uri"


def _heard(entry: Entry) -> bool:
    """Whether it went well: of what failed nobody knows whether they saw it, so that it never counts as news of a correction."""
    return entry.transaction_result == "success"


def _key(entry: Entry) -> str:
    return key_of(_entity(entry), entry.intended_use_identifier)


def _entity(entry: Entry) -> str:
    return entry.interacting_party_identifier.identifier
