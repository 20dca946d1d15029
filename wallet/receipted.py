"""A receipt is checked against what was really sent, by whom it was asked, and what that body signed before (security rule S25)."""

from __future__ import annotations

from shared.errors import Untrusted, VcError
from shared.receipts import Receipt, verify_receipt, verify_receipt_by
from shared.x509 import load_certificate
from wallet import history
from wallet.keep import Vault
from wallet.means import Means
from wallet.sessions import Request


async def fault_of(means: Means, vault: Vault, request: Request, token: str | None, *, presentation: bytes, nonce: str) -> str:
    """What is wrong with the receipt ``token`` for ``presentation``; empty if nothing is, or none came."""
    if token is None:
        return ""
    lines = await means.storage.read(lambda tx: history.read(tx, vault))
    before = [line.entry.receipt for line in lines if line.entry.interacting_party_identifier == history.party_of(request.asker)]
    try:
        receipt = _verified(means, request, token, presentation, nonce)
        history.check_heads(receipt, [each for each in before if each])
    except VcError as error:
        return f"{error.code}: {error.detail}"
    return ""


def _verified(means: Means, request: Request, token: str, presentation: bytes, nonce: str) -> Receipt:
    at = means.clock()
    if not request.signer:
        raise Untrusted("nobody can tell who signed the receipt, for the request came without a certificate")
    if not request.asker.proved:
        return verify_receipt_by(token, signer=load_certificate(request.signer), at=at, presentation=presentation, nonce=nonce)
    receipt = verify_receipt(token, policy=means.trust(), at=at, presentation=presentation, nonce=nonce)
    if receipt.entity != request.asker.party:
        raise Untrusted("the receipt is by another organisation than the one that asked")
    return receipt
