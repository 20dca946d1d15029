"""What a desk asks, signed and for two minutes: the picture that a wallet scans (security rules S5, S10; docs/ovp.md section 6).

The holder's answer signs SHA-256 of the whole challenge, so that no word of it can be changed, and is sealed to its key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..codec import base64url, cbor
from ..cose import CHALLENGE, Sign1, parse_sign1, prepare_sign1, sign1_of, thumbprint, verify_sign1
from ..cose.members import as_map, load_map, octets, text, uint
from ..credentials import Text
from ..errors import Malformed, OverDisclosed, PurposeMismatch, WrongAudience, WrongTyp
from ..keys import KeyId, PublicKey, Unsigned
from ..trust.relying_party import (
    DeskCertificate,
    Register,
    RegisteredUse,
    Want,
    check_in_force,
    desk_certificate_of,
    read_wants,
    render_wants,
    verify_desk_certificate,
)

VERSION: Final = 1
TTL: Final = 120
MAX_TTL: Final = 300
MAX_BYTES: Final = 2_860
"""What the largest code can carry."""
_ALG, _KCWT, _TYP = 1, 13, 16
_VERSION, _NONCE, _IAT, _AUD, _WANTS, _USE, _SEAL, _TTL, _STAPLE, _TRANSACTION = range(1, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A parsed challenge; nothing in it is a fact before ``check_challenge``. ``data`` is all of it, as it was signed.

    ``staple`` asks for a status assertion to come along, because the desk's list is old. ``transaction`` names what several people are to
    agree to for that use, each in an answer of their own; ``None`` where nobody else has to (security rule S26).
    """

    data: bytes = field(repr=False)
    nonce: bytes
    issued_at: int
    aud: bytes
    wants: tuple[Want, ...]
    use: str
    seal_key: bytes
    ttl: int
    staple: bool
    desk: DeskCertificate
    sign1: Sign1 = field(repr=False)
    transaction: bytes | None = None

    @property
    def digest(self) -> bytes:
        """What the answer's ``cnonce`` is (S5)."""
        return digest(self.data)

    @property
    def info(self) -> bytes:
        """What the answer's seal is bound to."""
        return seal_info(self.data)

    @property
    def audience(self) -> str:
        """The answer's audience."""
        return live_audience(self.aud)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks for what and why, in registered words; made by ``check_challenge`` alone."""

    entity: str
    name: Text
    desk: str
    use: RegisteredUse
    wants: tuple[Want, ...]


def digest(data: bytes) -> bytes:
    """SHA-256 of a whole challenge."""
    return hashlib.sha256(data).digest()


def seal_info(data: bytes) -> bytes:
    """The ``info`` of HPKE for a whole challenge."""
    return b"OVP1" + digest(data)


def live_audience(aud: bytes) -> str:
    """Of a desk, from the thumbprint of its key; its first letters say the mode (S6)."""
    return f"l:{base64url.encode(aud)}"


def prepare_challenge(
    *,
    certificate: bytes,
    key: KeyId,
    public: PublicKey,
    nonce: bytes,
    at: int,
    wants: Sequence[Want],
    use: str,
    seal_key: bytes,
    ttl: int = TTL,
    staple: bool = False,
    transaction: bytes | None = None,
) -> Unsigned[bytes]:
    """A challenge, lacking only the signature of the desk's ``key``, whose ``certificate`` (desk-cert) goes with it.

    ``nonce`` is 16 random bytes, as ``transaction`` is, ``seal_key`` an X25519 public key made for this challenge alone (``seal.generate``).
    """
    payload: dict[int, Any] = {
        _VERSION: VERSION,
        _NONCE: nonce,
        _IAT: at,
        _AUD: thumbprint(public),
        _WANTS: render_wants(wants),
        _USE: use,
        _SEAL: seal_key,
        _TTL: ttl,
    }
    if staple:
        payload[_STAPLE] = True
    if transaction is not None:
        payload[_TRANSACTION] = transaction
    return prepare_sign1(
        typ=CHALLENGE,
        payload=cbor.dumps(payload, canonical=True),
        key=key,
        alg=public.alg,
        protected={_KCWT: cbor.loads(certificate)},
    )


def parse_challenge(data: bytes) -> Challenge:
    """Structure and bounds. ``WrongTyp``, ``Malformed`` or ``TooLarge``, ``AlgorithmRefused`` for a desk's key of another kind."""
    sign1 = parse_sign1(data, max_bytes=MAX_BYTES)
    if not CHALLENGE.admits(sign1.typ):
        raise WrongTyp("this signed object is of another kind")
    as_map(sign1.protected, needed=(_ALG, _KCWT, _TYP))
    as_map(sign1.unprotected, needed=())
    members = load_map(sign1.payload, needed=range(1, _STAPLE), optional=(_STAPLE, _TRANSACTION))
    uint(members, _VERSION, minimum=VERSION, maximum=VERSION)
    if members.get(_STAPLE, True) is not True:
        raise Malformed("this member is true or absent", where=f"/{_STAPLE}")
    return Challenge(
        data=data,
        nonce=octets(members, _NONCE, size=16),
        issued_at=uint(members, _IAT),
        aud=octets(members, _AUD, size=32),
        wants=read_wants(members, _WANTS),
        use=text(members, _USE, max_length=200),
        seal_key=octets(members, _SEAL, size=32),
        ttl=uint(members, _TTL, minimum=1, maximum=MAX_TTL),
        staple=_STAPLE in members,
        desk=desk_certificate_of(sign1_of(sign1.protected[_KCWT], f"/{_KCWT}"), f"/{_KCWT}"),
        sign1=sign1,
        transaction=octets(members, _TRANSACTION, size=16) if _TRANSACTION in members else None,
    )


def check_challenge(challenge: Challenge, register: Register, *, at: int) -> Asker:
    """Who asks, as far as ``register`` vouches for it.

    ``Untrusted`` (not registered), ``BadSignature``, ``Expired`` or ``NotYetValid`` (certificates and challenge), ``WrongAudience`` (made
    out to another key than it is signed with, S5), ``PurposeMismatch`` (a use that is not registered), ``OverDisclosed`` (asks for more
    than was registered for it).
    """
    party = verify_desk_certificate(challenge.desk, register, at=at)
    verify_sign1(challenge.sign1, challenge.desk.public, typ=CHALLENGE)
    if challenge.aud != thumbprint(challenge.desk.public):
        raise WrongAudience("this question would have the answer made out to somebody else", where=f"/{_AUD}")
    check_in_force(challenge.issued_at, challenge.issued_at + challenge.ttl, at=at)
    use = party.use(challenge.use)
    if use is None:
        raise PurposeMismatch("the organisation has not registered this use", where=f"/{_USE}")
    for position, want in enumerate(challenge.wants):
        _check_registered(want, use, f"/{_WANTS}/{position}")
    return Asker(entity=party.entity, name=party.name, desk=challenge.desk.name, use=use, wants=challenge.wants)


def _check_registered(want: Want, use: RegisteredUse, where: str) -> None:
    """Per kind of document: what is registered as optional may not be demanded."""
    known = next((each for each in use.wants if each.vct == want.vct), None)
    if known is None or not {*want.required} <= {*known.required} or not {*want.optional} <= {*known.required, *known.optional}:
        raise OverDisclosed("it asks for more than the organisation registered for this use", where=where)
