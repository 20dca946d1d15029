"""A holder tells the issuer that a detail is wrong, and gets a signed answer (domain rule R8, ADR 0012).

A ticket is a copy of the document made out to its issuer for the purpose ``correction``, with no detail but the one disputed, and the holder's
words. The copy's nonce is a digest of those words, so that the document's own key signs them. Both are sealed for the key that the issuer
publishes for requests, in sizes that go in doublings. The issuer's answer, ``correction+jwt``, names the ticket by its digest.

    Ticket(copy, ticket, detail, words) -> seal_ticket -> POST -> open_ticket, verify_ticket -> prepare_answer -> verify_answer
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from . import addressed
from .clock import DAY, Entropy
from .codec import base64url, strict_json
from .codec.padding import pad
from .codec.reader import get_instant, get_str
from .errors import BadSignature, Malformed, OtherPresentation, Untrusted, WrongNonce, WrongTyp
from .formats import Binding, Claims, Parsed, formats
from .inbox import ENC, TICKET, check_key
from .jose import jwe, jwt
from .jose.jwk import parse_public_jwk, thumbprint
from .keys import KeyId, PublicKey, Unsigned
from .trust.policy import Policy
from .x509 import parse_x5c, x5c_header

TYP: Final = "correction+jwt"
CTY: Final = "muniment-correction+json"
PURPOSE: Final = "correction"
STATES: Final = ("open", "corrected", "refused", "ended")
REFUSALS: Final = ("record-agrees", "not-ours", "not-enough", "no-such-detail")
"""Why an issuer says no; its own words stand beside."""
ENDINGS: Final = ("cancelled", "expired")
"""Why nobody answers any more: what became of the document."""
MAX_WORDS: Final = 1_000
MAX_TICKET: Final = 180_000
"""Characters of a sealed ticket."""
MAX_ANSWER: Final = 65_536  # bytes
_SMALLEST, _LARGEST = 8_192, 131_072  # bytes inside
_DAYS = 2
"""For which the copy in a ticket is made: it serves for nothing else."""
_SHORT, _LONG = 200, 2_048


@dataclass(frozen=True, slots=True)
class Ticket:
    """``copy`` is an addressed copy as a file, ``ticket`` 16 random bytes by which the answer is asked for, ``detail`` the disputed claim
    (``represented/birthdate``), ``words`` what its holder says of it.
    """

    copy: str = field(repr=False)
    ticket: bytes = field(repr=False)
    detail: str
    words: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the issuer ``entity`` says of the ticket with that ``digest``. Instants are seconds since the epoch.

    ``state`` is one of ``STATES``: while it is ``open``, somebody answers by ``answer_by``. A refusal has one of ``REFUSALS``, words, and
    where one can complain; where the document is over before it was answered (``ended``), the reason is one of ``ENDINGS``.
    """

    entity: str
    reference: str
    digest: bytes
    received_at: int
    answer_by: int
    state: str = "open"
    answered_at: int | None = None
    reason_code: str = ""
    words: str = ""
    how_to_complain: str = ""


# --- the holder --------------------------------------------------------------------------------------------------------------------------


def make_binding(*, issuer: str, ticket: bytes, detail: str, words: str, at: int, entropy: Entropy) -> Binding:
    """What the holder signs: an addressed copy for ``issuer``, whose nonce says which detail, and what is said of it."""
    made = addressed.make_binding(entity=issuer, purpose_id=PURPOSE, at=at, entropy=entropy, days=_DAYS)
    return Binding(audience=made.audience, nonce=_nonce(ticket, detail, words), extra=made.extra)


