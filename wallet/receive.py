"""Receiving: invitation, grant, keys, copies; each copy is checked before it is kept, and all of them are kept at once or none.

Order of writes, each its own unit of work (failpoints by name): ``invite`` remembers the invitation, ``receive-token`` the grant that
a code was changed for, ``promise`` what the issuer needs time for, ``receive`` document, copies, keys and history in one. Only then does
the issuer hear that all is well. A process that dies in between finds the grant again and asks once more with fresh keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from shared.errors import (
    CredentialRequestDenied,
    InvalidGrant,
    InvalidToken,
    InvalidTransactionId,
    Malformed,
    Refused,
    Unavailable,
    UnknownCredentialIdentifier,
    VcError,
)
from shared.openid4vci import (
    Event,
    Metadata,
    NotificationRequest,
    TokenResponse,
    notify,
    redeem,
    refresh,
)
from shared.storage import Tx
from wallet import history
from wallet.batch import (
    UNKNOWN_SENDER,
    Batch,
    NotKeptError,
    ask_again,
    ask_parts,
    check_parts,
    ledger,
    put_copies,
    renewal,
    usable,
    wait_of,
)
from wallet.check import fullest
from wallet.clients import Client, client_for, client_of, granted, token_of
from wallet.invite import metadata_for, offer_of
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import DOCUMENTS, RECEIVING, Item
from wallet.sessions import CodeLook, Declined, Document, Granted, Kept, Notice, Offered, Part, Promised, Receiving, Sent
from wallet.sign_in import GRANT_LIFE

_RETRY = 300  # seconds, where an issuer that was to be asked again does not answer
_ENDED = (CredentialRequestDenied, InvalidTransactionId, InvalidToken, InvalidGrant)
REFUSED = frozenset(each.code for each in _ENDED)  # how a promise ends without any copy


async def collect(means: Means, vault: Vault, invitation: str, code: str | None) -> Item[Document]:
    """Redeem, fetch, check and keep. Asked again after success it gives the same document; ``kept_by`` gives all, where there are several.

    ``Unavailable`` while the issuer needs time (``Promised``): it is asked again by the clock.

    ``Untrusted`` or ``NotEntitled`` when the sender is not known: nothing is kept, and it can be tried again once trust was added.
    Every other failed check ends the invitation (``Declined``) and the issuer is told. ``Refused`` while the holder has to sign in.
    """
    async with means.locks.of(f"{vault.wallet}/{invitation}"):
        item = await means.storage.read(lambda tx: RECEIVING.get(tx, vault, invitation))
        match item.value.state:
            case Kept(document=document):
                return await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, document))
            case Declined(code=failed, detail=detail):
                raise Refused(f"what this invitation led to was not kept: {detail} ({failed})")
            case Promised(next_at=next_at) if next_at > means.clock():
                raise _waiting(next_at - means.clock())
            case Promised() as promised:
                return await _ask_again(means, vault, item, promised)
            case Offered() | Sent() | Granted():
                return await _collect(means, vault, item, code)


async def _collect(means: Means, vault: Vault, item: Item[Receiving], code: str | None) -> Item[Document]:
    metadata = await _metadata(means, item.value)
    client = await client_for(means, vault, metadata)
    item, grant = await _grant(means, vault, item, client=client, code=code)
    try:
        parts = await ask_parts(means, client, grant, usable(means, metadata, offer_of(means, item.value).configuration_ids))
    except InvalidToken as error:
        raise InvalidToken("the time to collect this document is over; ask the sender for a new invitation") from error
    if wait_of(parts):
        raise await _promise(means, vault, item, grant, parts)
    return await _settle(means, vault, item, client=client, grant=grant, parts=parts)


async def _metadata(means: Means, receiving: Receiving) -> Metadata:
    """As when the invitation was read: an offer says which server, or lets the first one be taken."""
    return await metadata_for(means, offer_of(means, receiving))


async def _settle(
    means: Means, vault: Vault, item: Item[Receiving], *, client: Client, grant: Granted, parts: tuple[Part, ...]
) -> Item[Document]:
    try:
        batches = await check_parts(means, parts)
    except UNKNOWN_SENDER:
        raise
    except NotKeptError as refusal:
        await _decline(means, vault, item, refusal.cause)
        await _tell_failure(client, token_of(grant), refusal)
        raise refusal.cause from refusal
    shared = means.entropy(12).hex() if len(batches) > 1 else ""
    documents = [_document(means, batch, client.metadata, grant, shared) for batch in batches]
    first, *_ = [await send_notice(means, vault, one) for one in await _keep(means, vault, item, batches, documents)]
    return first


async def _grant(means: Means, vault: Vault, item: Item[Receiving], *, client: Client, code: str | None) -> tuple[Item[Receiving], Granted]:
    """The grant at hand, else the one that the code gives; it is written down before it is used."""
    state, at = item.value.state, means.clock()
    if isinstance(state, Granted) and state.expires_at > at:
        return item, state
    if item.value.sign_in_at:
        raise Refused("sign in at the issuer first", where="sign-in")
    flow = redeem(client.metadata, offer_of(means, item.value), tx_code=_typed(item.value.code, code), client_id=client.named)
    try:
        token = await client.run(flow)
    except InvalidGrant as error:
        raise InvalidGrant("the collection code is not right, or the invitation was used already or has run out", where="code") from error
    grant = granted(client, token, client_id=client.named, at=at, life=GRANT_LIFE)
    return await _note(means, vault, item, grant, "receive-token"), grant


async def _note(means: Means, vault: Vault, item: Item[Receiving], state: Granted | Promised, point: str) -> Item[Receiving]:
    value = msgspec.structs.replace(item.value, state=state)
    return await means.storage.write(lambda tx: RECEIVING.replace(tx, vault, item, value, entropy=means.entropy), point=point)


def _typed(look: CodeLook | None, code: str | None) -> str | None:
    if look is None:
        return None
    typed = "".join((code or "").split())
    if not typed:
        raise Malformed("type the collection code that was sent to you separately", where="code")
    return typed


# --- what the issuer needs time for ------------------------------------------------------------------------------------------------------


async def _promise(
    means: Means, vault: Vault, item: Item[Receiving], grant: Granted, parts: tuple[Part, ...], *, anew: bool = False
) -> Unavailable:
    """Keys and transactions are written down: what comes later must be tied to these keys and no others."""
    at = means.clock()
    value = Promised(grant=grant, parts=parts, since=at, next_at=at + wait_of(parts), anew=anew)
    await _note(means, vault, item, value, "promise")
    return _waiting(wait_of(parts))


def _waiting(seconds: int) -> Unavailable:
    return Unavailable("the issuer needs more time for this document; it is asked again by itself", retry_after=seconds)


async def give_up(means: Means, vault: Vault, invitation: str) -> None:
    """The holder no longer waits for what was promised: keys, tokens and the invitation are forgotten."""
    async with means.locks.of(f"{vault.wallet}/{invitation}"):

        async def drop(tx: Tx) -> None:
            item = await RECEIVING.get(tx, vault, invitation)
            if isinstance(item.value.state, Promised):
                await RECEIVING.drop(tx, vault, invitation)

        await means.storage.write(drop, point="give-up")


async def _ask_again(means: Means, vault: Vault, item: Item[Receiving], promised: Promised) -> Item[Document]:
    """Once the issuer's interval is over. What it refuses for good ends the invitation; what it gives is written down before it is checked."""
    try:
        client = await client_for(means, vault, await _metadata(means, item.value))
        item, promised = await _fresh_grant(means, vault, item, client=client, promised=promised)
        parts = await ask_again(client, token_of(promised.grant), promised.parts)
    except InvalidTransactionId as error:
        if promised.anew:
            await _decline(means, vault, item, error)
            raise
        return await _ask_anew(means, vault, item, promised)
    except _ENDED as error:
        await _decline(means, vault, item, error)
        raise
    except VcError as error:
        wait = error.retry_after if isinstance(error, Unavailable) else 0
        await _note(means, vault, item, msgspec.structs.replace(promised, next_at=means.clock() + max(wait, _RETRY)), "promise-later")
        raise
    later = msgspec.structs.replace(promised, parts=parts, next_at=means.clock() + wait_of(parts), anew=False)
    item = await _note(means, vault, item, later, "promise")
    if wait_of(parts):
        raise _waiting(wait_of(parts))
    return await _settle(means, vault, item, client=client, grant=promised.grant, parts=parts)


