"""Documents that lie in a wallet without having been collected: for tests of showing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.signing import Signer
from support.trial_verify import CLAIMS, ISSUER, LIST, VCT, Dice, registry

from shared.clock import DAY, floor_day
from shared.credentials import all_types
from shared.formats import Credential, StatusReference, formats
from shared.keys import KeyId
from shared.storage import Tx
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import COPIES, DOCUMENTS
from wallet.sessions import Copy, CopyLine, Document, StatusSeen

SHOWABLE = tuple(name for name in ("dc+sd-jwt", "vc+sd-jwt", "mso_mdoc") if name in formats())
"""Formats that can withhold and are shown over the network."""


def _listed(number: int) -> dict[str, Any]:
    return {"status_uri": LIST, "status_idx": number}


def minted(form: str, vct: str, claims: Mapping[str, Any], *, index: int, at: int) -> tuple[str, bytes]:
    """One copy by the registry of the tests, and its private key."""
    by, holder = registry(), Signer.new()
    credential = Credential(
        type=all_types()[vct],
        claims=claims,
        issuer=by.entity,
        issued_at=floor_day(at),
        expires_at=floor_day(at) + 30 * DAY,
        status=StatusReference(uri=LIST, idx=index),
        x5c=by.x5c,
    )
    unsigned = formats()[form].prepare(credential, key=KeyId("issuer"), holder=holder.public, entropy=Dice(f"minted {index}"))
    return by.signer.finish(unsigned), holder.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


async def put_document(
    means: Means,
    vault: Vault,
    forms: Sequence[str] = ("dc+sd-jwt",),
    *,
    vct: str = VCT,
    claims: Mapping[str, Any] = CLAIMS,
    copies: int = 3,
    later: int = 0,
    listed: bool = False,
) -> str:
    """A document in these formats, with so many copies in each, received ``later`` seconds from now; its id. ``listed``: the wallet knows where to
    look whether they still count.
    """
    name, at = means.entropy(8).hex(), means.clock()
    made = [
        (f"{name}{number:02}", form, *minted(form, vct, claims, index=number, at=at))
        for number, form in enumerate(form for form in forms for _ in range(copies))
    ]
    document = Document(
        id=name,
        type=all_types()[vct].id,
        vct=vct,
        issuer=ISSUER,
        issuer_name="Test leaf",
        claims=dict(claims),
        issued_at=floor_day(at),
        received_at=at + later,
        configurations={form: form for form in forms},
        copies=tuple(
            CopyLine(id=copy, format=form, expires_at=floor_day(at) + 30 * DAY, **(_listed(number) if listed else {}))
            for number, (copy, form, _, _) in enumerate(made)
        ),
        status=StatusSeen(value="valid", checked_at=at),
        next_check_at=at + DAY,
    )

    async def put(tx: Tx) -> None:
        await DOCUMENTS.put(tx, vault, name, document, entropy=means.entropy)
        for copy, _, wire, private in made:
            await COPIES.put(tx, vault, copy, Copy(document=name, wire=wire, private=private), entropy=means.entropy)

    await means.storage.write(put)
    return name