def seal_ticket(ticket: Ticket, jwk: Mapping[str, Any]) -> str:
    """What is posted, for the holder of ``jwk``. ``Malformed`` for words or a ticket that no issuer takes, ``TooLarge`` for the copy."""
    _check(ticket)
    content = {"copy": ticket.copy, "ticket": base64url.encode(ticket.ticket), "detail": ticket.detail, "words": ticket.words}
    inside = pad(strict_json.dumps(content), smallest=_SMALLEST, largest=_LARGEST, what="this copy shows too much for a ticket")
    key = check_key(jwk)
    return jwe.encrypt(inside, {**key, "kid": jwk.get("kid") or thumbprint(parse_public_jwk(key))}, enc=ENC, header={"cty": CTY})


def digest(token: str) -> bytes:
    """SHA-256 of a sealed ticket as posted."""
    return hashlib.sha256(token.encode()).digest()


def verify_answer(token: str, *, policy: Policy, entity: str, sealed: bytes, at: int) -> Answer:
    """What ``entity`` says of the sealed ticket with that ``digest``.

    Raises ``WrongTyp``, ``BadSignature``, ``Untrusted`` and the other classes of a chain, ``OtherPresentation`` for another ticket, or ``Malformed``.
    """
    parsed = jwt.parse_jwt(token, max_bytes=MAX_ANSWER)
    if parsed.header.get("typ") != TYP:
        raise WrongTyp("this is no answer to a ticket", where="/typ")
    signer = policy.check_metadata_signer(parse_x5c(parsed.header.get("x5c"), "/x5c"), entity, at)
    answer = _read_answer(jwt.verify_jwt(parsed, signer.public, typ=TYP, at=at))
    if answer.entity != entity:
        raise Untrusted("somebody else answers", where="/iss")
    if not hmac.compare_digest(answer.digest, sealed):
        raise OtherPresentation("this answers another ticket", where="/ticket_digest")
    return answer


# --- the issuer --------------------------------------------------------------------------------------------------------------------------


def peek_kid(token: str) -> str:
    """Which key a ticket was sealed for, or empty. ``Malformed``, ``TooLarge``, ``WrongTyp`` or ``AlgorithmRefused`` for what is no ticket."""
    header = jwe.peek_header(token, max_bytes=MAX_TICKET)
    if header.get("cty") != CTY:
        raise WrongTyp("this is sealed for something else", where="/cty")
    return get_str(header, "kid", optional=True) or ""


def open_ticket(token: str, private_jwk: Mapping[str, Any]) -> Ticket:
    """What is inside, for the holder of the key. ``Malformed`` where it was sealed for another; nothing in it is believed yet."""
    peek_kid(token)
    inside = jwe.decrypt(token, private_jwk, max_bytes=MAX_TICKET).rstrip(b" ")
    doc = strict_json.load_object(inside, max_bytes=_LARGEST, max_depth=4)
    ticket = Ticket(
        copy=get_str(doc, "copy", max_length=_LARGEST),
        ticket=base64url.decode(get_str(doc, "ticket", max_length=64), where="/ticket"),
        detail=get_str(doc, "detail", max_length=_SHORT),
        words=get_str(doc, "words", max_length=MAX_WORDS),
    )
    _check(ticket)
    return ticket


def parse_copy(ticket: Ticket) -> Parsed:
    """The one presentation in it. ``Malformed`` for more than one, and for forms of documents that are not known here."""
    copy = addressed.parse_file(ticket.copy)
    wires = [wire for each in copy.vp_token.values() for wire in each]
    form = formats().get(copy.format)
    if len(wires) != 1 or form is None:
        raise Malformed("a ticket holds one copy of one document", where="/copy")
    return form.parse(wires[0])


