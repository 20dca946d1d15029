"""Receiving: invitation, code, keys, copies; each copy is checked before it is kept, and all of them are kept at once or none.

Order of writes, each its own unit of work (failpoints by name): ``invite`` remembers the invitation, ``receive-token`` the grant that
the code was changed for, ``receive`` document, copies, keys and history in one. Only then does the issuer hear that all is well.
A process that dies in between finds the grant again and asks once more with fresh keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from shared.clock import DAY
from shared.codec import strict_json
from shared.errors import InvalidGrant, InvalidToken, Malformed, NotEntitled, Refused, Unavailable, Untrusted, VcError
from shared.flow import arun
from shared.openid4vci import (
    Configuration,
    CredentialOffer,
    Event,
    Metadata,
    NotificationRequest,
    OfferReference,
    TokenResponse,
    TxCode,
    fetch_metadata,
    match_copies,
    notify,
    obtain,
    offer_metadata,
    parse_offer,
    parse_offer_link,
    redeem,
    render_offer,
    resolve_offer,
)
from shared.storage import Tx
from wallet import history
from wallet.check import Checked, check_batch, type_offered
from wallet.holding import KeyRing, make_keys
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import COPIES, DOCUMENTS, RECEIVING, Item
from wallet.sessions import (
    CodeLook,
    Copy,
    CopyLine,
    Declined,
    Document,
    Granted,
    Kept,
    Notice,
    Offered,
    Receiving,
    Renewal,
)

MAX_BATCH = 50
KEEP_INVITATIONS = 60 * DAY
GRANT_LIFE = 300  # seconds, where the issuer does not say
UNKNOWN_SENDER = (Untrusted, NotEntitled)


async def read_invitation(means: Means, vault: Vault, link: str, *, locale: str = "en") -> Item[Receiving]:
    """Follow the link to the offer and its issuer's metadata, and remember both. The same invitation twice is one thing.

    ``locale``: the language in which issuer and documents are named, where the issuer has it.

    What was read before is not asked for again: an invitation that was redeemed no longer lies where its link leads.
    """
    found = parse_offer_link(link.strip(), plain_http=means.plain_http)
    lies_at = found.uri if isinstance(found, OfferReference) else ""
    known = await _known(means, vault, lies_at)
    if known is not None:
        return known
    offer = await arun(resolve_offer(link.strip(), plain_http=means.plain_http), means.fetch)
    if offer.pre_authorized is None:
        raise Refused("this invitation needs a sign-in at the issuer, which this wallet does not do", where="/grants")
    invitation = vault.tag("invitation", offer.issuer, offer.pre_authorized.code)
    metadata = await arun(offer_metadata(offer, plain_http=means.plain_http), means.fetch)
    wanted = usable(metadata, offer.configuration_ids)
    receiving = Receiving(
        at=means.clock(),
        lies_at=lies_at,
        issuer=offer.issuer,
        issuer_name=metadata.issuer.name(locale) or "",
        titles=tuple(dict.fromkeys(_title(configuration, locale) for configuration in wanted)),
        offer=strict_json.dumps(render_offer(offer)).decode(),
        code=_look(offer.pre_authorized.tx_code),
        state=Offered(),
    )

    async def remember(tx: Tx) -> Item[Receiving]:
        here = await RECEIVING.find(tx, vault, invitation)
        return here or await RECEIVING.put(tx, vault, invitation, receiving, entropy=means.entropy)

    return await means.storage.write(remember, point="invite")


async def _known(means: Means, vault: Vault, lies_at: str) -> Item[Receiving] | None:
    items = await means.storage.read(lambda tx: RECEIVING.all(tx, vault)) if lies_at else []
    return next((item for item in items if item.value.lies_at == lies_at), None)


def usable(metadata: Metadata, ids: Sequence[str]) -> tuple[Configuration, ...]:
    """The offered configurations whose format and type are known here; ``Refused`` if there is none."""
    known = metadata.issuer.configurations
    found = tuple(known[name] for name in ids if name in known and type_offered(known[name]) is not None)
    if not found:
        raise Refused("this wallet does not know the kind of document that is offered", where="/credential_configuration_ids")
    if len({type_offered(configuration) for configuration in found}) > 1:
        raise Refused("this wallet collects one kind of document at a time", where="/credential_configuration_ids")
    return found


def _title(configuration: Configuration, locale: str) -> str:
    display = configuration.metadata.get("display") or [{}]
    spoken = [each for each in display if str(each.get("locale", "")).partition("-")[0] == locale]
    name = (spoken or display)[0].get("name")
    return name[:100] if isinstance(name, str) else configuration.id[:100]


def _look(code: TxCode | None) -> CodeLook | None:
    if code is None:
        return None
    return CodeLook(numeric=code.input_mode == "numeric", length=code.length, description=code.description)


async def collect(means: Means, vault: Vault, invitation: str, code: str | None) -> Item[Document]:
    """Redeem, fetch, check and keep. Asked again after success it gives the same document.

    ``Untrusted`` or ``NotEntitled`` when the sender is not known: nothing is kept, and it can be tried again once trust was added.
    Every other failed check ends the invitation (``Declined``) and the issuer is told.
    """
    async with means.locks.of(f"{vault.wallet}/{invitation}"):
        item = await means.storage.read(lambda tx: RECEIVING.get(tx, vault, invitation))
        match item.value.state:
            case Kept(document=document):
                return await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, document))
            case Declined(code=failed, detail=detail):
                raise Refused(f"what this invitation led to was not kept: {detail} ({failed})")
            case Offered() | Granted():
                return await _collect(means, vault, item, code)


async def _collect(means: Means, vault: Vault, item: Item[Receiving], code: str | None) -> Item[Document]:
    offer = parse_offer(item.value.offer, plain_http=means.plain_http)
    metadata = await arun(offer_metadata(offer, plain_http=means.plain_http), means.fetch)
    item, token = await _grant(means, vault, item, metadata=metadata, offer=offer, code=code)
    try:
        batch = await fetch_batch(means, metadata, token, usable(metadata, offer.configuration_ids))
    except UNKNOWN_SENDER:
        raise
    except InvalidToken as error:
        raise InvalidToken("the time to collect this document is over; ask the sender for a new invitation") from error
    except NotKeptError as refusal:
        await _decline(means, vault, item, refusal.cause)
        await _tell_failure(means, metadata, token, refusal)
        raise refusal.cause from refusal
    document = await _keep(means, vault, item, batch, metadata)
    return await send_notice(means, vault, document)


async def _grant(
    means: Means, vault: Vault, item: Item[Receiving], *, metadata: Metadata, offer: CredentialOffer, code: str | None
) -> tuple[Item[Receiving], TokenResponse]:
    """The grant at hand, else the one that the code gives; it is written down before it is used."""
    state, at = item.value.state, means.clock()
    if isinstance(state, Granted) and state.expires_at > at:
        return item, TokenResponse(access_token=state.access_token, refresh_token=state.refresh_token)
    try:
        token = await arun(redeem(metadata, offer, tx_code=_typed(item.value.code, code)), means.fetch)
    except InvalidGrant as error:
        raise InvalidGrant("the collection code is not right, or the invitation was used already or has run out", where="code") from error
    granted = Granted(
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at=at + (token.expires_in or GRANT_LIFE),
    )
    value = msgspec.structs.replace(item.value, state=granted)
    before = item
    item = await means.storage.write(lambda tx: RECEIVING.replace(tx, vault, before, value, entropy=means.entropy), point="receive-token")
    return item, token


def _typed(look: CodeLook | None, code: str | None) -> str | None:
    if look is None:
        return None
    typed = "".join((code or "").split())
    if not typed:
        raise Malformed("type the collection code that was sent to you separately", where="code")
    return typed


# --- a batch of copies, for collecting and for renewing --------------------------------------------------------------------------------


class NotKeptError(Exception):
    """A check of a received copy failed: ``cause``, with the notification that the issuer is owed."""

    def __init__(self, cause: VcError, notification_id: str | None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.notification_id = notification_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Checked copies of one document with their keys. ``formats`` says by which configuration each format came."""

    checked: Sequence[Checked]
    ring: KeyRing
    formats: Mapping[str, str]
    token: TokenResponse
    notification_id: str | None


