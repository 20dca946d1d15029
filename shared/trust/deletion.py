"""What was deleted when one body took over from another, because its purpose was not handed over (domain sheet C24): a signed record.

It has a number, a use and two bodies in it, and nothing of anybody whose details went.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..codec import reader
from ..errors import Untrusted, WrongTyp
from ..jose import jwt
from ..keys import KeyId, Unsigned
from ..x509 import parse_x5c, x5c_header
from .federation_keys import get_entity
from .policy import Policy

TYP: Final = "deletion-record+jwt"
MAX_BYTES: Final = 65_536
MAX_USE: Final = 1_000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """``entity`` deleted ``count`` answers that ``outgoing`` had received for ``use``, at ``at`` (seconds since the epoch).

    ``use`` is empty for what was received for no registered use. ``statement`` names the succession (``Succession.name``).
    """

    entity: str
    outgoing: str
    statement: str
    use: str
    count: int
    at: int


def prepare_deletion(deletion: Deletion, *, key: KeyId, x5c: Sequence[bytes], alg: str = "ES256") -> Unsigned[str]:
    """The record, lacking its signature by the relying party's certified key (role relying-party, S1)."""
    claims = {
        "iss": deletion.entity,
        "sub": deletion.outgoing,
        "iat": deletion.at,
        "statement": deletion.statement,
        "intendedUseIdentifier": deletion.use,
        "count": deletion.count,
    }
    return jwt.prepare_jwt(claims, typ=TYP, key=key, alg=alg, header={"x5c": x5c_header(x5c)})


def verify_deletion(token: str, *, policy: Policy, at: int) -> Deletion:
    """The record, if a relying party that is trusted here signed it in its own name.

    Raises ``WrongTyp``, ``BadSignature``, ``Untrusted`` and the other classes of a chain, or ``Malformed``.
    """
    parsed, chain = _open(token)
    signer = policy.check_relying_party(chain, at)
    deletion = _read(jwt.verify_jwt(parsed, signer.public, typ=TYP, at=at))
    if deletion.entity not in signer.uris:
        raise Untrusted("the record names another organisation than its certificate", where="/iss")
    return deletion


def peek_deletion(token: str) -> Deletion:
    """What a record says, unverified."""
    return _read(_open(token)[0].claims)


def _open(token: str) -> tuple[jwt.Jwt, tuple[bytes, ...]]:
    parsed = jwt.parse_jwt(token, max_bytes=MAX_BYTES)
    if parsed.header.get("typ") != TYP:
        raise WrongTyp("this is not a record of what was deleted", where="/typ")
    return parsed, parse_x5c(parsed.header.get("x5c"), "/x5c")


def _read(claims: Mapping[str, Any]) -> Deletion:
    return Deletion(
        entity=get_entity(claims, "iss"),
        outgoing=get_entity(claims, "sub"),
        statement=reader.get_str(claims, "statement", max_length=100),
        use=reader.get_str(claims, "intendedUseIdentifier", min_length=0, max_length=MAX_USE),
        count=reader.get_int(claims, "count", minimum=1),
        at=reader.get_int(claims, "iat"),
    )
