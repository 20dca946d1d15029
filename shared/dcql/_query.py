"""A query as frozen values, from JSON and back (OpenID4VP 1.0 section 6)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import reader
from ..credentials import ClaimPath
from ..credentials._derive import MDOC_FORMAT
from ..errors import Malformed

Scalar = str | int | bool
_ID = re.compile(r"[A-Za-z0-9_-]+")
_MAX_QUERIES = 32
_MAX_CLAIMS = 128
_MAX_SETS = 64
_MAX_PATH = 16
_MAX_VALUES = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimQuery:
    """One claim. ``values`` is a filter for the wallet and a demand that the verifier checks again.

    ``intent_to_retain`` is said of elements of an mdoc alone (appendix B.2.4).
    """

    path: ClaimPath
    id: str | None = None
    values: tuple[Scalar, ...] | None = None
    intent_to_retain: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedAuthority:
    """``type`` is ``aki`` (values: base64url key identifiers), ``etsi_tl``, ``openid_federation`` or one that we do not know."""

    type: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialQuery:
    """``claims`` is ``None`` when nothing is asked that a holder could withhold. Of ``meta`` one member serves, by format."""

    id: str
    format: str
    vct_values: tuple[str, ...] | None = None  # dc+sd-jwt
    type_values: tuple[tuple[str, ...], ...] | None = None  # W3C formats: alternatives of types that all must be there
    doctype_value: str | None = None  # mso_mdoc
    claims: tuple[ClaimQuery, ...] | None = None
    claim_sets: tuple[tuple[str, ...], ...] | None = None
    multiple: bool = False
    holder_binding: bool = True  # require_cryptographic_holder_binding
    trusted_authorities: tuple[TrustedAuthority, ...] = ()

    def claim_options(self) -> tuple[tuple[ClaimQuery, ...], ...]:
        """The combinations of claims that answer, the preferred one first (section 6.4.1)."""
        claims = self.claims or ()
        if self.claim_sets is None:
            return (claims,)
        by_id = {claim.id: claim for claim in claims}
        return tuple(tuple(by_id[name] for name in names) for names in self.claim_sets)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialSet:
    options: tuple[tuple[str, ...], ...]
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DcqlQuery:
    """``credential_sets`` empty means that every credential query is to be answered (section 6.4.2)."""

    credentials: tuple[CredentialQuery, ...]
    credential_sets: tuple[CredentialSet, ...] = ()

    def credential(self, query_id: str) -> CredentialQuery | None:
        """The credential query of that id."""
        return next((query for query in self.credentials if query.id == query_id), None)

    def sets(self) -> tuple[CredentialSet, ...]:
        """The credential sets, or the one that asks for everything."""
        return self.credential_sets or (CredentialSet(options=(tuple(query.id for query in self.credentials),)),)


def parse_query(obj: Any, where: str = "") -> DcqlQuery:
    """A query from decoded JSON. ``Malformed`` with the pointer of the place; unknown members are ignored (section 6)."""
    query = reader.as_object(obj, where)
    entries = reader.get_objects(query, "credentials", where, min_items=1, max_items=_MAX_QUERIES)
    credentials = tuple(_credential(entry, f"{where}/credentials/{position}") for position, entry in enumerate(entries))
    ids = [credential.id for credential in credentials]
    _check_unique(ids, f"{where}/credentials")
    sets = reader.get_objects(query, "credential_sets", where, optional=True, min_items=1, max_items=_MAX_SETS) or ()
    return DcqlQuery(
        credentials=credentials,
        credential_sets=tuple(_set(entry, ids, f"{where}/credential_sets/{position}") for position, entry in enumerate(sets)),
    )


def _credential(entry: Mapping[str, Any], where: str) -> CredentialQuery:
    meta = reader.get_object(entry, "meta", where)
    name = reader.get_str(entry, "format", where, max_length=64)
    claims = _claims(entry, where, mdoc=name == MDOC_FORMAT)
    if name == MDOC_FORMAT:
        reader.get_str(meta, "doctype_value", f"{where}/meta")  # appendix B.2.3
    binding = reader.get_bool(entry, "require_cryptographic_holder_binding", where, optional=True)
    return CredentialQuery(
        id=_id(entry, where),
        format=name,
        vct_values=reader.get_strings(meta, "vct_values", f"{where}/meta", optional=True, min_items=1, max_items=_MAX_VALUES),
        type_values=_type_values(meta, f"{where}/meta"),
        doctype_value=reader.get_str(meta, "doctype_value", f"{where}/meta", optional=True),
        claims=claims,
        claim_sets=_claim_sets(entry, claims, where),
        multiple=reader.get_bool(entry, "multiple", where, optional=True) or False,
        holder_binding=binding is not False,
        trusted_authorities=_authorities(entry, where),
    )


def _id(entry: Mapping[str, Any], where: str) -> str:
    return _check_id(reader.get_str(entry, "id", where), f"{where}/id")


def _check_id(value: str, where: str) -> str:
    if not _ID.fullmatch(value) or len(value) > 128:
        raise Malformed("an id is made of letters, digits, _ and -", where=where)
    return value


def _check_unique(ids: Sequence[str], where: str) -> None:
    if len(set(ids)) != len(ids):
        raise Malformed("an id is used twice", where=where)


def _type_values(meta: Mapping[str, Any], where: str) -> tuple[tuple[str, ...], ...] | None:
    alternatives = reader.get_list(meta, "type_values", where, optional=True, min_items=1, max_items=_MAX_VALUES)
    if alternatives is None:
        return None
    return tuple(_strings(entry, f"{where}/type_values/{position}") for position, entry in enumerate(alternatives))


def _strings(value: Any, where: str) -> tuple[str, ...]:
    """A non-empty array of strings that is itself an element of an array."""
    if type(value) is not list or not 1 <= len(value) <= _MAX_VALUES:
        raise Malformed("an array of one or more strings is demanded here", where=where)
    return tuple(reader.as_str(item, f"{where}/{position}") for position, item in enumerate(value))


def _claims(entry: Mapping[str, Any], where: str, *, mdoc: bool) -> tuple[ClaimQuery, ...] | None:
    entries = reader.get_objects(entry, "claims", where, optional=True, min_items=1, max_items=_MAX_CLAIMS)
    if entries is None:
        return None
    claims = tuple(_claim(claim, f"{where}/claims/{position}", mdoc=mdoc) for position, claim in enumerate(entries))
    _check_unique([claim.id for claim in claims if claim.id is not None], f"{where}/claims")
    return claims


def _claim(entry: Mapping[str, Any], where: str, *, mdoc: bool) -> ClaimQuery:
    values = reader.get_list(entry, "values", where, optional=True, min_items=1, max_items=_MAX_VALUES)
    for position, value in enumerate(values or ()):
        if type(value) not in {str, int, bool}:
            raise Malformed("a value is a string, a whole number, true or false", where=f"{where}/values/{position}")
    path = parse_path(reader.get_list(entry, "path", where), f"{where}/path")
    if mdoc and (len(path) != 2 or not all(isinstance(step, str) for step in path)):
        raise Malformed("an element of an mdoc has a namespace and a name", where=f"{where}/path")  # section 7.2
    return ClaimQuery(
        path=path,
        id=_id(entry, where) if "id" in entry else None,
        values=None if values is None else tuple(values),
        intent_to_retain=reader.get_bool(entry, "intent_to_retain", where, optional=True) if mdoc else None,
    )


def parse_path(value: Any, where: str = "") -> ClaimPath:
    """A claims path pointer: strings, ``null`` and whole numbers from 0 (section 7)."""
    if type(value) is not list or not 1 <= len(value) <= _MAX_PATH:
        raise Malformed(f"a path has 1 to {_MAX_PATH} steps", where=where)
    for position, part in enumerate(value):
        if not (part is None or type(part) is str or (type(part) is int and part >= 0)):
            raise Malformed("a step is a name, null or a number from 0", where=f"{where}/{position}")
    return tuple(value)


def _claim_sets(entry: Mapping[str, Any], claims: tuple[ClaimQuery, ...] | None, where: str) -> tuple[tuple[str, ...], ...] | None:
    entries = reader.get_list(entry, "claim_sets", where, optional=True, min_items=1, max_items=_MAX_SETS)
    if entries is None:
        return None
    if claims is None or any(claim.id is None for claim in claims):
        raise Malformed("claim sets need claims that all have ids", where=f"{where}/claim_sets")
    return _references(entries, [claim.id for claim in claims], f"{where}/claim_sets")


def _references(entries: Sequence[Any], known: Collection[str | None], where: str) -> tuple[tuple[str, ...], ...]:
    lists = tuple(_strings(entry, f"{where}/{position}") for position, entry in enumerate(entries))
    for position, names in enumerate(lists):
        if not set(names) <= set(known):
            raise Malformed("an id that nothing here has", where=f"{where}/{position}")
    return lists


def _authorities(entry: Mapping[str, Any], where: str) -> tuple[TrustedAuthority, ...]:
    entries = reader.get_objects(entry, "trusted_authorities", where, optional=True, min_items=1, max_items=_MAX_SETS) or ()
    return tuple(_authority(authority, f"{where}/trusted_authorities/{position}") for position, authority in enumerate(entries))


def _authority(entry: Mapping[str, Any], where: str) -> TrustedAuthority:
    return TrustedAuthority(
        type=reader.get_str(entry, "type", where, max_length=128),
        values=reader.get_strings(entry, "values", where, min_items=1, max_items=_MAX_VALUES),
    )


def _set(entry: Mapping[str, Any], ids: Collection[str], where: str) -> CredentialSet:
    options = reader.get_list(entry, "options", where, min_items=1, max_items=_MAX_SETS)
    required = reader.get_bool(entry, "required", where, optional=True)
    return CredentialSet(options=_references(options, ids, f"{where}/options"), required=required is not False)


def render_query(query: DcqlQuery) -> dict[str, Any]:
    """The query as JSON members, defaults left out."""
    rendered: dict[str, Any] = {"credentials": [_render_credential(credential) for credential in query.credentials]}
    if query.credential_sets:
        rendered["credential_sets"] = [_render_set(each) for each in query.credential_sets]
    return rendered


def _render_set(each: CredentialSet) -> dict[str, Any]:
    return {"options": [list(option) for option in each.options], **({} if each.required else {"required": False})}


def _render_credential(query: CredentialQuery) -> dict[str, Any]:
    rendered: dict[str, Any] = {"id": query.id, "format": query.format, "meta": _render_meta(query)}
    if query.multiple:
        rendered["multiple"] = True
    if not query.holder_binding:
        rendered["require_cryptographic_holder_binding"] = False
    if query.trusted_authorities:
        rendered["trusted_authorities"] = [{"type": each.type, "values": list(each.values)} for each in query.trusted_authorities]
    if query.claims is not None:
        rendered["claims"] = [_render_claim(claim) for claim in query.claims]
    if query.claim_sets is not None:
        rendered["claim_sets"] = [list(names) for names in query.claim_sets]
    return rendered


def _render_meta(query: CredentialQuery) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    if query.vct_values is not None:
        meta["vct_values"] = list(query.vct_values)
    if query.type_values is not None:
        meta["type_values"] = [list(types) for types in query.type_values]
    if query.doctype_value is not None:
        meta["doctype_value"] = query.doctype_value
    return meta


def _render_claim(claim: ClaimQuery) -> dict[str, Any]:
    rendered: dict[str, Any] = {} if claim.id is None else {"id": claim.id}
    rendered["path"] = list(claim.path)
    if claim.values is not None:
        rendered["values"] = list(claim.values)
    if claim.intent_to_retain is not None:
        rendered["intent_to_retain"] = claim.intent_to_retain
    return rendered
