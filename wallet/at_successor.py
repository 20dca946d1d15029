"""What a wallet has from whoever keeps a document's records now (C24): lists that say what became of it, and new copies, where the office that made
it no longer answers and the holder has agreed.

The successor gets what the office had: the refresh token, and this wallet as the client that the office knew, by its keys. To anybody else these
would tell nothing, for nobody else can use them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from shared.errors import Rejected, Undecided, Untrusted, VcError
from shared.keys import PublicKey
from shared.openid4vci import Metadata
from shared.status.token_status_list import StatusToken
from shared.storage import Tx
from shared.trust.policy import Policy
from wallet.batch import Batch, NotKeptError
from wallet.clients import Client, client_for, client_name, client_of, metadata_of
from wallet.keep import Vault
from wallet.keepers import keeper_of
from wallet.means import Means
from wallet.records import CLIENTS
from wallet.sessions import Document, Renewal


async def client_at(means: Means, vault: Vault, document: Document, due: Renewal) -> Client:
    """The office that is due; where nothing at its address says that it makes documents, who took over from it. Errors of the office where
    nobody did or the holder has not agreed to that, else of the successor.
    """
    try:
        return await client_of(means, vault, due.issuer, due.server)
    except VcError:  # whoever closes an office leaves its address silent, empty, or leading elsewhere
        keeper = keeper_of(means.trust(), document, means.clock())
        if keeper is None or not keeper.agreed:
            raise
        metadata = await metadata_of(means, keeper.entity)
        await _hand_on(means, vault, due.issuer, metadata)
        return await client_for(means, vault, metadata)


async def _hand_on(means: Means, vault: Vault, before: str, metadata: Metadata) -> None:
    """What this wallet was to the office it is to the successor: a token is tied to the key that it was given to (RFC 9449 section 5)."""
    issuer, server = metadata.issuer.issuer, metadata.server.issuer
    name = client_name(vault, issuer, server)

    async def unit(tx: Tx) -> None:
        known = next((item.value for item in await CLIENTS.all(tx, vault) if item.value.issuer == before), None)
        if known is not None and await CLIENTS.find(tx, vault, name) is None:
            value = msgspec.structs.replace(known, issuer=issuer, server=server)
            await CLIENTS.put(tx, vault, name, value, entropy=means.entropy)

    await means.storage.write(unit, point="client")


def list_signer(policy: Policy, document: Document, token: StatusToken, x5c: Sequence[bytes], at: int) -> PublicKey:
    """The key by which a list counts: of the issuer, or of a successor that has both the duty to say this and the power to cancel.

    Errors as ``check_issuer`` where it is neither's. Of a successor that may not cancel nothing is taken: what it said before stays.
    """
    try:
        return policy.check_issuer(x5c, document.issuer, document.vct, at).public
    except (Rejected, Undecided):
        line = policy.federation.heirs(document.issuer, at, vct=document.vct)
        for index, each in enumerate(line):
            if token.iat < each.since or not all(one.status_duty and one.may_cancel for one in line[: index + 1]):
                break
            with suppress(Rejected, Undecided):
                return policy.check_heir(token.x5c, each.successor, at, kid=token.kid)
        raise


def check_moved(document: Document, batch: Batch, issuer: str) -> None:
    """``NotKeptError`` unless the successor itself made these, of the same type."""
    first = batch.checked[0]
    if (first.claims.issuer, first.type.vct) != (issuer, document.vct):
        raise NotKeptError(
            Untrusted("these copies are not by the successor, or of another type", where="/credentials"), batch.notification_ids
        )
