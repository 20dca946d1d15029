"""Check 7: what all status lists at hand say together about one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..clock import DAY
from ..credentials import CredentialType
from ..errors import Revoked, StatusStale, StatusUnknown, VcError
from ..flow import Fetch, Flow
from ..formats import Claims, StatusReference
from ..status.memory import StatusMemory
from ..status.token_status_list import (
    INVALID,
    MAX_TOKEN,
    MEDIA_TYPE,
    StatusToken,
    VerifiedStatusToken,
    check_current,
    check_status,
    parse_token,
    status_at,
    verify_origin,
)
from ..x509 import Cert
from ._model import Material

MAX_STAPLES = 16
DEFAULT_AGE = {"low": 7 * DAY, "high": DAY}
SMALL_LIST = "small_status_list"


@dataclass(slots=True, kw_only=True)
class Knowledge:
    """What this one verification knows of status lists: each is asked for once. ``learnt`` is what goes beyond ``material.memory``.

    ``oldest`` is the smallest ``iat`` of the lists that answers were taken from.
    """

    material: Material
    staples: Sequence[str]
    at: int
    learnt: StatusMemory = field(default_factory=StatusMemory)
    asked: dict[str, StatusToken | VcError] = field(default_factory=dict)
    oldest: int | None = None

    def note(self, iat: int) -> None:
        """An answer was taken from a list of that date."""
        self.oldest = iat if self.oldest is None else min(self.oldest, iat)


def check_status_of(claims: Claims, issuer: Cert, credential_type: CredentialType, use: Mapping[str, Any], known: Knowledge) -> Flow[str]:
    """Nothing or a remark, if the document's status is VALID and fresh enough for ``use``.

    ``Revoked``, ``Suspended``, ``StatusIndexOutOfRange``; ``StatusUnknown`` and ``StatusStale`` where it cannot be told.
    """
    reference = claims.status
    if reference is None:
        raise StatusUnknown("this type of document has a status, but this one names no status list")
    memory = known.material.memory
    _check_final(known, claims.issuer, reference)
    tokens, reasons = yield from _gather(reference.uri, claims, issuer, known)
    known.learnt = known.learnt.merge(memory.lessons(claims.issuer, *tokens))
    if any(_says_invalid(token, reference.idx) for token in tokens):
        known.learnt = known.learnt.learn_invalid(claims.issuer, reference.uri, reference.idx, until=claims.expires_at)
        known.note(max(token.iat for token in tokens))
        raise Revoked("the issuer has cancelled this document")
    if not tokens:
        raise StatusUnknown("; ".join(reasons))
    newest = max(tokens, key=lambda token: token.iat)
    for each in (memory, known.learnt):
        each.check(claims.issuer, newest)
    known.note(newest.iat)
    check_current(newest, at=known.at)
    value = status_at(newest, reference.idx)
    if known.at - newest.iat > allowed_age(credential_type, use, known.material.max_status_age):
        raise StatusStale("the newest status list is older than this use allows")
    check_status(value)
    return SMALL_LIST if newest.small else ""


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
                known.note(seen.iat)
            raise Revoked("the issuer cancelled this document, as was seen before")


def _gather(uri: str, claims: Claims, issuer: Cert, known: Knowledge) -> Flow[tuple[list[VerifiedStatusToken], list[str]]]:
    """Every list under that address which an entitled signer vouches for, and why others were left out."""
    if uri not in known.asked:
        known.asked[uri] = yield from _ask(uri)
    tokens: list[VerifiedStatusToken] = []
    reasons: list[str] = []
    for candidate in (known.asked[uri], *_stapled(known.staples, uri)):
        try:
            if isinstance(candidate, VcError):
                raise candidate
            tokens.append(_vouch(candidate, uri, claims, issuer, known))
        except VcError as error:
            reasons.append(error.detail)
    return tokens, reasons


def _ask(uri: str) -> Flow[StatusToken | VcError]:
    try:
        got = yield Fetch(url=uri, headers={"accept": MEDIA_TYPE}, max_bytes=MAX_TOKEN)
        if got.status != 200:
            return StatusUnknown(f"the status list's address answered {got.status}")
        return parse_token(got.body.decode("latin-1"))
    except VcError as error:
        return error


def _stapled(staples: Sequence[str], uri: str) -> list[StatusToken]:
    """A staple that cannot be read, or is about another list, is no answer and no offence."""
    found = []
    for text in staples[:MAX_STAPLES]:
        try:
            token = parse_token(text)
        except VcError:
            continue
        if token.uri == uri:
            found.append(token)
    return found


def _vouch(token: StatusToken, uri: str, claims: Claims, issuer: Cert, known: Knowledge) -> VerifiedStatusToken:
    """Signed for the same entity and type as the document, by the certificate inside or else by the document's own key; and readable."""
    signer = issuer
    if token.x5c:
        signer = known.material.policy.check_issuer(token.x5c, claims.issuer, claims.vct, known.at, known.material.crls)
    verified = verify_origin(token, uri=uri, key=signer.public, at=known.at)
    if not verified.statuses.size:
        raise StatusUnknown("the status list is empty")
    return verified


def _says_invalid(token: VerifiedStatusToken, idx: int) -> bool:
    return idx < token.statuses.size and status_at(token, idx) == INVALID
