"""What one entity of a federation says, signed, of itself or of one below it (OpenID Federation 1.0 section 3).

JWS, typ ``entity-statement+jwt``, ``kid`` one of the issuer's federation keys. Of itself (``iss == sub``): an entity configuration. Of another:
a subordinate statement, which alone grants anything (S14). A statement lives at most seven days. Nothing here says whether an issuer is to be
believed: that is for ``chain``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ..codec import strict_json
from ..codec.reader import as_object, get_list, get_object, get_objects, get_str, get_strings, pointer
from ..errors import AlgorithmRefused, Expired, Malformed, NotEntitled, NotYetValid, PolicyError, Untrusted, WrongTyp
from ..jose.jwk import render_jwk
from ..jose.jws import ALGS, Jws, parse_jws, prepare_jws, verify_jws
from ..jose.jwt import get_time, parse_jwt
from ..keys import KeyId, Unsigned
from ..urls import LOOPBACK, check_https
from . import entitlements
from .constraints import FEDERATION_ENTITY, Constraints, parse_constraints
from .entitlements import Grants, parse_grants, render_grants
from .federation_keys import FederationKey, find_key, get_entity, parse_jwks, render_jwks
from .metadata_policy import Metadata, MetadataPolicy, parse_policy
from .snapshot import MAX_LIFE, SUPERIOR_AHEAD

TYP: Final = "entity-statement+jwt"
MEDIA_TYPE: Final = "application/entity-statement+jwt"
MAX_BYTES: Final = 65_536  # of one statement
MAX_HINTS: Final = 16
MAX_MARKS: Final = 64
MAX_ISSUERS: Final = 256  # of one type of trust marks
AHEAD: Final = SUPERIOR_AHEAD  # seconds that its date may be ahead of the clock

_BY_ITSELF: Final = frozenset({"authority_hints", "trust_anchor_hints", "trust_marks", "trust_mark_issuers", "trust_mark_owners"})
_BY_SUPERIOR: Final = frozenset({"constraints", "metadata_policy", "metadata_policy_crit", "source_endpoint"})
_ELSEWHERE: Final = frozenset({"aud", "trust_anchor"})  # sections 3.1.4 and 3.1.5: explicit registration only
_CHAINS: Final = ("trust_chain", "peer_trust_chain")


class HeldMark(NamedTuple):
    """A trust mark that an entity shows of itself; nothing vouches for it yet (``trust_marks``)."""

    trust_mark_type: str
    token: str


class MarkOwner(NamedTuple):
    """Who owns a type of trust marks, by the word of the anchor."""

    entity: str
    keys: tuple[FederationKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityStatement:
    """A parsed statement, of the right form. ``grants`` are empty, and ``metadata_policy`` and ``constraints`` ``None``, in a configuration."""

    iss: str
    sub: str
    iat: int
    exp: int
    keys: tuple[FederationKey, ...]
    metadata: Metadata
    metadata_policy: MetadataPolicy | None
    constraints: Constraints | None
    grants: Grants
    crit: tuple[str, ...]
    authority_hints: tuple[str, ...]
    trust_marks: tuple[HeldMark, ...]
    trust_mark_issuers: Mapping[str, tuple[str, ...]]
    trust_mark_owners: Mapping[str, MarkOwner]
    source_endpoint: str | None
    jws: Jws = field(repr=False)

    @property
    def is_configuration(self) -> bool:
        """Whether the issuer speaks of itself."""
        return self.iss == self.sub

    @property
    def wire(self) -> str:
        """As it was received."""
        return self.jws.token

    @property
    def kid(self) -> str:
        kid: str = self.jws.header["kid"]
        return kid

    @property
    def name(self) -> str:
        """What the organisation calls itself here; the identifier where it says nothing."""
        name = self.metadata.get(FEDERATION_ENTITY, {}).get("organization_name")
        return name if type(name) is str and name else self.sub

    def endpoint(self, name: str) -> str:
        """An address of the issuer's own, such as ``federation_fetch_endpoint`` (section 5.1.1); ``Malformed`` if it is missing or is none."""
        where = f"/metadata/{FEDERATION_ENTITY}"
        return _address(get_str(self.metadata.get(FEDERATION_ENTITY, {}), name, where), pointer(where, name))


