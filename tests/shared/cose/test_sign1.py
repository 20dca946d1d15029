from __future__ import annotations

import cbor2
import pytest
from support.signing import Signer

from shared.cose import CHALLENGE, SD_CWT, kid_of, parse_cose_key, parse_sign1, prepare_sign1, render_cose_key, thumbprint, verify_sign1
from shared.errors import AlgorithmRefused, BadSignature, Malformed, VcError, WrongTyp
from shared.keys import KeyId


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_round_trip(alg: str) -> None:
    signer = Signer.new(alg)
    unsigned = prepare_sign1(typ=SD_CWT, payload=b"\xa0", key=KeyId("k"), alg=alg, protected={4: kid_of(signer.public)})
    assert unsigned.typ == "application/sd-cwt"
    data = signer.finish(unsigned)
    sign1 = parse_sign1(data)
    assert sign1.protected[4] == kid_of(signer.public)
    verify_sign1(sign1, signer.public, typ=SD_CWT)
    with pytest.raises(WrongTyp):
        verify_sign1(sign1, signer.public, typ=CHALLENGE)
    with pytest.raises(BadSignature):
        verify_sign1(sign1, Signer.new(alg).public, typ=SD_CWT)
    with pytest.raises(AlgorithmRefused):
        verify_sign1(sign1, signer.public, typ=SD_CWT, algs=())
    assert parse_cose_key(cbor2.loads(cbor2.dumps(render_cose_key(signer.public)))) == signer.public
    assert len(thumbprint(signer.public)) == 32


@pytest.mark.parametrize(
    "data", [b"", b"\xa0", b"\xd2\x84\x40\xa0\x40\x40", b"\xd2\x83\x41\xa0\xa0\x40", b"\x84\x43\xa1\x01\x28\xa0\x40\x40"]
)
def test_rubbish(data: bytes) -> None:
    with pytest.raises(VcError):
        parse_sign1(data)


def test_a_header_parameter_that_must_be_understood_is_refused() -> None:
    with pytest.raises(Malformed):
        parse_sign1(cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({1: -9, 2: [99]}), {}, b"", b""])))


def test_a_point_of_small_order_is_no_key() -> None:
    with pytest.raises(Malformed):
        parse_cose_key({1: 1, -1: 6, -2: (1).to_bytes(32, "little")})
