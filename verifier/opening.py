"""Opening a verifier that was set up, for the service and for commands that run beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from shared.clock import Clock, Entropy, system_clock, system_entropy
from shared.custody import open_custodian
from shared.errors import ConfigError
from shared.formats import formats
from shared.keys import Role
from shared.private_file import read_secret
from shared.storage import open_storage
from shared.trust.register_json import render_inbox
from shared.web import above
from shared.web.certificates import OwnCertificate
from shared.web.entity import OwnEntity, Said, name_of
from shared.web.keyring import TIMER
from shared.web.log_site import LogSite
from shared.web.publisher import Publisher
from shared.web.setup import read_certificate
from shared.web.signer import Signer, Signing
from shared.web.trust_file import TrustFile
from verifier import config, inbox_keys, keys
from verifier.admission import AdmittedFile
from verifier.config import Settings
from verifier.desk import RELYING_PARTY, Desk
from verifier.inbox_file import registered_inbox
from verifier.init import anchored_of, migrations
from verifier.uses import chosen_types, served

T = TypeVar("T")


def open_desk(directory: Path, settings: Settings, *, clock: Clock = system_clock, entropy: Entropy = system_entropy) -> Desk:
    """Everything that use cases need; nothing is asked of database or keys yet."""
    types = chosen_types(settings.types)
    unknown = set(settings.purposes) - {use.query.id for use in served(types.values())}
    if unknown:
        raise ConfigError(f"unknown uses: {', '.join(sorted(unknown))}", where="purposes")
    if strange := set(settings.formats) - formats().keys():
        raise ConfigError(f"unknown forms of document: {', '.join(sorted(strange))}", where="formats")
    leaf = read_certificate(directory / "relying-party.pem")
    return Desk(
        directory=directory,
        settings=settings,
        clock=clock,
        entropy=entropy,
        storage=open_storage(settings.storage, failpoint=settings.failpoint),
        custodian=open_custodian(settings.keys, entropy=entropy, passphrase=read_secret(config.key_file(directory))),
        signing=Signing(Signer.of(RELYING_PARTY, leaf)),
        trusted=TrustFile(config.trust(directory)),
        types=types,
        admits=AdmittedFile(directory / config.USES, types.values()),
    )


async def start(desk: Desk) -> None:
    """Bring the database up to date and make sure that requests can be signed and decisions made."""
    await desk.storage.migrate(migrations())
    ring = keys.keyring_of(desk)
    if await ring.is_first():
        await own_certificate(desk).check()
        await publisher_of(desk).note_certificate(actor=TIMER)
    await ring.follow(desk.signing)
    await inbox_keys.tend(desk)
    if not desk.signing.is_stopped:
        await own_certificate(desk).check()
    desk.trusted.read()


def run_with(folder: str | None, work: Callable[[Desk], Awaitable[T]], *, started: bool = True) -> T:
    """Run ``work`` on the verifier of the data ``folder`` (as after ``--dir``), whether or not the service runs beside it.

    Unless it is ``started``, nothing is brought up to date, made or checked before: for ``work`` that only reads what is kept.
    """
    directory = config.folder(folder)
    settings = config.read(directory)

    async def run() -> T:
        desk = open_desk(directory, settings)
        try:
            if started:
                await start(desk)
            return await work(desk)
        finally:
            await stop(desk)

    return asyncio.run(run())


def own_certificate(desk: Desk) -> OwnCertificate:
    """The certificate that the desk shows."""
    return OwnCertificate(
        program="muniment-verifier",
        custodian=desk.custodian,
        x5c=desk.x5c,
        key=desk.signer.key,
        role=Role.RELYING_PARTY,
        uri=desk.entity,
        setting="entity",
    )


def publisher_of(desk: Desk) -> Publisher:
    """Says what of this organisation is in force, and what it may ask for."""
    return anchored_of(desk).publisher(desk.storage)


def entity_of(desk: Desk) -> OwnEntity:
    """What this organisation says of itself in federations: somebody who asks, with the keys of its questions."""

    async def says() -> Said:
        marks = await above.held(desk.storage, desk.settings.authority_hints, desk.clock())
        inbox = registered_inbox(desk.directory, desk.settings)
        metadata = {} if inbox is None else {"openid_credential_verifier": {"inbox": render_inbox(inbox)}}
        return Said(metadata, {"openid_credential_verifier": await keys.listed(desk)}, trust_marks=marks)

    return OwnEntity(
        storage=desk.storage,
        custodian=desk.custodian,
        clock=desk.clock,
        entity=desk.entity,
        url=desk.settings.public_url,
        name=name_of(desk.settings, desk.settings.name),
        hints=desk.settings.authority_hints,
        days=desk.settings.key_days,
        says=says,
    )


def log_site_of(desk: Desk) -> LogSite:
    """The log of decisions, as anybody can follow it."""
    return LogSite(
        storage=desk.storage,
        custodian=desk.custodian,
        clock=desk.clock,
        entity=desk.entity,
        url=desk.settings.public_url,
        role=Role.RELYING_PARTY,
        signing=desk.signing,
    )


async def stop(desk: Desk) -> None:
    await desk.storage.close()
    await desk.custodian.close()
