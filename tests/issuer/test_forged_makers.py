"""Attestations at the token endpoint whose maker's certificates are not what they should be, where wallets may be anonymous and where not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from support.attested import MAKER, WALLET, attested, maker
from support.chains import Authority, authority, der, end_entity, made, usage
from support.registry import Registry, Template, serving
from support.signing import Signer

from issuer import config
from shared.clock import DAY
from shared.flow import Fetch
from shared.keys import KeyId, Role
from shared.oauth import prepare_attestation
from shared.openid4vci import PRE_AUTHORIZED
from shared.private_file import write_whole
from shared.trust.anchors import Anchor, TrustAnchors, render_trust
from shared.urls import render_form
from shared.x509.certificate import ROLE_OIDS, load_certificate

ROLE = ROLE_OIDS[Role.WALLET_PROVIDER]
URI = (x509.UniformResourceIdentifier(MAKER),)
SIGNER = Signer.new()
ROOT = authority("Makers' authority")
MIDDLE = authority("Makers' office", ROOT, path_length=0)
OLD = authority("Makers' office", ROOT, path_length=0, end=load_certificate(der(ROOT.cert)).not_before + DAY)
ELSEWHERE = authority("Authority elsewhere")
BEYOND = authority("Office elsewhere", ELSEWHERE, path_length=0)


def leaf(above: Authority, **changes: Any) -> bytes:
    return end_entity(above, **{"key": SIGNER.private, "names": URI, "usages": (ROLE,), **changes})


def narrow() -> Authority:
    names = [x509.UniformResourceIdentifier("council.example")]
    return authority(
        "Makers' office", ROOT, path_length=0, more=[(x509.NameConstraints(permitted_subtrees=names, excluded_subtrees=None), True)]
    )


def self_signed() -> bytes:
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = [
        (usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([ROLE]), False),
        (x509.SubjectAlternativeName(URI), False),
    ]
    return der(made("Maker", SIGNER.private, None, extensions))


def _below(between: Authority, **changes: Any) -> list[bytes]:
    return [leaf(between, **changes), der(between.cert)]


PRETENCES: dict[str, Callable[[], Sequence[bytes]]] = {
    "self-signed leaf": lambda: [self_signed()],
    "anchor in x5c": lambda: [leaf(ROOT), der(ROOT.cert)],
    "an authority signs": lambda: [der(authority("Maker", ROOT, key=SIGNER.private).cert)],
    "another role": lambda: [leaf(ROOT, usages=(ROLE_OIDS[Role.RELYING_PARTY],))],
    "another purpose": lambda: [leaf(ROOT, usages=(ExtendedKeyUsageOID.SERVER_AUTH,))],
    "expired intermediate": lambda: _below(OLD),
    "name constraints": lambda: _below(narrow()),
    "forged root of the same name": lambda: [leaf(authority("Makers' authority"))],
    "a key of the same identifier": lambda: [leaf(ELSEWHERE, signing_key=ROOT.key)],
    "not in order": lambda: [*_below(MIDDLE), der(BEYOND.cert)],
    "an intermediate that signed nothing": lambda: [leaf(MIDDLE), der(authority("Makers' office", ELSEWHERE).cert)],
    "nonsense": lambda: [b"nonsense"],
}
STRANGERS: dict[str, Callable[[], Sequence[bytes]]] = {
    "a leaf": lambda: [leaf(ELSEWHERE)],
    "through an intermediate": lambda: _below(BEYOND),
    "with a purpose of its own": lambda: [leaf(ELSEWHERE, usages=(ExtendedKeyUsageOID.CODE_SIGNING,))],
}


@pytest.fixture(params=[True, False], ids=["anonymous", "attested-only"])
async def office(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", anonymous_wallets=request.param) as running:
        pin = Anchor(certificate=load_certificate(der(ROOT.cert)), role=Role.WALLET_PROVIDER, name="Makers")
        write_whole(config.trust(running.directory), render_trust(TrustAnchors(anchors=(pin,))))
        yield running


async def ask(office: Registry, x5c: Sequence[bytes]) -> tuple[int, str]:
    """Redeem an invitation as a wallet whose attestation is signed by the key of ``x5c``."""
    wallet = await attested(office, maker())
    said: dict[str, Any] = {"client_id": wallet.client_id, "instance": wallet.instance.public, "at": office.clock(), "lifetime": 600}
    wallet.protected = wallet.protect(SIGNER.finish(prepare_attestation(key=KeyId("maker"), alg="ES256", x5c=x5c, **said)))
    document = await office.make()
    fields = {
        "grant_type": PRE_AUTHORIZED,
        "pre-authorized_code": document["offer"]["grants"][PRE_AUTHORIZED]["pre-authorized_code"],
        "tx_code": document["code"],
        "client_id": wallet.client_id,
    }
    form = {"content-type": "application/x-www-form-urlencoded"}
    got = await wallet.protected(Fetch(url=f"{office.url}/token", method="POST", headers=form, body=render_form(fields)))
    return got.status, json.loads(got.body).get("error", "")


async def _tied(office: Registry) -> list[str | None]:
    return [row["client"] for row in await office.office.storage.read(lambda tx: tx.fetch("SELECT client FROM entitlement"))]


async def test_what_pretends_is_refused_at_the_token_endpoint(office: Registry) -> None:
    for what, x5c in PRETENCES.items():
        assert await ask(office, x5c()) == (401, "invalid_client"), what
    assert await _tied(office) == []


async def test_makers_unknown_here_count_as_none(office: Registry) -> None:
    """Where a wallet may say nothing of its maker, it may also name one whom nobody here knows: it is tied to no client."""
    anonymous = office.office.settings.anonymous_wallets
    for what, x5c in STRANGERS.items():
        assert await ask(office, x5c()) == ((200, "") if anonymous else (401, "invalid_client")), what
    assert await _tied(office) == ([None] * len(STRANGERS) if anonymous else [])


async def test_genuine_chains_are_taken(office: Registry) -> None:
    for x5c in ([leaf(ROOT)], _below(MIDDLE)):
        assert await ask(office, x5c) == (200, "")
    assert await _tied(office) == [WALLET] * 2
