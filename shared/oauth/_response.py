"""What comes back from a sign-in: a code or an error, with the name of who says so (RFC 6749 section 4.1.2, RFC 9207)."""

from __future__ import annotations

import hmac

from ..errors import Malformed, Refused, VcError
from ..urls import query_of, split, with_query
from ._errors import refusal, words

_MAX_CODE = 4_096


def code_response_url(redirect_uri: str, *, issuer: str, state: str | None, code: str) -> str:
    """Where the browser goes with the code; ``issuer`` is this authorization server."""
    return _answer(redirect_uri, {"code": code}, issuer, state)


def error_response_url(redirect_uri: str, *, issuer: str, state: str | None, error: VcError) -> str:
    """Where the browser goes with a refusal."""
    return _answer(redirect_uri, {"error": error.error, "error_description": words(error.detail)}, issuer, state)


def _answer(redirect_uri: str, members: dict[str, str], issuer: str, state: str | None) -> str:
    echoed = {} if state is None else {"state": state}
    return with_query(redirect_uri, members | echoed | {"iss": issuer})


def check_authorization_response(url: str, *, redirect_uri: str, issuer: str, state: str, names_itself: bool = True) -> str:
    """The code in the address that the browser came back with.

    ``Refused`` unless ``state`` and the server's name are exactly the expected ones: nothing else in it is looked at before, not even an
    error. ``names_itself`` is false only for a server whose metadata do not promise ``iss``; a wrong one is refused there too. What the
    server refused with comes as its own class. ``Malformed`` for what is no answer.
    """
    if split(url)[:3] != split(redirect_uri)[:3]:
        raise Refused("the answer came to another address than it was asked to", where="redirect_uri")
    answer = query_of(url)
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise Refused("this is the answer to another sign-in", where="state")
    if answer.get("iss", None if names_itself else issuer) != issuer:
        raise Refused("the answer is by another server than the one that was asked", where="iss")
    if "error" in answer:
        raise refusal(answer["error"], answer.get("error_description") or "the other side refused the sign-in")
    code = answer.get("code", "")
    if not 0 < len(code) <= _MAX_CODE:
        raise Malformed("the answer has no code", where="code")
    return code
