"""Looking after a wallet service from the command line: its keys and certificates, and whether everything is in place."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable

from shared.clock import Clock, Entropy
from shared.errors import ConfigError
from shared.jose.jwk import thumbprint
from shared.keys import Role
from shared.web import doctor, entity, own_keys
from shared.web.certificates import ANCHOR_FILE, OwnCertificate
from shared.web.doctor import Finding
from shared.web.setup import read_certificate
from shared.x509 import Cert
from wallet import init, keys
from wallet.app import Host, open_host
from wallet.attester import ATTESTER, check_uri
from wallet.config import Place
from wallet.init import entity_of, opened
from wallet.keep import REFERENCES, STORAGE

RENEW_DAYS = 60  # a certificate with fewer days left is worth a warning


async def list_keys(place: Place, *, clock: Clock, entropy: Entropy) -> list[str]:
    """One line a key and a certificate; nothing in them is secret."""
    async with opened(place, clock=clock, entropy=entropy) as kept:
        states = await own_keys.entered(kept.publisher)
        signer, federation = await own_keys.signing(kept), await entity.describe(kept.publisher.storage, kept.custodian)
    return [
        f"{ATTESTER}    no key signs"
        if signer is None
        else f"{signer.key:<10}  {Role.WALLET_PROVIDER}  {signer.alg}  thumbprint {thumbprint(signer.public)}",
        f"{REFERENCES}  {Role.MAC}",
        f"{STORAGE}     {Role.SEAL}",
        *federation,
        *own_keys.describe_signer(kept, signer),
        *states,
    ]


async def change(place: Place, arguments: argparse.Namespace, *, clock: Clock, entropy: Entropy) -> str:
    """Rotate, withdraw, retire, report as compromised, or only publish; says what is published now."""
    return await own_keys.change(opened(place, clock=clock, entropy=entropy), arguments)


async def create(place: Place, *, clock: Clock, entropy: Entropy) -> str:
    """Keys that this service lacks because it was set up before it needed them; says which federation key it has."""
    made = await keys.anchored(place, clock=clock, entropy=entropy).certifier().create(entity.ROLES)
    return f"federation key {thumbprint(made[entity.FEDERATION])}"


async def renew(place: Place, *, clock: Clock, entropy: Entropy) -> Cert:
    """A new certificate for the same key and the present address; needs the anchor's keys in ``anchor.keys``."""
    return await init.vouch(place, clock=clock, entropy=entropy)


async def examine(place: Place, *, clock: Clock, entropy: Entropy) -> list[Finding]:
    """What ``doctor`` says, in the order in which things depend on each other."""
    return await doctor.examine("wallet", lambda: open_host(place, clock=clock, entropy=entropy), _CHECKS, Host.close)


async def _keys(host: Host) -> str:
    return await doctor.uses_keys(host.custodian, mac=REFERENCES, seal=STORAGE)


async def _database(host: Host) -> str:
    told = await doctor.migrates(host.storage, init.migrations())
    await host.start()
    return told


async def _certificate(host: Host) -> str:
    if host.vouching is None:
        if check_uri(host.place.settings.attester, host.place.settings.plain_http) == "own":
            raise ConfigError("nobody vouches for the wallets here: run `muniment-wallet vouch`")
        return "this service does not vouch for its wallets itself"
    signer = host.vouching.signing.signer
    own = OwnCertificate(
        program="muniment-wallet",
        custodian=host.custodian,
        x5c=signer.x5c,
        key=signer.key,
        role=Role.WALLET_PROVIDER,
        uri=host.place.settings.public_url,
        setting="public_url",
    )
    anchor = read_certificate(host.place.path(ANCHOR_FILE))
    return await own.examine(anchor, at=host.means.clock(), days=RENEW_DAYS)


async def _next(host: Host) -> str:
    return "" if host.vouching is None else await host.vouching.ring.examine()


async def _trust(host: Host) -> str:
    trusted = init.read_trust(host.place)
    pinned = len(trusted.anchors) + len(trusted.federation)
    if not pinned:
        raise ConfigError("nobody is trusted: run `muniment-wallet trust add ANCHOR.pem --role credential-issuer`")
    return f"{pinned} anchor(s)"


async def _federations(host: Host) -> str:
    return await entity_of(host.place, host.storage, host.custodian, host.means.clock).examine()


_CHECKS: dict[str, Callable[[Host], Awaitable[str]]] = {
    "keys": _keys,
    "database": _database,
    "certificate": _certificate,
    "keys that follow": _next,
    "who we trust": _trust,
    "federations": _federations,
}
