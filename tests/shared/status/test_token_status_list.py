from __future__ import annotations

import json
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer
from support.trial_verify import DAY, LIST, registry, status_token

from shared.codec import base64url
from shared.codec.inflate import inflate as whole
from shared.errors import (
    AlgorithmRefused,
    BadSignature,
    Malformed,
    Revoked,
    StatusIndexOutOfRange,
    StatusUnknown,
    Suspended,
    TooLarge,
    VcError,
    WrongTyp,
)
from shared.jose.jws import prepare_jws
from shared.keys import KeyId
from shared.status import token_status_list as tsl
from shared.status.token_status_list import StatusList, VerifiedStatusToken, draw_index, parse_token, status_at, verify_token

KEY = KeyId("issuer")


def raw_token(claims: object, *, typ: str = "statuslist+jwt", signer: Signer | None = None, header: dict[str, object] | None = None) -> str:
    signer = signer or registry().signer
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return signer.finish(prepare_jws(typ=typ, payload=payload, key=KEY, header=header or {}))


def plain_claims(**changes: object) -> dict[str, object]:
    lst = base64url.encode(zlib.compress(bytes(2**15)))
    claims = {"sub": LIST, "iat": AT, "exp": AT + DAY, "ttl": 60, "status_list": {"bits": 2, "lst": lst}}
    return {name: value for name, value in (claims | changes).items() if value is not None}


def checked(token: str, *, at: int = AT) -> VerifiedStatusToken:
    return verify_token(parse_token(token), uri=LIST, key=registry().signer.public, at=at)


# --- the list -------------------------------------------------------------------------------------------------------------------------


def test_first_entry_is_the_least_significant_bits() -> None:
    """Token Status List section 4.1: the bytes b9 a3 are 1,0,0,1,1,1,0,1,1,1,0,0,0,1,0,1."""
    statuses = StatusList.from_bytes(1, bytes.fromhex("b9a3"))
    assert [statuses.get(index) for index in range(statuses.size)] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]


