"""Opening a verifier that was set up, for the service and for commands that run beside it."""

from __future__ import annotations

from pathlib import Path

from shared.clock import Clock, Entropy, system_clock, system_entropy
from shared.custody import open_custodian
from shared.errors import ConfigError
from shared.private_file import read_secret
from shared.storage import open_storage
from shared.web.setup import read_certificate
from shared.x509 import load_certificate
from verifier import config
from verifier.config import Settings
from verifier.desk import RELYING_PARTY, Desk, TrustFile
from verifier.init import migrations
from verifier.uses import chosen_types, served


def open_desk(directory: Path, settings: Settings, *, clock: Clock = system_clock, entropy: Entropy = system_entropy) -> Desk:
    """Everything that use cases need; nothing is asked of database or keys yet."""
    types = chosen_types(settings.types)
    unknown = set(settings.purposes) - {use.query.id for use in served(types.values())}
    if unknown:
        raise ConfigError(f"unknown uses: {', '.join(sorted(unknown))}", where="purposes")
    leaf = read_certificate(directory / "relying-party.pem")
    return Desk(
        directory=directory,
        settings=settings,
        clock=clock,
        entropy=entropy,
        storage=open_storage(settings.storage, failpoint=settings.failpoint),
        custodian=open_custodian(settings.keys, entropy=entropy, passphrase=read_secret(config.key_file(directory))),
        x5c=(leaf.der,),
        alg=leaf.public.alg,
        trusted=TrustFile(config.trust(directory)),
        types=types,
    )


async def start(desk: Desk) -> None:
    """Bring the database up to date and make sure that requests can be signed and decisions made."""
    await check_certificate(desk)
    desk.trusted.read()
    await desk.storage.migrate(migrations())


async def check_certificate(desk: Desk) -> None:
    """``ConfigError`` unless the certificate is for our key and our identifier."""
    leaf = load_certificate(desk.x5c[0])
    if (await desk.custodian.public(RELYING_PARTY)).key != leaf.public.key:
        raise ConfigError("the certificate relying-party.pem belongs to another key than the one held", where="keys")
    if desk.entity not in leaf.uris:
        raise ConfigError("the certificate relying-party.pem names another entity: run `muniment-verifier keys renew`", where="entity")


async def stop(desk: Desk) -> None:
    await desk.storage.close()
    await desk.custodian.close()
