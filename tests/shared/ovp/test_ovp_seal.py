"""The vectors are those of RFC 9180 appendix A.1.1 (DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode), public numbers."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import system_entropy
from shared.errors import BadSignature, Malformed, VcError
from shared.ovp.seal import OVERHEAD, context, generate, open_sealed, seal

INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
SK_E = bytes.fromhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736")
PK_E = bytes.fromhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
SK_R = bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
PK_R = bytes.fromhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d")
KEY = bytes.fromhex("4531685d41d65f03dc48f6b8302c05b0")
BASE_NONCE = bytes.fromhex("56d890e5accaaf011cff4b7d")
PLAINTEXT = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
CIPHERTEXT = bytes.fromhex("f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a")
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


def test_rfc_9180_appendix_a_1_1() -> None:
    assert generate(lambda _size: SK_E) == (SK_E, PK_E)
    assert generate(lambda _size: SK_R) == (SK_R, PK_R)
    dh = X25519PrivateKey.from_private_bytes(SK_E).exchange(X25519PublicKey.from_public_bytes(PK_R))
    key, nonce = context(dh, PK_E, PK_R, INFO)
    assert (key, nonce) == (KEY, BASE_NONCE)
    assert AESGCM(key).encrypt(nonce, PLAINTEXT, b"Count-0") == CIPHERTEXT


def test_the_first_message_without_aad() -> None:
    sealed = seal(PLAINTEXT, PK_R, INFO, entropy=lambda _size: SK_E)
    assert sealed[:32] == PK_E
    assert sealed[32 : 32 + len(PLAINTEXT)] == CIPHERTEXT[: len(PLAINTEXT)]  # only the tag covers the aad
    assert len(sealed) == len(PLAINTEXT) + OVERHEAD
    assert open_sealed(sealed, SK_R, INFO) == PLAINTEXT


@given(st.binary(max_size=64), st.binary(max_size=36))
def test_both_ways_with_another_implementation(plaintext: bytes, info: bytes) -> None:
    private, public = generate(system_entropy)
    theirs = X25519PrivateKey.from_private_bytes(private)
    assert SUITE.decrypt(seal(plaintext, public, info, entropy=system_entropy), theirs, info=info) == plaintext
    assert open_sealed(SUITE.encrypt(plaintext, theirs.public_key(), info=info), private, info) == plaintext


def test_another_key_another_info_or_a_changed_bit() -> None:
    private, public = generate(system_entropy)
    sealed = seal(b"answer", public, b"OVP1", entropy=system_entropy)
    for broken, key, info in (
        (sealed, generate(system_entropy)[0], b"OVP1"),
        (sealed, private, b"OVP2"),
        (sealed[:-1] + bytes((sealed[-1] ^ 1,)), private, b"OVP1"),
        (bytes((sealed[0] ^ 1,)) + sealed[1:], private, b"OVP1"),
    ):
        with pytest.raises(BadSignature):
            open_sealed(broken, key, info)


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(32), b"\x01" + bytes(31)])
def test_keys_that_are_none(public: bytes) -> None:
    with pytest.raises(Malformed):
        seal(b"answer", public, b"", entropy=system_entropy)
    with pytest.raises(Malformed):
        open_sealed(public + bytes(16), SK_R, b"")


@given(st.binary(max_size=100))
def test_a_plaintext_or_an_error(sealed: bytes) -> None:
    with pytest.raises(VcError):
        open_sealed(sealed, SK_R, b"")
