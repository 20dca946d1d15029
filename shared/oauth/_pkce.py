"""Proof Key for Code Exchange with S256 and nothing else (RFC 7636; FAPI 2.0 section 5.3.2.1)."""

from __future__ import annotations

import hashlib
import hmac
import re

from ..clock import Entropy
from ..codec import base64url
from ..errors import InvalidGrant, InvalidRequest

METHOD = "S256"
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


def prepare_verifier(entropy: Entropy) -> tuple[str, str]:
    """A verifier of 256 random bits, to keep until the code is changed for a token, and its challenge, to send along before."""
    verifier = base64url.encode(entropy(32))
    return verifier, challenge_of(verifier)


def challenge_of(verifier: str) -> str:
    """base64url of SHA-256 (section 4.2)."""
    return base64url.encode(hashlib.sha256(verifier.encode()).digest())


def parse_challenge(challenge: str | None, method: str | None) -> str:
    """The challenge of an authorization request. ``InvalidRequest`` unless it is there, and is one of S256 (section 4.4.1)."""
    if challenge is None:
        raise InvalidRequest("a code challenge is needed", where="code_challenge")
    if method != METHOD:  # left out it would mean "plain"
        raise InvalidRequest("only the method S256 is taken", where="code_challenge_method")
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("a challenge of S256 is 43 characters of base64url", where="code_challenge")
    return challenge


def check_pkce(verifier: str, challenge: str) -> None:
    """``InvalidGrant`` unless ``challenge`` was made of ``verifier`` (section 4.6)."""
    if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(challenge_of(verifier), challenge):
        raise InvalidGrant("the code was asked for with another verifier", where="code_verifier")
