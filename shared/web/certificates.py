"""A service's own certificate and the anchor above it: made at set-up, renewed from the command line.

The anchor's key lies in ``anchor.keys``, a file of its own, which may be moved off this machine until the next certificate is due.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ..clock import DAY, Clock, Entropy
from ..custody import open_custodian
from ..errors import ConfigError
from ..keys import Custodian, KeyId, PublicKey, Role, sign
from ..private_file import write_whole
from ..x509 import Cert, load_certificate, prepare_anchor, prepare_leaf, render_pem, verify_chain
from .setup import create_keys, read_certificate, serial_number

ANCHOR = KeyId("anchor")
ANCHOR_FILE = "anchor.pem"
ANCHOR_KEYS = "anchor.keys"
ANCHOR_DAYS = 3_650
LEAF_DAYS = 1_095


@dataclass(frozen=True, slots=True, kw_only=True)
class Certifier:
    """``keys`` is the URI of the service's keys, ``secret`` what opens both files of keys.

    The certificate is for ``key`` and those that follow on it, says ``name`` and ``uri``, and lies in ``<key>.pem`` of ``directory``.
    """

    directory: Path
    keys: str
    secret: bytes
    key: KeyId
    role: Role
    name: str
    uri: str
    clock: Clock
    entropy: Entropy
    country: str = ""  # of the authority that is made at set-up

    async def set_up(self, roles: Mapping[KeyId, Role]) -> dict[KeyId, PublicKey]:
        """Anchor, keys and certificate; what a set-up that was broken off left is used. The public keys of those that sign."""
        async with self._opened() as (anchors, keys):
            await create_keys(anchors, {ANCHOR: Role.ANCHOR})
            await create_keys(keys, roles)
            await self._anchor(anchors)
            self._write(f"{self.key}.pem", await self._leaf(anchors, await keys.public(self.key)))
            return {key: await keys.public(key) for key, role in roles.items() if role not in {Role.MAC, Role.SEAL}}

    async def create(self, roles: Mapping[KeyId, Role]) -> dict[KeyId, PublicKey]:
        """Those keys that a service lacks which was set up before it needed them; the public halves of all that sign."""
        async with self._opened() as (_, keys):
            await create_keys(keys, roles)
            return {key: await keys.public(key) for key, role in roles.items() if role not in {Role.MAC, Role.SEAL}}

    async def renew(self, check: Callable[[PublicKey], Awaitable[None]]) -> Cert:
        """A new certificate for the key that is held, in the place of the one before, unless ``check`` has something against that key.

        ``ConfigError`` without the anchor's keys.
        """
        check_anchor_here(self.directory)
        async with self._opened() as (anchors, keys):
            public = await keys.public(self.key)
            await check(public)
            der = await self._leaf(anchors, public)
        self._write(f"{self.key}.pem", der)
        return load_certificate(der)

    async def certify(self, public: PublicKey) -> Cert:
        """A certificate for a key that follows on ``key``; it lies in the database alone. ``ConfigError`` without the anchor's keys."""
        async with open_anchor(self.directory, self.secret, self.entropy) as anchors:
            return load_certificate(await self._leaf(anchors, public))

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[Custodian, Custodian]]:
        anchors = _anchors(self.directory, self.secret, self.entropy)
        try:
            keys = open_custodian(self.keys, entropy=self.entropy, passphrase=self.secret)
            try:
                yield anchors, keys
            finally:
                await keys.close()
        finally:
            await anchors.close()

    async def _anchor(self, anchors: Custodian) -> None:
        unsigned = prepare_anchor(
            subject=f"{self.name[:50]} trust anchor"[:64],
            public=await anchors.public(ANCHOR),
            key=ANCHOR,
            at=self.clock(),
            days=ANCHOR_DAYS,
            serial=serial_number(self.entropy),
            uri=self.uri,
            country=self.country,
        )
        der = await sign(unsigned, anchors)
        self._write(ANCHOR_FILE, der)

    async def _leaf(self, anchors: Custodian, public: PublicKey) -> bytes:
        unsigned = prepare_leaf(
            subject=self.name[:64],
            uris=[self.uri],
            role=self.role,
            public=public,
            issuer=read_certificate(self.directory / ANCHOR_FILE),
            key=ANCHOR,
            at=self.clock(),
            days=LEAF_DAYS,
            serial=serial_number(self.entropy),
        )
        return await sign(unsigned, anchors)

    def _write(self, name: str, der: bytes) -> None:
        write_whole(self.directory / name, render_pem(der).encode(), 0o644)


def _anchors(directory: Path, secret: bytes, entropy: Entropy) -> Custodian:
    return open_custodian(f"file:{quote(str(directory / ANCHOR_KEYS))}", entropy=entropy, passphrase=secret)


def check_anchor_here(directory: Path) -> None:
    """``ConfigError`` while the anchor's keys are kept elsewhere."""
    file = directory / ANCHOR_KEYS
    if not file.exists():
        raise ConfigError(f"{file} is not here: bring the anchor's keys back for this", where=ANCHOR_KEYS)


@asynccontextmanager
async def open_anchor(directory: Path, secret: bytes, entropy: Entropy) -> AsyncIterator[Custodian]:
    """The anchor's keys, for as long as something is signed; ``ConfigError`` while they are kept elsewhere."""
    check_anchor_here(directory)
    custodian = _anchors(directory, secret, entropy)
    try:
        yield custodian
    finally:
        await custodian.close()


def describe(directory: Path, key: KeyId, leaf: Cert) -> list[str]:
    """A line on the certificate of ``key`` and one on its anchor, for the list of keys."""
    anchor = read_certificate(directory / ANCHOR_FILE)
    return [
        f"certificate of {key}: {leaf.subject}, {', '.join(leaf.uris)}, {day(leaf.not_before)} to {day(leaf.not_after)}",
        f"anchor: {anchor.subject}, {day(anchor.not_before)} to {day(anchor.not_after)}, SHA-256 {anchor.sha256.hex()}",
    ]


def day(at: int) -> str:
    """``2027-01-15``."""
    return dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCertificate:
    """``x5c`` is what a service shows for ``key``, without the anchor. It has to say ``uri``, which the setting ``setting`` gives."""

    program: str
    custodian: Custodian
    x5c: Sequence[bytes]
    key: KeyId
    role: Role
    uri: str
    setting: str

    async def check(self) -> None:
        """``ConfigError`` unless the certificate is for the key that is held and says what the settings say."""
        leaf = load_certificate(self.x5c[0])
        if (await self.custodian.public(self.key)).key != leaf.public.key:
            raise ConfigError(f"the certificate {self.key}.pem belongs to another key than the one held", where="keys")
        if self.uri not in leaf.uris:
            raise ConfigError(
                f"the certificate {self.key}.pem names another {self.setting}: run `{self.program} keys renew`", where=self.setting
            )

    async def examine(self, anchor: Cert, *, at: int, days: int) -> str:
        """As ``check``; ``ConfigError`` also if fewer than ``days`` are left, else how long it lasts."""
        await self.check()
        leaf = verify_chain(self.x5c, [anchor], at=at, role=self.role)
        left = (leaf.not_after - at) // DAY
        if left < days:
            raise ConfigError(f"the certificate ends in {left} days: run `{self.program} keys renew`")
        return f"valid until {day(leaf.not_after)}"
