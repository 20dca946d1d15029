"""Token requests and responses, both ways (RFC 6749 sections 4.1.3, 5.1 and 6; OpenID4VCI 1.0 section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..codec import reader, strict_json
from ..errors import InvalidRequest, Malformed, UnsupportedGrantType
from ..oauth import parse_detail_objects
from ..urls import parse_form, render_form
from ._details import AuthorizationDetail, asked_details, detail_objects, granted_details
from ._offer import PRE_AUTHORIZED
from ._server import AUTHORIZATION_CODE

REFRESH = "refresh_token"
BEARER, DPOP = "Bearer", "DPoP"
_MAX_REQUEST = 262_144  # bytes
_MAX_CODE = 1_024  # characters of a code, token or identifier
_MAX_ADDRESS = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class PreAuthorizedRequest:
    """``grant_type=urn:ietf:params:oauth:grant-type:pre-authorized_code``."""

    code: str
    tx_code: str | None = None
    client_id: str | None = None
    details: tuple[AuthorizationDetail, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCodeRequest:
    """``grant_type=authorization_code`` with the verifier of the challenge that was pushed (RFC 7636 section 4.5)."""

    code: str
    redirect_uri: str
    code_verifier: str
    client_id: str | None = None
    details: tuple[AuthorizationDetail, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRequest:
    """``grant_type=refresh_token`` (RFC 6749 section 6)."""

    refresh_token: str
    client_id: str | None = None


TokenRequest = PreAuthorizedRequest | AuthorizationCodeRequest | RefreshRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """``token_type`` is ``Bearer``, or ``DPoP`` for a token that is tied to a key."""

    access_token: str
    token_type: str = BEARER
    expires_in: int | None = None  # seconds
    refresh_token: str | None = None
    details: tuple[AuthorizationDetail, ...] = ()

    @property
    def authorization(self) -> str:
        """The ``Authorization`` header that shows it."""
        return f"{self.token_type} {self.access_token}"


def parse_token_request(body: bytes | str) -> TokenRequest:
    """The form of a token request. Unknown parameters are ignored (section 6.1).

    ``InvalidRequest``, ``UnsupportedGrantType``, ``InvalidAuthorizationDetails``.
    """
    try:
        form = parse_form(body, max_bytes=_MAX_REQUEST)
    except Malformed as error:
        raise InvalidRequest(error.detail, where=error.where) from error
    grant = _form_value(form, "grant_type")
    if grant == PRE_AUTHORIZED:
        return PreAuthorizedRequest(
            code=_form_value(form, "pre-authorized_code"),
            tx_code=_optional_form_value(form, "tx_code"),
            client_id=_optional_form_value(form, "client_id"),
            details=_asked(form),
        )
    if "tx_code" in form:
        raise InvalidRequest("tx_code belongs to a pre-authorized code", where="tx_code")
    if grant == AUTHORIZATION_CODE:
        return AuthorizationCodeRequest(
            code=_form_value(form, "code"),
            redirect_uri=_form_value(form, "redirect_uri", max_length=_MAX_ADDRESS),
            code_verifier=_form_value(form, "code_verifier"),
            client_id=_optional_form_value(form, "client_id"),
            details=_asked(form),
        )
    if grant == REFRESH:
        return RefreshRequest(refresh_token=_form_value(form, "refresh_token"), client_id=_optional_form_value(form, "client_id"))
    raise UnsupportedGrantType("this server knows pre-authorized codes, codes of a sign-in and refresh tokens", where="grant_type")


def _asked(form: Mapping[str, str]) -> tuple[AuthorizationDetail, ...]:
    return asked_details(parse_detail_objects(form.get("authorization_details") or None))


def _form_value(form: Mapping[str, str], name: str, *, max_length: int = _MAX_CODE) -> str:
    value = _optional_form_value(form, name, max_length=max_length)
    if value is None:
        raise InvalidRequest(f"{name} is missing", where=name)
    return value


def _optional_form_value(form: Mapping[str, str], name: str, *, max_length: int = _MAX_CODE) -> str | None:
    """A parameter sent without a value counts as omitted (RFC 6749 section 3.2)."""
    value = form.get(name) or None
    if value is not None and len(value) > max_length:
        raise InvalidRequest(f"{name} is too long", where=name)
    return value


def render_token_request(request: TokenRequest) -> bytes:
    """The form body."""
    form = _grant(request)
    if request.client_id is not None:
        form["client_id"] = request.client_id
    if not isinstance(request, RefreshRequest) and request.details:
        form["authorization_details"] = strict_json.dumps(detail_objects(request.details)).decode()
    return render_form(form)


def _grant(request: TokenRequest) -> dict[str, str]:
    if isinstance(request, RefreshRequest):
        return {"grant_type": REFRESH, "refresh_token": request.refresh_token}
    if isinstance(request, AuthorizationCodeRequest):
        return {
            "grant_type": AUTHORIZATION_CODE,
            "code": request.code,
            "redirect_uri": request.redirect_uri,
            "code_verifier": request.code_verifier,
        }
    tx_code = {} if request.tx_code is None else {"tx_code": request.tx_code}
    return {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": request.code, **tx_code}


def parse_token_response(data: bytes | str) -> TokenResponse:
    """The JSON of a successful token response; unknown members are ignored (section 6.2)."""
    doc = strict_json.load_object(data)
    kinds = {kind.lower(): kind for kind in (BEARER, DPOP)}
    token_type = kinds.get(reader.get_str(doc, "token_type").lower())  # in any case (RFC 6749 section 5.1)
    if token_type is None:
        raise Malformed("only bearer and DPoP tokens are understood here", where="/token_type")
    return TokenResponse(
        access_token=reader.get_str(doc, "access_token", max_length=16_384),
        token_type=token_type,
        expires_in=reader.get_int(doc, "expires_in", optional=True),
        refresh_token=reader.get_str(doc, "refresh_token", optional=True, max_length=16_384),
        details=granted_details(doc),
    )


def render_token_response(response: TokenResponse) -> dict[str, Any]:
    """The JSON members; serve them with ``Cache-Control: no-store``."""
    doc: dict[str, Any] = {"access_token": response.access_token, "token_type": response.token_type}
    if response.expires_in is not None:
        doc["expires_in"] = response.expires_in
    if response.refresh_token is not None:
        doc["refresh_token"] = response.refresh_token
    if response.details:
        doc["authorization_details"] = detail_objects(response.details)
    return doc
