from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.signing import Signer

from shared.keys import _der, raw_signature


@settings(deadline=None)
@given(st.binary(min_size=64, max_size=64) | st.binary(min_size=96, max_size=96))
@example(bytes(64))
@example(bytes(31) + b"\x01" + b"\x80" + bytes(31))
@example(b"\xff" * 64)
@example(b"\x7f" * 64)
@example(b"\x80" + bytes(31) + b"\x01" + bytes(31))
@example(b"\x01" + bytes(31) + b"\x80" + bytes(31))
def test_every_frame_is_the_one_of_x962(signature: bytes) -> None:
    half = len(signature) // 2
    numbers = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
    framed = encode_dss_signature(*numbers)
    assert _der(signature) == framed
    assert raw_signature(framed, half) == signature


def test_frames_of_real_signatures_verify() -> None:
    for alg in ("ES256", "ES384"):
        signer = Signer.new(alg)
        for at in range(40):
            signer.public.verify(signer.raw(bytes([at])), bytes([at]))
