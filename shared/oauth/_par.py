"""Authorization requests, pushed before anybody is sent anywhere (RFC 9126).

Requests are read from a form that may hold anything; what is not understood is ignored, what is forbidden by FAPI 2.0 is refused:
requests without PKCE, other answers than a code, requests by reference inside of requests.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..codec import reader, strict_json
from ..errors import (
    InvalidAuthorizationDetails,
    InvalidClient,
    InvalidRequest,
    InvalidScope,
    Malformed,
    UnsupportedResponseType,
)
from ..urls import LOOPBACK, check_https, parse_form, render_form, split, with_query
from ._pkce import METHOD, parse_challenge

REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
_MAX_REQUEST = 65_536  # bytes
_MAX_VALUE = 4_096  # characters of one parameter
_MAX_ID = 1_024
_MAX_SCOPES = 64
_MAX_DETAILS = 64
_MAX_LIFE = 86_400  # seconds
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_STATE = re.compile(r"[\x20-\x7E]+")  # RFC 6749 appendix A.5
# An app's own scheme is a domain name turned round, so it has a dot (RFC 8252 section 7.1); beside these only what wallets are known by.
_APP = re.compile(r"[a-z][a-z0-9+-]*\.[a-z0-9.+-]+|(?:eudi|haip|openid)[a-z0-9-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What a client asks to be allowed (RFC 6749 section 4.1.1), with S256 and for a code.

    ``details`` are the objects of ``authorization_details`` (RFC 9396), of which only ``type`` was looked at; ``resource`` is that of
    RFC 8707, ``dpop_jkt`` the thumbprint of RFC 9449 section 10.
    """

    client_id: str
    redirect_uri: str
    code_challenge: str
    scope: tuple[str, ...] = ()
    details: tuple[Mapping[str, Any], ...] = ()
    state: str | None = None
    issuer_state: str | None = None
    resource: str | None = None
    dpop_jkt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedResponse:
    """Where a pushed request lies, for ``expires_in`` seconds."""

    request_uri: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class PushedReference:
    """What the browser brings to the authorization endpoint: who asks, and where the request lies."""

    client_id: str
    request_uri: str


# --- requests --------------------------------------------------------------------------------------------------------------------------


def parse_pushed_request(body: bytes | str, *, client_id: str | None = None, plain_http: Collection[str] = ()) -> AuthorizationRequest:
    """The form that was pushed by ``client_id``, if the client proved who it is.

    ``InvalidRequest``, ``UnsupportedResponseType``, ``InvalidScope``, ``InvalidAuthorizationDetails``; ``InvalidClient`` where the form
    names another client. A parameter without a value counts as left out (RFC 6749 section 3.1).
    """
    form = _form(body)
    for name in ("request_uri", "request"):
        if name in form:
            raise InvalidRequest("the parameters themselves are pushed here", where=name)
    if _need(form, "response_type") != "code":
        raise UnsupportedResponseType("sign-ins lead to a code here", where="response_type")
    if form.get("response_mode", "query") != "query":
        raise InvalidRequest("answers go into the query here", where="response_mode")
    challenge = parse_challenge(form.get("code_challenge"), form.get("code_challenge_method"))
    return AuthorizationRequest(
        client_id=_client(form, client_id),
        redirect_uri=check_redirect_uri(_need(form, "redirect_uri"), plain_http=plain_http),
        code_challenge=challenge,
        scope=parse_scope(form.get("scope")),
        details=parse_detail_objects(form.get("authorization_details")),
        state=_shaped(form, "state", _STATE),
        issuer_state=form.get("issuer_state"),
        resource=form.get("resource"),
        dpop_jkt=_shaped(form, "dpop_jkt", _THUMBPRINT),
    )


def _form(body: bytes | str) -> dict[str, str]:
    try:
        form = parse_form(body, max_bytes=_MAX_REQUEST)
    except Malformed as error:
        raise InvalidRequest(error.detail, where=error.where) from error
    for name, value in form.items():
        if len(value) > (_MAX_REQUEST if name == "authorization_details" else _MAX_VALUE):
            raise InvalidRequest("a parameter is too long")
    return {name: value for name, value in form.items() if value}