@given(st.sampled_from([1, 2, 4, 8]), st.data())
def test_what_is_set_is_read_back_and_nothing_else_changes(bits: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    wanted = data.draw(st.lists(st.integers(0, 2**bits - 1), min_size=size, max_size=size))
    statuses = StatusList(bits, size)
    for index in data.draw(st.permutations(range(size))):
        statuses.set(index, 2**bits - 1)
        statuses.set(index, wanted[index])
    assert [statuses.get(index) for index in range(size)] == wanted
    again = StatusList.from_bytes(bits, zlib.decompress(statuses.compressed()))
    assert [again.get(index) for index in range(size)] == wanted


@pytest.mark.parametrize("index", [-1, 16])
def test_an_index_outside_is_refused(index: int) -> None:
    statuses = StatusList(2, 16)
    with pytest.raises(StatusIndexOutOfRange):
        statuses.get(index)
    with pytest.raises(StatusIndexOutOfRange):
        statuses.set(index, 1)


@pytest.mark.parametrize("value", [-1, 4])
def test_a_value_that_does_not_fit_is_a_bug(value: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        StatusList(2, 16).set(0, value)


def test_a_received_list_is_only_read() -> None:
    with pytest.raises(TypeError, match="only read"):
        StatusList.from_bytes(2, b"\0").set(0, 1)


@pytest.mark.parametrize("bits", [0, 3, 16])
def test_other_widths_do_not_exist(bits: int) -> None:
    with pytest.raises(Malformed):
        StatusList(bits, 8)
    with pytest.raises(Malformed):
        StatusList.from_bytes(bits, b"\0\0")


def test_trap_17_indices_are_drawn_not_counted() -> None:
    dice = iter([b"\xff\xff\xff", b"\x00\x00\x05", b"\xf4\x24\x00", b"\xf4\x23\xff"])  # 0xf42400 is 16 whole rounds
    assert [draw_index(1_000_000, lambda _size: next(dice)) for _ in range(2)] == [5, 999_999]


def test_each_index_can_be_drawn_and_no_other() -> None:
    dice = iter(range(256))
    drawn = [draw_index(10, lambda _size: bytes([next(dice)])) for _ in range(250)]
    assert {index: drawn.count(index) for index in range(10)} == dict.fromkeys(range(10), 25)
    assert draw_index(1, bytes) == 0


# --- the token ------------------------------------------------------------------------------------------------------------------------


def test_a_token_lives_seven_days_and_is_fetched_again_after_an_hour() -> None:
    token = parse_token(status_token(iat=AT))
    assert (token.exp, token.ttl, token.uri, token.x5c) == (AT + 7 * DAY, 3600, LIST, registry().x5c)


def test_values_survive_the_way() -> None:
    token = checked(status_token({3: 1, 4: 2, 5: 3}, iat=AT))
    assert [status_at(token, index) for index in range(2, 7)] == [0, 1, 2, 3, 0]
    with pytest.raises(StatusIndexOutOfRange):
        status_at(token, 2**17)


def test_the_three_values_and_any_other() -> None:
    tsl.check_status(tsl.VALID)
    with pytest.raises(Revoked):
        tsl.check_status(tsl.INVALID)
    with pytest.raises(Suspended):
        tsl.check_status(tsl.SUSPENDED)
    for value in range(3, 256):
        with pytest.raises(StatusUnknown):
            tsl.check_status(value)


def test_trap_1_status_token_signature_is_verified() -> None:
    token = status_token(iat=AT)
    head, body, signature = token.split(".")
    broken = base64url.encode(bytes(64))
    with pytest.raises(BadSignature):
        checked(f"{head}.{body}.{broken}")
    other = parse_token(status_token({0: 1}, iat=AT))
    with pytest.raises(BadSignature):
        checked(f"{other.text.rsplit('.', 1)[0]}.{signature}")
    with pytest.raises(BadSignature):
        verify_token(parse_token(token), uri=LIST, key=Signer.new().public, at=AT)
    with pytest.raises(AlgorithmRefused):
        verify_token(parse_token(token), uri=LIST, key=Signer.new("EdDSA").public, at=AT)


def test_a_remembered_token_is_not_remembered_for_another_key() -> None:
    token = parse_token(status_token(iat=AT))
    verify_token(token, uri=LIST, key=registry().signer.public, at=AT)
    with pytest.raises(BadSignature):
        verify_token(token, uri=LIST, key=Signer.new().public, at=AT)


def test_trap_2_a_bomb_of_100_mb_is_refused_cheaply() -> None:
    bomb = raw_token(plain_claims(status_list={"bits": 1, "lst": base64url.encode(zlib.compress(bytes(100_000_000), 9))}))
    tracemalloc.start()
    token = checked(bomb)
    with pytest.raises(TooLarge):
        status_at(token, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * tsl.MAX_INFLATED


def test_an_unsigned_bomb_is_never_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    def inflate(_data: bytes, *, max_bytes: int) -> bytes:
        raise AssertionError(max_bytes)

    monkeypatch.setattr(tsl, "inflate", inflate)
    bomb = raw_token(plain_claims(), signer=Signer.new())
    with pytest.raises(BadSignature):
        checked(bomb)


@pytest.mark.parametrize("lst", [b"no zlib", zlib.compress(b"\0" * 64)[:-1], zlib.compress(b"\0") + b"\0", b""])
def test_what_is_no_zlib_stream_is_malformed(lst: bytes) -> None:
    claims = plain_claims(status_list={"bits": 1, "lst": base64url.encode(lst)})
    with pytest.raises(Malformed):
        status_at(checked(raw_token(claims)), 0)


def test_trap_3_a_missing_end_is_not_no_end() -> None:
    token = raw_token(plain_claims(exp=None, ttl=None))
    assert parse_token(token).exp == AT + 7 * DAY
    assert parse_token(token).ttl == 3600
    checked(token, at=AT + 7 * DAY - 1)
    with pytest.raises(StatusUnknown):
        checked(token, at=AT + 7 * DAY)


def test_another_lists_token_says_nothing() -> None:
    with pytest.raises(StatusUnknown) as caught:
        checked(status_token(uri=LIST + "0", iat=AT))
    assert caught.value.where == "/sub"


def test_a_list_from_the_future_is_ignored() -> None:
    checked(status_token(iat=AT + 60))
    with pytest.raises(StatusUnknown) as caught:
        checked(status_token(iat=AT + 61))
    assert caught.value.where == "/iat"


def test_an_expired_list_is_read_for_its_origin_only() -> None:
    token = parse_token(status_token(iat=AT, exp=AT + 10))
    key = registry().signer.public
    assert tsl.verify_origin(token, uri=LIST, key=key, at=AT + 10).uri == LIST
    with pytest.raises(StatusUnknown):
        verify_token(token, uri=LIST, key=key, at=AT + 10)


@pytest.mark.parametrize("typ", ["JWT", "kb+jwt", "dc+sd-jwt", "statuslist+cwt"])
def test_typ_swap_is_refused(typ: str) -> None:
    with pytest.raises(WrongTyp):
        parse_token(raw_token(plain_claims(), typ=typ))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"sub": None}, "/sub"),
        ({"sub": 7}, "/sub"),
        ({"iat": None}, "/iat"),
        ({"iat": True}, "/iat"),
        ({"iat": -1}, "/iat"),
        ({"exp": "1"}, "/exp"),
        ({"ttl": 0}, "/ttl"),
        ({"status_list": []}, "/status_list"),
        ({"status_list": {"bits": 3, "lst": "eNrbuRgAAhcBXQ"}}, "/status_list/bits"),
        ({"status_list": {"bits": 1.0, "lst": "eNrbuRgAAhcBXQ"}}, "/status_list/bits"),
        ({"status_list": {"bits": 1}}, "/status_list/lst"),
        ({"status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ=="}}, "/status_list/lst"),
    ],
)
def test_a_malformed_token_tells_where(changes: dict[str, object], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_token(raw_token(plain_claims(**changes)))
    assert caught.value.where == where


def test_a_repeated_member_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse_token(raw_token(b'{"sub":"a","sub":"b"}'))


def test_a_list_without_certificate_is_allowed_and_a_broken_one_is_not() -> None:
    assert parse_token(raw_token(plain_claims())).x5c == ()
    with pytest.raises(Malformed):
        parse_token(raw_token(plain_claims(), header={"x5c": []}))


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}", fullmatch=True)))
def test_any_text_is_a_token_or_a_vc_error(text: str) -> None:
    with suppress(VcError):
        parse_token(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


@given(st.dictionaries(st.sampled_from(["sub", "iat", "exp", "ttl", "status_list"]), _JSON | st.just({"bits": 1, "lst": "eA"})))
def test_any_claims_are_a_token_or_a_vc_error(claims: dict[str, object]) -> None:
    payload = base64url.encode(json.dumps(claims).encode())
    header = base64url.encode(b'{"alg":"ES256","typ":"statuslist+jwt"}')
    with suppress(VcError):
        parse_token(f"{header}.{payload}.{base64url.encode(bytes(64))}")


# --- what it tells and costs ----------------------------------------------------------------------------------------------------------


def test_a_small_list_is_noticed() -> None:
    assert checked(status_token(size=tsl.MIN_SIZE - 4, iat=AT)).small
    assert not checked(status_token(size=tsl.MIN_SIZE, iat=AT)).small


def test_a_list_is_inflated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def inflate(data: bytes, *, max_bytes: int) -> bytes:
        calls.append(max_bytes)
        return whole(data, max_bytes=max_bytes)

    monkeypatch.setattr(tsl, "inflate", inflate)
    text = status_token({9: 1}, iat=AT)
    for _ in range(3):
        assert status_at(checked(text), 9) == 1
    assert calls == [tsl.MAX_INFLATED]


def test_a_malleable_signature_is_the_same_statement() -> None:
    """s and n - s both verify: whoever carries a list can respell it, but not give the issuer a second statement (S9, S19)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    token = parse_token(status_token(iat=AT))
    r, s = token.signed.signature[:32], int.from_bytes(token.signed.signature[32:], "big")
    respelt = token.text.rsplit(".", 1)[0] + "." + base64url.encode(r + (order - s).to_bytes(32, "big"))
    assert respelt != token.text
    assert checked(respelt).said == checked(token.text).said
