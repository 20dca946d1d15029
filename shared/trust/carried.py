"""A body as a federation carries it: its chain, and the keys that its superiors know of it (ADR 0009)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ..codec import base64url
from ..cose import thumbprint
from ..errors import NotEntitled, Untrusted, VcError
from ..jose.jwk import parse_public_jwk
from ..keys import PublicKey, Role
from .chain import TrustChain
from .constraints import FEDERATION_ENTITY
from .entitlements import Entitlement
from .snapshot import COPY_LIFE, KeyHistory
from .superiors import Word

ENTITY_TYPES: Final[Mapping[Role, str]] = {
    Role.CREDENTIAL_ISSUER: "openid_credential_issuer",
    Role.RELYING_PARTY: "openid_credential_verifier",
    Role.WALLET_PROVIDER: "openid_wallet_provider",
}

_NAMED: Final = frozenset({Role.WALLET_PROVIDER})
"""Roles that nobody has by its own word: who vouches for the keys of others does so for everybody."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and its thumbprint (RFC 9679), by which snapshots know it."""

    public: PublicKey
    name: str
    kid: bytes

    @classmethod
    def of(cls, public: PublicKey) -> Key:
        whole = thumbprint(public)
        return cls(public, base64url.encode(whole), whole[:8])


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A chain in force, with the words of its superiors, the nearest first; none where its anchor publishes no snapshot.

    ``fates`` are what became of its keys by the word of all who speak for it, as far as somebody has asked.
    """

    chain: TrustChain
    words: tuple[Word, ...]
    since: int
    until: int
    fates: dict[str, KeyHistory | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    _keys: dict[Role, dict[bytes, Key]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def as_of(self) -> int:
        """Of when the oldest part of it is."""
        return min(each.snapshot.iat for each in self.words) if self.words else min(each.iat for each in self.chain.statements)

    @property
    def name(self) -> str:
        """What the organisation is called, as its superiors let it stand."""
        name = self.chain.metadata.get(FEDERATION_ENTITY, {}).get("organization_name")
        return name if type(name) is str and name else self.chain.subject

    def published_keys(self, role: Role) -> tuple[Key, ...]:
        """The keys in its metadata as an entity of that kind; those that cannot be used here are left out."""
        return tuple(self._published(role).values())

    def _published(self, role: Role) -> Mapping[bytes, Key]:
        """By ``kid`` (RFC 9679, eight bytes)."""
        if role not in self._keys:
            self._keys[role] = {key.kid: key for key in map(Key.of, self._listed(role))}
        return self._keys[role]

    def _listed(self, role: Role) -> tuple[PublicKey, ...]:
        jwks = self.chain.metadata.get(ENTITY_TYPES[role], {}).get("jwks")
        listed = jwks.get("keys") if isinstance(jwks, Mapping) else None
        return tuple(key for each in (listed if isinstance(listed, list) else ()) if (key := _parse_key(each)) is not None)

    def find_key(self, role: Role, kid: bytes) -> Key:
        """The key of that ``kid``; ``Untrusted`` if the entity publishes none."""
        found = self._published(role).get(kid)
        if found is None:
            raise Untrusted("the body does not publish this key")
        return found

    def check_key(self, key: Key, role: Role, at: int) -> None:
        """Raise unless its superior knows the key as one of that role, in force (S15, S16)."""
        kind = ENTITY_TYPES[role]
        if kind not in self.chain.metadata or (role in _NAMED and not self.chain.is_named(kind)):
            raise NotEntitled("its superiors do not know it as a body of this kind")
        if not self.words:
            self.find_key(role, key.kid)
            return
        history = self.words[0].snapshot.keys.get(key.name)
        if history is None or (history.entity, history.role) != (self.chain.subject, role):
            raise Untrusted("the newest word of its superior does not know this key")
        history.check(at)

    def entitled(self, vct: str, at: int) -> tuple[Entitlement, ...]:
        """What it may say of that type, and what it might until lately: copies made then are still about (S15)."""
        return tuple(each for each in self.chain.entitlements if each.vct == vct and _counts(each, at))


def _parse_key(jwk: object) -> PublicKey | None:
    try:
        return parse_public_jwk(jwk) if isinstance(jwk, Mapping) else None
    except VcError:
        return None


def _counts(each: Entitlement, at: int) -> bool:
    return each.since <= at and (each.until is None or at < each.until + COPY_LIFE)