def _need(form: Mapping[str, str], name: str) -> str:
    if name not in form:
        raise InvalidRequest(f"{name} is missing", where=name)
    return form[name]


def _shaped(form: Mapping[str, str], name: str, shape: re.Pattern[str]) -> str | None:
    value = form.get(name)
    if value is not None and not shape.fullmatch(value):
        raise InvalidRequest(f"{name} has other characters than it may have", where=name)
    return value


def _client(form: Mapping[str, str], proved: str | None) -> str:
    if proved is None:
        return _need(form, "client_id")
    if form.get("client_id", proved) != proved:
        raise InvalidClient("the request names another client than the one that proved itself", where="client_id")
    return proved


def check_redirect_uri(uri: str, *, plain_http: Collection[str] = ()) -> str:
    """An https address, one of this very machine, or the scheme of an app or of wallets (RFC 8252 section 7); never with a fragment."""
    try:
        scheme = split(uri).scheme
        if scheme in {"https", "http"}:
            return check_https(uri, plain_http=(*LOOPBACK, *plain_http))
    except Malformed as error:
        raise InvalidRequest(error.detail, where="redirect_uri") from error
    if "#" in uri or not _APP.fullmatch(scheme):
        raise InvalidRequest("nobody is sent to an address of this kind", where="redirect_uri")
    return uri


def parse_scope(text: str | None) -> tuple[str, ...]:
    """The scopes of a space-separated list, each once (RFC 6749 section 3.3); ``InvalidScope``."""
    scopes = tuple(dict.fromkeys((text or "").split(" "))) if text else ()
    if len(scopes) > _MAX_SCOPES or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise InvalidScope("this is not a list of scopes", where="scope")
    return scopes


def parse_detail_objects(text: str | None) -> tuple[Mapping[str, Any], ...]:
    """The objects of ``authorization_details``, each with a ``type`` (RFC 9396 section 2); ``InvalidAuthorizationDetails``."""
    if text is None:
        return ()
    try:
        doc = {"authorization_details": strict_json.loads(text, max_bytes=_MAX_REQUEST, max_depth=16)}
        details = reader.get_objects(doc, "authorization_details", max_items=_MAX_DETAILS)
        for position, entry in enumerate(details):
            reader.get_str(entry, "type", f"/authorization_details/{position}")
    except Malformed as error:
        raise InvalidAuthorizationDetails(error.detail, where=error.where) from error
    return details


def render_pushed_request(request: AuthorizationRequest) -> bytes:
    """The form body."""
    optional = {
        "scope": " ".join(request.scope) or None,
        "authorization_details": strict_json.dumps(list(request.details)).decode() if request.details else None,
        "state": request.state,
        "issuer_state": request.issuer_state,
        "resource": request.resource,
        "dpop_jkt": request.dpop_jkt,
    }
    form = {
        "response_type": "code",
        "client_id": request.client_id,
        "redirect_uri": request.redirect_uri,
        "code_challenge": request.code_challenge,
        "code_challenge_method": METHOD,
    }
    return render_form(form | {name: value for name, value in optional.items() if value is not None})


def parse_pushed_response(data: bytes | str) -> PushedResponse:
    """The JSON of status 201 (RFC 9126 section 2.2)."""
    doc = strict_json.load_object(data, max_bytes=_MAX_REQUEST)
    return PushedResponse(
        request_uri=reader.get_str(doc, "request_uri", max_length=_MAX_ID),
        expires_in=reader.get_int(doc, "expires_in", minimum=1, maximum=_MAX_LIFE),
    )


def render_pushed_response(response: PushedResponse) -> dict[str, Any]:
    """The JSON members; serve them with status 201 and ``Cache-Control: no-store``."""
    return {"request_uri": response.request_uri, "expires_in": response.expires_in}


def authorization_url(endpoint: str, client_id: str, request_uri: str) -> str:
    """Where the person's browser is sent (RFC 9126 section 4)."""
    return with_query(endpoint, {"client_id": client_id, "request_uri": request_uri})


def parse_pushed_reference(query: str) -> PushedReference:
    """The query of the authorization endpoint, which takes pushed requests only; whatever else it holds is ignored."""
    form = _form(query)
    return PushedReference(client_id=_need(form, "client_id"), request_uri=_need(form, "request_uri"))
