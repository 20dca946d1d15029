"""Authorization details of type ``openid_credential``, as asked for and as granted (RFC 9396; OpenID4VCI 1.0 sections 5.1.1 and 6.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import reader
from ..errors import InvalidAuthorizationDetails, Malformed

DETAIL_TYPE = "openid_credential"
_MAX_ITEMS = 64
_MAX_IDENTIFIERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationDetail:
    """What is asked for, or what a token is good for: then named copy by copy in ``identifiers``.

    ``locations`` name the Credential Issuer where the server serves several; ``claims`` are the claims descriptions as they came.
    """

    configuration_id: str
    identifiers: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    claims: tuple[Mapping[str, Any], ...] = ()


def asked_details(objects: Sequence[Mapping[str, Any]], *, issuer: str | None = None) -> tuple[AuthorizationDetail, ...]:
    """What ``oauth.AuthorizationRequest.details`` ask for. ``InvalidAuthorizationDetails`` for a type that is not known here.

    With ``issuer``, whoever names locations must name it (section 5.1.1). Which configurations there are is the caller's to know.
    """
    try:
        found = tuple(_read(entry, f"/authorization_details/{position}") for position, entry in enumerate(objects))
    except Malformed as error:
        raise InvalidAuthorizationDetails(error.detail, where=error.where) from error
    for position, detail in enumerate(found):
        if issuer is not None and detail.locations and issuer not in detail.locations:
            raise InvalidAuthorizationDetails("meant for another issuer", where=f"/authorization_details/{position}/locations")
    return found


def _read(entry: Mapping[str, Any], where: str) -> AuthorizationDetail:
    """Members that are not understood never make it invalid; what a client sends as identifiers grants nothing."""
    if reader.get_str(entry, "type", where) != DETAIL_TYPE:
        raise Malformed("details of this type are not known here", where=f"{where}/type")
    return AuthorizationDetail(
        configuration_id=reader.get_str(entry, "credential_configuration_id", where, max_length=1_024),
        locations=reader.get_strings(entry, "locations", where, optional=True, max_items=_MAX_ITEMS) or (),
        claims=reader.get_objects(entry, "claims", where, optional=True, min_items=1, max_items=_MAX_ITEMS) or (),
    )


def granted_details(doc: Mapping[str, Any]) -> tuple[AuthorizationDetail, ...]:
    """Those of a token response; details of another type are passed over."""
    details = []
    for position, entry in enumerate(reader.get_objects(doc, "authorization_details", optional=True, max_items=_MAX_ITEMS) or ()):
        where = f"/authorization_details/{position}"
        if reader.get_str(entry, "type", where) != DETAIL_TYPE:
            continue
        identifiers = reader.get_strings(entry, "credential_identifiers", where, min_items=1, max_items=_MAX_IDENTIFIERS)
        configuration_id = reader.get_str(entry, "credential_configuration_id", where)
        details.append(AuthorizationDetail(configuration_id=configuration_id, identifiers=identifiers))
    return tuple(details)


def detail_objects(details: Sequence[AuthorizationDetail]) -> list[dict[str, Any]]:
    """The JSON objects, for a request or for a token response."""
    return [_render(detail) for detail in details]


def _render(detail: AuthorizationDetail) -> dict[str, Any]:
    lists = {
        "credential_identifiers": list(detail.identifiers),
        "locations": list(detail.locations),
        "claims": [dict(claim) for claim in detail.claims],
    }
    return {
        "type": DETAIL_TYPE,
        "credential_configuration_id": detail.configuration_id,
        **{name: values for name, values in lists.items() if values},
    }
