"""Copies that a second person has to approve first: 202 and a transaction, in the end the copies (OpenID4VCI section 9).

What was sent back is corrected or cancelled by the office: until then a wallet hears that it waits, for wallets take a refusal for the
last word. The keys that the holder proved stay bound to the transaction, sealed and tied to it: who comes back for the copies brings no
keys, and gets them for no others. They go when the copies are picked up, or nobody came for them in two weeks; then a wallet asks anew.
"""

from __future__ import annotations

from typing import Any

from issuer import donors, issue
from issuer.claims import keeps_after_collection
from issuer.clients import Access, no_access
from issuer.issue import View, Wanted
from issuer.office import STORAGE, Office, digest
from issuer.records import deferrals, documents
from issuer.records.deferrals import Deferral
from shared.clock import DAY
from shared.codec import reader, strict_json
from shared.errors import CredentialRequestDenied, InvalidTransactionId
from shared.jose import jwk
from shared.openid4vci import CredentialRequest, CredentialResponse, DeferredRequest
from shared.storage import Tx

KEPT_FOR = 14 * DAY


async def request(office: Office, access: Access, asked: CredentialRequest) -> CredentialResponse:
    """Copies, or a transaction to come back for; errors as ``issue.read``."""
    view, wanted = await issue.read(office, access, asked)
    document = issue.holding(view.granted, wanted.place).document
    if not await donors.cleared(office, document):
        return await _defer(office, view, wanted, document.id)
    return await issue.make_copies(office, access, wanted, view=view)


async def _defer(office: Office, view: View, wanted: Wanted, document: str) -> CredentialResponse:
    at, transaction = office.clock(), office.secret()
    new = Deferral(
        digest=digest("transaction", transaction),
        entitlement=view.granted.entitlement,
        document=document,
        sealed=await office.custodian.seal(
            STORAGE, strict_json.dumps(_render(wanted)), context=_context(digest("transaction", transaction), view.granted.entitlement)
        ),
    )

    async def unit(tx: Tx) -> None:
        await issue.spend_nonces(tx, wanted.nonces)
        await deferrals.insert(tx, new, expires_at=at + KEPT_FOR)

    await office.storage.write(unit, point="defer")
    return CredentialResponse(transaction_id=transaction, interval=office.settings.defer_seconds)


async def pick_up(office: Office, access: Access, asked: DeferredRequest) -> CredentialResponse:
    """The copies; the same transaction again while it waits or was sent back.

    ``InvalidTransactionId`` for one that is unknown, too old, another's, or was picked up; ``InvalidToken``.
    """
    at, mark = office.clock(), digest("transaction", asked.transaction_id)

    async def look(tx: Tx) -> tuple[documents.Granted | None, Deferral | None]:
        granted = await documents.granted(tx, access.digest, at)
        return granted, None if granted is None else await deferrals.find(tx, mark, granted.entitlement, at)

    granted, found = await office.storage.read(look)
    if granted is None:
        raise no_access()
    access.check(granted.jkt)
    held = next((each for each in granted.holdings if found is not None and each.document.id == found.document), None)
    if found is None or held is None:
        raise _unknown()
    issue.check_standing(held.document, at)
    if not await donors.cleared(office, held.document):
        return CredentialResponse(transaction_id=asked.transaction_id, interval=office.settings.defer_seconds)
    opened = await office.custodian.unseal(STORAGE, found.sealed, context=_context(mark, granted.entitlement))
    wanted = _parse(office, held.place, strict_json.load_object(opened))

    async def take(tx: Tx) -> None:
        if not await deferrals.take(tx, mark):
            raise _unknown()
        if not keeps_after_collection(wanted.configuration.type):
            await documents.keep_no_longer_than(tx, found.document, at + office.settings.access_seconds)

    return await issue.make_copies(office, access, wanted, also=take)


def _unknown() -> InvalidTransactionId:
    return InvalidTransactionId("there is no such transaction, or its copies were picked up", where="/transaction_id")


def _render(wanted: Wanted) -> dict[str, Any]:
    return {
        "configuration": wanted.configuration.id,
        "keys": [None if holder is None else jwk.render_jwk(holder) for holder in wanted.holders],
    }


def _parse(office: Office, place: int, doc: dict[str, Any]) -> Wanted:
    """``CredentialRequestDenied`` where the office no longer makes what was asked for."""
    configuration = office.configurations.get(reader.get_str(doc, "configuration"))
    if configuration is None:
        raise CredentialRequestDenied("the office no longer makes documents in this form")
    holders = [None if each is None else jwk.parse_public_jwk(each) for each in reader.get_list(doc, "keys")]
    return Wanted(configuration, place, holders, {})


def _context(transaction: bytes, entitlement: str) -> bytes:
    return b"deferral\0" + transaction + entitlement.encode()
