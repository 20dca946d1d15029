"""JWS verification against the raw signature check of the same bytes."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from jwcrypto import jwk as foreign_jwk
from jwcrypto import jws as foreign_jws

from benchmarks.measure import Row, interleaved, row
from shared.jose.jws import parse_jws, prepare_jws, verify_jws
from shared.keys import KeyId, PublicKey, raw_signature

PAYLOAD = b'{"iss":"https://registry.example","iat":1795305600,"exp":1797897600,"claim":"' + b"x" * 300 + b'"}'
SHA256 = ec.ECDSA(hashes.SHA256())


def raw(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """As the software custodian does."""
    return raw_signature(key.sign(data, SHA256), 32)


def verify() -> Row:
    private = ec.generate_private_key(ec.SECP256R1())
    public = PublicKey.of(private.public_key())
    unsigned = prepare_jws(typ="dc+sd-jwt", payload=PAYLOAD, key=KeyId("k"))
    signature = raw(private, unsigned.signing_input)
    token = unsigned.complete(signature)
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    native, data = private.public_key(), unsigned.signing_input
    foreign_key = foreign_jwk.JWK.from_pyca(native)

    def ours() -> None:
        verify_jws(parse_jws(token), public, typ="dc+sd-jwt", algs=("ES256",))

    def jwcrypto() -> None:
        peer = foreign_jws.JWS()
        peer.deserialize(token)
        peer.verify(foreign_key)

    return row(
        "jws verify",
        interleaved({"floor": lambda: native.verify(der, data, SHA256), "ours": ours, "jwcrypto": jwcrypto}),
        bar=0.85,
    )
