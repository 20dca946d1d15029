"""Who keeps a document's records now: whoever took over from the office that made it, as superiors in pinned federations publish it (C24).

It is looked up in what was heard by the clock, never because a document is shown (security rule S21). A successor that is no public body was
not chosen by the holder: nothing is shown to anybody and no new copies are fetched before the holder has said, for each document, that this is
known. To any successor the wallet turns for new copies only after that, and only once the office that made the document does not answer. What was
said is kept with the document, and in the history.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from shared.credentials import Text
from shared.errors import Conflict, Untrusted
from shared.storage import Tx
from shared.trust.policy import Policy
from wallet import history
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import DOCUMENTS, Item
from wallet.sessions import Document


class Keeper(msgspec.Struct, frozen=True, kw_only=True):
    """``entity`` keeps the records since ``since``. ``note`` is what was said to holders, both by language; ``statement`` names who said it.

    ``asks``: the holder has to say that this is known before anything is done with the document. ``agreed``: that was said, and new copies may
    come from there once the office that made the document no longer answers.
    """

    entity: str
    name: Mapping[str, str]
    since: int
    private: bool
    note: Mapping[str, str]
    statement: str
    asks: bool
    agreed: bool


def keeper_of(policy: Policy, document: Document, at: int) -> Keeper | None:
    """The last of those who took over; ``None`` where nobody did, or they did so in a circle."""
    federation = policy.federation
    try:
        line = federation.successors.line(document.issuer, at, vct=document.vct)
    except Untrusted:
        return None
    if not line:
        return None
    last = line[-1]
    return Keeper(
        entity=last.successor,
        name=_words(federation.name(last.successor)),
        since=last.since,
        private=last.private,
        note=_words(last.note),
        statement=last.name,
        asks=last.private and last.name not in document.acknowledged,
        agreed=last.name in document.acknowledged,
    )


def _words(text: Text) -> dict[str, str]:
    return {"en": text.en, "cy": text.cy}


def told(keeper: Keeper) -> str:
    """In one line, for terminals."""
    private = ", and is no public body" if keeper.private else ""
    return f"{keeper.name['en']} ({keeper.entity}) keeps this record now{private}{': say that you know it first' if keeper.asks else ''}"


def asks(means: Means, document: Document) -> Keeper | None:
    """The keeper, where the holder has yet to say that this is known."""
    found = keeper_of(means.trust(), document, means.clock())
    return found if found is not None and found.asks else None


def check_acknowledged(means: Means, document: Document) -> None:
    """``Conflict`` while the holder has yet to say that the new keeper is known."""
    found = asks(means, document)
    if found is not None:
        raise Conflict(
            f"{found.name['en']} keeps this record now, and is no public body: say on the document's page that you know it", where="keeper"
        )


async def acknowledge(means: Means, vault: Vault, document: str, statement: str) -> Item[Document]:
    """The holder knows who keeps this record now, as ``statement`` says. Said again it changes nothing.

    ``Conflict`` where somebody else keeps it than was looked at, or nobody took over.
    """

    async def unit(tx: Tx) -> Item[Document]:
        item = await DOCUMENTS.get(tx, vault, document)
        found, at = keeper_of(means.trust(), item.value, means.clock()), means.clock()
        if found is None or found.statement != statement:
            raise Conflict("who keeps this record has changed: look at it again", where="statement")
        if found.agreed:
            return item
        await history.append(tx, vault, history.known_keeper(item.value, found.entity, found.name["en"], at=at), entropy=means.entropy)
        value = msgspec.structs.replace(item.value, acknowledged=(*item.value.acknowledged, statement))
        return await DOCUMENTS.replace(tx, vault, item, value, entropy=means.entropy)

    return await means.storage.write(unit, point="acknowledge")
