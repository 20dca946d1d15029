"""The links that start a presentation: an https page for every camera, a scheme link for whoever registered the scheme."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from ..codec import base64url
from ..errors import InvalidRequest, Malformed
from ..urls import Links, check_https, query_of, with_query

SCHEME = "openid4vp://"
PREFIX = "x509_hash:"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What a link says: who claims to ask, and where the signed request lies (or, in ``request``, the request itself).

    ``method`` is ``get`` or ``post``.
    """

    client_id: str
    request_uri: str | None = None
    request: str | None = None
    method: str = "get"


def client_id_of(leaf: bytes) -> str:
    """``x509_hash:`` and the base64url SHA-256 of the DER leaf certificate (section 5.9.3)."""
    return PREFIX + base64url.encode(hashlib.sha256(leaf).digest())


def check_client_id(client_id: str) -> None:
    """``InvalidRequest`` for a prefix that is not ``x509_hash``, ``origin:`` and names without a prefix included (section 5.9)."""
    if not client_id.startswith(PREFIX):
        raise InvalidRequest("only organisations named by their certificate (x509_hash) are answered here", where="client_id")


def request_links(*, page: str, client_id: str, request_uri: str) -> Links:
    """``page`` (the verifier's own) with the parameters in its query, and the scheme link; the wallet is asked to ``post``."""
    parameters = {"client_id": client_id, "request_uri": request_uri, "request_uri_method": "post"}
    return Links(https=with_query(page, parameters), scheme=with_query(SCHEME, parameters))


def parse_authorization_link(link: str, *, plain_http: Collection[str] = ()) -> AuthorizationRequest:
    """A link of any scheme. ``Malformed`` or ``InvalidRequest``; a request whose parameters stand in the link itself is unsigned."""
    parameters = query_of(link.strip())
    client_id = parameters.get("client_id")
    if not client_id:
        raise Malformed("the link does not say who asks", where="client_id")
    check_client_id(client_id)
    uri, request, method = (parameters.get(name) for name in ("request_uri", "request", "request_uri_method"))
    if uri is not None and request is not None:
        raise InvalidRequest("a request is given once", where="request_uri")
    if uri is None:
        if not request:
            raise InvalidRequest("this request is not signed", where="request_uri")
        if method is not None:
            raise InvalidRequest("request_uri_method needs a request_uri", where="request_uri_method")
        return AuthorizationRequest(client_id=client_id, request=request)
    if method not in {None, "get", "post"}:
        raise InvalidRequest("request_uri_method is get or post", where="request_uri_method")
    check_https(uri, where="request_uri", plain_http=plain_http)
    return AuthorizationRequest(client_id=client_id, request_uri=uri, method=method or "get")
