"""What a desk without a network says that it decided: provisional, on its screen or on paper (rules R6, S10, S25; docs/ovp.md section 10.1).

The desk's own key signs it, and its certificate comes along. The organisation countersigns it later by an ordinary receipt with the same salt,
digest and nonce (``shared.receipts``).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any, Final

from ..codec import cbor
from ..cose import DESK_RECEIPT, Sign1, parse_sign1, prepare_sign1, sign1_of, verify_sign1
from ..cose.members import as_map, load_map, octets, text, uint
from ..errors import Malformed, NotYetValid, OtherPresentation, PurposeMismatch, StaleBinding, WrongNonce, WrongTyp
from ..keys import KeyId, PublicKey, Unsigned
from ..trust.relying_party import DeskCertificate, Register, RpCertificate, desk_certificate_of, verify_desk_certificate

VERSION: Final = 1
MAX_BYTES: Final = 2_860
"""What the largest code can carry."""
MEDIA_TYPE: Final = "application/cose"
CONFIRM_AT: Final = "/receipts/desk"
"""Below an organisation's address: there its service takes one, and answers with the receipt that confirms it (docs/ovp.md section 10.1)."""
DECISIONS: Final = ("accepted", "rejected", "undecided")
"""By the number that is sent."""
LEEWAY: Final = 300
"""Seconds by which the clock of a desk may differ."""
_MAX_NONCE: Final = 64
_ALG, _KCWT, _TYP = 1, 13, 16
_VERSION, _NONCE, _IAT, _SALT, _DIGEST, _DECISION, _USE, _CODE, _PACK = range(1, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskReceipt:
    """A parsed receipt of a desk; nothing in it is a fact before ``check_desk_receipt``. ``data`` is all of it, as it was signed.

    ``nonce`` is what the holder signed: SHA-256 of the challenge, the nonce of a typed code, or the number of a copy made out to somebody.
    ``digest`` is SHA-256(salt ‖ content), ``decision`` one of ``DECISIONS``, ``code`` the error code behind it (empty for none), ``pack`` the
    digest of the checking pack that the desk used (as ``BundleMemory`` has it).
    """

    data: bytes = field(repr=False)
    nonce: bytes
    issued_at: int
    salt: bytes
    digest: bytes
    decision: str
    use: str
    desk: DeskCertificate
    sign1: Sign1 = field(repr=False)
    code: str = ""
    pack: bytes | None = None


def prepare_desk_receipt(
    *,
    certificate: bytes,
    key: KeyId,
    public: PublicKey,
    content: bytes,
    nonce: bytes,
    salt: bytes,
    at: int,
    decision: str,
    use: str,
    code: str = "",
    pack: bytes | None = None,
) -> Unsigned[bytes]:
    """A receipt, lacking only the signature of the desk's ``key``, whose ``certificate`` (desk-cert) goes with it.

    ``content`` is the presentation as it was opened (what ``parse_answer`` is given), ``nonce`` what its holder signed (1 to 64 bytes), ``salt``
    16 random bytes. ``Malformed`` for a decision that there is not, or one other than a yes without its ``code``.
    """
    if decision not in DECISIONS:
        raise Malformed("a decision is accepted, rejected or undecided", where=f"/{_DECISION}")
    _check_reasoned(decision, code)
    payload: dict[int, Any] = {
        _VERSION: VERSION,
        _NONCE: nonce,
        _IAT: at,
        _SALT: salt,
        _DIGEST: _digest(salt, content),
        _DECISION: DECISIONS.index(decision),
        _USE: use,
    }
    if code:
        payload[_CODE] = code
    if pack is not None:
        payload[_PACK] = pack
    return prepare_sign1(
        typ=DESK_RECEIPT,
        payload=cbor.dumps(payload, canonical=True),
        key=key,
        alg=public.alg,
        protected={_KCWT: cbor.loads(certificate)},
    )


def parse_desk_receipt(data: bytes) -> DeskReceipt:
    """Structure and bounds. ``WrongTyp``, ``Malformed`` or ``TooLarge``, ``AlgorithmRefused`` for a desk's key of another kind."""
    sign1 = parse_sign1(data, max_bytes=MAX_BYTES)
    if not DESK_RECEIPT.admits(sign1.typ):
        raise WrongTyp("this signed object is of another kind")
    as_map(sign1.protected, needed=(_ALG, _KCWT, _TYP))
    as_map(sign1.unprotected, needed=())
    members = load_map(sign1.payload, needed=range(1, _CODE), optional=(_CODE, _PACK))
    uint(members, _VERSION, minimum=VERSION, maximum=VERSION)
    decision = DECISIONS[uint(members, _DECISION, maximum=len(DECISIONS) - 1)]
    code = text(members, _CODE, max_length=64) if _CODE in members else ""
    _check_reasoned(decision, code)
    return DeskReceipt(
        data=data,
        nonce=octets(members, _NONCE, size=1, max_size=_MAX_NONCE),
        issued_at=uint(members, _IAT),
        salt=octets(members, _SALT, size=16),
        digest=octets(members, _DIGEST, size=32),
        decision=decision,
        use=text(members, _USE, max_length=200),
        code=code,
        pack=octets(members, _PACK, size=32) if _PACK in members else None,
        desk=desk_certificate_of(sign1_of(sign1.protected[_KCWT], f"/{_KCWT}"), f"/{_KCWT}"),
        sign1=sign1,
    )


def verify_desk_receipt(receipt: DeskReceipt, register: Register, *, at: int) -> RpCertificate:
    """Whose desk gave it, by the register ``at`` that instant; what it is for is not looked at.

    ``Untrusted`` (not registered, or with another key), ``BadSignature``, ``WrongTyp``; ``Expired`` or ``NotYetValid`` for a registration that
    is not in force now or a desk's certificate that was not when the receipt was given, and for a receipt from the future.
    """
    party = verify_desk_certificate(receipt.desk, register, at=at, signed_at=receipt.issued_at)
    verify_sign1(receipt.sign1, receipt.desk.public, typ=DESK_RECEIPT)
    if receipt.issued_at > at + LEEWAY:
        raise NotYetValid("the receipt is from the future", where=f"/{_IAT}")
    return party


def check_desk_receipt(
    receipt: DeskReceipt, register: Register, *, content: bytes, nonce: bytes, use: str, sent_at: int, at: int
) -> RpCertificate:
    """Whose desk gave it, if it is for this ``content`` in this exchange: shown at ``sent_at`` or later, with ``nonce``, for ``use``.

    Errors of ``verify_desk_receipt``; ``OtherPresentation``, ``WrongNonce``, ``PurposeMismatch``, and ``StaleBinding`` for one from before
    anything was sent. The caller holds the entity that comes back against the one that it was sent to.
    """
    party = verify_desk_receipt(receipt, register, at=at)
    if not hmac.compare_digest(_digest(receipt.salt, content), receipt.digest):
        raise OtherPresentation("the receipt is for another presentation", where=f"/{_DIGEST}")
    if receipt.nonce != nonce:
        raise WrongNonce("the receipt is for another exchange", where=f"/{_NONCE}")
    if receipt.use != use:
        raise PurposeMismatch("the receipt is for another use", where=f"/{_USE}")
    if receipt.issued_at < sent_at - LEEWAY:
        raise StaleBinding("the receipt is from before anything was sent", where=f"/{_IAT}")
    return party


def _check_reasoned(decision: str, code: str) -> None:
    if decision != "accepted" and not code:
        raise Malformed("what is not accepted has a reason", where=f"/{_CODE}")


def _digest(salt: bytes, content: bytes) -> bytes:
    return hashlib.sha256(salt + content).digest()
