"""COSE (RFC 9052) over keys that somebody else holds: public keys, one signature, and what our own signed objects are called."""

from __future__ import annotations

from .key import encode_cose_key, key_bytes, kid_of, p256_key, parse_cose_key, render_cose_key, thumbprint
from .sign1 import ALGS, Sign1, alg_id, encode_sign1, join_sign1, parse_sign1, prepare_encoded, prepare_sign1, sign1_of, verify_sign1
from .typ import (
    CHALLENGE,
    CWT,
    DESK_CERTIFICATE,
    DESK_RECEIPT,
    KEY_BINDING,
    REGISTRATION,
    RP_CERTIFICATE,
    SD_CWT,
    STATUS_ASSERTION,
    STATUS_LIST,
    Typ,
)

__all__ = [
    "ALGS",
    "CHALLENGE",
    "CWT",
    "DESK_CERTIFICATE",
    "DESK_RECEIPT",
    "KEY_BINDING",
    "REGISTRATION",
    "RP_CERTIFICATE",
    "SD_CWT",
    "STATUS_ASSERTION",
    "STATUS_LIST",
    "Sign1",
    "Typ",
    "alg_id",
    "encode_cose_key",
    "encode_sign1",
    "join_sign1",
    "key_bytes",
    "kid_of",
    "p256_key",
    "parse_cose_key",
    "parse_sign1",
    "prepare_encoded",
    "prepare_sign1",
    "render_cose_key",
    "sign1_of",
    "thumbprint",
    "verify_sign1",
]