def check_dates(begin: int, end: int | None, at: int) -> None:
    """``NotYetValid`` if dated more than a minute ahead, ``Expired`` from its end on."""
    if begin > at + AHEAD:
        raise NotYetValid("it is dated in the future", where="/iat")
    if end is not None and at >= end:
        raise Expired("its time is over", where="/exp")


def check_statement(statement: EntityStatement, keys: Iterable[FederationKey], *, at: int) -> None:
    """Raise unless the statement is in force and signed by one of ``keys``: those that somebody else says its issuer has.

    ``Expired``, ``NotYetValid``; ``Untrusted`` where no such key has the name that the header gives, or a configuration publishes another
    one under it; ``AlgorithmRefused``, ``BadSignature`` (sections 3.2 and 10.2).
    """
    check_dates(statement.iat, statement.exp, at)
    key = find_key(keys, statement.kid)
    if statement.is_configuration and find_key(statement.keys, statement.kid) != key:
        raise Untrusted("the entity publishes another key under this name than its superior knows", where="/kid")
    verify_jws(statement.jws, key, typ=TYP)


# --- read --------------------------------------------------------------------------------------------------------------------------------


def parse_statement(token: str) -> EntityStatement:
    """Structure and bounds: every rule of section 3.2 that needs neither a key nor a clock.

    ``WrongTyp`` before anything else is read (S1), ``AlgorithmRefused``, ``Malformed`` and ``TooLarge`` with a pointer; ``NotEntitled`` for who
    entitles itself (S14); ``PolicyError`` for a policy that cannot be met, or operators that must be understood and are not.
    """
    return _parse_short(token) if len(token) <= _SHORT else _parse(token)


def _parse(token: str) -> EntityStatement:
    jws = parse_jws(token, max_bytes=MAX_BYTES)
    if jws.typ != TYP:
        raise WrongTyp("this signed object is of another kind", where="/typ")
    _check_header(jws.header)
    return _read(strict_json.load_object(jws.payload), jws)


# Statements are met again and again, in chains of all who are below. Long ones are rare, and would let strangers fill the memory.
_parse_short, _SHORT = lru_cache(maxsize=4_096)(_parse), 8_192


def _check_header(header: Mapping[str, Any]) -> None:
    if header["alg"] not in ALGS:
        raise AlgorithmRefused("this signature algorithm is not allowed here", where="/alg")
    get_str(header, "kid", max_length=256)
    for name in _CHAINS:
        if name in header:
            raise Malformed("a statement is part of chains and carries none (section 4.3)", where=pointer("", name))


def _read(claims: Mapping[str, Any], jws: Jws) -> EntityStatement:
    iss, sub = get_entity(claims, "iss"), get_entity(claims, "sub")
    by_itself = iss == sub
    _check_claims(claims, by_itself=by_itself)
    begin, end = get_time(claims, "iat"), get_time(claims, "exp")
    if not 0 <= begin < end <= begin + MAX_LIFE:
        raise Malformed("a statement lives seven days at most", where="/exp")
    keys, metadata = parse_jwks(claims), _metadata(claims)
    _check_one_role(keys, metadata)
    constraints, policy = get_object(claims, "constraints", optional=True), get_object(claims, "metadata_policy", optional=True)
    return EntityStatement(
        iss=iss,
        sub=sub,
        iat=int(begin),
        exp=int(end),
        keys=keys,
        metadata=metadata,
        metadata_policy=None if policy is None else parse_policy(policy, "/metadata_policy"),
        constraints=None if constraints is None else parse_constraints(constraints, "/constraints"),
        grants=parse_grants(claims),
        crit=get_strings(claims, "crit", optional=True) or (),
        authority_hints=_entities(claims, "authority_hints"),
        trust_marks=_marks(claims),
        trust_mark_issuers=_issuers(claims),
        trust_mark_owners=_owners(claims),
        source_endpoint=_source(claims),
        jws=jws,
    )


