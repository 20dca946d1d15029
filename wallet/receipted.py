"""A receipt is checked against what was really sent, by whom it was asked, and what that body signed before (security rule S25)."""

from __future__ import annotations

from shared.errors import Untrusted, VcError
from shared.receipts import Exchange, Receipt, verify_receipt, verify_receipt_by
from shared.trust.policy import Policy
from shared.x509 import load_certificate
from wallet import history
from wallet.keep import Vault
from wallet.means import Means
from wallet.sessions import Request


def verify_of(token: str, exchange: Exchange, *, policy: Policy, entity: str) -> Receipt:
    """The receipt, if ``entity`` signed it for this exchange. Errors as ``verify_receipt``."""
    receipt = verify_receipt(token, exchange, policy=policy)
    if receipt.entity != entity:
        raise Untrusted("the receipt is by another organisation than the one that was told")
    return receipt


async def fault_of(
    means: Means, vault: Vault, request: Request, token: str | None, *, presentation: bytes, nonce: str, sent_at: int
) -> str:
    """What is wrong with the receipt ``token`` for ``presentation``; empty if nothing is, or none came."""
    if token is None:
        return ""
    use = "" if request.use is None else request.use.use_id
    exchange = Exchange(presentation=presentation, nonce=nonce, at=means.clock(), sent_at=sent_at, purpose_id=use)
    before = await history.receipts_by(means.storage, vault, history.party_of(request.asker))
    try:
        receipt = _verified(means, request, token, exchange)
        history.check_heads(receipt, before)
    except VcError as error:
        return f"{error.code}: {error.detail}"
    return ""


def _verified(means: Means, request: Request, token: str, exchange: Exchange) -> Receipt:
    if not request.signer:
        raise Untrusted("nobody can tell who signed the receipt, for the request came without a certificate")
    if not request.asker.proved:
        return verify_receipt_by(token, exchange, signer=load_certificate(request.signer))
    receipt = verify_receipt(token, exchange, policy=means.trust())
    if receipt.entity != request.asker.party:
        raise Untrusted("the receipt is by another organisation than the one that asked")
    return receipt
