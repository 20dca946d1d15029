"""The links that start a presentation: an https page for every camera, a scheme link for whoever registered the scheme."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..codec import strict_json
from ..errors import InvalidRequest, Malformed
from ..urls import Links, check_https, query_of, with_query
from ._client import Prefix, parse_client_id

SCHEME = "openid4vp://"
_STRUCTURED = frozenset({"client_metadata", "dcql_query", "transaction_data", "verifier_info"})
_OF_TOKENS = frozenset({"iss", "aud", "iat", "nbf", "exp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What a link says: who claims to ask, and where the request lies, or in ``request`` the request itself, or its parameters.

    ``method`` is ``get`` or ``post``. ``parameters`` are there only in a request that nobody signed.
    """

    client_id: str
    request_uri: str | None = None
    request: str | None = None
    method: str = "get"
    parameters: Mapping[str, Any] = field(default_factory=dict)


def request_links(*, page: str, client_id: str, request_uri: str) -> Links:
    """``page`` (the verifier's own) with the parameters in its query, and the scheme link; the wallet is asked to ``post``."""
    parameters = {"client_id": client_id, "request_uri": request_uri, "request_uri_method": "post"}
    return Links(https=with_query(page, parameters), scheme=with_query(SCHEME, parameters))


def parse_authorization_link(link: str, *, plain_http: Collection[str] = (), unsigned: bool = False) -> AuthorizationRequest:
    """A link of any scheme: ``Malformed`` or ``InvalidRequest``. ``unsigned`` admits what nobody signed, from an address as its client."""
    parameters = query_of(link.strip())
    client_id = parameters.get("client_id")
    if not client_id:
        raise Malformed("the link does not say who asks", where="client_id")
    nobody = parse_client_id(client_id).prefix is Prefix.REDIRECT_URI
    if nobody and not unsigned:
        raise InvalidRequest("requests that nobody signed are not answered here", where="client_id")
    uri, request, method = (parameters.get(name) for name in ("request_uri", "request", "request_uri_method"))
    if uri is not None and request is not None:
        raise InvalidRequest("a request is given once", where="request_uri")
    if uri is None:
        if method is not None:
            raise InvalidRequest("request_uri_method needs a request_uri", where="request_uri_method")
        if request:
            return AuthorizationRequest(client_id=client_id, request=request)
        if not nobody or request is not None:
            raise InvalidRequest("this request is not signed", where="request_uri")
        return AuthorizationRequest(client_id=client_id, parameters=_values(parameters))
    if method not in {None, "get", "post"}:
        raise InvalidRequest("request_uri_method is get or post", where="request_uri_method")
    check_https(uri, where="request_uri", plain_http=plain_http)
    return AuthorizationRequest(client_id=client_id, request_uri=uri, method=method or "get")


def _values(parameters: Mapping[str, str]) -> dict[str, Any]:
    """As a request object would have them: objects and arrays stand in a link as JSON (OAuth 2.0 JAR section 5, OpenID4VP section 5.1)."""
    return {
        name: strict_json.loads(value, max_depth=16, where=name) if name in _STRUCTURED else value
        for name, value in parameters.items()
        if name not in _OF_TOKENS
    }