async def fetch_batch(means: Means, metadata: Metadata, token: TokenResponse, wanted: Sequence[Configuration]) -> Batch:
    """One key a copy and format (S1), one request a configuration, every copy checked. ``NotKeptError``, ``Untrusted`` or ``NotEntitled``."""
    checked: list[Checked] = []
    ring = await make_keys(0, means.entropy)
    notification_id = None
    for configuration in wanted:
        keys = await make_keys(min(metadata.issuer.batch_size, MAX_BATCH), means.entropy)

        async def prove(nonce: str | None, keys: KeyRing = keys) -> Sequence[str]:
            return await keys.prove(audience=metadata.issuer.issuer, nonce=nonce, at=means.clock())

        response = await obtain(metadata, token, configuration, prove=prove, fetch=means.fetch)
        notification_id = response.notification_id or notification_id
        try:
            bound, bearer = match_copies(response, keys.public, format_name=configuration.format)
            checked += check_batch(bound, bearer, keys.public, policy=means.trust(), at=means.clock(), before=checked)
        except UNKNOWN_SENDER:
            raise
        except VcError as error:
            raise NotKeptError(error, notification_id) from error
        ring.join(keys)
    by_format = {configuration.format: configuration.id for configuration in wanted}
    return Batch(checked=checked, ring=ring, formats=by_format, token=token, notification_id=notification_id)


async def _keep(means: Means, vault: Vault, item: Item[Receiving], batch: Batch, metadata: Metadata) -> Item[Document]:
    """Everything in one unit of work."""
    document = _document(means, batch, metadata)

    async def keep(tx: Tx) -> Item[Document]:
        kept = await DOCUMENTS.put(tx, vault, document.id, document, entropy=means.entropy)
        await put_copies(tx, means, vault, document.id, batch)
        value = msgspec.structs.replace(item.value, state=Kept(document=document.id))
        await RECEIVING.replace(tx, vault, item, value, entropy=means.entropy)
        await history.append(tx, vault, history.issuance(document, at=means.clock()), entropy=means.entropy)
        return kept

    return await means.storage.write(keep, point="receive")


