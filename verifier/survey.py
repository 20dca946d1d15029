"""What one visit to an issuer brings: the lists of cancelled documents and the descriptions of its kinds of document.

A flow like every other work that needs several fetches. It is driven on a timer and when an operator asks, for the whole issuer, and
never because somebody showed something (security rule S21).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from shared.codec import reader, strict_json
from shared.credentials._derive import check_type_metadata
from shared.errors import Malformed, Unavailable, VcError
from shared.flow import Fetch, Flow
from shared.openid4vci import ISSUER_DOCUMENT, SERVER_DOCUMENT, IssuerMetadata, parse_issuer_metadata
from shared.status.token_status_list import CWT_MEDIA_TYPE, MAX_ADDRESS, MAX_TOKEN, MEDIA_TYPE, StatusToken, parse_token
from shared.urls import check_https, well_known

MAX_LISTS: Final = 1_000
_JSON: Final = {"accept": "application/json"}


@dataclass(slots=True, kw_only=True)
class Survey:
    """What was found at ``entity``. Nothing in it is verified. ``faults`` say, for an operator, what was not.

    ``other_forms`` are lists as CWT, where the issuer gives them: of the same version as those in ``lists``.
    """

    entity: str
    vcts: tuple[str, ...] = ()
    lists: dict[str, StatusToken] = field(default_factory=dict)
    other_forms: dict[str, StatusToken] = field(default_factory=dict)
    descriptions: dict[str, bytes] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def survey(entity: str, *, plain_http: Collection[str] = ()) -> Flow[Survey]:
    """Issuer metadata, its authorization servers, their aggregation of status lists, each list, each description; never raises."""
    found = Survey(entity=entity)
    try:
        metadata = yield from _issuer_metadata(entity, plain_http)
    except VcError as error:
        found.faults.append(f"{entity} does not say what it makes: {error.detail}")
        return found
    found.vcts = tuple(dict.fromkeys(each.vct for each in metadata.configurations.values() if _can_be_kept(each.vct)))
    for uri in (yield from _list_addresses(metadata, found, plain_http)):
        try:
            found.lists[uri] = yield from _list(uri)
        except VcError as error:
            found.faults.append(f"the list {uri}: {error.detail}")
            continue
        other = (yield from _other_form(found, uri)) if found.lists[uri].media_type == MEDIA_TYPE else None
        if other is not None:
            found.other_forms[uri] = other
    for vct in found.vcts:
        try:
            found.descriptions[vct] = yield from _description(entity, vct)
        except VcError as error:
            found.faults.append(f"the description of {vct}: {error.detail}")
    return found


def _can_be_kept(vct: str | None) -> TypeGuard[str]:
    return vct is not None and vct.isprintable() and len(vct) <= MAX_ADDRESS


def _get(url: str, *, max_bytes: int = 1_000_000, accept: str = "application/json") -> Flow[bytes]:
    got = yield Fetch(url=url, headers={"accept": accept}, max_bytes=max_bytes)
    if got.status != 200:
        raise Unavailable(f"it answered {got.status}")
    return got.body


def _issuer_metadata(entity: str, plain_http: Collection[str]) -> Flow[IssuerMetadata]:
    body = yield from _get(well_known(entity, ISSUER_DOCUMENT))
    return parse_issuer_metadata(body, issuer=entity, plain_http=plain_http)


def _list_addresses(metadata: IssuerMetadata, found: Survey, plain_http: Collection[str]) -> Flow[Sequence[str]]:
    """Token Status List section 9. An issuer without an aggregation has no lists that could be known in advance."""
    uris: dict[str, None] = {}
    for server in metadata.authorization_servers or (metadata.issuer,):
        try:
            uris.update(dict.fromkeys((yield from _aggregated(server, plain_http))))
        except VcError as error:
            found.faults.append(f"{server} does not say where its lists of cancelled documents are: {error.detail}")
    if len(uris) > MAX_LISTS:
        found.faults.append(f"more than {MAX_LISTS} lists; the first were fetched")
    return list(uris)[:MAX_LISTS]


def _aggregated(server: str, plain_http: Collection[str]) -> Flow[Sequence[str]]:
    document = strict_json.load_object((yield from _get(well_known(server, SERVER_DOCUMENT))))
    if reader.get_str(document, "issuer") != server:
        raise Malformed("the metadata belong to another authorization server", where="/issuer")
    endpoint = check_https(
        reader.get_str(document, "status_list_aggregation_endpoint"), where="/status_list_aggregation_endpoint", plain_http=plain_http
    )
    aggregation = strict_json.load_object((yield from _get(endpoint)))
    uris = reader.get_strings(aggregation, "status_lists", max_items=MAX_LISTS * 10)
    for position, uri in enumerate(uris):
        check_https(uri, where=f"/status_lists/{position}", plain_http=plain_http)
    return uris


def _list(uri: str) -> Flow[StatusToken]:
    """In the form that most verifiers read; a list of mdocs is given as CWT alone (ISO/IEC 18013-5, second edition)."""
    token = parse_token((yield from _get(uri, max_bytes=MAX_TOKEN, accept=f"{MEDIA_TYPE}, {CWT_MEDIA_TYPE};q=0.5")))
    if token.uri != uri:
        raise Malformed("it belongs to another address", where="/sub")
    return token


def _other_form(found: Survey, uri: str) -> Flow[StatusToken | None]:
    """The list as CWT, which many issuers do not give. If a new version appeared in between, the first form is fetched once more."""
    try:
        other = parse_token((yield from _get(uri, max_bytes=MAX_TOKEN, accept=CWT_MEDIA_TYPE)))
        if other.uri != uri or other.media_type != CWT_MEDIA_TYPE:
            return None
        if other.iat != found.lists[uri].iat:
            found.lists[uri] = yield from _list(uri)
    except VcError:
        return None
    return other if other.iat == found.lists[uri].iat else None


def _description(entity: str, vct: str) -> Flow[bytes]:
    """Type metadata: at the ``vct`` itself if that is an address, else below the issuer's own."""
    url = vct if vct.startswith("https:") else f"{entity}/types/{vct}"
    body = yield from _get(url, max_bytes=262_144)
    check_type_metadata(body, vct=vct, expected=None)
    return body
