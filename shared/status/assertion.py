"""What an issuer says about the status of one single copy: a small CWT that a wallet collects on a schedule and staples to what it shows.

``{2: address of the list, 6: iat, 4: exp, -70002: index, -70003: status}`` in a COSE_Sign1 of its own ``typ``, the key's name in the
protected header. It tells what the list would have told at ``iat`` and serves where the checker's list is older; it names nobody, and is
never the last word on what was seen INVALID (security rule S19).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from ..codec import base64url, cbor, strict_json
from ..codec.reader import get_int, get_str, get_strings
from ..cose import STATUS_ASSERTION, Sign1, parse_sign1, prepare_sign1, verify_sign1
from ..cose.members import as_map, load_map, octets
from ..cose.sign1 import ALG, KID, TYP
from ..errors import Malformed, StatusUnknown, Unavailable, WrongTyp
from ..flow import Fetch, Flow
from ..keys import KeyId, PublicKey, Unsigned
from .freshness import LIFETIME, TTL, check_not_ahead

MAX_ASSERTION = 2_048  # bytes
MAX_STATUS = 255
AT_ONCE = 100  # indices in one question
_SUB, _EXP, _IAT, _IDX, _STATUS = 2, 4, 6, -70_002, -70_003
_NAMES = {_SUB: "sub", _EXP: "exp", _IAT: "iat", _IDX: "idx", _STATUS: "status"}


@dataclass(frozen=True, kw_only=True)
class StatusAssertion:
    """Parsed, not yet verified. ``ttl`` is that of lists that do not say."""

    uri: str
    idx: int
    status: int
    iat: int
    exp: int
    kid: bytes = b""
    wire: bytes = field(repr=False)
    signed: Sign1 = field(repr=False, compare=False)
    ttl: int = TTL


@dataclass(frozen=True, kw_only=True)
class VerifiedAssertion(StatusAssertion):
    """Signed by the key that was asked for; only ``verify_assertion`` makes one."""


def prepare_assertion(
    *, uri: str, idx: int, status: int, iat: int, exp: int, key: KeyId, kid: bytes, alg: str = "ES256"
) -> Unsigned[bytes]:
    """The assertion, lacking only its signature. ``exp`` is at most seven days after ``iat``."""
    payload = cbor.dumps({_SUB: uri, _EXP: exp, _IAT: iat, _IDX: idx, _STATUS: status}, canonical=True)
    return prepare_sign1(typ=STATUS_ASSERTION, payload=payload, key=key, alg=alg, protected={KID: kid})


def parse_assertion(data: bytes) -> StatusAssertion:
    """Structure only; what is not named above is not in it. ``WrongTyp`` for another signed object, ``Malformed`` or ``TooLarge`` for all else."""
    sign1 = parse_sign1(data, max_bytes=MAX_ASSERTION)
    if not STATUS_ASSERTION.admits(sign1.typ):
        raise WrongTyp("this is no status assertion", where="/typ")
    kid = octets(as_map(sign1.protected, needed=(ALG, KID, TYP)), KID, size=8)
    as_map(sign1.unprotected, needed=())
    members = load_map(sign1.payload, needed=(), optional=_NAMES)
    claims = {name: members[label] for label, name in _NAMES.items() if label in members}
    iat, exp = get_int(claims, "iat"), get_int(claims, "exp")
    if exp > iat + LIFETIME:
        raise Malformed("a status assertion lives seven days at most", where="/exp")
    status = get_int(claims, "status")
    if status > MAX_STATUS:
        raise Malformed("a status has 8 bits at most", where="/status")
    return StatusAssertion(
        uri=get_str(claims, "sub"),
        idx=get_int(claims, "idx"),
        status=status,
        iat=iat,
        exp=exp,
        kid=kid,
        wire=data,
        signed=sign1,
    )


def verify_assertion(assertion: StatusAssertion, *, uri: str, idx: int, key: PublicKey, at: int) -> VerifiedAssertion:
    """The same as a fact about entry ``idx`` of ``uri``, for which ``key`` may speak; an expired one passes, see ``check_current``.

    ``BadSignature``, ``AlgorithmRefused``; ``StatusUnknown`` for what is about another copy or comes from the future.
    """
    if (assertion.uri, assertion.idx) != (uri, idx):
        raise StatusUnknown("the status assertion is about another copy", where="/idx")
    check_not_ahead(assertion, at=at)
    verify_sign1(assertion.signed, key, typ=STATUS_ASSERTION)
    return VerifiedAssertion(**{name: getattr(assertion, name) for name in StatusAssertion.__dataclass_fields__})


def fetch_assertions(uri: str, indices: Collection[int]) -> Flow[dict[int, StatusAssertion]]:
    """What the issuer says now of these entries of its list; nothing of it is verified.

    To be asked for a whole batch, by the clock and never because of a use (S21); the order of the questions is that of the indices.
    """
    ordered = sorted(indices)
    found: dict[int, StatusAssertion] = {}
    for start in range(0, len(ordered), AT_ONCE):
        some = ordered[start : start + AT_ONCE]
        got = yield Fetch(
            url=f"{uri}/assertions",
            method="POST",
            headers={"accept": "application/json", "content-type": "application/json"},
            body=strict_json.dumps({"idx": some}),
            max_bytes=AT_ONCE * 2 * MAX_ASSERTION,
        )
        if got.status != 200:
            raise Unavailable(f"asked about single copies, the issuer answered {got.status}")
        answer = strict_json.load_object(got.body, max_bytes=AT_ONCE * 2 * MAX_ASSERTION)
        texts = get_strings(answer, "assertions", min_items=len(some), max_items=len(some))
        found |= {index: parse_assertion(base64url.decode(text)) for index, text in zip(some, texts, strict=True)}
    return found
