"""Receipts, and the logs that they tie down (domain rule R6, security rule S25).

A relying party signs for every presentation what it decided, what it keeps and until when. The receipt is bound to the presentation by
a salted digest and to the exchange by its nonce, and names the head of the relying party's log at that time: whoever keeps a receipt can
show later that the log was rewritten.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .clock import Entropy
from .codec import base64url, reader, strict_json
from .errors import (
    HistoryRewritten,
    Malformed,
    NotYetValid,
    OtherPresentation,
    PurposeMismatch,
    StaleBinding,
    Untrusted,
    WrongNonce,
    WrongTyp,
)
from .jose import jwt
from .keys import KeyId, Unsigned
from .trust.policy import Policy
from .x509 import Cert, parse_x5c, x5c_header

TYP = "receipt+jwt"
MAX_RECEIPT = 65_536  # bytes
_MAX_TEXT = 1_000
_SALT = 16  # bytes
_DIGEST = 32  # bytes
EMPTY_HEAD = bytes(_DIGEST)
_MAX_AGE = 366 * 86_400  # seconds that somebody may say
_LEEWAY = 300  # seconds by which the clock of a body may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """The state of a log after ``size`` entries."""

    size: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the relying party ``entity`` says it did. Instants are seconds since the epoch.

    ``decision`` is ``accepted``, ``rejected`` or ``undecided``, ``reason_code`` the error code behind it; ``effective_from`` is when it
    takes effect, ``purpose_id`` the intended use. ``salt``, ``presentation_digest`` and ``nonce`` bind it to one exchange;
    ``status_list_iat`` is of when the list of cancelled documents was that it relied on, and ``status_max_age`` how many seconds old such a list may
    be there: until their sum it may not know what was cancelled since. ``bundle_digest`` names the checking pack, if an offline desk used one;
    ``answer_by`` is until when a person decides, if one has to.
    Where somebody else was told something by the holder's permission, ``recipient`` is who, and ``told`` names what.
    """

    receipt_id: str
    entity: str
    received_at: int
    decision: str
    purpose_id: str
    salt: bytes
    presentation_digest: bytes
    nonce: str
    reason_code: str = ""
    effective_from: int | None = None
    claims_kept: tuple[str, ...] = ()
    retain_until: int | None = None
    contact: str | None = None
    how_to_complain: str | None = None
    status_list_iat: int | None = None
    status_max_age: int | None = None
    bundle_digest: bytes | None = None
    answer_by: int | None = None
    recipient: str = ""
    told: tuple[str, ...] = ()
    log_head: LogHead | None = None

    @property
    def keeps_all(self) -> bool:
        """Whether the relying party keeps all that it saw: it did not refuse it, and says neither of which part nor that it keeps nothing.

        Who keeps nothing names as the end an instant that was over when it decided.
        """
        over = self.retain_until is not None and self.retain_until <= self.received_at
        return self.decision != "rejected" and not (self.claims_kept or self.told or over)

    @property
    def may_not_know_until(self) -> int | None:
        """Until when the relying party may not know what was cancelled after ``status_list_iat``; ``None`` where it does not say, or that was over."""
        since, age = self.status_list_iat, self.status_max_age
        until = None if since is None or age is None else min(since + age, reader.LAST)
        return None if until is None or until <= self.received_at else until


def presentation_bytes(vp_token: Mapping[str, Sequence[str]]) -> bytes:
    """What the digest of a receipt is over: the presentations by name, in one spelling that both sides arrive at."""
    return strict_json.dumps({name: list(vp_token[name]) for name in sorted(vp_token)})


def bind_presentation(presentation: bytes, *, entropy: Entropy) -> tuple[bytes, bytes]:
    """A fresh salt, and SHA-256(salt ‖ presentation)."""
    salt = entropy(_SALT)
    return salt, hashlib.sha256(salt + presentation).digest()


# --- the relying party signs -----------------------------------------------------------------------------------------------------------


def prepare_receipt(receipt: Receipt, *, key: KeyId, x5c: Sequence[bytes], at: int, alg: str = "ES256") -> Unsigned[str]:
    """The receipt, lacking its signature by the relying party's certified key (role relying-party, S1)."""
    return jwt.prepare_jwt(_render(receipt, at), typ=TYP, key=key, alg=alg, header={"x5c": x5c_header(x5c)})


def _render(receipt: Receipt, at: int) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "iss": receipt.entity,
        "iat": at,
        "receipt_id": receipt.receipt_id,
        "received_at": receipt.received_at,
        "decision": receipt.decision,
        "intendedUseIdentifier": receipt.purpose_id,
        "salt": base64url.encode(receipt.salt),
        "presentation_digest": base64url.encode(receipt.presentation_digest),
        "nonce": receipt.nonce,
        "claims_kept": list(receipt.claims_kept),
    }
    head = receipt.log_head
    optional: dict[str, Any] = {
        "reason_code": receipt.reason_code or None,
        "effective_from": receipt.effective_from,
        "retain_until": receipt.retain_until,
        "contact": receipt.contact,
        "how_to_complain": receipt.how_to_complain,
        "status_list_iat": receipt.status_list_iat,
        "status_max_age": receipt.status_max_age,
        "answer_by": receipt.answer_by,
        "recipient": receipt.recipient or None,
        "told": list(receipt.told) or None,
        "bundle_digest": None if receipt.bundle_digest is None else base64url.encode(receipt.bundle_digest),
        "log_head": None if head is None else {"size": head.size, "digest": base64url.encode(head.digest)},
    }
    return claims | {name: value for name, value in optional.items() if value is not None}


