"""The keys with which this organisation asks and certifies its desks, one after another; the next one signs when somebody says so."""

from __future__ import annotations

from shared.cose import kid_of
from shared.errors import Unavailable
from shared.keys import KeyId, PublicKey, Role
from shared.storage import Tx, open_storage
from shared.trust.snapshot import KeyState
from shared.web import own_trust
from shared.web.keyring import Keyring
from shared.web.own_trust import OwnKey
from verifier.config import Settings
from verifier.desk import RELYING_PARTY, Desk
from verifier.init import anchored_of, migrations

_LISTED = frozenset({KeyState.CREATED, KeyState.ACTIVE})
_ANSWERED = frozenset({KeyState.ACTIVE, KeyState.VERIFY_ONLY})


async def _keys(tx: Tx) -> list[OwnKey]:
    return await own_trust.own_keys(tx, Role.RELYING_PARTY)


def keyring_of(desk: Desk) -> Keyring:
    return anchored_of(desk).keyring(desk.storage, desk.custodian)


async def follow(desk: Desk) -> None:
    """Have those that are over end, another follow on one that was reported, and sign with the one that signs now."""
    ring = keyring_of(desk)
    await ring.tend()
    await ring.follow(desk.signing)


async def listed(desk: Desk) -> list[KeyId]:
    """Which are named in federations: the one that signs, and the next."""
    return [each.name for each in await desk.storage.read(_keys) if each.state in _LISTED]


async def answered(desk: Desk) -> dict[bytes, PublicKey]:
    """By ``kid``, those to which what a desk is shown may be made out: the one that signs first, then those before it whose desks may not have
    heard of it yet.
    """
    known = [each for each in await desk.storage.read(_keys) if each.state in _ANSWERED]
    known.sort(key=lambda each: each.state is not KeyState.ACTIVE)
    return {kid_of(each.public): each.public for each in known}


async def active(settings: Settings) -> KeyId:
    """What the custodian calls the one that signs, for a command beside the service; ``Unavailable`` while none does."""
    storage = open_storage(settings.storage)
    try:
        await storage.migrate(migrations())
        known = await storage.read(_keys)
    finally:
        await storage.close()
    signing = [each.name for each in known if each.state is KeyState.ACTIVE]
    if known and not signing:
        raise Unavailable("no key of this organisation signs: run `keys rotate --now`")
    return signing[0] if signing else RELYING_PARTY