async def _ask_anew(means: Means, vault: Vault, item: Item[Receiving], promised: Promised) -> Item[Document]:
    """The issuer gave it already, and this process died before it could write that down: once more, with fresh keys."""
    client = await client_for(means, vault, await _metadata(means, item.value))
    wanted = usable(means, client.metadata, offer_of(means, item.value).configuration_ids)
    parts = await ask_parts(means, client, promised.grant, wanted)
    if wait_of(parts):
        raise await _promise(means, vault, item, promised.grant, parts, anew=True)
    return await _settle(means, vault, item, client=client, grant=promised.grant, parts=parts)


async def _fresh_grant(
    means: Means, vault: Vault, item: Item[Receiving], *, client: Client, promised: Promised
) -> tuple[Item[Receiving], Promised]:
    """The access token may have run out while the issuer took its time; the next refresh token is written down before it is used."""
    grant = promised.grant
    if grant.expires_at > means.clock() or grant.refresh_token is None:
        return item, promised
    token = await client.run(refresh(client.metadata, grant.refresh_token, client_id=grant.client_id or None))
    after = renewed(client, token, grant, means.clock())
    promised = msgspec.structs.replace(promised, grant=after)
    return await _note(means, vault, item, promised, "promise-token"), promised


def renewed(client: Client, token: TokenResponse, before: Granted, at: int, *, shared: bool = False) -> Granted:
    """A grant after a refresh: what the answer does not say stays as it was (RFC 6749 section 6).

    ``shared``: ``before`` is one of several documents of it; ``UnknownCredentialIdentifier`` where the token is no longer good for that one.
    """
    after = granted(client, token, client_id=before.client_id, at=at, life=GRANT_LIFE)
    identifiers = _still(before.identifiers, after.identifiers, shared=shared and bool(before.identifiers))
    return msgspec.structs.replace(after, refresh_token=after.refresh_token or before.refresh_token, identifiers=identifiers)


