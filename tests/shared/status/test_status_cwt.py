from __future__ import annotations

import zlib
from contextlib import suppress
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer
from support.trial_verify import DAY, LIST, registry, status_cwt, status_list, status_token

from shared.codec import base64url, cbor
from shared.cose import (
    CHALLENGE,
    DESK_CERTIFICATE,
    KEY_BINDING,
    RP_CERTIFICATE,
    SD_CWT,
    STATUS_ASSERTION,
    STATUS_LIST,
    Typ,
    kid_of,
    parse_sign1,
    prepare_sign1,
)
from shared.errors import AlgorithmRefused, BadSignature, Malformed, StatusIndexOutOfRange, StatusUnknown, TooLarge, VcError, WrongTyp
from shared.keys import KeyId
from shared.status.token_status_list import (
    CWT_MEDIA_TYPE,
    MEDIA_TYPE,
    VerifiedStatusToken,
    body_of,
    parse_token,
    prepare_cwt,
    prepare_token,
    status_at,
    verify_token,
)

CLAIMS: dict[Any, Any] = {2: LIST, 6: AT, 4: AT + DAY, 65_534: 60, 65_533: {"bits": 2, "lst": zlib.compress(bytes(2**15))}}


def made(
    claims: object = CLAIMS, *, typ: Typ = STATUS_LIST, header: dict[Any, Any] | None = None, outside: dict[Any, Any] | None = None
) -> bytes:
    signer = registry().signer
    return signer.finish(
        prepare_sign1(typ=typ, payload=cbor.dumps(claims), key=KeyId("issuer"), protected=header or {}, unprotected=outside or {})
    )


def changed(**changes: object) -> dict[Any, Any]:
    names = {"sub": 2, "iat": 6, "exp": 4, "ttl": 65_534, "status_list": 65_533}
    claims = CLAIMS | {names[name]: value for name, value in changes.items()}
    return {name: value for name, value in claims.items() if value is not None}


def checked(token: str | bytes, *, at: int = AT) -> VerifiedStatusToken:
    return verify_token(parse_token(token), uri=LIST, key=registry().signer.public, at=at)


def test_both_forms_of_one_version_say_the_same() -> None:
    values = {3: 1, 4: 2, 99_999: 1}
    cwt, jwt = checked(status_cwt(values, iat=AT)), checked(status_token(values, iat=AT))
    members = ("uri", "iat", "exp", "ttl", "bits", "compressed", "x5c")
    assert [getattr(cwt, name) for name in members] == [getattr(jwt, name) for name in members]
    assert cwt.said == jwt.said
    assert (cwt.media_type, jwt.media_type) == (CWT_MEDIA_TYPE, MEDIA_TYPE)
    assert [status_at(cwt, index) for index in range(2, 6)] == [0, 1, 2, 0]
    with pytest.raises(StatusIndexOutOfRange):
        status_at(cwt, 2**17)


def test_what_is_said_does_not_depend_on_how_it_was_compressed_and_signed() -> None:
    signer, statuses = registry().signer, status_list({7: 1})
    raw = zlib.compress(statuses.data, 1)
    jwt = signer.finish(prepare_token(list=statuses, uri=LIST, iat=AT, key=KeyId("i"), compressed=raw))
    cwt = signer.finish(prepare_cwt(list=statuses, uri=LIST, iat=AT, exp=AT + DAY, ttl=5, key=KeyId("i"), kid=b"k"))
    assert checked(jwt).compressed != checked(cwt).compressed
    assert checked(jwt).said == checked(cwt).said
    assert checked(cwt).said != checked(status_cwt({8: 1}, iat=AT)).said
    assert checked(status_cwt(size=2**17, bits=2, iat=AT)).said != checked(status_cwt(size=2**18, bits=1, iat=AT)).said


def test_a_list_travels_as_bytes_and_lies_as_text() -> None:
    for wire in (status_cwt(iat=AT), status_token(iat=AT)):
        token = parse_token(wire)
        assert parse_token(token.body) == parse_token(token.text) == token
        assert isinstance(token.body, bytes)
        assert body_of(token.text) == token.body
        assert token.text.isascii()
    assert parse_token(status_cwt(iat=AT)).kid == kid_of(registry().signer.public)


def test_the_wire_is_as_the_specification_has_it() -> None:
    """Token Status List section 5.2: tag 18, the media type as ``typ``; the key's name is signed, certificates are not."""
    sign1 = parse_sign1(status_cwt(iat=AT))
    assert sign1.protected == {1: -9, 4: kid_of(registry().signer.public), 16: "application/statuslist+cwt"}
    assert sign1.unprotected == {33: registry().x5c[0]}
    claims = cbor.loads(sign1.payload)
    assert {name: claims[name] for name in (2, 6, 4, 65_534)} == {2: LIST, 6: AT, 4: AT + 7 * DAY, 65_534: 3600}
    assert list(claims) == [2, 4, 6, 65_533, 65_534]
    assert (claims[65_533]["bits"], type(claims[65_533]["lst"])) == (2, bytes)
    assert parse_sign1(status_cwt(x5c=())).unprotected == {}


