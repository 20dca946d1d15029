"""Signing in at an issuer: the holder is sent there and comes back with a code, which only this wallet can change for a document.

Pushed request, PKCE, ``state`` and ``iss`` always (HAIP 1.0 section 4). Writes: ``sign-in`` before the holder leaves, ``receive-token`` the
grant before it is used, ``sign-in-over`` when nothing came of it. A code is changed once; a process that dies while it does finds the
invitation as it was sent, and the holder signs in anew.
"""

from __future__ import annotations

import msgspec

from shared.errors import Conflict, Missing, VcError
from shared.openid4vci import AUTHORIZATION_CODE, finish_sign_in, prepare_sign_in, push, redeem_code, sign_in_url
from shared.urls import query_of
from wallet.batch import usable
from wallet.clients import client_for, granted, metadata_of
from wallet.invite import metadata_for, offer_of
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import RECEIVING, Item
from wallet.sessions import Granted, Offered, Receiving, Sent

RETURN_PATH = "/returned"
GRANT_LIFE = 300  # seconds, where the issuer does not say


async def begin(means: Means, vault: Vault, invitation: str, *, redirect_uri: str) -> Item[Receiving]:
    """Leave the request at the issuer's server; ``Sent.url`` is where the holder goes next. A sign-in begun before no longer counts.

    ``Conflict`` where there is nothing to sign in for.
    """
    async with means.locks.of(f"{vault.wallet}/{invitation}"):
        item = await means.storage.read(lambda tx: RECEIVING.get(tx, vault, invitation))
        if not item.value.sign_in_at or not isinstance(item.value.state, Offered | Sent | Granted):
            raise Conflict("there is nothing to sign in for with this invitation")
        offer = offer_of(means, item.value)
        metadata = await metadata_for(means, offer)
        client = await client_for(means, vault, metadata)
        sign_in, request = prepare_sign_in(
            metadata,
            usable(means, metadata, offer.configuration_ids),
            client_id=client.client_id,
            redirect_uri=redirect_uri,
            entropy=means.entropy,
            issuer_state=offer.authorization_code.issuer_state if offer.authorization_code else None,
            dpop_jkt=client.jkt,
        )
        pushed = await client.run(push(metadata.server, request))
        url = sign_in_url(metadata.server, client.client_id, pushed)
        value = msgspec.structs.replace(item.value, state=Sent(sign_in=sign_in, url=url, until=means.clock() + pushed.expires_in))
        return await means.storage.write(lambda tx: RECEIVING.replace(tx, vault, item, value, entropy=means.entropy), point="sign-in")


async def finish(means: Means, vault: Vault, url: str) -> Item[Receiving]:
    """The address that the holder's browser came back with, to a grant. The same address twice is ``Missing``: its sign-in is over.

    Whatever is wrong with it ends the sign-in, and the invitation can be taken up again: an answer by another server than the one that
    was asked (RFC 9207), a refusal (``AccessDenied``), a code that is not taken.
    """
    item = await find(means, vault, url)
    async with means.locks.of(f"{vault.wallet}/{item.id}"):
        item = await find(means, vault, url)
        sent = item.value.state
        if not isinstance(sent, Sent):
            raise _over()
        try:
            value = msgspec.structs.replace(item.value, state=await _redeem(means, vault, item.value, sent, url))
        except VcError:
            await _end(means, vault, item)
            raise
        return await means.storage.write(lambda tx: RECEIVING.replace(tx, vault, item, value, entropy=means.entropy), point="receive-token")


async def find(means: Means, vault: Vault, url: str) -> Item[Receiving]:
    """The invitation whose sign-in ``url`` is the answer to; ``Missing`` unless this very wallet began it and it is not over."""
    state = query_of(url).get("state", "")
    for item in await means.storage.read(lambda tx: RECEIVING.all(tx, vault)):
        if isinstance(item.value.state, Sent) and item.value.state.sign_in.state == state:
            return item
    raise _over()


def _over() -> Missing:
    return Missing("this sign-in was not begun in this wallet, or it is over")


async def _redeem(means: Means, vault: Vault, receiving: Receiving, sent: Sent, url: str) -> Granted:
    asked = offer_of(means, receiving).authorization_code
    metadata = await metadata_of(means, receiving.issuer, (asked.authorization_server if asked else None) or "", AUTHORIZATION_CODE)
    code = finish_sign_in(metadata.server, sent.sign_in, url)
    client = await client_for(means, vault, metadata)
    token = await client.run(redeem_code(metadata.server, sent.sign_in, code))
    return granted(client, token, client_id=sent.sign_in.client_id, at=means.clock(), life=GRANT_LIFE)


async def _end(means: Means, vault: Vault, item: Item[Receiving]) -> None:
    value = msgspec.structs.replace(item.value, state=Offered())
    await means.storage.write(lambda tx: RECEIVING.replace(tx, vault, item, value, entropy=means.entropy), point="sign-in-over")
