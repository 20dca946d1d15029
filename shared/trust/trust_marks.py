"""Marks by which an accredited body says something of an entity (OpenID Federation 1.0 section 7), as far as S14 lets them count.

JWS, typ ``trust-mark+jwt``, payload ``{iss, sub, trust_mark_type, iat, exp, logo_uri?, ref?, delegation?}``. The specification lets marks live for
ever and anybody issue a type whose list of issuers is empty; here a mark lives at most 31 days, and a type without a list that names the
issuer, in the configuration of the anchor, is nobody's to issue. A delegation (typ ``trust-mark-delegation+jwt``) is the owner's word that
somebody else issues marks of its type; the anchor, which names the owner and its keys, ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ..codec import strict_json
from ..codec.reader import get_str
from ..errors import Malformed, NotEntitled, Untrusted, VcError, WrongTyp
from ..jose.jws import Jws, parse_jws, prepare_jws, verify_jws
from ..jose.jwt import get_time
from ..keys import KeyId, Unsigned
from .federation_anchor import FederationAnchor
from .federation_keys import FederationKey, find_key, get_entity
from .snapshot import COPY_LIFE
from .statements import EntityStatement, MarkOwner, check_dates

TYP: Final = "trust-mark+jwt"
DELEGATION_TYP: Final = "trust-mark-delegation+jwt"
MAX_LIFE: Final = COPY_LIFE  # S14: marks live at most 31 days
MAX_BYTES: Final = 65_536


class Proven(Protocol):
    """A body whose keys a trust chain has proven: a ``TrustChain``."""

    @property
    def subject(self) -> str: ...

    @property
    def keys(self) -> Sequence[FederationKey]: ...

    @property
    def anchor(self) -> FederationAnchor: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """The word of the owner ``iss`` of a type that ``sub`` issues marks of it; without ``exp`` for as long as the anchor names the owner."""

    iss: str
    sub: str
    trust_mark_type: str
    iat: int
    exp: int | None
    jws: Jws = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustMark:
    """A parsed mark, of the right form; ``check_trust_mark`` says whether it counts. ``claims`` holds what else its issuer says."""

    iss: str
    sub: str
    trust_mark_type: str
    iat: int
    exp: int
    delegation: Delegation | None
    claims: Mapping[str, Any]
    jws: Jws = field(repr=False)


def parse_trust_mark(token: str) -> TrustMark:
    """``WrongTyp`` before anything else is read (S1), ``Malformed`` and ``TooLarge`` with a pointer; also for a mark that has no end, or lives
    longer than 31 days.
    """
    jws, claims = _open(token, TYP)
    begin, end = get_time(claims, "iat"), get_time(claims, "exp")
    if not 0 <= begin < end <= begin + MAX_LIFE:
        raise Malformed("a trust mark lives 31 days at most", where="/exp")
    delegation = get_str(claims, "delegation", optional=True, max_length=MAX_BYTES)
    return TrustMark(
        iss=get_entity(claims, "iss"),
        sub=get_entity(claims, "sub"),
        trust_mark_type=get_str(claims, "trust_mark_type"),
        iat=int(begin),
        exp=int(end),
        delegation=None if delegation is None else _parse_inner(delegation, "/delegation"),
        claims=claims,
        jws=jws,
    )


def _parse_inner(token: str, where: str) -> Delegation:
    try:
        return parse_delegation(token)
    except VcError as error:
        raise error.within(where) from error.__cause__


def parse_delegation(token: str) -> Delegation:
    """``WrongTyp``, ``Malformed`` and ``TooLarge`` as for a mark."""
    jws, claims = _open(token, DELEGATION_TYP)
    return Delegation(
        iss=get_entity(claims, "iss"),
        sub=get_entity(claims, "sub"),
        trust_mark_type=get_str(claims, "trust_mark_type"),
        iat=int(get_time(claims, "iat")),
        exp=int(get_time(claims, "exp")) if "exp" in claims else None,
        jws=jws,
    )


def _open(token: str, typ: str) -> tuple[Jws, dict[str, Any]]:
    jws = parse_jws(token, max_bytes=MAX_BYTES)
    if jws.typ != typ:
        raise WrongTyp("this signed object is of another kind", where="/typ")
    get_str(jws.header, "kid", max_length=256)
    return jws, strict_json.load_object(jws.payload)


def check_trust_mark(mark: TrustMark, chain_of_issuer: Proven, anchor_configuration: EntityStatement, sub: str, *, at: int) -> None:
    """Raise unless ``mark`` says something of ``sub`` that counts at ``at`` (section 7.3, S14).

    ``chain_of_issuer`` proves the keys of its issuer under the anchor of which ``anchor_configuration`` is the checked configuration.
    ``Untrusted`` where these do not belong together, the mark is about somebody else, or its delegation is not in order; ``NotEntitled`` where
    the anchor names no issuers of this type, or not this one; ``Expired``, ``NotYetValid``, ``AlgorithmRefused``, ``BadSignature``.
    """
    if mark.iss != chain_of_issuer.subject or anchor_configuration.sub != chain_of_issuer.anchor.entity:
        raise Untrusted("the issuer of the trust mark is not known to this federation", where="/iss")
    if mark.sub != sub:
        raise Untrusted("the trust mark is about somebody else", where="/sub")
    check_dates(mark.iat, mark.exp, at)
    if mark.iss not in anchor_configuration.trust_mark_issuers.get(mark.trust_mark_type, ()):
        raise NotEntitled("the anchor does not name this issuer of trust marks of this type", where="/trust_mark_type")
    verify_jws(mark.jws, find_key(chain_of_issuer.keys, mark.jws.header["kid"]), typ=TYP)
    owner = anchor_configuration.trust_mark_owners.get(mark.trust_mark_type)
    if mark.delegation is not None or owner is not None:
        _check_delegation(mark, mark.delegation, owner, at)


def _check_delegation(mark: TrustMark, delegation: Delegation | None, owner: MarkOwner | None, at: int) -> None:
    """Section 7.2.2."""
    if delegation is None or owner is None or (delegation.iss, delegation.sub) != (owner.entity, mark.iss):
        raise Untrusted("the owner of this type has not delegated it to this issuer", where="/delegation")
    if delegation.trust_mark_type != mark.trust_mark_type:
        raise Untrusted("the delegation is for another type", where="/delegation/trust_mark_type")
    check_dates(delegation.iat, delegation.exp, at)
    verify_jws(delegation.jws, find_key(owner.keys, delegation.jws.header["kid"]), typ=DELEGATION_TYP)


def prepare_trust_mark(
    *,
    issuer: str,
    subject: str,
    trust_mark_type: str,
    at: int,
    exp: int,
    key: KeyId,
    signer: FederationKey,
    delegation: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> Unsigned[str]:
    """A mark that lacks only the signature of ``signer``; ``more`` are claims such as ``ref`` and ``logo_uri``. Errors as ``parse_trust_mark``."""
    claims = {**(more or {}), "iss": issuer, "sub": subject, "trust_mark_type": trust_mark_type, "iat": at, "exp": exp}
    if delegation is not None:
        claims["delegation"] = delegation
    unsigned = _prepare(TYP, claims, key, signer)
    parse_trust_mark(f"{unsigned.signing_input.decode()}.")
    return unsigned


def prepare_delegation(
    *, owner: str, issuer: str, trust_mark_type: str, at: int, exp: int | None, key: KeyId, signer: FederationKey
) -> Unsigned[str]:
    """The owner's word that ``issuer`` issues marks of its type."""
    claims = {"iss": owner, "sub": issuer, "trust_mark_type": trust_mark_type, "iat": at} | ({} if exp is None else {"exp": exp})
    return _prepare(DELEGATION_TYP, claims, key, signer)


def _prepare(typ: str, claims: Mapping[str, Any], key: KeyId, signer: FederationKey) -> Unsigned[str]:
    return prepare_jws(typ=typ, payload=strict_json.dumps(claims), key=key, alg=signer.public.alg, header={"kid": signer.kid})
