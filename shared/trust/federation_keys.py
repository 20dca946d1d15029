"""How entities are named in a federation, and the keys with which they speak there (OpenID Federation 1.0 sections 1.2 and 3.1.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from ..codec.reader import get_object, get_objects, get_str, pointer
from ..errors import Malformed, Untrusted
from ..jose.jwk import check_public, parse_public_jwk, render_jwk, thumbprint
from ..keys import PublicKey
from ..urls import LOOPBACK, check_identifier

MAX_KEYS: Final = 16
_KNOWN: Final = frozenset({("EC", "P-256"), ("EC", "P-384"), ("OKP", "Ed25519")})


@dataclass(frozen=True, slots=True)
class FederationKey:
    """A public key and the name (``kid``) under which its entity publishes it."""

    kid: str
    public: PublicKey

    @classmethod
    def of(cls, public: PublicKey) -> FederationKey:
        """Named by its RFC 7638 thumbprint, as section 3.1.1 recommends."""
        return cls(thumbprint(public), public)


def get_entity(obj: Mapping[str, Any], name: str, where: str = "") -> str:
    """A member that is an entity identifier; ``Malformed`` with a pointer."""
    return check_entity(get_str(obj, name, where), pointer(where, name))


@lru_cache(maxsize=4_096)
def check_entity(entity: str, where: str = "") -> str:
    """An entity identifier: an https address with neither query nor fragment, or one on this very machine for trials (section 1.2)."""
    return check_identifier(entity, where=where, plain_http=LOOPBACK)


def parse_jwks(obj: Mapping[str, Any], where: str = "") -> tuple[FederationKey, ...]:
    """The keys of the member ``jwks`` that can be used here: ``Malformed`` with a pointer unless each key has a ``kid`` of its own.

    Keys of other kinds have names too, and are left out (RFC 7517 section 5).
    """
    jwks, found = pointer(where, "jwks"), dict[str, FederationKey | None]()
    for index, jwk in enumerate(get_objects(get_object(obj, "jwks", where), "keys", jwks, min_items=1, max_items=MAX_KEYS)):
        place = pointer(f"{jwks}/keys", index)
        kid = get_str(jwk, "kid", place, max_length=256)
        if kid in found:
            raise Malformed("two keys have the same kid", where=pointer(place, "kid"))
        found[kid] = _parse(kid, jwk, place)
    return tuple(each for each in found.values() if each is not None)


def _parse(kid: str, jwk: Mapping[str, Any], where: str) -> FederationKey | None:
    check_public(jwk, where=where)
    if (get_str(jwk, "kty", where), get_str(jwk, "crv", where, optional=True)) not in _KNOWN:
        return None
    return FederationKey(kid, parse_public_jwk(jwk, where=where))


def render_jwks(keys: Iterable[FederationKey]) -> dict[str, list[dict[str, str]]]:
    """What ``parse_jwks`` reads as the member ``jwks``."""
    return {"keys": [render_jwk(each.public) | {"kid": each.kid, "use": "sig", "alg": each.public.alg} for each in keys]}


def find_key(keys: Iterable[FederationKey], kid: object) -> PublicKey:
    """The key of that name; ``Untrusted`` if there is none."""
    for each in keys:
        if each.kid == kid:
            return each.public
    raise Untrusted("it is signed by a key that its issuer is not known to have", where="/kid")