def _check_claims(claims: Mapping[str, Any], *, by_itself: bool) -> None:
    """Who says what (sections 3.1.2 to 3.1.5), and what must be understood (13.4)."""
    ours = entitlements.CLAIMS.intersection(claims)
    if by_itself and ours:
        raise NotEntitled("nobody entitles itself: this counts from a superior only", where=pointer("", min(ours)))
    for name in sorted((_BY_SUPERIOR if by_itself else _BY_ITSELF) | _ELSEWHERE):
        if name in claims:
            raise Malformed("this claim has no place in a statement of this kind", where=pointer("", name))
    crit = get_strings(claims, "crit", optional=True, min_items=1, max_items=64) or ()
    if len(set(crit)) != len(crit) or not ours.issuperset(crit):
        raise Malformed("it demands that claims be understood which are not there, or which nobody understands here", where="/crit")
    if not ours.issubset(crit):
        raise Malformed("what a superior grants is listed as critical, or others would overlook its limits", where="/crit")
    if get_strings(claims, "metadata_policy_crit", optional=True, min_items=1, max_items=64):
        raise PolicyError("it demands that policy operators be understood which nobody understands here", where="/metadata_policy_crit")
    _entities(claims, "trust_anchor_hints")


def _metadata(claims: Mapping[str, Any]) -> Metadata:
    """Objects of which no member is ``null`` (section 5)."""
    found = get_object(claims, "metadata", optional=True) or {}
    for kind, each in found.items():
        place = pointer("/metadata", kind)
        for name, value in as_object(each, place).items():
            if value is None:
                raise Malformed("metadata is never null", where=pointer(place, name))
    return found


def _check_one_role(keys: Sequence[FederationKey], metadata: Metadata) -> None:
    """A federation key signs nothing else (section 3.1.1 advises it, S1 demands it)."""
    own = [render_jwk(each.public)["x"] for each in keys]
    for kind, members in metadata.items():
        jwks = members.get("jwks")
        listed = jwks.get("keys") if type(jwks) is dict else None
        for jwk in listed if type(listed) is list else ():
            if type(jwk) is dict and jwk.get("x") in own:
                raise Malformed("a federation key has no other use", where=f"{pointer('/metadata', kind)}/jwks")


def _entities(obj: Mapping[str, Any], name: str, where: str = "", *, least: int = 1, most: int = MAX_HINTS) -> tuple[str, ...]:
    """An array of entity identifiers; nothing if it is absent."""
    found = get_list(obj, name, where, optional=True, min_items=least, max_items=most) or []
    place = pointer(where, name)
    return tuple(get_entity({str(index): each}, str(index), place) for index, each in enumerate(found))


def _marks(claims: Mapping[str, Any]) -> tuple[HeldMark, ...]:
    """Each says what its token says (section 3.2); whether it counts is another matter."""
    found = []
    for index, each in enumerate(get_objects(claims, "trust_marks", optional=True, max_items=MAX_MARKS) or ()):
        place = f"/trust_marks/{index}"
        held = HeldMark(get_str(each, "trust_mark_type", place), get_str(each, "trust_mark", place, max_length=MAX_BYTES))
        if parse_jwt(held.token, max_bytes=MAX_BYTES, where=f"{place}/trust_mark").claims.get("trust_mark_type") != held.trust_mark_type:
            raise Malformed("the trust mark is of another type", where=f"{place}/trust_mark_type")
        found.append(held)
    return tuple(found)


