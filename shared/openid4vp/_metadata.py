"""What each side says of itself: formats and algorithms (OpenID4VP 1.0 sections 10.1 and 11.1, appendix B). The same to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..formats import formats
from ..jose import jwe
from ..jose.jws import ALGS
from ._client import Prefix

ENCS: Final = ("A256GCM", "A128GCM")  # in the order of our preference
_COSE: Final = (-7, -9, -35, -51, -8, -19)  # ES256, ES384 and EdDSA, then by RFC 9864 with their curve
_SD_JWT: Final = {"sd-jwt_alg_values": list(ALGS), "kb-jwt_alg_values": list(ALGS)}
VP_FORMATS: Final[Mapping[str, Mapping[str, Any]]] = {
    "dc+sd-jwt": _SD_JWT,
    "vc+sd-jwt": _SD_JWT,
    "vc+jwt": {"alg_values": list(ALGS)},
    "mso_mdoc": {"issuerauth_alg_values": list(_COSE), "deviceauth_alg_values": list(_COSE)},
}


def wallet_metadata(prefix: Prefix) -> dict[str, Any]:
    """What a wallet posts when it fetches a request of a client of that prefix (section 5.10)."""
    signed = {} if prefix is Prefix.REDIRECT_URI else {"request_object_signing_alg_values_supported": list(ALGS)}
    return {
        "vp_formats_supported": {name: dict(VP_FORMATS[name]) for name in VP_FORMATS if name in formats()},
        "client_id_prefixes_supported": [Prefix.X509_HASH, Prefix.X509_SAN_DNS, Prefix.DID],
        "authorization_encryption_alg_values_supported": [jwe.ALG],
        "authorization_encryption_enc_values_supported": list(ENCS),
        **signed,
    }
