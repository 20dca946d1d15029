"""Copies for a phone: the phone makes the keys and signs the key proofs, this service asks the issuer and hands the copies back.

No private key of such a copy is ever here (security rule S12). What this service sees is said in ``docs/holder.md``: the copies on
their way and the lists that they stand in; not which of them was used, and not what for, until the phone tells its own history.

A batch goes from ``Begun`` (nonce known) to ``Received`` (checked, waiting) to ``OnPhone``; each step is one unit of work, so that a
phone that lost its network asks for the same batch again. The grant is the document's own: its refresh token rotates under the same
lease as in ``wallet.upkeep``, and the day on which the service renews its own copies does not move.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from shared.clock import DAY
from shared.errors import Conflict, InvalidGrant, InvalidNonce, InvalidNotificationId, InvalidToken, Malformed, Unavailable, VcError
from shared.flow import arun
from shared.jose import jwk
from shared.keys import KeyId, PublicKey
from shared.openid4vci import (
    Configuration,
    CredentialResponse,
    Event,
    NotificationRequest,
    TokenResponse,
    credential_request,
    fresh_nonce,
    match_copies,
    notify,
    refresh,
    request_credentials,
    verify_key_proofs,
)
from shared.storage import Tx
from wallet import history
from wallet.batch import LONGEST_WAIT, MAX_BATCH, ledger
from wallet.cards import type_of
from wallet.check import Checked, check_batch
from wallet.clients import Client, can_encrypt, client_of, metadata_of, token_of
from wallet.deliveries import FORMAT, Begun, Delivery, Lost, OnPhone, Received, Told, configuration_of
from wallet.keep import Vault
from wallet.keepers import check_acknowledged
from wallet.lease import grant_of, lock_of, note_renewal, note_token, take_lease
from wallet.means import Means
from wallet.receive import renewed
from wallet.records import DELIVERIES, DOCUMENTS, Item
from wallet.sessions import Document, Renewal
from wallet.staples import collect_staples

log = logging.getLogger("muniment.wallet")

ALGS = ("ES256",)
_BEGUN_FOR = 3_600  # seconds that a batch may stay begun or received before it is forgotten
_RECEIVED_FOR = 7 * DAY
_NEVER = (InvalidGrant, InvalidToken, InvalidNotificationId)
"""What an office says that cannot be told of a loss, now or later; whatever else goes wrong may go right the next time."""


async def begin(means: Means, vault: Vault, document: str, phone: str) -> Item[Delivery]:
    """What the phone's key proofs must say. A batch that waits for this phone is given again instead of a new one.

    ``Conflict`` where the office gives no new copies, the document is cancelled, or the office makes none for phones.
    """
    item = await _document(means, vault, document)
    waiting = await _waiting(means, vault, document, phone)
    if waiting is not None:
        return waiting
    due = _current_grant_of(item)
    metadata = await metadata_of(means, due.issuer, due.server)
    configuration = configuration_of(metadata, item.value)
    nonce = await arun(fresh_nonce(metadata), means.fetch)
    if nonce is None:
        raise Conflict("the office of this document makes no copies for phones")
    state = Begun(configuration=configuration.id, nonce=nonce, count=min(metadata.issuer.batch_size, MAX_BATCH))
    value = Delivery(document=document, phone=phone, at=means.clock(), state=state)
    name = means.entropy(12).hex()
    return await means.storage.write(lambda tx: DELIVERIES.put(tx, vault, name, value, entropy=means.entropy), point="phone-begin")


async def _waiting(means: Means, vault: Vault, document: str, phone: str) -> Item[Delivery] | None:
    """What was received for this phone and not yet kept; what was merely begun is forgotten, for its nonce grows old."""
    mine = [item for item in await of_document(means, vault, document) if item.value.phone == phone]
    for item in mine:
        if isinstance(item.value.state, Begun):
            await _drop(means, vault, item)
    return next((item for item in mine if isinstance(item.value.state, Received)), None)


def _grant_of(item: Item[Document]) -> Renewal:
    if item.value.renewal is None:
        raise Conflict("the office gives no new copies of this document; ask it for a new invitation")
    return item.value.renewal


def _current_grant_of(item: Item[Document]) -> Renewal:
    if item.value.renewal is not None and item.value.status.value == "invalid":
        raise Conflict("this document was cancelled")
    return _grant_of(item)


async def _document(means: Means, vault: Vault, name: str) -> Item[Document]:
    """``Conflict`` while the holder has yet to say that whoever keeps its records now is known."""
    item = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, name))
    check_acknowledged(means, item.value)
    if type_of(item.value).private:
        raise Conflict("this document is shown to nobody")
    return item


async def fetch_copies(means: Means, vault: Vault, name: str, proofs: Sequence[str]) -> Item[Delivery]:
    """Send the phone's proofs to the issuer and keep the checked copies until the phone has them. Asked again it gives the same.

    ``InvalidProof`` for a proof that is not of this batch, ``Conflict`` when it must be begun anew; every failed check of a copy is told
    to the issuer, and nothing is kept.
    """
    item = await get(means, vault, name)
    document = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, item.value.document))
    async with means.locks.of(lock_of(vault, document)):
        item = await get(means, vault, name)
        match item.value.state:
            case Received():
                return item
            case Begun() as begun:
                return await _fetch(means, vault, item, begun, proofs)
            case OnPhone() | Lost():
                raise Conflict("these copies were handed over already")


async def _fetch(means: Means, vault: Vault, item: Item[Delivery], begun: Begun, proofs: Sequence[str]) -> Item[Delivery]:
    document = await _document(means, vault, item.value.document)
    due = _current_grant_of(document)
    keys = _proved(proofs, begun, issuer=due.issuer, at=means.clock())
    client = await client_of(means, vault, due.issuer, due.server)
    try:
        document, token = await _token(means, vault, document, client, copies=True)
    except InvalidGrant as error:
        raise Conflict("the office gives no more copies of this document; ask it for a new invitation") from error
    try:
        response = await _ask(client, token, configuration_of(client.metadata, document.value), proofs)
        try:
            checked = _checked(means, response, keys, document.value)
        except VcError as error:
            await _tell(client, token, _notice(response.notification_id, Event.FAILURE, error.code))
            raise
    finally:
        await _end_lease(means, vault, document)
    return await _keep(means, vault, item, checked, response=response, token=token)


def _proved(proofs: Sequence[str], begun: Begun, *, issuer: str, at: int) -> dict[KeyId, PublicKey]:
    """The phone's keys, numbered. ``InvalidProof`` is told to the phone before the issuer hears anything."""
    if not 1 <= len(proofs) <= begun.count:
        raise Malformed(f"between 1 and {begun.count} key proofs make a batch", where="/proofs")
    known = verify_key_proofs(proofs, audience=issuer, nonce_seen=begun.nonce.__eq__, at=at, algs=ALGS)
    return {KeyId(str(number)): proof.holder for number, proof in enumerate(known)}