async def put_copies(tx: Tx, means: Means, vault: Vault, document: str, batch: Batch) -> None:
    """The copies of a batch with their private keys."""
    for one in batch.checked:
        copy = Copy(document=document, wire=one.parsed.wire, private=batch.ring.private(one.key), alg=batch.ring.public[one.key].alg)
        await COPIES.put(tx, vault, one.id, copy, entropy=means.entropy)


def _document(means: Means, batch: Batch, metadata: Metadata) -> Document:
    first, at, refreshed = batch.checked[0], means.clock(), batch.token.refresh_token
    return Document(
        id=means.entropy(12).hex(),
        type=first.type.id,
        vct=first.type.vct,
        issuer=first.claims.issuer,
        issuer_name=first.issuer_name,
        claims=msgspec.to_builtins(first.claims.claims),
        issued_at=first.claims.issued_at,
        received_at=at,
        configurations=dict(batch.formats),
        copies=ledger(batch.checked),
        renewal=None if refreshed is None else renewal(batch, metadata.issuer.issuer, refreshed, at),
        notice=_notice(batch, metadata, Event.ACCEPTED),
        next_check_at=at,
    )


def ledger(checked: Sequence[Checked]) -> tuple[CopyLine, ...]:
    """A line a copy, none shown yet."""
    return tuple(
        CopyLine(
            id=one.id,
            format=one.parsed.format,
            expires_at=one.claims.expires_at,
            # A bitstring list is another kind of list, which is not watched here (docs/limits.md).
            status_uri=one.claims.status.uri if one.claims.status and not one.claims.status.purpose else "",
            status_idx=one.claims.status.idx if one.claims.status else 0,
        )
        for one in checked
    )


def renewal(batch: Batch, issuer: str, token: str, at: int) -> Renewal:
    """New copies after two thirds of these copies' life: an hour that is settled now, whatever is shown meanwhile (S21)."""
    expires = min(one.claims.expires_at for one in batch.checked)
    return Renewal(issuer=issuer, token=token, at=at + max(3_600, (expires - at) * 2 // 3))


def _notice(batch: Batch, metadata: Metadata, event: Event) -> Notice | None:
    if batch.notification_id is None or metadata.issuer.notification_endpoint is None:
        return None
    return Notice(issuer=metadata.issuer.issuer, id=batch.notification_id, token=batch.token.access_token, event=str(event))


async def send_notice(means: Means, vault: Vault, item: Item[Document]) -> Item[Document]:
    """Tell the issuer what is owed. A failure here loses nothing: it is tried again while the token lives, then dropped."""
    notice = item.value.notice
    if notice is None:
        return item
    try:
        metadata = await arun(fetch_metadata(notice.issuer, plain_http=means.plain_http), means.fetch)
        request = NotificationRequest(notification_id=notice.id, event=Event(notice.event))
        await arun(notify(metadata, TokenResponse(access_token=notice.token), request), means.fetch)
    except Unavailable:
        return item
    except VcError:
        pass  # the issuer does not want to know; the document is ours all the same
    value = msgspec.structs.replace(item.value, notice=None)
    return await means.storage.write(lambda tx: DOCUMENTS.replace(tx, vault, item, value, entropy=means.entropy), point="notified")


async def _decline(means: Means, vault: Vault, item: Item[Receiving], error: VcError) -> None:
    state = Declined(code=error.code, detail=error.detail, where=error.where)
    value = msgspec.structs.replace(item.value, state=state)

    async def decline(tx: Tx) -> None:
        await RECEIVING.replace(tx, vault, item, value, entropy=means.entropy)
        await history.append(tx, vault, history.refused_issuance(item.value, error, at=means.clock()), entropy=means.entropy)

    await means.storage.write(decline, point="decline")


async def _tell_failure(means: Means, metadata: Metadata, token: TokenResponse, refusal: NotKeptError) -> None:
    if refusal.notification_id is None:
        return
    request = NotificationRequest(notification_id=refusal.notification_id, event=Event.FAILURE, description=refusal.cause.code)
    try:
        await arun(notify(metadata, token, request), means.fetch)
    except VcError:
        return  # nothing of ours depends on whether they heard


async def forget_old(means: Means, vault: Vault) -> None:
    """Invitations that were dealt with, or nobody took up, leave the wallet after a while."""
    oldest = means.clock() - KEEP_INVITATIONS
    items = await means.storage.read(lambda tx: RECEIVING.all(tx, vault))
    old = [item.id for item in items if item.value.at < oldest]

    async def drop(tx: Tx) -> None:
        for name in old:
            await RECEIVING.drop(tx, vault, name)

    if old:
        await means.storage.write(drop, point="forgotten")
