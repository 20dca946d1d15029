from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidEncryptionParameters, Malformed, Refused, TooLarge, VcError
from shared.jose.jwe import encrypt, generate_ephemeral, peek_header, public_half
from shared.openid4vci import (
    JWT,
    Encryption,
    RequestEncryption,
    ResponseEncryption,
    answer_key,
    check_encryption,
    choose_key,
    open_message,
    parse_encryption,
    seal_message,
)

PRIVATE = generate_ephemeral()
PUBLIC = public_half(PRIVATE)
OTHER = generate_ephemeral()
REQUESTS = RequestEncryption(keys=(PUBLIC,))
ANSWERS = ResponseEncryption()
WHERE = "/credential_response_encryption"


def without(name: str) -> dict[str, Any]:
    return {member: value for member, value in PUBLIC.items() if member != name}


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
def test_a_message_is_sealed_and_opened(enc: str) -> None:
    body, kind = seal_message({"a": "ä"}, Encryption(PUBLIC, enc))
    assert kind == JWT
    assert {name: peek_header(body.decode())[name] for name in ("alg", "enc", "kid")} == {
        "alg": "ECDH-ES",
        "enc": enc,
        "kid": PUBLIC["kid"],
    }
    opened = open_message(body, JWT, (OTHER, PRIVATE))
    assert (json.loads(opened.data), opened.encrypted) == ({"a": "ä"}, True)


def test_a_plain_message_is_json() -> None:
    body, kind = seal_message({"a": 1}, None)
    assert (body, kind) == (b'{"a":1}', "application/json")
    opened = open_message(body, kind, ())
    assert (opened.data, opened.encrypted) == (body, False)


SEALED = seal_message({}, Encryption(PUBLIC, "A128GCM"))[0]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"a.b.c.d.e", b"\xff", SEALED[:-1], SEALED[:-4] + b"AAAA", encrypt(b"{}", without("kid"), enc="A128GCM").encode()],
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidEncryptionParameters):
        open_message(body, JWT, (PRIVATE,))


def test_a_key_that_is_not_ours_and_other_bodies_are_refused() -> None:
    with pytest.raises(InvalidEncryptionParameters):
        open_message(SEALED, JWT, (OTHER,))
    with pytest.raises(InvalidEncryptionParameters):
        open_message(SEALED, JWT, ())
    with pytest.raises(Malformed):
        open_message(SEALED, "text/plain", (PRIVATE,))
    with pytest.raises(TooLarge):
        open_message(SEALED, JWT, (PRIVATE,), max_bytes=10)


def test_the_parameters_of_an_answer_are_read() -> None:
    assert parse_encryption({}) is None
    found = parse_encryption({WHERE[1:]: {"jwk": PUBLIC, "enc": "A128GCM", "new": 1}})
    assert found == Encryption(PUBLIC, "A128GCM")


@pytest.mark.parametrize(
    ("part", "where"),
    [
        ([], WHERE),
        ({"enc": "A128GCM"}, f"{WHERE}/jwk"),
        ({"jwk": PUBLIC}, f"{WHERE}/enc"),
        ({"jwk": PUBLIC, "enc": "A128CBC-HS256"}, f"{WHERE}/enc"),
        ({"jwk": PUBLIC, "enc": "A128GCM", "zip": "DEF"}, f"{WHERE}/zip"),
        ({"jwk": without("alg"), "enc": "A128GCM"}, f"{WHERE}/jwk/alg"),
        ({"jwk": {**PUBLIC, "alg": "RSA-OAEP-256"}, "enc": "A128GCM"}, f"{WHERE}/jwk/alg"),
        ({"jwk": {**PUBLIC, "alg": "ECDH-ES+A128KW"}, "enc": "A128GCM"}, f"{WHERE}/jwk/alg"),
        ({"jwk": {**PUBLIC, "use": "sig"}, "enc": "A128GCM"}, f"{WHERE}/jwk/use"),
        ({"jwk": PRIVATE, "enc": "A128GCM"}, f"{WHERE}/jwk"),
        ({"jwk": {"kty": "RSA", "alg": "ECDH-ES"}, "enc": "A128GCM"}, f"{WHERE}/jwk/crv"),
    ],
)
def test_other_parameters_are_refused_with_their_own_code(part: Any, where: str) -> None:
    with pytest.raises(InvalidEncryptionParameters) as caught:
        parse_encryption({WHERE[1:]: part})
    assert caught.value.where == where