async def _token(means: Means, vault: Vault, item: Item[Document], client: Client, *, copies: bool) -> tuple[Item[Document], TokenResponse]:
    """An access token by the document's own grant; the next refresh token is written down before anything else happens. ``copies``: of this
    document, which it has to be good for (``renewed``).
    """
    item = await take_lease(means, vault, item)
    try:
        due = _grant_of(item)
        token = await client.run(refresh(client.metadata, due.token, client_id=due.client_id or None))
        item = await note_token(means, vault, item, token)
        return item, token_of(renewed(client, token, grant_of(due), means.clock(), shared=copies and bool(due.grant)))
    except VcError:
        await _end_lease(means, vault, item)
        raise


async def _end_lease(means: Means, vault: Vault, item: Item[Document]) -> None:
    """The service's own renewal may run again; its day stays as it was."""
    due = item.value.renewal
    if due is not None:
        await note_renewal(means, vault, item, msgspec.structs.replace(due, lease_until=0), "phone-lease")


async def _ask(client: Client, token: TokenResponse, configuration: Configuration, proofs: Sequence[str]) -> CredentialResponse:
    request, encrypted = credential_request(configuration, token, proofs), can_encrypt(client.metadata.issuer)
    try:
        response = await client.run(request_credentials(client.metadata, token, request, encrypted=encrypted))
    except InvalidNonce as error:
        raise Conflict("the office has forgotten this attempt; begin again") from error
    if response.transaction_id is not None:
        raise Unavailable("the office needs more time for these copies", retry_after=min(response.interval or 60, LONGEST_WAIT))
    return response


