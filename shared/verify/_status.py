"""Check 7: what all status lists and assertions at hand say together about one document.

A document may name several places, each of its own purpose (Bitstring Status List): every one of them has to say that it counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..clock import DAY
from ..cose import kid_of
from ..credentials import CredentialType
from ..did import ASSERTION
from ..errors import Rejected, Revoked, StatusIndexOutOfRange, StatusStale, StatusUnknown, Undecided, VcError
from ..flow import Fetch, Flow
from ..formats import Claims, StatusReference
from ..status import bitstring
from ..status.assertion import VerifiedAssertion, parse_assertion, verify_assertion
from ..status.bitstring import Bitstring, VerifiedBitstring, parse_bitstring, verify_bitstring
from ..status.freshness import LIFETIME, TTL, Dated, Freshness, check_current, freshness
from ..status.memory import StatusMemory
from ..status.token_status_list import (
    EITHER,
    INVALID,
    MAX_TOKEN,
    VALID,
    StatusToken,
    VerifiedStatusToken,
    check_status,
    parse_token,
    status_at,
    verify_origin,
)
from ..trust.document_signers import DocumentSigner, check_list_signer
from ..trust.federation import FederatedIssuer
from ._heirs import ListSigner, find_heir
from ._model import DidIssuer, Issuer, Material

MAX_STAPLES = 16
DEFAULT_AGE = {"low": 7 * DAY, "high": DAY}
SMALL_LIST = "small_status_list"
SignedList = VerifiedStatusToken | VerifiedBitstring
Witness = SignedList | VerifiedAssertion


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """When something was said, and until when it counts."""

    iat: int
    exp: int
    ttl: int = TTL


@dataclass(slots=True, kw_only=True)
class Knowledge:
    """What this one verification knows of status lists: each is asked for once. ``learnt`` is what goes beyond ``material.memory``.

    ``oldest`` is the oldest word that answers were taken from.
    """

    material: Material
    staples: Sequence[str]
    at: int
    learnt: StatusMemory = field(default_factory=StatusMemory)
    asked: dict[str, StatusToken | Bitstring | VcError] = field(default_factory=dict)
    oldest: Dated | None = None

    def note(self, said: Dated) -> None:
        """An answer was taken from this."""
        if self.oldest is None or said.iat < self.oldest.iat:
            self.oldest = said

    @property
    def freshness(self) -> Freshness | None:
        """Of the oldest word; ``None`` where no answer was taken from any."""
        return None if self.oldest is None else freshness(self.oldest, at=self.at)


def check_status_of(
    claims: Claims,
    issuer: Issuer,
    max_age: int,
    known: Knowledge,
    *,
    assertions: Sequence[bytes] = (),
) -> Flow[str]:
    """Nothing or a remark, if the document's status is VALID and no older than ``max_age`` seconds. The newest word counts; INVALID once is
    final.

    ``assertions`` came along with the document. ``Revoked``, ``Suspended``, ``StatusIndexOutOfRange``; ``StatusUnknown`` and
    ``StatusStale`` where it cannot be told. Of several places one that says no outweighs another that nobody can ask.
    """
    if claims.status is None:
        raise StatusUnknown("this type of document has a status, but this one names no status list")
    remark, faults = "", []
    for reference in (claims.status, *claims.further):
        try:
            remark = (yield from _check_reference(reference, claims, issuer, known, max_age=max_age, assertions=assertions)) or remark
        except VcError as error:
            faults.append(error)
    if faults:
        raise next((each for each in faults if isinstance(each, Rejected)), faults[0])
    return remark


def _check_reference(
    reference: StatusReference, claims: Claims, issuer: Issuer, known: Knowledge, *, max_age: int, assertions: Sequence[bytes]
) -> Flow[str]:
    if reference.purpose and reference.purpose not in bitstring.PURPOSES:
        raise StatusUnknown("the document has a status of a kind that is not understood here")
    memory = known.material.memory
    _check_final(known, claims.issuer, reference)
    tokens, reasons = yield from _gather(reference, claims, issuer, known)
    known.learnt = known.learnt.merge(memory.lessons(claims.issuer, *(each for each, _ in tokens)))
    said: list[tuple[Witness, bool]] = [*tokens, *(() if reference.purpose else _asserted(assertions, reference, claims, issuer, known))]
    witnesses = [each for each, _ in said]
    against = [each for each, may_cancel in said if may_cancel and _value(each, reference) == INVALID]
    if against:
        known.learnt = known.learnt.learn_invalid(claims.issuer, reference.uri, reference.idx, until=claims.expires_at)
        known.note(max(against, key=lambda each: each.iat))
        raise Revoked("the issuer has cancelled this document")
    if any(not may_cancel and _value(each, reference) != VALID for each, may_cancel in said):
        raise StatusUnknown("who took over from the issuer does not say that the document counts, and may not cancel it")
    if not witnesses:
        raise StatusUnknown("; ".join(reasons))
    # Of two words of the same second, that which does not say VALID.
    newest = max(witnesses, key=lambda each: (each.iat, _value(each, reference) != VALID))
    for each in (memory, known.learnt):
        if isinstance(newest, VerifiedAssertion):
            each.check_newest(claims.issuer, newest.uri, newest.iat)
        else:
            each.check(claims.issuer, newest)
    known.note(newest)
    check_current(newest, at=known.at)
    value = _value(newest, reference)
    if value is None:
        raise StatusIndexOutOfRange("the status list has no such entry")
    if known.at - newest.iat > max_age:
        raise StatusStale("the newest word about the status is older than this use allows")
    check_status(value)
    return SMALL_LIST if isinstance(newest, VerifiedStatusToken) and newest.small else ""


def allowed_age(credential_type: CredentialType, use: Mapping[str, Any], limit: int | None) -> int:
    """Seconds. Stakes that are not said to be low are high; ``limit`` can only narrow."""
    stakes = "low" if use.get("stakes") == "low" else "high"
    age = credential_type.status_max_age.get(stakes, DEFAULT_AGE[stakes])
    return age if limit is None else min(age, limit)


def _check_final(known: Knowledge, issuer: str, reference: StatusReference) -> None:
    for memory in (known.material.memory, known.learnt):
        if (issuer, reference.uri, reference.idx) in memory.invalid:
            seen = memory.lists.get((issuer, reference.uri))
            if seen is not None:
                known.note(Word(iat=seen.iat, exp=seen.iat + LIFETIME))
            raise Revoked("the issuer cancelled this document, as was seen before")


def _gather(
    reference: StatusReference, claims: Claims, issuer: Issuer, known: Knowledge
) -> Flow[tuple[list[tuple[SignedList, bool]], list[str]]]:
    """Every list under that address which an entitled signer vouches for, and whether that may cancel; and why others were left out."""
    uri = reference.uri
    if uri not in known.asked:
        known.asked[uri] = yield from _ask(reference)
    tokens: list[tuple[SignedList, bool]] = []
    reasons: list[str] = []
    for candidate in (known.asked[uri], *_stapled(known.staples, reference)):
        try:
            if isinstance(candidate, VcError):
                raise candidate
            tokens.append(_vouch(candidate, reference, claims, issuer, known))
        except VcError as error:
            reasons.append(error.detail)
    return tokens, reasons


def _ask(reference: StatusReference) -> Flow[StatusToken | Bitstring | VcError]:
    accept = bitstring.MEDIA_TYPE if reference.purpose else EITHER
    try:
        got = yield Fetch(url=reference.uri, headers={"accept": accept}, max_bytes=MAX_TOKEN)
        if got.status != 200:
            return StatusUnknown(f"the status list's address answered {got.status}")
        return _parse(got.body, reference)
    except VcError as error:
        return error


def _parse(data: bytes | str, reference: StatusReference) -> StatusToken | Bitstring:
    """The kind that the document named: what came never chooses it."""
    return parse_bitstring(data) if reference.purpose else parse_token(data)


def _stapled(staples: Sequence[str], reference: StatusReference) -> list[StatusToken | Bitstring]:
    """A staple that cannot be read, or is about another list, is no answer and no offence."""
    found = []
    for text in staples[:MAX_STAPLES]:
        try:
            token = _parse(text, reference)
        except VcError:
            continue
        if token.uri == reference.uri:
            found.append(token)
    return found


def _asserted(
    assertions: Sequence[bytes], reference: StatusReference, claims: Claims, issuer: Issuer, known: Knowledge
) -> list[tuple[VerifiedAssertion, bool]]:
    """What is no assertion about this very copy, by a key of its issuer or of who took over from it, is no answer and no offence."""
    found = []
    for data in assertions[:MAX_STAPLES]:
        try:
            assertion = parse_assertion(data)
            signer = _signer((), assertion.kid, assertion.iat, claims, issuer, known=known)
            verified = verify_assertion(assertion, uri=reference.uri, idx=reference.idx, key=signer.public, at=known.at)
            found.append((verified, signer.may_cancel))
        except VcError:
            continue
    return found


def _vouch(
    token: StatusToken | Bitstring, reference: StatusReference, claims: Claims, issuer: Issuer, known: Knowledge
) -> tuple[SignedList, bool]:
    """Signed for the same entity and type as the document, and readable; and whether its signer may cancel."""
    if isinstance(token, Bitstring):
        if isinstance(issuer, DidIssuer) and token.kid and not token.x5c:
            signer = ListSigner(entity=claims.issuer, public=issuer.document.key(token.kid, ASSERTION))
        else:
            signer = _signer(token.x5c, b"", token.iat, claims, issuer, known=known)
        listed = verify_bitstring(token, uri=reference.uri, issuer=signer.entity, key=signer.public, at=known.at)
        listed.value_at(0, reference.purpose, reference.size)  # of that purpose, and long enough
        return listed, signer.may_cancel
    if isinstance(issuer, DocumentSigner):
        key = check_list_signer(known.material.policy, issuer.anchor, token, known.at, known.material.crls)
        signer = ListSigner(entity=claims.issuer, public=key)
    else:
        signer = _signer(token.x5c, token.kid, token.iat, claims, issuer, known=known)
    verified = verify_origin(token, uri=reference.uri, key=signer.public, at=known.at)
    if not verified.statuses.size:
        raise StatusUnknown("the status list is empty")
    return verified, signer.may_cancel


def _signer(x5c: Sequence[bytes], kid: bytes, said_at: int, claims: Claims, issuer: Issuer, *, known: Knowledge) -> ListSigner:
    """By the certificate inside, else the one known under that name, else the document's own key; for the document's issuer and type, or for
    whoever took over from that issuer.
    """
    material = known.material
    chain = x5c or material.certificates.get((claims.issuer, kid), ())
    federated = isinstance(issuer, FederatedIssuer) or material.policy.federation.knows(claims.issuer)
    if not chain and not (kid and federated and kid != kid_of(issuer.public)):
        return ListSigner(entity=claims.issuer, public=issuer.public)
    try:
        signer = material.policy.check_issuer(chain, claims.issuer, claims.vct, known.at, material.crls, kid=kid)
    except (Rejected, Undecided):
        known_as, crls = material.certificates, material.crls
        heir = find_heir(
            x5c, kid, claims.issuer, claims.vct, material.policy, at=known.at, said_at=said_at, certificates=known_as, crls=crls
        )
        if heir is None:
            raise
        return heir
    return ListSigner(entity=claims.issuer, public=signer.public)


def _value(witness: Witness, reference: StatusReference) -> int | None:
    """What a witness says; ``None`` past the end of a list."""
    if isinstance(witness, VerifiedAssertion):
        return witness.status
    try:
        if isinstance(witness, VerifiedBitstring):
            return witness.value_at(reference.idx, reference.purpose, reference.size)
        return status_at(witness, reference.idx)
    except StatusIndexOutOfRange:
        return None