def verify_ticket(ticket: Ticket, *, entity: str, keys: Collection[PublicKey], at: int) -> Claims:
    """The document that is disputed, if ``entity`` signed it with one of ``keys`` and its holder says these words of it, to ``entity``.

    Raises ``BadSignature``, ``WrongAudience``, ``PurposeMismatch``, ``WrongNonce`` for other words, and what else ``verify`` of a format does.
    """
    parsed = parse_copy(ticket)
    binding = Binding(audience=addressed.audience(entity), nonce=None, max_age=addressed.MAX_DAYS * DAY, extra={"purpose_id": PURPOSE})
    claims = _verify_by_any(parsed, keys, binding, at)
    if claims.issuer != entity:
        raise Untrusted("this document is by somebody else", where="/copy")
    if not hmac.compare_digest(str(claims.binding_claims["nonce"]), _nonce(ticket.ticket, ticket.detail, ticket.words)):
        raise WrongNonce("its holder did not say this of it", where="/words")
    return claims


def _verify_by_any(parsed: Parsed, keys: Collection[PublicKey], binding: Binding, at: int) -> Claims:
    form = formats()[parsed.format]
    for key in keys:
        try:
            return form.verify(parsed, key, binding=binding, at=at)
        except BadSignature:
            continue
    raise BadSignature("none of these keys signed the document", where="/copy")


def prepare_answer(answer: Answer, *, key: KeyId, x5c: Sequence[bytes], at: int, alg: str = "ES256") -> Unsigned[str]:
    """The answer, lacking its signature by the key that signs documents at present (S1)."""
    claims: dict[str, Any] = {
        "iss": answer.entity,
        "iat": at,
        "reference": answer.reference,
        "ticket_digest": base64url.encode(answer.digest),
        "received_at": answer.received_at,
        "answer_by": answer.answer_by,
        "state": answer.state,
    }
    optional = {
        "answered_at": answer.answered_at,
        "reason_code": answer.reason_code or None,
        "words": answer.words or None,
        "how_to_complain": answer.how_to_complain or None,
    }
    claims |= {name: value for name, value in optional.items() if value is not None}
    return jwt.prepare_jwt(claims, typ=TYP, key=key, alg=alg, header={"x5c": x5c_header(x5c)})


# --- both --------------------------------------------------------------------------------------------------------------------------------


def _nonce(ticket: bytes, detail: str, words: str) -> str:
    """The random ticket makes it one that nobody can guess (S8)."""
    said = strict_json.dumps({"ticket": base64url.encode(ticket), "detail": detail, "words": words})
    return base64url.encode(hashlib.sha256(said).digest())


def check_words(words: str) -> None:
    """``Malformed`` unless these are words that people can read, 1,000 characters at most."""
    plain = all(char.isprintable() or char == "\n" for char in words)
    if not words.strip() or len(words) > MAX_WORDS or not plain:
        raise Malformed(f"say it in 1 to {MAX_WORDS} characters", where="/words")


def _check(ticket: Ticket) -> None:
    check_words(ticket.words)
    if len(ticket.ticket) != TICKET:
        raise Malformed(f"a ticket has {TICKET} bytes", where="/ticket")
    if not ticket.detail.isprintable() or not 0 < len(ticket.detail) <= _SHORT:
        raise Malformed("say which detail is wrong", where="/detail")


def _read_answer(claims: Mapping[str, Any]) -> Answer:
    state = get_str(claims, "state", max_length=64)
    if state not in STATES:
        raise Malformed(f"a ticket is {', '.join(STATES)}", where="/state")
    told = base64url.decode(get_str(claims, "ticket_digest", max_length=64), where="/ticket_digest")
    return Answer(
        entity=get_str(claims, "iss", max_length=_LONG),
        reference=get_str(claims, "reference", max_length=_SHORT),
        digest=told,
        received_at=get_instant(claims, "received_at"),
        answer_by=get_instant(claims, "answer_by"),
        state=state,
        answered_at=get_instant(claims, "answered_at", optional=True),
        reason_code=get_str(claims, "reason_code", optional=True, max_length=_SHORT) or "",
        words=get_str(claims, "words", optional=True, max_length=MAX_WORDS) or "",
        how_to_complain=get_str(claims, "how_to_complain", optional=True, max_length=MAX_WORDS) or "",
    )
