"""The keys of the one role of a service that its own anchor certifies, one after another: who certifies them, publishes them, and has the next follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..clock import DAY, Clock, Entropy
from ..custody import open_custodian
from ..keys import Custodian, KeyId, Role
from ..private_file import read_secret
from ..storage import Migration, Storage
from . import own_keys
from .certificates import Certifier
from .entity import federation_ring
from .keyring import Keyring
from .own_keys import Kept, Publishing
from .publisher import Publisher, Statement
from .settings import Common


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """``key`` is the first of them; they are certified for ``name`` and ``entity``. ``secret`` is the file with what opens the private keys,
    ``keys`` and ``storage`` are the URIs of those and of the database.

    What is said of them counts for ``life`` days; each signs for ``days``, 0 where people decide. ``country`` is that of an anchor that is
    made at set-up, and ``more`` are further statements by media type.
    """

    directory: Path
    secret: Path
    keys: str
    storage: str
    settings: Common
    key: KeyId
    role: Role
    name: str
    entity: str
    life: int
    days: int
    clock: Clock
    entropy: Entropy
    country: str = ""
    more: Mapping[str, Statement] = field(default_factory=dict)

    def certifier(self) -> Certifier:
        """Makes and renews certificates."""
        return Certifier(
            directory=self.directory,
            keys=self.keys,
            secret=read_secret(self.secret),
            key=self.key,
            role=self.role,
            name=self.name,
            uri=self.entity,
            clock=self.clock,
            entropy=self.entropy,
            country=self.country,
        )

    def publisher(self, storage: Storage) -> Publisher:
        """Says what is in force: certificates and keys, and what was withdrawn."""
        return Publisher(
            directory=self.directory,
            secret=lambda: read_secret(self.secret),
            storage=storage,
            clock=self.clock,
            entropy=self.entropy,
            key=self.key,
            role=self.role,
            entity=self.entity,
            url=self.settings.public_url,
            days=self.life,
            more=self.more,
        )

    def keyring(self, storage: Storage, custodian: Custodian) -> Keyring:
        """Which of them signs, and which one follows it when."""
        return Keyring(
            storage=storage,
            custodian=custodian,
            clock=self.clock,
            first=self.key,
            role=self.role,
            entity=self.entity,
            days=self.days,
            life=self.life * DAY,
            certify=lambda public: self.certifier().certify(public),
        )

    def opened(self, migrations: Sequence[Migration]) -> Publishing:
        """Both of a service that is not running, with its federation keys."""

        def keys() -> Custodian:
            return open_custodian(self.keys, entropy=self.entropy, passphrase=read_secret(self.secret))

        def make(storage: Storage, custodian: Custodian) -> Kept:
            hints, days = self.settings.authority_hints, self.settings.key_days
            federation = federation_ring(storage, custodian, self.clock, entity=self.entity, hints=hints, days=days)
            return Kept(custodian, self.publisher(storage), [self.keyring(storage, custodian), federation])

        return own_keys.publishing(self.storage, keys, migrations, make)