def _checked(means: Means, response: CredentialResponse, keys: dict[KeyId, PublicKey], document: Document) -> list[Checked]:
    """As for the service's own copies, and of the same document."""
    bound, bearer = match_copies(response, keys, format_name=FORMAT)
    checked = check_batch(bound, bearer, keys, policy=means.trust(), at=means.clock())
    if checked[0].type is not type_of(document) or checked[0].claims.issuer != document.issuer:
        raise Malformed("these copies are of another document", where="/credentials")
    return checked


async def _keep(
    means: Means, vault: Vault, item: Item[Delivery], checked: Sequence[Checked], *, response: CredentialResponse, token: TokenResponse
) -> Item[Delivery]:
    at, first = means.clock(), checked[0]
    expires = min(one.claims.expires_at for one in checked)
    leaf = means.trust().check_issuer(first.parsed.x5c, first.claims.issuer, first.type.vct, at, kid=first.parsed.kid)
    state = Received(
        wires=tuple(one.parsed.wire for one in checked),
        issuer_key=dict(jwk.render_jwk(leaf.public)),
        issuer_name=first.issuer_name,
        lines=ledger(checked),
        notification_id=response.notification_id,
        access_token=token.access_token,
        token_type=token.token_type,
        renew_at=at + max(3_600, (expires - at) * 2 // 3),
    )
    value = msgspec.structs.replace(item.value, at=at, state=state)
    return await means.storage.write(lambda tx: DELIVERIES.replace(tx, vault, item, value, entropy=means.entropy), point="phone-received")


# --- what became of a batch --------------------------------------------------------------------------------------------------------------


async def kept(means: Means, vault: Vault, name: str) -> None:
    """The phone has them: they leave this service, and so does the record of the batch that they take the place of."""
    item = await get(means, vault, name)
    match item.value.state:
        case OnPhone():
            return
        case Received() as received:
            await _hand_over(means, vault, item, received)
            await _tell_by(means, vault, item, _notice(received.notification_id, Event.ACCEPTED))
        case Begun() | Lost():
            raise Conflict("there are no copies here that the phone could have kept")


async def _hand_over(means: Means, vault: Vault, item: Item[Delivery], received: Received) -> None:
    state = OnPhone(lines=received.lines, notification_id=received.notification_id, renew_at=received.renew_at)
    value = msgspec.structs.replace(item.value, state=state)
    before = [one for one in await of_document(means, vault, value.document) if one.value.phone == value.phone and one.id != item.id]
    document = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, value.document))

    async def hand_over(tx: Tx) -> None:
        await DELIVERIES.replace(tx, vault, item, value, entropy=means.entropy)
        for one in before:
            await DELIVERIES.drop(tx, vault, one.id)
        await history.append(tx, vault, history.by_phone(document.value, "kept-on-phone", at=means.clock()), entropy=means.entropy)

    await means.storage.write(hand_over, point="phone-kept")


async def refused(means: Means, vault: Vault, name: str, code: str) -> None:
    """The phone found something wrong with the copies, so that nobody keeps them; the issuer hears the code."""
    item = await get(means, vault, name)
    if isinstance(item.value.state, Received):
        await _tell_by(means, vault, item, _notice(item.value.state.notification_id, Event.FAILURE, code))
    if not isinstance(item.value.state, OnPhone):
        await _drop(means, vault, item)


async def lost(means: Means, vault: Vault, name: str) -> Told | None:
    """The phone, or its holder, says that these copies are gone: the issuer is asked to put them on hold, now or at the next round.

    ``None`` for copies that were not made yet.
    """
    noted = await note_lost(means, vault, await get(means, vault, name))
    return None if noted is None else await report_lost(means, vault, noted)


async def note_lost(means: Means, vault: Vault, item: Item[Delivery], *, kind: str = "lost-by-phone") -> Item[Delivery] | None:
    """Write it down, for ``report_lost`` to tell; ``None`` for copies that were not made yet. ``kind`` is for the history.

    Copies that were received may be on the phone although it never said so.
    """
    state = item.value.state
    if isinstance(state, Lost):  # said before, and not heard yet
        return item
    if not isinstance(state, OnPhone | Received):
        await _drop(means, vault, item)
        return None
    document = await means.storage.read(lambda tx: DOCUMENTS.find(tx, vault, item.value.document))
    gone = Lost(notification_id=state.notification_id or "", until=max((line.expires_at for line in state.lines), default=0))
    value = msgspec.structs.replace(item.value, at=means.clock(), state=gone)

    async def note(tx: Tx) -> Item[Delivery]:
        if document is not None:
            await history.append(tx, vault, history.by_phone(document.value, kind, at=means.clock()), entropy=means.entropy)
        return await DELIVERIES.replace(tx, vault, item, value, entropy=means.entropy)

    return await means.storage.write(note, point="phone-lost")


