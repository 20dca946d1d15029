"""The head of a log as its service signs it once a day (security rule S25).

A JWT ``{iss, iat, size, digest}`` by the service's own certified key, of typ ``log-head+jwt`` where it asks and ``issuer-log-head+jwt`` where it
makes documents. Between two heads lie the commitments of the entries, which tell nothing of them: with those, whoever kept a head sees
whether the log has grown out of it (``receipts.verify_log``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from .codec import base64url, reader
from .errors import Malformed, Untrusted, WrongTyp
from .jose import jwt
from .keys import KeyId, Role, Unsigned
from .receipts import LogHead
from .trust.policy import Policy
from .x509 import parse_x5c, x5c_header

TYPS: Final[Mapping[Role, str]] = MappingProxyType(
    {Role.RELYING_PARTY: "log-head+jwt", Role.CREDENTIAL_ISSUER: "issuer-log-head+jwt"},
)
"""No typ is of two roles (S1)."""
MAX_BYTES: Final = 65_536
_SIZE = 32  # bytes of a digest


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """Where the log of ``entity`` stood at ``at``, by its own word."""

    entity: str
    at: int
    head: LogHead


def prepare_log_head(said: SignedHead, *, role: Role, key: KeyId, x5c: Sequence[bytes], alg: str = "ES256") -> Unsigned[str]:
    """The head, lacking its signature by the key that signs receipts, or documents, at present."""
    claims = {"iss": said.entity, "iat": said.at, "size": said.head.size, "digest": base64url.encode(said.head.digest)}
    return jwt.prepare_jwt(claims, typ=TYPS[role], key=key, alg=alg, header={"x5c": x5c_header(x5c)})


def verify_log_head(token: str, *, policy: Policy, role: Role, entity: str, at: int) -> SignedHead:
    """The head, if ``entity`` signed it, as somebody who asks or makes documents (``role``).

    Raises ``WrongTyp``, ``BadSignature``, ``NotYetValid``, ``Untrusted`` and the other classes of a chain, or ``Malformed``.
    """
    parsed, chain = _open(token)
    if role is Role.RELYING_PARTY:
        signer = policy.check_relying_party(chain, at, entity=entity)
    else:
        signer = policy.check_metadata_signer(chain, entity, at)
    said = _read(jwt.verify_jwt(parsed, signer.public, typ=TYPS[role], at=at))
    if said.entity != entity:
        raise Untrusted("this is the log of somebody else", where="/iss")
    return said


def peek_log_head(token: str) -> SignedHead:
    """What a signed head says, unverified."""
    return _read(_open(token)[0].claims)


def _open(token: str) -> tuple[jwt.Jwt, tuple[bytes, ...]]:
    parsed = jwt.parse_jwt(token, max_bytes=MAX_BYTES)
    if parsed.header.get("typ") not in TYPS.values():
        raise WrongTyp("this is not the head of a log", where="/typ")
    return parsed, parse_x5c(parsed.header.get("x5c"), "/x5c")


def _read(claims: dict[str, object]) -> SignedHead:
    digest = base64url.decode(reader.get_str(claims, "digest"), where="/digest")
    if len(digest) != _SIZE:
        raise Malformed(f"{_SIZE} bytes are demanded here", where="/digest")
    return SignedHead(
        entity=reader.get_str(claims, "iss", max_length=2_048),
        at=reader.get_int(claims, "iat"),
        head=LogHead(size=reader.get_int(claims, "size"), digest=digest),
    )
