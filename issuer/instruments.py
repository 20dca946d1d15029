"""The mark that documents of one instrument share, so that several people can act together (security rule S26, ADR 0010)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from issuer.office import Office, keyed
from shared.codec import base64url
from shared.credentials import CredentialType
from shared.credentials._joint import NUMBER, TAG

_SIZE = 16


def entry_of(claims: Mapping[str, Any]) -> str | None:
    """By what the instrument is known outside: the register's entry or the number of the grant."""
    return next((claims[name] for name in ("register_entry", "grant_number") if isinstance(claims.get(name), str)), None)


async def marked(office: Office, kind: CredentialType, claims: Mapping[str, Any], reference: str | None = None) -> Mapping[str, Any]:
    """``claims`` with the mark, where they say which of several attorneys this is and nobody gave one.

    It is 128 bits that only this office can work out, from the register's entry, the number of the grant, or else our own ``reference``:
    the same for all documents of the instrument, and nothing has to be remembered. Without any of them nothing is added.
    """
    (tag,), (number,) = TAG, NUMBER
    named = entry_of(claims) or reference
    if kind.claim(TAG) is None or number not in claims or tag in claims or not named:
        return claims
    mac = await keyed(office, "instrument", f"{kind.id}\0{named}")
    return {**claims, str(tag): base64url.encode(mac[:_SIZE])}
