"""Looking after an issuer from the command line: its keys and certificates, and whether everything is in place."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path

from issuer import app, init, makers
from issuer.config import Settings
from issuer.federation.own import entity_of
from issuer.office import ISSUER, REFERENCES, ROLES, STORAGE, Office
from issuer.pages.entrance import ways_in
from issuer.publish import StatusLists
from shared.clock import Clock, Entropy
from shared.jose.jwk import thumbprint
from shared.keys import Role
from shared.web import certificates, doctor, entity, own_keys, ways
from shared.web.doctor import Finding
from shared.web.setup import read_certificate
from shared.x509 import Cert

RENEW_DAYS = 90  # a certificate with fewer days left is worth a warning: copies live a month


async def list_keys(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> list[str]:
    """One line a key and a certificate; nothing in them is secret."""
    async with _publishing(directory, settings, clock=clock, entropy=entropy) as kept:
        states = await own_keys.entered(kept.publisher)
        signer, federation = await own_keys.signing(kept), await entity.describe(kept.publisher.storage, kept.custodian)
    return [
        f"{ISSUER}      no key signs"
        if signer is None
        else f"{signer.key:<10}  {Role.CREDENTIAL_ISSUER}  {signer.alg}  thumbprint {thumbprint(signer.public)}",
        f"references  {Role.MAC}",
        f"storage     {Role.SEAL}",
        *federation,
        *own_keys.describe_signer(kept, signer),
        *states,
    ]


def _publishing(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> own_keys.Publishing:
    return init.anchored(directory, settings, clock=clock, entropy=entropy).opened(init.migrations())


async def change(directory: Path, settings: Settings, arguments: argparse.Namespace, *, clock: Clock, entropy: Entropy) -> str:
    """Rotate, withdraw, retire, report as compromised, or only publish; says what is published now."""
    return await own_keys.change(_publishing(directory, settings, clock=clock, entropy=entropy), arguments)


async def create(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> str:
    """Keys that this office lacks because it was set up before it needed them; says which federation key it has."""
    made = await init.anchored(directory, settings, clock=clock, entropy=entropy).certifier().create(ROLES)
    return f"federation key {thumbprint(made[entity.FEDERATION])}"


async def renew(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> Cert:
    """A new certificate for the same key and the present address; needs the anchor's keys in ``anchor.keys``."""
    own = init.anchored(directory, settings, clock=clock, entropy=entropy)
    return await own_keys.renew(own.certifier(), own.opened(init.migrations()))


async def examine(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> list[Finding]:
    """What ``doctor`` says, in the order in which things depend on each other."""

    async def certificate(office: Office) -> str:
        anchor = read_certificate(directory / certificates.ANCHOR_FILE)
        return await app.own_certificate(office).examine(anchor, at=clock(), days=RENEW_DAYS)

    checks: dict[str, Callable[[Office], Awaitable[str]]] = {
        "keys": _keys,
        "certificate": certificate,
        "keys that follow": lambda office: init.keyring_of(office).examine(),
        "database": _database,
        "status lists": _status,
        "sign-in of operators": _sign_in,
        "makers of wallets": makers.examine,
        "federations": lambda office: entity_of(office).examine(),
    }
    return await doctor.examine("issuer", lambda: app.open_office(directory, settings, clock=clock, entropy=entropy), checks, app.stop)


async def _keys(office: Office) -> str:
    await office.custodian.public(office.signer.key)
    return await doctor.uses_keys(office.custodian, mac=REFERENCES, seal=STORAGE)


async def _database(office: Office) -> str:
    return await doctor.migrates(office.storage, init.migrations())


async def _sign_in(office: Office) -> str:
    return await ways.examine(ways_in(office), office.storage, office.settings, office.clock())


async def _status(office: Office) -> str:
    lists = StatusLists(office)
    await lists.begin()
    await lists.refresh()
    return f"{len(await lists.uris())} published"
