"""What was asked and what is agreed to, in names and in the words that were shown, for the history."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from shared.credentials import Text
from shared.dcql import CredentialQuery
from shared.openid4vp import RequestObject, TransactionData, parse_agreement, parse_permission
from shared.storage import Tx
from wallet.cards import key_of
from wallet.entries import AgreedTo, ClaimNames, Words
from wallet.keep import Vault
from wallet.records import DOCUMENTS
from wallet.sessions import Agreed, Document, Request


def names_of(request: Request) -> dict[str, Text]:
    """By which names organisations are called in what is agreed to: who asks as was checked, the others as they are registered."""
    others = {entity: Text(name["en"], name["cy"]) for entity, name in request.names.items()}
    return {**others, request.asker.party: Text(request.asker.name, request.asker.name)}


def agreed_to(request: Request, asked: RequestObject) -> list[AgreedTo]:
    """What is agreed to in answering, in the words that were shown."""
    names = names_of(request)
    agreements = [(entry, parse_agreement(entry, names=names)) for entry in asked.transaction_data]
    return [
        AgreedTo(
            statement=(Words(lang="en", content=agreement.statement.en), Words(lang="cy", content=agreement.statement.cy)),
            reference=agreement.reference,
            digest=sha256(entry.raw.encode()).hexdigest(),
            kept_until=kept_until([entry]) or msgspec.UNSET,
        )
        for entry, agreement in agreements
    ]


async def documents_of(tx: Tx, vault: Vault, agreed: Agreed) -> dict[str, Document]:
    """What was picked and is here still, by credential query."""
    found = {query: await DOCUMENTS.find(tx, vault, document) for query, document in agreed.selection.items()}
    return {query: one.value for query, one in found.items() if one is not None}


def kept_until(entries: Iterable[TransactionData]) -> int:
    """Until when all that is shown is kept to prove what is permitted with it; 0 where nothing is."""
    permissions = (parse_permission(entry) for entry in entries)
    return max((each.kept_until for each in permissions if each is not None), default=0)


def requested_names(asked: RequestObject) -> list[ClaimNames]:
    """What was asked, in names."""
    return [
        ClaimNames(
            credential_identifier=",".join(query.vct_values or ()) or query.doctype_value or _w3c_type(query) or query.format,
            claims=tuple(key_of(claim.path) for claim in query.claims or ()),
        )
        for query in asked.query.credentials
    ]


def _w3c_type(query: CredentialQuery) -> str:
    """The last of the first types that are asked for: the narrowest, by custom."""
    return query.type_values[0][-1] if query.type_values else ""
