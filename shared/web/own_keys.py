"""``keys`` on the command line of a service: show, rotate, renew, publish, withdraw a certificate, retire a key or report it as compromised."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol

from ..clock import Clock, Entropy
from ..errors import ConfigError, Conflict
from ..keys import Custodian
from ..storage import Migration, Storage, open_storage
from ..terminal import KEY_ACTIONS
from ..trust.snapshot import KeyState
from ..x509 import Cert, load_certificate
from . import certificates, own_trust
from .certificates import Certifier, day
from .keyring import Keyring
from .own_trust import describe
from .publisher import Publisher
from .signer import Signer


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a service's private keys are, what it publishes of its keys, and the keys of each role that has one after another; first the role that is certified."""

    custodian: Custodian
    publisher: Publisher
    rings: Sequence[Keyring]


Publishing = AbstractAsyncContextManager[Kept]

ACTOR: Final = "command line"


@asynccontextmanager
async def publishing(
    storage: str, keys: Callable[[], Custodian], migrations: Sequence[Migration], make: Callable[[Storage, Custodian], Kept]
) -> AsyncIterator[Kept]:
    """The publisher and the keys of a service that is not running, over its database, brought up to date."""
    opened, custodian = open_storage(storage), keys()
    try:
        await opened.migrate(migrations)
        yield make(opened, custodian)
    finally:
        await opened.close()
        await custodian.close()


class Upkeep(Protocol):
    """The module of a service that looks after its keys. Its functions first take where the service is, and then clock and entropy by name."""

    @property
    def list_keys(self) -> Callable[..., Awaitable[list[str]]]: ...
    @property
    def create(self) -> Callable[..., Awaitable[str]]: ...
    @property
    def renew(self) -> Callable[..., Awaitable[Cert]]: ...
    @property
    def change(self) -> Callable[..., Awaitable[str]]: ...


async def run(arguments: argparse.Namespace, upkeep: Upkeep, *place: object, clock: Clock, entropy: Entropy) -> list[str]:
    """What ``keys`` does in every service, which is at ``place``; the lines to tell. Errors as ``act`` and ``renew``."""
    if arguments.what == "create":
        return [await upkeep.create(*place, clock=clock, entropy=entropy), "Restart the service to use it."]
    if arguments.what == "renew":
        leaf = await upkeep.renew(*place, clock=clock, entropy=entropy)
        return [f"New certificate until {day(leaf.not_after)}. The service uses it within a minute."]
    if arguments.what in KEY_ACTIONS:
        return [await upkeep.change(*place, arguments, clock=clock, entropy=entropy)]
    return await upkeep.list_keys(*place, clock=clock, entropy=entropy)


async def change(opened: Publishing, arguments: argparse.Namespace) -> str:
    """As ``act``, with what is opened for it."""
    async with opened as kept:
        return await act(kept, arguments)


async def renew(certifier: Certifier, opened: Publishing) -> Cert:
    """A new certificate for the key that signs and the present name of the service, and published; needs the anchor's keys.

    ``Conflict`` for a key that was reported as compromised: nothing certifies it again (security rule S15).
    """
    async with opened as kept:
        ring = next((each for each in kept.rings if each.certify is not None), None)
        if ring is None or await ring.is_first():
            leaf = await certifier.renew(kept.publisher.check_key)
        else:
            leaf = await ring.renew(actor=ACTOR)
        await kept.publisher.publish(actor=ACTOR)
    return leaf


