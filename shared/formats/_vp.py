"""Presentations of the data model 2.0 (section 4.13) as ``vp+jwt`` (VC-JOSE-COSE section 3.1.2): enveloped credentials in what a holder signs.

``aud``, ``nonce`` and ``iat`` of the JWT are the holder binding, for every credential in it whose ``cnf`` is the key that signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..errors import Malformed, TooLarge
from ..keys import KeyId, Unsigned
from ..vcdm import CONTEXT, ENVELOPED_CREDENTIAL, PRESENTATION, check_base, envelope, enveloped
from . import Binding
from ._binding import binding_claims
from ._segments import header_segment, unsigned

TYP: Final = "vp+jwt"
MEDIA_TYPES: Final[Mapping[str, str]] = {"application/vc+jwt": "vc+jwt", "application/vc+sd-jwt": "vc+sd-jwt"}
"""The format of what is in an envelope."""
MAX_CREDENTIALS: Final = 16


def prepare(credentials: Sequence[tuple[str, str]], binding: Binding, *, key: KeyId, at: int, alg: str, holder: str = "") -> Unsigned[str]:
    """``credentials`` are formats and wires; ``holder``, where given, is the holder's own identifier, such as a DID."""
    presentation: dict[str, Any] = {
        "@context": [CONTEXT],
        "type": [PRESENTATION],
        **({"holder": holder} if holder else {}),
        "verifiableCredential": [envelope(f"application/{name}", wire) for name, wire in credentials],
    }
    payload = presentation | binding_claims(binding, at) | presentation  # ``extra`` of a binding replaces nothing of it
    return unsigned(payload, TYP, header_segment(alg, TYP), key, alg)


def contents(presentation: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Format, wire and pointer of each credential in it. Every one is enveloped: "Credentials … MUST be secured" (section 3.1.2)."""
    check_base(presentation, PRESENTATION)
    where = "/verifiableCredential"
    listed = presentation.get("verifiableCredential")
    held = listed if type(listed) is list else [listed]
    if not held:
        raise Malformed("nothing is presented", where=where)
    if len(held) > MAX_CREDENTIALS:
        raise TooLarge(f"more than {MAX_CREDENTIALS} credentials", where=where)
    return [_content(each, f"{where}/{at}" if held is listed else where) for at, each in enumerate(held)]


def _content(held: Any, where: str) -> tuple[str, str, str]:
    if type(held) is not dict:
        raise Malformed("a presentation holds enveloped credentials", where=where)
    media_type, wire = enveloped(held, ENVELOPED_CREDENTIAL, where)
    if media_type not in MEDIA_TYPES:
        raise Malformed(f"what is in an envelope is {' or '.join(MEDIA_TYPES)}", where=f"{where}/id")
    return MEDIA_TYPES[media_type], wire, f"{where}/id"