ASKED = Encryption(PUBLIC, "A128GCM")
MUST_ASK = RequestEncryption(keys=(PUBLIC,), required=True)
MUST_ANSWER = ResponseEncryption(required=True)


@pytest.mark.parametrize(
    ("asked", "encrypted", "requests", "answers"),
    [
        (None, False, None, None),
        (None, False, REQUESTS, ANSWERS),
        (None, True, MUST_ASK, ANSWERS),
        (ASKED, True, REQUESTS, ANSWERS),
        (ASKED, True, MUST_ASK, MUST_ANSWER),
    ],
)
def test_what_fits_the_issuers_metadata_is_taken(
    asked: Encryption | None, encrypted: bool, requests: RequestEncryption | None, answers: ResponseEncryption | None
) -> None:
    check_encryption(asked, encrypted=encrypted, requests=requests, answers=answers)


@pytest.mark.parametrize(
    ("asked", "encrypted", "requests", "answers"),
    [
        (None, False, MUST_ASK, None),
        (None, True, MUST_ASK, MUST_ANSWER),
        (ASKED, False, None, None),
        (ASKED, True, REQUESTS, None),
        (ASKED, False, REQUESTS, ANSWERS),  # anybody on the way could put in another key
        (ASKED, True, REQUESTS, ResponseEncryption(encs=("A256GCM",))),
        (ASKED, True, REQUESTS, ResponseEncryption(algs=("ECDH-ES+A256KW",))),
    ],
)
def test_what_does_not_is_refused(
    asked: Encryption | None, encrypted: bool, requests: RequestEncryption | None, answers: ResponseEncryption | None
) -> None:
    with pytest.raises(InvalidEncryptionParameters):
        check_encryption(asked, encrypted=encrypted, requests=requests, answers=answers)


def test_a_wallet_takes_the_first_key_of_use_and_the_strongest_cipher() -> None:
    useless = (
        {"kty": "RSA", "n": "x", "e": "AQAB", "kid": "r", "alg": "RSA-OAEP"},
        without("kid"),
        without("alg"),
        {**PUBLIC, "use": "sig"},
    )
    assert choose_key(RequestEncryption(keys=(*useless, PUBLIC), encs=("new", "A128GCM", "A256GCM"))) == Encryption(PUBLIC, "A256GCM")
    assert choose_key(RequestEncryption(keys=(PUBLIC,), encs=("A128GCM",))).enc == "A128GCM"
    for part in (RequestEncryption(keys=useless), RequestEncryption(keys=(PUBLIC,), encs=("A128CBC-HS256",))):
        with pytest.raises(Refused):
            choose_key(part)


def test_a_wallet_asks_for_what_the_issuer_can_do() -> None:
    assert answer_key(ANSWERS, PRIVATE) == Encryption(PUBLIC, "A256GCM")
    assert answer_key(ResponseEncryption(encs=("A128GCM",)), PRIVATE).enc == "A128GCM"
    for part in (ResponseEncryption(algs=("RSA-OAEP",)), ResponseEncryption(encs=("A128CBC-HS256",))):
        with pytest.raises(Refused):
            answer_key(part, PRIVATE)


@given(st.binary(), st.sampled_from([JWT, "application/json", "x/y"]))
def test_any_bytes_are_a_message_or_a_vc_error(body: bytes, kind: str) -> None:
    for data in (body, SEALED + body):
        try:
            open_message(data, kind, (PRIVATE,))
        except VcError:
            continue


@given(
    st.recursive(
        st.none() | st.text(max_size=4) | st.integers(),
        lambda each: st.dictionaries(st.sampled_from(["jwk", "enc", "zip", "alg", "kty", "crv", "x", "y"]), each),
    )
)
def test_any_parameters_are_read_or_a_vc_error(part: Any) -> None:
    try:
        parse_encryption({WHERE[1:]: part})
    except VcError:
        return
