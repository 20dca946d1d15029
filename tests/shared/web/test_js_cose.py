"""The scripts' keys, signatures, seals and challenges against ours: equal verdicts on good, odd and hostile ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support import judging
from support.signing import Signer

from shared.codec import base64url, cbor
from shared.cose import kid_of, parse_cose_key, prepare_sign1, render_cose_key, thumbprint
from shared.cose.sign1 import parse_sign1, verify_sign1
from shared.cose.typ import CHALLENGE, KEY_BINDING, SD_CWT, STATUS_LIST, Typ
from shared.jose.jwk import parse_public_jwk, render_jwk
from shared.jose.jwk import thumbprint as jwk_thumbprint
from shared.keys import KeyId, PublicKey
from shared.ovp import code as codes
from shared.ovp import seal

pytestmark = pytest.mark.real

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ED_P = 2**255 - 19
ED_ORDER = 2**252 + 27742317777372353535851937790883648493
SMALL = (0, 1, ED_P - 1, ED_P, ED_P + 1, 2**255 - 1)
EIGHTH = (
    2707385501144840649318225287225658788936804267575313519463743609750303402022,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
)
"""Edwards y of the points of order eight; with those above, every spelling of every point of small order (RFC 8032 section 5.1)."""


def jwk_of(kind: str, data: bytes) -> dict[str, str]:
    if kind == "EdDSA":
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(data)}
    half = len(data) // 2
    return {"kty": "EC", "crv": "P-256", "x": base64url.encode(data[:half]), "y": base64url.encode(data[half:])}


def signature(case: Mapping[str, Any]) -> bool:
    parse_public_jwk(case["jwk"]).verify(bytes.fromhex(case["signature"]), bytes.fromhex(case["message"]))
    return True


def asked(jwk: Mapping[str, str], message: bytes, signed: bytes) -> dict[str, Any]:
    return {"op": "signature", "jwk": jwk, "message": message.hex(), "signature": signed.hex()}


def test_ed25519_edge_vectors_python_equals_js() -> None:
    signer = Signer.new("EdDSA")
    jwk, message = render_jwk(signer.public), b"muniment"
    good = signer.raw(message)
    s = int.from_bytes(good[32:], "little")
    sizes = [good[:63], good + b"\0", b"", good[:32] + bytes(32), bytes(32) + good[32:], bytes(64)]
    respelt = [good[:32] + (s + ED_ORDER * times).to_bytes(32, "little") for times in (1, 2, 8)]
    edges = [good[:32] + value.to_bytes(32, "little") for value in (0, 1, ED_ORDER - 1, ED_ORDER, ED_ORDER + 1, 2**252, 2**255, 2**256 - 1)]
    flipped = [bytes(byte ^ (1 << bit) if at == where else byte for at, byte in enumerate(good)) for where in range(64) for bit in (0, 7)]
    cases = [asked(jwk, message, each) for each in (good, *sizes, *respelt, *edges, *flipped)]
    points = [(y | sign << 255).to_bytes(32, "little") for y in (*SMALL, *EIGHTH, *(ED_P + y for y in range(2, 19)), 2) for sign in (0, 1)]
    for point in points:
        for r in (point, good[:32], (1).to_bytes(32, "little")):
            cases += [asked(jwk_of("EdDSA", point), message, r + bytes(32)), asked(jwk_of("EdDSA", point), message, r + good[32:])]
            cases.append(asked(jwk, message, r + good[32:]))
    # S = 0 and R = A of order one: the equation holds for every message, so that only the key's own check refuses it.
    cases.append(asked(jwk_of("EdDSA", (1).to_bytes(32, "little")), b"anything", (1).to_bytes(32, "little") + bytes(32)))
    assert judging.equal(cases, signature) == sum(each == asked(jwk, message, good) for each in cases)


def test_ed25519_keys_of_small_order_are_no_keys_in_either_form() -> None:
    points = [(y | sign << 255).to_bytes(32, "little") for y in (*SMALL, *EIGHTH) for sign in (0, 1)]
    maps = [cbor.dumps({1: 1, -1: 6, -2: point}) for point in points]
    assert {answer["code"] for answer in judging.judge({"op": "cose_key", "data": each.hex()} for each in maps)} == {"malformed"}
    judging.equal([{"op": "cose_key", "data": each.hex()} for each in maps], cose_key)


def test_ecdsa_edge_vectors_python_equals_js() -> None:
    signer = Signer.new()
    jwk, message = render_jwk(signer.public), b"muniment"
    good = signer.raw(message)
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")

    def raw(first: int, second: int) -> bytes:
        return first.to_bytes(32, "big") + second.to_bytes(32, "big")

    high = raw(r, N - s)  # as good a signature as the other
    numbers = (0, 1, N - 1, N, N + 1, P, 2**256 - 1)
    cases = [asked(jwk, message, each) for each in (good, high, good[:63], good + b"\0", b"\0" + good, b"")]
    cases += [asked(jwk, message, raw(one, other)) for one in (*numbers, r) for other in (*numbers, s) if (one, other) != (r, s)]
    cases += [asked(jwk, message, raw(r + N, s) if r + N < 2**256 else raw(r, 0))]
    for point in (bytes(64), b"\xff" * 64, P.to_bytes(32, "big") + bytes(32), (0).to_bytes(32, "big") + (1).to_bytes(32, "big")):
        cases.append(asked(jwk_of("ES256", point), message, good))
    assert judging.equal(cases, signature) == 2


@pytest.mark.vectors
@pytest.mark.parametrize("name", ["ed25519_test", "ecdsa_secp256r1_sha256_p1363_test", "ecdsa_secp384r1_sha384_p1363_test"])
def test_wycheproof_python_equals_js(vectors: Callable[[str], Path], name: str) -> None:
    doc = json.loads(vectors(f"wycheproof/{name}.json").read_text("utf-8"))
    cases, results = [], []
    for group in doc["testGroups"]:
        public = group.get("publicKeyJwk") or group.get("jwk")
        if public is None:
            point = bytes.fromhex(group["publicKey"].get("uncompressed", "")[2:] or group["publicKey"]["pk"])
            half = len(point) // 2
            public = jwk_of("EdDSA", point) if "ed25519" in name else jwk_of("ES256", point) | {"crv": "P-256" if half == 32 else "P-384"}
        public = {member: public[member] for member in ("kty", "crv", "x", "y") if member in public}
        for test in group["tests"]:
            cases.append(asked(public, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])))
            results.append(test["result"])
    good = judging.equal(cases, signature)
    assert len(cases) > 100
    assert good >= results.count("valid") - 5  # a key that is refused for its form takes its tests with it
    for result, answer in zip(results, judging.judge(cases), strict=True):
        assert result != "invalid" or "code" in answer


def cose_key(case: Mapping[str, Any]) -> list[str]:
    key = parse_cose_key(cbor.loads(bytes.fromhex(case["data"])))
    return [key.alg, thumbprint(key).hex(), kid_of(key).hex()]


def test_cose_keys() -> None:
    dice = judging.dice(7)
    maps: list[Any] = []
    for alg in ("ES256", "ES384", "EdDSA") * 12:
        public = Signer.new(alg).public
        short = render_cose_key(public)
        maps.append(short)
        if alg != "EdDSA":
            point = public.key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            whole = {**short, -3: point[1 + len(short[-2]) :]}
            maps += [whole, {**short, -3: not short[-3]}, {**whole, -3: whole[-3][:-1]}, {**whole, -3: dice.randbytes(len(whole[-3]))}]
            maps += [{**short, -2: dice.randbytes(len(short[-2]))} for _ in range(6)]
            maps += [{**short, -3: 1}, {**short, -1: 3 - short[-1]}, {**short, -1: 4}, {**short, -2: b"\xff" * len(short[-2])}]
        maps += [
            {**short, 3: -7},
            {name: short[name] for name in short if name != -2},
            {**short, 1: 4},
            {**short, 1: True},
            {**short, -1: "1"},
            [],
            7,
        ]
    cases = [{"op": "cose_key", "data": cbor2.dumps(each).hex()} for each in maps]
    assert judging.equal(cases, cose_key) > 100


def test_jwks() -> None:
    keys = [render_jwk(Signer.new(alg).public) for alg in ("ES256", "ES384", "EdDSA")]
    cases = [{"op": "jwk", "jwk": each} for each in keys]
    cases += [{"op": "jwk", "jwk": {**keys[0], "d": keys[0]["x"]}}, {"op": "jwk", "jwk": {**keys[0], "crv": "P-521"}}]
    assert judging.equal(cases, lambda case: jwk_thumbprint(parse_public_jwk(case["jwk"]))) == 3


def test_sign1() -> None:
    dice = judging.dice(8)
    cases = []
    for alg in ("ES256", "ES384", "EdDSA") * 10:
        signer, other = Signer.new(alg), Signer.new()
        typ: Typ = dice.choice([SD_CWT, KEY_BINDING, CHALLENGE, STATUS_LIST])
        data = signer.finish(prepare_sign1(typ=typ, payload=dice.randbytes(20), key=KeyId("k"), alg=alg, protected={4: b"12345678"}))
        item = cbor.loads(data)
        shapes: list[Any] = [
            item,
            cbor2.CBORTag(17, item.value),
            item.value,
            cbor2.CBORTag(18, item.value[:3]),
            cbor2.CBORTag(18, [*item.value[:3], item.value[3] + b"\0"]),
            *(cbor2.CBORTag(18, [*item.value[:at], "text", *item.value[at + 1 :]]) for at in range(4)),
            cbor2.CBORTag(18, [item.value[0], {1: -9}, *item.value[2:]]),
            cbor2.CBORTag(18, [item.value[0], {33: b"x"}, *item.value[2:]]),
            cbor2.CBORTag(18, [b"", {}, *item.value[2:]]),
            cbor2.CBORTag(18, [b"\xa0", {}, *item.value[2:]]),
        ]
        for shape in shapes:
            cases += [sign1_case(cbor2.dumps(shape), key.public, typ) for key in (signer, other)]
        cases += [sign1_case(data, signer.public, each) for each in (SD_CWT, KEY_BINDING, CHALLENGE, STATUS_LIST)]
        for name, value in ((1, -7), (1, -8), (1, -35), (1, -36), (1, "ES256"), (2, [16]), (16, typ.name), (16, True)):
            protected = cbor.dumps({**cbor.loads(item.value[0]), name: value})
            signed = signer.raw(b"\x84\x6aSignature1" + cbor.dumps(protected) + b"\x40" + cbor.dumps(item.value[2]))
            cases.append(sign1_case(cbor2.dumps(cbor2.CBORTag(18, [protected, {}, item.value[2], signed])), signer.public, typ))
    assert judging.equal(cases, sign1) > 100


def sign1_case(data: bytes, public: PublicKey, typ: Typ) -> dict[str, Any]:
    return {"op": "sign1", "data": data.hex(), "jwk": render_jwk(public), "typ": [typ.value, *typ.aliases]}


def sign1(case: Mapping[str, Any]) -> str:
    parsed = parse_sign1(bytes.fromhex(case["data"]))
    value, *aliases = case["typ"]
    verify_sign1(parsed, parse_public_jwk(case["jwk"]), typ=Typ(value, "", tuple(aliases)))
    return parsed.payload.hex()


def test_hpke_rfc9180_vector_and_each_others_seals() -> None:
    # RFC 9180 appendix A.1.1, sequence number 0, without its associated data: made here from the same keys.
    ephemeral = bytes.fromhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736")
    enc = bytes.fromhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
    secret = bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
    public = bytes.fromhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d")
    info = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
    plaintext = b"Beauty is truth, truth beauty"
    sealed = seal.seal(plaintext, public, info, entropy=lambda _size: ephemeral)
    assert sealed[:32] == enc
    case = {"op": "hpke", "secret": secret.hex(), "publicBytes": public.hex(), "info": info.hex(), "sealed": sealed.hex()}
    same = {**case, "enc": {"secret": ephemeral.hex(), "publicBytes": enc.hex()}}
    wrong = [
        {**case, "info": info.hex() + "00"},
        {**case, "sealed": sealed[:-1].hex()},
        {**case, "sealed": sealed[:40].hex()},
        {**case, "sealed": (bytes(32) + sealed[32:]).hex()},
        {**case, "sealed": (sealed[:40] + bytes((sealed[40] ^ 1,)) + sealed[41:]).hex()},
        {**case, "secret": ephemeral.hex(), "publicBytes": enc.hex()},
    ]
    judged = judging.judge([same])
    assert judged == [{"ok": [plaintext.hex(), sealed.hex()]}]
    assert judging.equal([case, *wrong], opened) == 1


def opened(case: Mapping[str, Any]) -> str:
    return seal.open_sealed(bytes.fromhex(case["sealed"]), bytes.fromhex(case["secret"]), bytes.fromhex(case["info"])).hex()


def test_codes() -> None:
    dice = judging.dice(9)
    cases = []
    for _ in range(200):
        entity, use = dice.choice(["https://bank.example", "urn:é"]), dice.choice(["bank", "council-tax"])
        good = codes.make_code(entity=entity, use=use, entropy=dice.randbytes)
        typed = dice.choice([good, f"{good[:4]} {good[4:8]}-{good[8:]}", good[:-1], "a" + good[1:], f"{int(good) ^ 1:010d}", "٣" * 10])
        cases.append({"op": "code", "typed": typed, "entity": entity, "use": dice.choice([use, "bank"])})
    assert judging.equal(cases, coded) > 50


def coded(case: Mapping[str, Any]) -> list[str]:
    digits = codes.parse_code(case["typed"], entity=case["entity"], use=case["use"])
    return [digits, codes.code_nonce(digits, entity=case["entity"], use=case["use"]).hex()]