def _issuers(claims: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    found = get_object(claims, "trust_mark_issuers", optional=True) or {}
    return {kind: _entities(found, kind, "/trust_mark_issuers", least=0, most=MAX_ISSUERS) for kind in found}


def _owners(claims: Mapping[str, Any]) -> Mapping[str, MarkOwner]:
    found = get_object(claims, "trust_mark_owners", optional=True) or {}
    return {kind: _owner(get_object(found, kind, "/trust_mark_owners"), pointer("/trust_mark_owners", kind)) for kind in found}


def _owner(obj: Mapping[str, Any], where: str) -> MarkOwner:
    return MarkOwner(get_entity(obj, "sub", where), parse_jwks(obj, where))


def _source(claims: Mapping[str, Any]) -> str | None:
    source = get_str(claims, "source_endpoint", optional=True)
    return None if source is None else _address(source, "/source_endpoint")


@lru_cache(maxsize=4_096)
def _address(url: str, where: str) -> str:
    return check_https(url, where=where, plain_http=LOOPBACK)


# --- written -----------------------------------------------------------------------------------------------------------------------------


def prepare_entity_configuration(
    *,
    entity: str,
    keys: Sequence[FederationKey],
    at: int,
    exp: int,
    metadata: Mapping[str, Any],
    key: KeyId,
    signer: FederationKey,
    authority_hints: Sequence[str] = (),
    trust_marks: Sequence[HeldMark] = (),
    trust_mark_issuers: Mapping[str, Sequence[str]] | None = None,
    trust_mark_owners: Mapping[str, MarkOwner] | None = None,
) -> Unsigned[str]:
    """What ``entity`` says of itself, lacking only the signature of ``signer``, which is one of ``keys``. Errors as ``parse_statement``."""
    claims = _common(entity, entity, keys, at, exp) | {"metadata": metadata}
    if authority_hints:
        claims["authority_hints"] = list(authority_hints)
    if trust_marks:
        claims["trust_marks"] = [{"trust_mark_type": each.trust_mark_type, "trust_mark": each.token} for each in trust_marks]
    if trust_mark_issuers:
        claims["trust_mark_issuers"] = {kind: list(each) for kind, each in trust_mark_issuers.items()}
    if trust_mark_owners:
        claims["trust_mark_owners"] = {
            kind: {"sub": each.entity, "jwks": render_jwks(each.keys)} for kind, each in trust_mark_owners.items()
        }
    return _prepare(claims, key, signer)


def prepare_subordinate_statement(
    *,
    issuer: str,
    subject: str,
    keys: Sequence[FederationKey],
    at: int,
    exp: int,
    key: KeyId,
    signer: FederationKey,
    metadata: Mapping[str, Any] | None = None,
    metadata_policy: Mapping[str, Any] | None = None,
    constraints: Mapping[str, Any] | None = None,
    grants: Grants | None = None,
    source_endpoint: str | None = None,
) -> Unsigned[str]:
    """What ``issuer`` says of ``subject``, whose ``keys`` it has checked; lacking only the signature of ``signer``, a key of the issuer's own.

    ``metadata_policy`` and ``constraints`` in the form in which they are sent. Errors as ``parse_statement``.
    """
    said = {
        "metadata": metadata,
        "metadata_policy": metadata_policy,
        "constraints": constraints,
        "source_endpoint": source_endpoint,
        **render_grants(grants or Grants()),
    }
    claims = {name: value for name, value in said.items() if value is not None}
    return _prepare(_common(issuer, subject, keys, at, exp) | claims, key, signer)


def _common(iss: str, sub: str, keys: Sequence[FederationKey], at: int, exp: int) -> dict[str, Any]:
    return {"iss": iss, "sub": sub, "iat": at, "exp": exp, "jwks": render_jwks(keys)}


def _prepare(claims: Mapping[str, Any], key: KeyId, signer: FederationKey) -> Unsigned[str]:
    unsigned = prepare_jws(typ=TYP, payload=strict_json.dumps(claims), key=key, alg=signer.public.alg, header={"kid": signer.kid})
    # read as others will read it: what nobody would take is never signed
    parse_statement(f"{unsigned.signing_input.decode()}.")
    return unsigned
