"""What every use case of the issuer works with. Made once by ``app``; nothing here is global."""

from __future__ import annotations

import hashlib
import struct
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from issuer.config import Settings
from issuer.makers import Makers
from shared.clock import Clock, Entropy
from shared.codec import base64url
from shared.credentials import CredentialType, all_types
from shared.errors import ConfigError, UnknownCredentialType
from shared.formats import CredentialFormat, formats
from shared.keys import Custodian, KeyId, Role
from shared.storage import Storage
from shared.web import entity
from shared.web.signer import Signer, Signing

ISSUER, REFERENCES, STORAGE = KeyId("issuer"), KeyId("references"), KeyId("storage")
ROLES = MappingProxyType({ISSUER: Role.CREDENTIAL_ISSUER, REFERENCES: Role.MAC, STORAGE: Role.SEAL, **entity.ROLES})
MOST_READ, COMPACT = "dc+sd-jwt", "dc+sd-cwt"
SCOPES = ("credentials:create", "credentials:read", "status:change")  # what API keys may do
_NUMBER = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O and U, which people mistake when they read a number aloud


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One kind of document in one format: what OpenID4VCI calls a credential configuration."""

    id: str
    type: CredentialType
    format: CredentialFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """``signing`` knows the key of documents and its certificate; ``makers`` may vouch for wallets."""

    directory: Path
    settings: Settings
    clock: Clock
    entropy: Entropy
    storage: Storage
    custodian: Custodian
    signing: Signing
    types: tuple[CredentialType, ...]
    configurations: Mapping[str, Configuration]
    makers: Makers

    @property
    def signer(self) -> Signer:
        """The key that signs documents at present."""
        return self.signing.signer

    def type(self, type_id: str) -> CredentialType:
        """The type that this office makes under that name; ``UnknownCredentialType`` with a pointer."""
        found = self.find_type(type_id)
        if found is None:
            raise UnknownCredentialType("this office does not make that kind of document", where="/type")
        return found

    def find_type(self, type_id: str) -> CredentialType | None:
        """The same; ``None`` for one that it does not make, or makes no longer."""
        return next((each for each in self.types if each.id == type_id), None)

    def configurations_of(self, type_id: str) -> tuple[str, ...]:
        return tuple(each.id for each in self.configurations.values() if each.type.id == type_id)

    def url(self, path: str) -> str:
        return self.settings.public_url + path

    def secret(self, size: int = 32) -> str:
        """A random text that opens something: ``size`` bytes in base64url."""
        return base64url.encode(self.entropy(size))

    @property
    def batch_size(self) -> int:
        """The most copies that are made at once, of whatever kind: the metadata name one number for all (OpenID4VCI section 12.2.4)."""
        return max(each.batch_size for each in self.types)

    def number(self) -> str:
        """A new document's number: 80 random bits that can be read aloud."""
        value = int.from_bytes(self.entropy(10), "big")
        return "".join(_NUMBER[value >> 5 * place & 31] for place in range(16))


def chosen_types(names: Iterable[str]) -> tuple[CredentialType, ...]:
    """The installed types, or those named; ``ConfigError`` for a name that is not installed."""
    wanted = tuple(names)
    installed = {each.id: each for each in all_types().values()}
    unknown = [name for name in wanted if name not in installed]
    if unknown:
        raise ConfigError(f"unknown kinds of document: {', '.join(unknown)}; installed are {', '.join(sorted(installed))}", where="types")
    return tuple(installed[name] for name in wanted) if wanted else tuple(installed.values())


def configurations(types: Iterable[CredentialType]) -> Mapping[str, Configuration]:
    """Each type in each installed format: ``representation-sd-jwt`` first, for most wallets take the first that they know.

    A type for bearers has one configuration of its own and no other, ``…-bearer-cwt``: nothing else can be without a holder (S2).
    """
    made = [each for kind in types for each in ([_bearer(kind)] if kind.bearer else _bound(kind))]
    return MappingProxyType({each.id: each for each in made})


def _bound(kind: CredentialType) -> list[Configuration]:
    names = sorted(formats(), key=lambda name: (name != MOST_READ, name))
    return [Configuration(id=f"{kind.id}-{_short(name)}", type=kind, format=formats()[name]) for name in names]


def _short(name: str) -> str:
    return name.removeprefix("dc+").removeprefix("mso_").replace("+", "-")


def _bearer(kind: CredentialType) -> Configuration:
    return Configuration(id=f"{kind.id}-bearer-cwt", type=kind, format=formats()[COMPACT])


def draw_indices(size: int, count: int, entropy: Entropy) -> list[int]:
    """Up to ``count`` different indices below ``size``, each as likely as any other; order tells nothing (Token Status List section 13.2)."""
    limit = 2**32 // size * size  # above it the remainder would favour low indices
    words = struct.unpack(f">{count}I", entropy(4 * count))
    return list(dict.fromkeys(word % size for word in words if word < limit))


def digest(purpose: str, secret: str) -> bytes:
    """What is stored of a random secret. Only for secrets that cannot be guessed; everything else goes through ``keyed``."""
    return hashlib.sha256(f"{purpose}\0{secret}".encode()).digest()


async def keyed(office: Office, purpose: str, text: str) -> bytes:
    """What is stored of something guessable: an HMAC under a key of the custodian, never a bare or salted hash (security rule S24)."""
    return await office.custodian.mac(REFERENCES, f"{purpose}\0{text}".encode())


async def reference_mac(office: Office, reference: str) -> bytes:
    """The office's own case reference as it is stored and searched for; case and spaces make no difference."""
    plain = "".join(unicodedata.normalize("NFKC", reference).casefold().split())
    return await keyed(office, "reference", plain)
