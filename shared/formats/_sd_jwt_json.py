"""JWS JSON serialisation of SD-JWTs (RFC 9901 section 8), flattened and general.

Disclosures and the binding travel in the unprotected header; everything else is as in the compact serialisation, which is put together
again because ``sd_hash`` covers it. ``sd_jwt_vc`` takes the compact one alone, as OpenID4VP does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..codec import reader
from ..errors import Malformed
from ._sd_jwt import MAX_BYTES, MAX_DISCLOSURES, SdJwt, assemble

MAX_SIGNATURES: Final = 8
_CARRIED: Final = ("disclosures", "kb_jwt")


def parse_sd_jwt_json(obj: Mapping[str, Any]) -> tuple[SdJwt, ...]:
    """One for each signature, over the same payload, with the same disclosures and binding.

    ``sd_hash`` covers the first signature, in whose header disclosures and binding stand; no other header may have them.
    """
    payload = reader.get_str(obj, "payload", max_length=MAX_BYTES)
    general = "signatures" in obj
    if general == ("signature" in obj):
        raise Malformed("either one signature or several are demanded here", where="/signature")
    entries = reader.get_objects(obj, "signatures", min_items=1, max_items=MAX_SIGNATURES) if general else [obj]
    where = "/signatures/0" if general else ""
    header = reader.get_object(entries[0], "header", where, optional=True) or {}
    texts = reader.get_strings(header, "disclosures", f"{where}/header", optional=True, max_items=MAX_DISCLOSURES) or ()
    binding = reader.get_str(header, "kb_jwt", f"{where}/header", optional=True, max_length=65_536) or ""
    for at, entry in enumerate(entries[1:], 1):
        other = reader.get_object(entry, "header", f"/signatures/{at}", optional=True) or {}
        if any(name in other for name in _CARRIED):
            raise Malformed("disclosures and binding stand in the first header", where=f"/signatures/{at}/header")
    tokens = [_token(entry, payload, f"/signatures/{at}" if general else "") for at, entry in enumerate(entries)]
    presented = "~".join([tokens[0], *texts, ""])
    return tuple(assemble(token, texts, presented, binding) for token in tokens)


def _token(entry: Mapping[str, Any], payload: str, where: str) -> str:
    protected = reader.get_str(entry, "protected", where, max_length=65_536)
    return f"{protected}.{payload}.{reader.get_str(entry, 'signature', where)}"