def test_longer_chains_are_an_array() -> None:
    pair = (registry().x5c[0], b"another")
    assert parse_token(status_cwt(x5c=pair)).x5c == pair
    assert parse_token(status_cwt(x5c=())).x5c == ()


def test_a_signature_is_verified() -> None:
    token = parse_token(status_cwt(iat=AT))
    with pytest.raises(BadSignature):
        verify_token(token, uri=LIST, key=Signer.new().public, at=AT)
    with pytest.raises(AlgorithmRefused):
        verify_token(token, uri=LIST, key=Signer.new("EdDSA").public, at=AT)
    checked(status_cwt(iat=AT))
    with pytest.raises(BadSignature):  # known to be good for one key, and for no other
        verify_token(parse_token(status_cwt(iat=AT)), uri=LIST, key=Signer.new().public, at=AT)


def test_ages_are_those_of_the_other_form() -> None:
    assert parse_token(made(changed(exp=None, ttl=None))).exp == AT + 7 * DAY
    assert parse_token(made(changed(exp=None, ttl=None))).ttl == 3600
    for at, iat in ((AT + DAY, AT), (AT, AT + 61)):
        with pytest.raises(StatusUnknown):
            checked(made(changed(iat=iat)), at=at)
    with pytest.raises(StatusUnknown):
        checked(status_cwt(uri=LIST + "0", iat=AT))


def test_typ_swap_is_refused() -> None:
    others = (SD_CWT, KEY_BINDING, CHALLENGE, DESK_CERTIFICATE, RP_CERTIFICATE, STATUS_ASSERTION)
    for typ in (*others, Typ("application/statuslist+jwt", "x"), Typ("statuslist+cwt", "x"), Typ("APPLICATION/STATUSLIST+CWT", "x")):
        with pytest.raises(WrongTyp):
            parse_token(made(typ=typ))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"sub": None}, "/sub"),
        ({"sub": b"x"}, "/sub"),
        ({"iat": None}, "/iat"),
        ({"iat": 1.0}, "/iat"),
        ({"iat": True}, "/iat"),
        ({"iat": cbor2.CBORTag(1, 5)}, "/iat"),
        ({"exp": "1"}, "/exp"),
        ({"ttl": 0}, "/ttl"),
        ({"status_list": None}, "/status_list"),
        ({"status_list": []}, "/status_list"),
        ({"status_list": {"bits": 3, "lst": b""}}, "/status_list/bits"),
        ({"status_list": {"bits": 1}}, "/status_list/lst"),
        ({"status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ"}}, "/status_list/lst"),
    ],
)
def test_other_claims_are_malformed(changes: dict[str, object], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_token(made(changed(**changes)))
    assert caught.value.where == where


def test_more_that_is_malformed() -> None:
    some: tuple[object, ...] = ([], "x", 7)
    for claims in some:
        with pytest.raises(Malformed):
            parse_token(made(claims))
    beside: tuple[dict[Any, Any], ...] = ({33: "x"}, {33: [1]}, {33: [b"a"] * 5}, {33: {}}, {4: 12})
    for outside in beside:
        with pytest.raises(Malformed):
            parse_token(made(outside=outside))
    with pytest.raises(Malformed):
        parse_token(made() + b"\0")
    with pytest.raises(TooLarge):
        parse_token(b"\xd2" + bytes(10_000_001))


@pytest.mark.parametrize("lst", [b"no zlib", zlib.compress(b"\0" * 64)[:-1], zlib.compress(b"\0") + b"\0", b""])
def test_what_is_no_zlib_stream_is_malformed(lst: bytes) -> None:
    with pytest.raises(Malformed):
        status_at(checked(made(changed(status_list={"bits": 1, "lst": lst}))), 0)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"\xd2\x84" + tail))
def test_any_bytes_are_a_token_or_a_vc_error(data: bytes) -> None:
    with suppress(VcError):
        parse_token(data)


@given(st.binary(max_size=200).map(base64url.encode) | st.text(max_size=50))
def test_any_text_is_a_token_or_a_vc_error(text: str) -> None:
    with suppress(VcError):
        parse_token(text)


_CBOR = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.binary(max_size=3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(0, 9) | st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from([2, 4, 6, 65_533, 65_534]), _CBOR | st.just(LIST) | st.builds(dict, bits=_CBOR, lst=st.binary(max_size=9))
    )
)
def test_any_claims_are_a_token_or_a_vc_error(claims: dict[int, object]) -> None:
    header = cbor.dumps({1: -9, 16: STATUS_LIST.value})
    with suppress(VcError):
        parse_token(cbor.dumps(cbor2.CBORTag(18, [header, {}, cbor.dumps(claims), bytes(64)])))


def test_every_bit_of_a_list_is_signed() -> None:
    """But for the certificates beside it, which are judged for themselves."""
    data = status_cwt(size=16, x5c=(), iat=AT)
    for at in range(len(data) * 8):
        bent = bytearray(data)
        bent[at >> 3] ^= 1 << (at & 7)
        with pytest.raises(VcError):
            checked(bytes(bent))