def _still(before: Mapping[str, tuple[str, ...]], named: Mapping[str, tuple[str, ...]], *, shared: bool) -> dict[str, tuple[str, ...]]:
    """Of the documents that a token names now, those that were meant: it may name all of its grant. The name of the only one may be another now."""
    if not named:
        return dict(before)
    meant = {name: tuple(one for one in names if one in before.get(name, ())) for name, names in named.items()}
    if shared and not any(meant.values()):
        raise UnknownCredentialIdentifier("the token is good for other documents only")
    return meant if shared else {name: meant[name] or names for name, names in named.items()}


# --- keeping -----------------------------------------------------------------------------------------------------------------------------


async def _keep(
    means: Means, vault: Vault, item: Item[Receiving], batches: Sequence[Batch], documents: Sequence[Document]
) -> list[Item[Document]]:
    """Everything in one unit of work."""

    async def keep(tx: Tx) -> list[Item[Document]]:
        kept = []
        for batch, document in zip(batches, documents, strict=True):
            kept.append(await DOCUMENTS.put(tx, vault, document.id, document, entropy=means.entropy))
            await put_copies(tx, means, vault, document.id, batch)
            await history.append(tx, vault, history.issuance(document, at=means.clock()), entropy=means.entropy)
        first, *others = (document.id for document in documents)
        value = msgspec.structs.replace(item.value, state=Kept(document=first, others=tuple(others)))
        await RECEIVING.replace(tx, vault, item, value, entropy=means.entropy)
        return kept

    return await means.storage.write(keep, point="receive")


async def kept_by(means: Means, vault: Vault, invitation: str) -> list[Item[Document]]:
    """Every document that an invitation led to and that is still here."""

    async def read(tx: Tx) -> list[Item[Document]]:
        state = (await RECEIVING.get(tx, vault, invitation)).value.state
        names = (state.document, *state.others) if isinstance(state, Kept) else ()
        return [found for name in names if (found := await DOCUMENTS.find(tx, vault, name)) is not None]

    return await means.storage.read(read)


def _document(means: Means, batch: Batch, metadata: Metadata, grant: Granted, shared: str) -> Document:
    first, at, refreshed = fullest(batch.checked), means.clock(), grant.refresh_token
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
        renewal=None if refreshed is None else renewal(batch, metadata.issuer.issuer, grant, refreshed, at, shared=shared),
        notice=_notice(batch, metadata, grant),
        next_check_at=at,
        report_pass=batch.report_pass,
    )


# --- what the issuer hears ---------------------------------------------------------------------------------------------------------------


def _notice(batch: Batch, metadata: Metadata, grant: Granted) -> Notice | None:
    if not batch.notification_ids or metadata.issuer.notification_endpoint is None:
        return None
    first, *others = batch.notification_ids
    return Notice(
        issuer=metadata.issuer.issuer,
        id=first,
        token=grant.access_token,
        event=str(Event.ACCEPTED),
        token_type=grant.token_type,
        server=grant.server,
        others=tuple(others),
    )


async def send_notice(means: Means, vault: Vault, item: Item[Document]) -> Item[Document]:
    """Tell the issuer what is owed. A failure here loses nothing: it is tried again while the token lives, then dropped."""
    notice = item.value.notice
    if notice is None:
        return item
    token = TokenResponse(access_token=notice.token, token_type=notice.token_type)
    try:
        client = await client_of(means, vault, notice.issuer, notice.server)
        for name in (notice.id, *notice.others):
            await client.run(notify(client.metadata, token, NotificationRequest(notification_id=name, event=Event(notice.event))))
    except Unavailable:
        return item
    except VcError:
        pass  # the issuer does not want to know; the document is ours all the same

    async def settle(tx: Tx) -> Item[Document]:
        now = await DOCUMENTS.find(tx, vault, item.id)  # its status may have been looked up in the meantime: that stands
        if now is None or now.value.notice != notice:
            return now or item
        return await DOCUMENTS.replace(tx, vault, now, msgspec.structs.replace(now.value, notice=None), entropy=means.entropy)

    return await means.storage.write(settle, point="notified")


async def _decline(means: Means, vault: Vault, item: Item[Receiving], error: VcError) -> None:
    state = Declined(code=error.code, detail=error.detail, where=error.where)
    value = msgspec.structs.replace(item.value, state=state)

    async def decline(tx: Tx) -> None:
        await RECEIVING.replace(tx, vault, item, value, entropy=means.entropy)
        await history.append(tx, vault, history.refused_issuance(item.value, error, at=means.clock()), entropy=means.entropy)

    await means.storage.write(decline, point="decline")


async def _tell_failure(client: Client, token: TokenResponse, refusal: NotKeptError) -> None:
    for name in refusal.notification_ids:
        request = NotificationRequest(notification_id=name, event=Event.FAILURE, description=refusal.cause.code)
        try:
            await client.run(notify(client.metadata, token, request))
        except VcError:
            return  # nothing of ours depends on whether they heard
