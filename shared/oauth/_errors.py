"""OAuth's error responses (RFC 6749 section 5.2, RFC 6750 section 3, RFC 9449 section 7) as others send them, and the words that ours may use."""

from __future__ import annotations

import re
from collections.abc import Collection

from .. import errors
from ..codec import reader, strict_json
from ..errors import Malformed, Refused, Unavailable, VcError
from ..flow import Fetched

_FORBIDDEN = re.compile(r"[^\x20-\x21\x23-\x5B\x5D-\x7E]")
_CHALLENGE = re.compile(r'(?:^|[\s,])error="([a-z_]{1,64})"', re.IGNORECASE)


def words(text: str) -> str:
    """``text`` in the characters that an ``error_description`` may have, at most 300; others become question marks."""
    return _FORBIDDEN.sub("?", text)[:300]


def is_words(text: str) -> bool:
    """Whether ``text`` has only the characters that an ``error_description`` may have."""
    return _FORBIDDEN.search(text) is None


_BY_CODE: dict[str, type[Refused]] = {
    each.error: each
    for each in (
        errors.InvalidRequest,
        errors.InvalidGrant,
        errors.InvalidClient,
        errors.UnsupportedGrantType,
        errors.UnauthorizedClient,
        errors.InvalidClientAttestation,
        errors.UseAttestationChallenge,
        errors.UseFreshAttestation,
        errors.InvalidDpopProof,
        errors.UseDpopNonce,
        errors.InvalidScope,
        errors.InvalidAuthorizationDetails,
        errors.UnsupportedResponseType,
        errors.LoginRequired,
        errors.InvalidToken,
        errors.InsufficientScope,
        errors.InvalidProof,
        errors.InvalidNonce,
        errors.InvalidCredentialRequest,
        errors.UnknownCredentialConfiguration,
        errors.UnknownCredentialIdentifier,
        errors.CredentialRequestDenied,
        errors.InvalidEncryptionParameters,
        errors.InvalidTransactionId,
        errors.InvalidNotificationId,
        errors.InvalidNotificationRequest,
        errors.AccessDenied,
    )
}


def parse_error(got: Fetched) -> VcError:
    """What an issuer or verifier refused with, as our own error; its words are kept, shortened, as untrusted detail.

    A protected resource may name the error in ``WWW-Authenticate`` alone. 401 without any is an unusable token, 429 and 5xx are
    ``Unavailable``; anything else is ``Refused``.
    """
    if got.status == 429 or got.status >= 500:
        return Unavailable("the other side is busy or out of order", retry_after=_retry_after(got))
    code, said = _error_members(got.body)
    code = code or _challenged(got)
    if code is None and got.status == 401:
        return errors.InvalidToken("the other side no longer accepts this token")
    return refusal(code or "", said or f"the other side refused ({got.status})")


def refusal(code: str, said: str) -> Refused:
    """The class of a registered ``error`` code, with the words that came along; ``Refused`` itself for an unknown one."""
    return _BY_CODE.get(code, Refused)(said[:300])


def render_challenge(error: VcError, *, algs: Collection[str]) -> str:
    """``WWW-Authenticate`` of a resource that takes DPoP-bound tokens (RFC 9449 section 7.1)."""
    return f'DPoP error="{error.error}", error_description="{words(error.detail)}", algs="{" ".join(algs)}"'


def _challenged(got: Fetched) -> str | None:
    found = _CHALLENGE.search(got.headers.get("www-authenticate", ""))
    return None if found is None else found[1]


def _error_members(body: bytes) -> tuple[str | None, str | None]:
    try:
        doc = strict_json.load_object(body, max_bytes=65_536)
        code = reader.get_str(doc, "error", max_length=64)
        said = doc.get("error_description")
    except Malformed:
        return None, None
    return code, said if isinstance(said, str) else None


def _retry_after(got: Fetched) -> int:
    value = got.headers.get("retry-after", "")
    return min(int(value), 86_400) if value.isascii() and value.isdigit() and len(value) < 9 else 5


def media_type(got: Fetched) -> str:
    """The content type without its parameters, in lower case; empty where there is none."""
    return got.headers.get("content-type", "").partition(";")[0].strip().lower()
