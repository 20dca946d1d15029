"""A wallet service that vouches for its wallets, with a clock that tests set, and whoever judges what it says of them."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from support.signing import Signer
from support.thrift import easy_seal
from support.trial_web import Watch
from support.wallets import EASY

from shared.clock import system_entropy
from shared.jose import jwt
from shared.keys import Role
from shared.openid4vci import KeyDemand, verify_key_attestation
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from shared.trust.publication import Publication, parse_publication
from shared.trust.snapshot import KeyState
from shared.web import own_trust
from shared.web.own_trust import OwnKey
from shared.x509 import Cert, parse_crl
from wallet.app import Host, open_host
from wallet.attester import Attested
from wallet.config import Place, open_place
from wallet.init import Wish, set_up
from wallet.keys import Vouching

HOST = "https://wallet.example"
NOON = 1_800_014_400  # 2027-01-15T12:00:00Z


async def make_service(folder: Path, at: int = NOON, **wish: Any) -> Place:
    """``init`` in ``folder``."""
    asked = Wish(**{"folder": folder, "public_url": HOST, "port": 8102, **wish})
    with easy_seal():
        await set_up(asked, clock=Watch(at), entropy=system_entropy, hardness=EASY)
    return open_place(folder)


@asynccontextmanager
async def opened(place: Place, at: int = NOON, **settings: Any) -> AsyncIterator[Host]:
    """The service, opened by nobody who does anything by the clock."""
    changed = replace(place, settings=msgspec.structs.replace(place.settings, **settings))
    host = open_host(changed, clock=Watch(at))
    try:
        await host.start()
        yield host
    finally:
        await host.close()


def vouching(host: Host) -> Vouching:
    assert host.vouching is not None
    return host.vouching


async def keys(host: Host) -> list[OwnKey]:
    return await host.storage.read(lambda tx: own_trust.own_keys(tx, Role.WALLET_PROVIDER))


async def states(host: Host) -> list[tuple[str, KeyState]]:
    return [(each.name, each.state) for each in await keys(host)]


async def tick(host: Host, at: int) -> Publication:
    """A round by the clock at ``at``, as far as it is about these keys; what is published after it."""
    host.means.clock.at = at  # type: ignore[attr-defined]
    await vouching(host).tend()
    return await told(host)


async def told(host: Host) -> Publication:
    return parse_publication((await vouching(host).publisher.newest()).document or b"")


async def attested(host: Host) -> Attested:
    """What the service says of some wallet."""
    return await host.means.attester.attest_wallet(Signer.new().public)


def chain(token: str) -> tuple[bytes, ...]:
    """The certificates that an attestation brings."""
    found = jwt.parse_jwt(token).jws.header["x5c"]
    return tuple(map(b64decode, found))


def judge(host: Host, word: Publication, x5c: Sequence[bytes], at: int) -> Cert:
    """As an issuer that pinned this service, with the word ``word`` of its anchor."""
    return policy(host, word).check_wallet_provider(x5c, at)


def policy(host: Host, word: Publication) -> Policy:
    anchor = parse_anchor(host.place.path("anchor.pem").read_bytes(), role=Role.WALLET_PROVIDER, entity=host.place.settings.public_url)
    crls = tuple(parse_crl(each) for each in word.of("application/pkix-crl"))
    return Policy(TrustAnchors(anchors=(anchor,)), {anchor.fingerprint: word.snapshot}, crls)


async def check_keys(host: Host, word: Publication) -> None:
    """What is said of a wallet's keys now is believed by that word."""
    token = await host.means.attester.attest_keys([Signer.new().public], nonce="n", demand=KeyDemand())
    verify_key_attestation(token, check_provider=policy(host, word).check_wallet_provider, at=host.means.clock())