# --- the holder checks -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What a receipt that came by ``at`` has to be for: what was sent at ``sent_at`` or later, with ``nonce``, for the use ``purpose_id``.

    An empty ``purpose_id`` is not known, and ``sent_at`` is 0 where nobody noted it.
    """

    presentation: bytes
    nonce: str
    at: int
    sent_at: int = 0
    purpose_id: str = ""


def verify_receipt(token: str, exchange: Exchange, *, policy: Policy) -> Receipt:
    """The receipt, if a relying party that is trusted here signed it for this presentation in this exchange.

    Raises ``WrongTyp``, ``BadSignature``, ``Untrusted`` and the other classes of a chain, ``OtherPresentation``, ``WrongNonce``,
    ``PurposeMismatch``, ``StaleBinding`` for one from before anything was sent, ``NotYetValid`` or ``Malformed``.
    """
    parsed, chain = _open(token)
    return _verify(parsed, policy.check_relying_party(chain, exchange.at), exchange)


def verify_receipt_by(token: str, exchange: Exchange, *, signer: Cert) -> Receipt:
    """As ``verify_receipt``, but by exactly the certificate that signed the request: for one who asked and could not be checked."""
    parsed, chain = _open(token)
    if chain[0] != signer.der:
        raise Untrusted("the receipt is by somebody else than the one who asked", where="/x5c/0")
    return _verify(parsed, signer, exchange)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a desk's receipt (``shared.ovp.receipt``) is bound to, and the one that confirms it has to be; ``given_at`` is when the desk gave it."""

    salt: bytes
    presentation_digest: bytes
    nonce: bytes
    purpose_id: str
    given_at: int


def verify_receipt_bound(token: str, bound: Bound, *, policy: Policy, at: int) -> Receipt:
    """The receipt that confirms one of a desk, for whoever has that one and not what was shown. What was decided is the caller's to compare.

    Raises as ``verify_receipt``; ``StaleBinding`` for one from before the desk gave anything.
    """
    parsed, chain = _open(token)
    receipt = _signed(parsed, policy.check_relying_party(chain, at), at=at)
    if (receipt.salt, receipt.presentation_digest) != (bound.salt, bound.presentation_digest):
        raise OtherPresentation("the receipt is for another presentation", where="/presentation_digest")
    _check_exchange(receipt, nonce=base64url.encode(bound.nonce), purpose_id=bound.purpose_id, since=bound.given_at, at=at)
    return receipt


def _open(token: str) -> tuple[jwt.Jwt, tuple[bytes, ...]]:
    parsed = jwt.parse_jwt(token, max_bytes=MAX_RECEIPT)
    if parsed.header.get("typ") != TYP:
        raise WrongTyp("this is not a receipt", where="/typ")
    return parsed, parse_x5c(parsed.header.get("x5c"), "/x5c")


def _verify(parsed: jwt.Jwt, signer: Cert, exchange: Exchange) -> Receipt:
    receipt = _signed(parsed, signer, at=exchange.at)
    if not hmac.compare_digest(hashlib.sha256(receipt.salt + exchange.presentation).digest(), receipt.presentation_digest):
        raise OtherPresentation("the receipt is for another presentation", where="/presentation_digest")
    _check_exchange(receipt, nonce=exchange.nonce, purpose_id=exchange.purpose_id, since=exchange.sent_at, at=exchange.at)
    return receipt


def _signed(parsed: jwt.Jwt, signer: Cert, *, at: int) -> Receipt:
    receipt = _read(jwt.verify_jwt(parsed, signer.public, typ=TYP, at=at))
    if receipt.entity not in signer.uris:
        raise Untrusted("the receipt names another organisation than its certificate", where="/iss")
    return receipt


def _check_exchange(receipt: Receipt, *, nonce: str, purpose_id: str, since: int, at: int) -> None:
    if receipt.nonce != nonce:
        raise WrongNonce("the receipt is for another exchange", where="/nonce")
    if purpose_id and receipt.purpose_id != purpose_id:
        raise PurposeMismatch("the receipt is for another use", where="/intendedUseIdentifier")
    if receipt.received_at > at + _LEEWAY:
        raise NotYetValid("the receipt is from the future", where="/received_at")
    # the instant orders receipts by which a rewritten log is found out: nobody dates one back
    if receipt.received_at < since - _LEEWAY:
        raise StaleBinding("the receipt is from before anything was sent", where="/received_at")


def peek_receipt(token: str) -> Receipt:
    """What a receipt says, unverified."""
    return _read(_open(token)[0].claims)