async def report_lost(means: Means, vault: Vault, item: Item[Delivery]) -> Told:
    """Tell the issuer by the document's grant (OpenID4VCI section 11, ``credential_deleted``); forgotten once it was told, or has said that it
    cannot be.
    """
    state, told = item.value.state, Told.NEVER
    if not isinstance(state, Lost):
        return told
    document = await means.storage.read(lambda tx: DOCUMENTS.find(tx, vault, item.value.document))
    if document is not None and document.value.renewal is not None and state.notification_id:
        try:
            await _report(means, vault, document, state.notification_id)
            told = Told.HEARD
        except _NEVER as error:
            log.info("lost copies cannot be reported: %s", error.code)
        except VcError as error:
            log.info("lost copies could not be reported yet: %s", error.code)
            return Told.LATER
    await _drop(means, vault, item)
    return told


async def _report(means: Means, vault: Vault, document: Item[Document], notification_id: str) -> None:
    async with means.locks.of(lock_of(vault, document)):
        document = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, document.id))
        due = _grant_of(document)
        client = await client_of(means, vault, due.issuer, due.server)
        document, token = await _token(means, vault, document, client, copies=False)
        try:
            request = NotificationRequest(notification_id=notification_id, event=Event.DELETED)
            await client.run(notify(client.metadata, token, request))
        finally:
            await _end_lease(means, vault, document)


async def _tell_by(means: Means, vault: Vault, item: Item[Delivery], request: NotificationRequest | None) -> None:
    """By the access token that fetched the batch."""
    document = await means.storage.read(lambda tx: DOCUMENTS.find(tx, vault, item.value.document))
    state = item.value.state
    if document is None or document.value.renewal is None or not isinstance(state, Received):
        return
    try:
        client = await client_of(means, vault, document.value.renewal.issuer, document.value.renewal.server)
    except VcError:
        return
    await _tell(client, TokenResponse(access_token=state.access_token, token_type=state.token_type), request)


def _notice(notification_id: str | None, event: Event, code: str = "") -> NotificationRequest | None:
    return None if notification_id is None else NotificationRequest(notification_id=notification_id, event=event, description=code or None)


async def _tell(client: Client, token: TokenResponse, request: NotificationRequest | None) -> None:
    """Nothing of ours depends on whether they heard."""
    if request is None:
        return
    try:
        await client.run(notify(client.metadata, token, request))
    except VcError as error:
        log.info("the issuer did not hear of a batch: %s", error.code)


# --- records -------------------------------------------------------------------------------------------------------------------------------


async def get(means: Means, vault: Vault, name: str) -> Item[Delivery]:
    """A batch; ``Missing``."""
    return await means.storage.read(lambda tx: DELIVERIES.get(tx, vault, name))


async def all_deliveries(means: Means, vault: Vault) -> list[Item[Delivery]]:
    """Every batch of every phone."""
    return await means.storage.read(lambda tx: DELIVERIES.all(tx, vault))


async def of_document(means: Means, vault: Vault, document: str) -> list[Item[Delivery]]:
    """The batches of one document."""
    return [item for item in await all_deliveries(means, vault) if item.value.document == document]


async def _drop(means: Means, vault: Vault, item: Item[Delivery]) -> None:
    await means.storage.write(lambda tx: DELIVERIES.drop(tx, vault, item.id), point="phone-forgotten")


async def look_after(means: Means, vault: Vault) -> None:
    """By the clock: tell what could not be told, forget what nobody came for or what has run out."""
    at = means.clock()
    for item in await all_deliveries(means, vault):
        match item.value.state:
            case Lost(until=until) if 0 < until <= at:  # nobody can use them any more
                await _drop(means, vault, item)
            case Lost():
                await report_lost(means, vault, item)
            case Begun() if item.value.at + _BEGUN_FOR < at:
                await _drop(means, vault, item)
            case Received() if item.value.at + _RECEIVED_FOR < at:
                await _drop(means, vault, item)
            case OnPhone(lines=lines) if all(line.expires_at <= at for line in lines):
                await _drop(means, vault, item)
            case OnPhone(staples_at=due) if due <= at:
                await collect_staples(means, vault, item)
            case _:
                pass
