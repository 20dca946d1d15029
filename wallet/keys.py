"""The keys by which this service vouches for its wallets, one after another, and what its own anchor says of them to issuers that pinned it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.clock import Clock, Entropy
from shared.errors import VcError
from shared.keys import Custodian, Role
from shared.storage import Storage
from shared.web.anchored import Anchored
from shared.web.keyring import TIMER, Keyring
from shared.web.publisher import Publisher
from shared.web.setup import read_certificate
from shared.web.signer import Signer, Signing
from wallet.attester import ATTESTER
from wallet.config import Place

log = logging.getLogger("muniment.wallet")


def wallets_of(url: str) -> str:
    """What the maker of the wallets at ``url`` is called."""
    return f"Wallets of {urlsplit(url).hostname}"[:64]


def anchored(place: Place, *, clock: Clock, entropy: Entropy) -> Anchored:
    """They are certified for the present address."""
    return Anchored(
        directory=place.folder,
        secret=place.key_file,
        keys=place.keys,
        storage=place.storage,
        settings=place.settings,
        key=ATTESTER,
        role=Role.WALLET_PROVIDER,
        name=wallets_of(place.settings.public_url),
        entity=place.settings.public_url,
        life=place.settings.snapshot_days,
        days=place.settings.key_days,
        clock=clock,
        entropy=entropy,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouching:
    """Of a service that is open: ``signing`` knows the key that signs."""

    ring: Keyring
    publisher: Publisher
    signing: Signing

    async def begin(self) -> None:
        """Once the database is up to date: a key that is in no table yet is entered, by its certificate in the folder."""
        if not await self._is_held():
            log.warning("%s.pem is another key's than the one held: this service cannot vouch for its wallets", ATTESTER)
        elif await self.ring.is_first():
            await self.publisher.note_certificate(actor=TIMER)
        await self.follow()

    async def follow(self) -> None:
        """Sign with whoever signs now, whichever process saw to it."""
        await self.ring.follow(self.signing)

    async def tend(self) -> None:
        """Have the next key made and sign when it is time, and say what is in force before that grows old."""
        if await self._is_held():
            await self.ring.tend()
            await self.follow()
            await self.publisher.tend()

    async def _is_held(self) -> bool:
        """Whether the certificate in the folder is for the key that the custodian has: nothing is built on another's."""
        try:
            leaf = read_certificate(self.publisher.directory / f"{ATTESTER}.pem")
            return (await self.ring.custodian.public(ATTESTER)).key == leaf.public.key
        except VcError:
            return False


def open_vouching(place: Place, storage: Storage, custodian: Custodian, *, clock: Clock, entropy: Entropy) -> Vouching | None:
    """``None`` in a folder without the first certificate, until ``vouch`` makes one; nothing is asked of database or keys yet."""
    if not place.attested_by.exists():
        return None
    own = anchored(place, clock=clock, entropy=entropy)
    return Vouching(
        ring=own.keyring(storage, custodian),
        publisher=own.publisher(storage),
        signing=Signing(Signer.of(ATTESTER, read_certificate(place.attested_by))),
    )
