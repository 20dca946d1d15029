"""Answers: what a wallet posts and a verifier reads (OpenID4VP 1.0 section 8)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..codec import reader, strict_json
from ..errors import InvalidRequest, Malformed, Rejected, VcError
from ..jose import jwe
from ..oauth import words
from ..urls import parse_form, render_form
from ._request import RequestObject

MAX_RESPONSE = 2_000_000  # bytes of a posted form
_MAX_PRESENTATIONS = 64
_ERROR = re.compile(r"[A-Za-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class VpResponse:
    """Presentations as they came, by credential query id; nothing in them is checked yet."""

    vp_token: Mapping[str, tuple[str, ...]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class WalletRefusal:
    """A wallet's error response (section 8.5). Anyone who saw the request could have sent it: it closes nothing by itself."""

    error: str
    description: str


# --- the wallet writes -----------------------------------------------------------------------------------------------------------------


def render_response(request: RequestObject, vp_token: Mapping[str, Sequence[str]]) -> bytes:
    """The form body of ``direct_post.jwt``, locked with the request's key (section 8.3.1), or of ``direct_post`` (section 8.2)."""
    answer: dict[str, Any] = {"vp_token": _rendered(vp_token)}
    if request.state is not None:
        answer["state"] = request.state
    if request.locked:
        return render_form({"response": _lock(request, answer)})
    return render_form({**answer, "vp_token": strict_json.dumps(answer["vp_token"]).decode()})


def render_dc_api_response(request: RequestObject, vp_token: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The ``data`` for a platform, of ``dc_api.jwt`` or ``dc_api`` (appendix A.4)."""
    answer = {"vp_token": _rendered(vp_token)}
    return {"response": _lock(request, answer)} if request.locked else answer


def render_dc_api_refusal(error: VcError) -> dict[str, str]:
    """The ``data`` for a platform when nothing is shown: the code and nothing else (appendix A.4)."""
    return {"error": error.error}


def _rendered(vp_token: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {query_id: list(wires) for query_id, wires in vp_token.items()}


def _lock(request: RequestObject, answer: Mapping[str, Any]) -> str:
    key, enc = request.encryption()
    return jwe.encrypt(strict_json.dumps(answer), key, enc=enc)


def render_refusal(error: VcError, state: str | None) -> bytes:
    """The form body of an error, in clear (section 8.3.1 allows it); our words, never a value, in the characters that OAuth allows."""
    form = {"error": error.error, "error_description": words(error.detail)}
    return render_form(form if state is None else {**form, "state": state})


# --- the verifier reads ----------------------------------------------------------------------------------------------------------------


def parse_response(body: bytes | str, private_jwk: Mapping[str, Any] | None, *, state: str) -> VpResponse | WalletRefusal:
    """A posted form, opened with the request's own key. ``InvalidRequest`` for everything that is neither answer nor error.

    ``state`` is that of the request whose address the form was posted to; an answer or error with another one is refused. Without a key
    the request asked for an answer in clear (``direct_post``), and a locked one is refused.
    """
    try:
        form = parse_form(body, max_bytes=MAX_RESPONSE)
        if "error" in form:
            return _refusal(form, state)
        answer = _plain(form) if private_jwk is None else _opened(form, private_jwk)
        if answer.get("error") is not None:
            return _refusal(answer, state)
        _check_state(answer, state)
        return VpResponse(_vp_token(answer))
    except (Malformed, Rejected) as error:
        raise InvalidRequest(error.detail, where=error.where) from error


def parse_dc_api_response(data: Mapping[str, Any], private_jwk: Mapping[str, Any] | None) -> VpResponse | WalletRefusal:
    """The ``data`` that a platform gave, as ``parse_response``; there is no ``state`` (appendix A.4)."""
    try:
        answer = data if private_jwk is None or "error" in data else _opened(data, private_jwk)
        if "error" in answer:
            if "vp_token" in answer or "response" in answer:
                raise InvalidRequest("an error and an answer do not come together", where="error")
            return _read_refusal(answer)
        return VpResponse(_vp_token(answer))
    except (Malformed, Rejected) as error:
        raise InvalidRequest(error.detail, where=error.where) from error


def _opened(members: Mapping[str, Any], private_jwk: Mapping[str, Any]) -> dict[str, Any]:
    token = members.get("response")
    if type(token) is not str:
        raise InvalidRequest("an answer comes locked, in the field response", where="response")
    return strict_json.load_object(jwe.decrypt(token, private_jwk), max_bytes=MAX_RESPONSE)


def _plain(form: Mapping[str, str]) -> dict[str, Any]:
    if "vp_token" not in form:
        raise InvalidRequest("an answer comes in the field vp_token", where="vp_token")
    return {**form, "vp_token": strict_json.loads(form["vp_token"], max_bytes=MAX_RESPONSE, where="/vp_token")}


def _refusal(members: Mapping[str, Any], state: str) -> WalletRefusal:
    if "response" in members or members.get("vp_token") is not None:
        raise InvalidRequest("an error and an answer do not come together", where="error")
    _check_state(members, state)
    return _read_refusal(members)


def _read_refusal(members: Mapping[str, Any]) -> WalletRefusal:
    error = reader.get_str(members, "error")
    if not _ERROR.fullmatch(error):
        raise InvalidRequest("an error code is made of letters, digits and _", where="/error")
    said = reader.get_str(members, "error_description", optional=True, min_length=0) or ""
    return WalletRefusal(error, said[:300])


def _check_state(members: Mapping[str, Any], state: str) -> None:
    if not hmac.compare_digest(reader.get_str(members, "state", max_length=1_024).encode(), state.encode()):
        raise InvalidRequest("this answers another request", where="/state")


def _vp_token(answer: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """An object of non-empty arrays of presentations; the formats read here are all strings (section 8.1)."""
    token = reader.get_object(answer, "vp_token")
    if not 1 <= len(token) <= _MAX_PRESENTATIONS:
        raise Malformed("an answer holds one or more presentations", where="/vp_token")
    return {name: reader.get_strings(token, name, "/vp_token", min_items=1, max_items=_MAX_PRESENTATIONS) for name in token}


def parse_request_uri_post(body: bytes | str) -> str | None:
    """The ``wallet_nonce`` that a wallet posts when it fetches a request; everything else it says is ignored (section 5.10)."""
    nonce = parse_form(body, max_bytes=65_536).get("wallet_nonce")
    if nonce is not None and not 1 <= len(nonce) <= 1_024:
        raise Malformed("a nonce has 1 to 1024 characters", where="wallet_nonce")
    return nonce


def render_accepted(*, redirect_uri: str | None = None, receipt: str | None = None) -> dict[str, str]:
    """The JSON of the verifier's answer to the post; ``receipt`` is our extension member, which other wallets ignore."""
    members = {"redirect_uri": redirect_uri, "receipt": receipt}
    return {name: value for name, value in members.items() if value is not None}
