"""OpenID for Verifiable Presentations 1.0 under HAIP: signed requests, encrypted answers, a wallet's flows. No socket, no clock, no key."""

from ._link import AuthorizationRequest, client_id_of, parse_authorization_link, request_links
from ._request import (
    AUDIENCE,
    MEDIA_TYPE,
    RESPONSE_MODE,
    TYP,
    RequestObject,
    parse_request,
    prepare_request_object,
    render_request,
)
from ._response import (
    MAX_RESPONSE,
    VpResponse,
    WalletRefusal,
    parse_request_uri_post,
    parse_response,
    render_accepted,
    render_refusal,
    render_response,
)
from ._use import IntendedUse, VerifierInfo, find_use, parse_use, render_use
from ._wallet import PostResult, ResolvedRequest, check_request_object, post_refusal, post_response, resolve_request

__all__ = [
    "AUDIENCE",
    "MAX_RESPONSE",
    "MEDIA_TYPE",
    "RESPONSE_MODE",
    "TYP",
    "AuthorizationRequest",
    "IntendedUse",
    "PostResult",
    "RequestObject",
    "ResolvedRequest",
    "VerifierInfo",
    "VpResponse",
    "WalletRefusal",
    "check_request_object",
    "client_id_of",
    "find_use",
    "parse_authorization_link",
    "parse_request",
    "parse_request_uri_post",
    "parse_response",
    "parse_use",
    "post_refusal",
    "post_response",
    "prepare_request_object",
    "render_accepted",
    "render_refusal",
    "render_request",
    "render_response",
    "render_use",
    "request_links",
    "resolve_request",
]