def _read(claims: Mapping[str, Any]) -> Receipt:
    decision = reader.get_str(claims, "decision", max_length=64)
    if decision not in {"accepted", "rejected", "undecided"}:
        raise Malformed("a decision is accepted, rejected or undecided", where="/decision")
    return Receipt(
        receipt_id=reader.get_str(claims, "receipt_id", max_length=200),
        entity=reader.get_str(claims, "iss", max_length=2_048),
        received_at=reader.get_instant(claims, "received_at"),
        decision=decision,
        reason_code=reader.get_str(claims, "reason_code", optional=True, max_length=64) or "",
        effective_from=reader.get_instant(claims, "effective_from", optional=True),
        purpose_id=reader.get_str(claims, "intendedUseIdentifier", max_length=2_048),
        claims_kept=reader.get_strings(claims, "claims_kept", optional=True, max_items=256) or (),
        retain_until=reader.get_instant(claims, "retain_until", optional=True),
        contact=reader.get_str(claims, "contact", optional=True, max_length=_MAX_TEXT),
        how_to_complain=reader.get_str(claims, "how_to_complain", optional=True, max_length=_MAX_TEXT),
        status_list_iat=reader.get_instant(claims, "status_list_iat", optional=True),
        status_max_age=reader.get_int(claims, "status_max_age", optional=True, maximum=_MAX_AGE),
        answer_by=reader.get_instant(claims, "answer_by", optional=True),
        salt=_bytes(claims, "salt", _SALT),
        presentation_digest=_bytes(claims, "presentation_digest", _DIGEST),
        nonce=reader.get_str(claims, "nonce", max_length=1_024),
        bundle_digest=_bytes(claims, "bundle_digest", _DIGEST) if "bundle_digest" in claims else None,
        recipient=reader.get_str(claims, "recipient", optional=True, max_length=2_048) or "",
        told=reader.get_strings(claims, "told", optional=True, max_items=64) or (),
        log_head=_head(reader.get_object(claims, "log_head", optional=True)),
    )


def _head(head: Mapping[str, Any] | None) -> LogHead | None:
    if head is None:
        return None
    return LogHead(size=reader.get_int(head, "size", "/log_head"), digest=_bytes(head, "digest", _DIGEST, "/log_head"))


def _bytes(obj: Mapping[str, Any], name: str, size: int, where: str = "") -> bytes:
    raw = base64url.decode(reader.get_str(obj, name, where), where=f"{where}/{name}")
    if len(raw) != size:
        raise Malformed(f"{size} bytes are demanded here", where=f"{where}/{name}")
    return raw


# --- logs ------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One entry of a log. When its retention ends, ``entry`` and ``salt`` go and ``commitment`` stays, so that the chain still holds."""

    commitment: bytes
    salt: bytes | None = None
    entry: Mapping[str, Any] | None = None


def commit(entry: Mapping[str, Any], *, entropy: Entropy) -> LogEntry:
    """The entry with its salted commitment: SHA-256(salt ‖ entry), the entry as JSON with sorted members."""
    salt = entropy(_SALT)
    return LogEntry(commitment=_commitment(salt, entry), salt=salt, entry=entry)


def forget(entry: LogEntry) -> LogEntry:
    """The same entry after its retention: the salt goes too, so that nobody can guess what it was."""
    return LogEntry(commitment=entry.commitment)


def extend(head: LogHead | None, entry: LogEntry) -> LogHead:
    """The head after one more entry: SHA-256(head ‖ commitment), from 32 zero bytes on."""
    before = head or LogHead(size=0, digest=EMPTY_HEAD)
    return LogHead(size=before.size + 1, digest=hashlib.sha256(before.digest + entry.commitment).digest())


def verify_log(entries: Sequence[LogEntry], *, heads: Sequence[LogHead] = (), start: LogHead | None = None) -> LogHead:
    """The head of a log, oldest entry first, if every entry still there matches its commitment and the log once had all ``heads``.

    ``HistoryRewritten`` otherwise; ``heads`` come from receipts that others kept. Where ``entries`` are those after ``start``, none of the
    heads is from before it.
    """
    for position, entry in enumerate(entries):
        if (entry.entry is None) != (entry.salt is None):
            raise HistoryRewritten("an entry without its salt, or a salt without its entry", where=f"/{position}")
        if entry.entry is not None and entry.salt is not None and _commitment(entry.salt, entry.entry) != entry.commitment:
            raise HistoryRewritten("an entry of the log was changed", where=f"/{position}")
    states = [start or LogHead(size=0, digest=EMPTY_HEAD)]
    for entry in entries:
        states.append(extend(states[-1], entry))
    for head in heads:
        if head not in states[head.size - states[0].size :][:1]:
            raise HistoryRewritten("the log is not the one that a receipt speaks of", where=f"/{head.size}")
    return states[-1]


def _commitment(salt: bytes, entry: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(salt + strict_json.dumps(_sorted(entry))).digest()


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(each) for each in value]
    return value
