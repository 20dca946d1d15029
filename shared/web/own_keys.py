"""``keys`` on the command line of a service: show, renew, publish, withdraw a certificate, retire a key or report it as compromised."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final

from ..errors import ConfigError, Conflict
from ..storage import Migration, Storage, open_storage
from ..trust.snapshot import KeyState
from ..x509 import Cert
from .certificates import Certifier
from .own_trust import describe
from .publisher import Publisher

Publishing = AbstractAsyncContextManager[Publisher]

ACTOR: Final = "command line"


@asynccontextmanager
async def publishing(storage: str, migrations: Sequence[Migration], make: Callable[[Storage], Publisher]) -> AsyncIterator[Publisher]:
    """The publisher of a service that is not running, over its database, brought up to date."""
    opened = open_storage(storage)
    try:
        await opened.migrate(migrations)
        yield make(opened)
    finally:
        await opened.close()


async def change(opened: Publishing, arguments: argparse.Namespace) -> str:
    """As ``act``, with a publisher that is opened for it."""
    async with opened as publisher:
        return await act(publisher, arguments)


async def renew(certifier: Certifier, opened: Publishing) -> Cert:
    """A new certificate for the same key and the present name of the service, and published; needs the anchor's keys.

    ``Conflict`` for a key that was reported as compromised: nothing certifies it again (security rule S15).
    """
    async with opened as publisher:
        leaf = await certifier.renew(publisher.check_key)
        await publisher.publish(actor=ACTOR)
    return leaf


async def act(publisher: Publisher, arguments: argparse.Namespace) -> str:
    """Do one of ``KEY_ACTIONS`` and publish; says what is published now. ``ConfigError`` without a name, a reason, or the anchor's keys."""
    what, name, reason = arguments.what, arguments.name, arguments.reason.strip()
    if what != "publish" and not (name and reason):
        raise ConfigError(f"say which: keys {what} NAME --reason TEXT; the names are in the list of keys", where="name")
    await publisher.note_certificate(actor=ACTOR)
    if what == "withdraw":
        await publisher.withdraw(name, reason=reason, actor=ACTOR)
    elif what != "publish":
        await publisher.end_key(name, KeyState.VERIFY_ONLY if what == "retire" else KeyState.COMPROMISED, reason=reason, actor=ACTOR)
    made = await publisher.publish(actor=ACTOR)
    return f"Published: number {made.seq}. Those who check know it when they next fetch."


async def entered(publisher: Publisher) -> list[str]:
    """The lines of the list: what became of each key and certificate."""
    with suppress(Conflict):
        await publisher.note_certificate(actor=ACTOR)
    return await publisher.storage.read(describe)