async def act(kept: Kept, arguments: argparse.Namespace) -> str:
    """Do one of ``KEY_ACTIONS`` and publish; says what is published now. ``ConfigError`` without a name, a reason, or the anchor's keys."""
    what, name, reason, publisher = arguments.what, arguments.name, arguments.reason.strip(), kept.publisher
    if what in {"withdraw", "retire", "compromised"} and not (name and reason):
        raise ConfigError(f"say which: keys {what} NAME --reason TEXT; the names are in the list of keys", where="name")
    await publisher.note_certificate(actor=ACTOR)
    before, told = await publisher.storage.read(own_trust.last), ""
    if what == "rotate":
        told = await _rotate(kept, name, now=arguments.now)
    elif what != "publish":
        await _end(kept, what, name, reason)
    try:
        for ring in kept.rings if what in {"retire", "compromised"} else ():
            await ring.step(actor=ACTOR)
        made = await publisher.publish(actor=ACTOR)
    except ConfigError as error:
        if what in {"withdraw", "retire", "compromised"}:
            raise ConfigError(f"written down here, but nobody is told of it yet: {error.detail}, and run `keys publish`") from error
        raise
    if what == "compromised" and (behind := await _behind(kept, name)):
        told = f"{', '.join(behind)} has to invite this service again, and takes nothing by the key that follows before.\n"
    if what != "publish" and before is not None and before.seq == made.seq:  # a federation key: no certificate and no key of one changed
        return f"{told}The running service says it at its next round. Those who check know it when they next fetch."
    return f"{told}Published: number {made.seq}. Those who check know it when they next fetch."


async def _rotate(kept: Kept, name: str, *, now: bool) -> str:
    """The next key of the role whose first key has that name, or of the first role."""
    ring = next((each for each in kept.rings if name in {"", each.first}), None)
    if ring is None:
        raise ConfigError(f"keys that follow on each other: {', '.join(each.first for each in kept.rings)}", where="name")
    if now:
        await _check_known(ring)
    made = await ring.rotate(now=now, actor=ACTOR)
    if now:
        return f"{made.name} signs from now on.\n"
    since = ring.signs_from(await ring.turn())
    when = f"from {day(since)}" if since is not None else f"after a last `keys rotate {ring.first} --now`" if not ring.days else "in time"
    return f"{made.name} is told ahead and signs {when}.\n"


async def _check_known(ring: Keyring) -> None:
    """``ConfigError`` while somebody does not know the next key who would take nothing by it, at no later visit either. It is told ahead."""
    turn = await ring.turn()
    if turn.active is None:
        return
    following = turn.following or await ring.rotate(now=False, actor=ACTOR)
    if behind := await ring.lagging(following):
        raise ConfigError(
            f"{following.name} is told ahead and cannot sign yet: {', '.join(behind)} does not know it, and would have to invite this "
            "service again. It signs by itself once they know it; whoever is above no longer leaves the setting authority_hints"
        )


async def _end(kept: Kept, what: str, name: str, reason: str) -> None:
    """A certificate or a key; what follows from it is still to be done."""
    if what == "withdraw":
        await kept.publisher.withdraw(name, reason=reason, actor=ACTOR)
        return
    if what == "retire":
        await _check_followed(kept, name)
    state = KeyState.VERIFY_ONLY if what == "retire" else KeyState.COMPROMISED
    await kept.publisher.end_key(name, state, reason=reason, actor=ACTOR)


async def _check_followed(kept: Kept, name: str) -> None:
    """As ``_check_known``, before the key of that name ends; ``ConfigError`` too where the next one cannot be made."""
    for ring in kept.rings:
        active = (await ring.turn()).active
        if active is not None and name in {active.history.kid, active.history.thumbprint}:
            await _check_known(ring)


async def _behind(kept: Kept, name: str) -> Sequence[str]:
    """Who does not know the key that signs in the place of the one of that name."""
    for ring in kept.rings:
        turn = await ring.turn()
        if turn.active is not None and any(name in {each.history.kid, each.history.thumbprint} for each in turn.keys):
            return await ring.lagging(turn.active)
    return ()


async def signing(kept: Kept) -> Signer | None:
    """The certified key that signs now, with its certificate; ``None`` while none does."""
    turn = await kept.rings[0].turn()
    leaf = None if turn.active is None else turn.leaf(turn.active, kept.rings[0].entity)
    return None if turn.active is None or leaf is None else Signer.of(turn.active.name, leaf)


def describe_signer(kept: Kept, signer: Signer | None) -> list[str]:
    """Its certificate, and the anchor."""
    return [] if signer is None else certificates.describe(kept.publisher.directory, signer.key, load_certificate(signer.x5c[0]))


async def entered(publisher: Publisher) -> list[str]:
    """The lines of the list: what became of each key and certificate."""
    with suppress(Conflict):
        await publisher.note_certificate(actor=ACTOR)
    return await publisher.storage.read(describe)
