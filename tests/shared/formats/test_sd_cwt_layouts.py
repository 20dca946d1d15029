"""The layout that our issuers write is matched byte for byte. Whatever is read so must be read the same without it."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.cwt_forge import (
    FORM,
    NAMES,
    SIMPLE_59,
    changed,
    digest,
    disclosure,
    document,
    payload_of,
    presented,
    sign1,
    taken_apart,
    token,
    verify,
    wire,
)
from support.forge import ISSUER, ISSUER_URI, REPRESENTATION, issue, unb64
from support.signing import Signer

from shared.codec import cbor
from shared.cose import parse_sign1, sign1_of
from shared.errors import Malformed, VcError
from shared.formats import _kbt, _payload, sd_cwt
from shared.formats._payload import Payload, Split, split_binding
from shared.formats._typemap import type_map

TOKEN = unb64(presented())
BODY: bytes = taken_apart(issue(FORM))[2]


def flat(payload: Payload) -> Any:
    claims = cbor.loads(payload.claims.data, redacted=True) if isinstance(payload.claims, Split) else payload.claims
    return payload.members, payload.vct, payload.status, payload.holder, claims


def test_the_usual_copy_takes_the_short_way() -> None:
    usual = _payload._usual(BODY)
    assert usual is not None
    assert isinstance(usual.claims, Split)
    assert flat(usual) == flat(_payload._any(BODY, bound=True))
    assert split_binding(TOKEN) is not None
    assert isinstance(FORM.parse(presented()).inner.claims, Split)


@pytest.mark.parametrize(
    "changes",
    [
        {1: "x" * 24}, {1: "x" * 255}, {1: "x" * 256}, {1: "ŵ" * 100}, {4: 2**32}, {6: 5}, {11: 23}, {11: 255}, {11: 65_536},
        {65_535: {"status_list": {"idx": 3, "uri": "u"}}}, {65_535: {"status_list": {"idx": 2**32, "uri": "u" * 300}}}, {65_535: ...},
    ],
)  # fmt: skip
def test_other_lengths_are_read_alike(changes: dict[Any, Any]) -> None:
    body = cbor2.dumps(changed(payload_of(issue(FORM)), changes))
    whole = _payload._any(body, bound=True)
    assert flat(_payload.parse_payload(body, bound=True)) == flat(whole)
    usual = _payload._usual(body)
    assert usual is None or flat(usual) == flat(whole)


@pytest.mark.parametrize("alg", ["ES384", "EdDSA"])
def test_other_keys_take_the_long_way(alg: str) -> None:
    body = taken_apart(issue(FORM, holder=Signer.new(alg)))[2]
    assert _payload._usual(body) is None
    assert _payload.parse_payload(body, bound=True).members["iss"] == ISSUER_URI


def test_members_in_another_order_take_the_long_way() -> None:
    payload = payload_of(issue(FORM))
    body = cbor2.dumps(dict(reversed(payload.items())))
    assert _payload._usual(body) is None
    assert flat(_payload.parse_payload(body, bound=True)) == flat(_payload._any(BODY, bound=True))


def test_a_body_that_ends_early() -> None:
    for size in range(len(BODY) - 360):
        assert _payload._usual(BODY[:size]) is None


def test_claims_that_are_not_such_a_map_take_the_long_way() -> None:
    head = BODY[: BODY.index(bytes.fromhex("3a0001116f")) + 5]
    protected, outside, _, _ = taken_apart(FORM.disclose(FORM.parse(issue(FORM)), []).wire)
    tail = b"\xf8\x3b\x81\x58\x20" + bytes(32)
    for claims in (
        b"\x80",
        b"\xa0\0",
        b"\xa1",
        b"",
        b"\x05",
        tail,
        b"\xa1" + tail[:-1] + b"\0\0",
        b"\xa2" + tail,
        b"\x82\x01\x02" + tail,
        b"\xa0" + tail,
    ):
        assert _payload._usual(head + claims) is None
        with pytest.raises(Malformed):
            verify(wire(token(sign1(protected, outside, head + claims, ISSUER))))
    for claims in (b"\xa1" + tail, b"\xa1" + tail[:3] + b"\x59" + tail[4:]):
        with pytest.raises(Malformed):
            verify(wire(token(sign1(protected, outside, head + claims, ISSUER))))


def test_a_detail_in_another_form_is_refused_when_it_is_opened() -> None:
    (key, *_) = type_map(REPRESENTATION).root.groups[1].leaves
    raw = disclosure({key: 5}, -1)
    digests = sorted([digest(raw), *payload_of(issue(FORM))[-70_000][SIMPLE_59][1:]])
    text = wire(token(document(claims={SIMPLE_59: digests}, disclosures=[raw])))
    parsed = FORM.parse(text)
    with pytest.raises(Malformed, match="the form of its detail"):
        FORM.peek(parsed)
    with pytest.raises(Malformed, match="the form of its detail"):
        verify(text)


def damaged(data: bytes, at: int, cut: int, piece: bytes) -> bytes:
    begin = at % len(data)
    return data[:begin] + piece + data[begin + cut :]


@settings(deadline=None, max_examples=600)
@given(at=st.integers(0, 500), cut=st.integers(0, 3), piece=st.binary(max_size=3))
def test_a_payload_read_the_short_way_is_one(at: int, cut: int, piece: bytes) -> None:
    body = damaged(BODY, at, cut, piece)
    try:
        usual = _payload._usual(body)
        found = usual and flat(usual)
    except VcError:
        return
    if found is not None:
        assert found == flat(_payload._any(body, bound=True))


@settings(deadline=None, max_examples=600)
@given(at=st.integers(0, 900), cut=st.integers(0, 3), piece=st.binary(max_size=3))
def test_a_token_split_the_short_way_is_one(at: int, cut: int, piece: bytes) -> None:
    data = damaged(TOKEN, at, cut, piece)
    try:
        usual = split_binding(data)
    except VcError:
        return
    if usual is not None:
        outer = parse_sign1(data)
        inner = sign1_of(outer.protected[13], "/kcwt")
        assert usual[1] == inner
        assert usual[0] == replace(outer, protected={1: outer.protected[1], 16: 294})


def test_every_answer_is_the_same_without_the_short_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of good presentations and of every kind of damage to one: the facts or the error."""
    cases = [
        presented(),
        presented(*NAMES[:2]),
        wire(token(document({4: 2**32}, disclosures=[]))),
        wire(document()),
        wire(token(document())),
    ]
    data = bytearray(TOKEN)
    for at in range(0, len(data), 7):
        spoilt = bytearray(data)
        spoilt[at] ^= 0x11
        cases.append(wire(bytes(spoilt)))
    short = [answer(each) for each in cases]
    monkeypatch.setattr(sd_cwt, "split_binding", lambda _data: None)
    monkeypatch.setattr(_payload, "_usual", lambda _data: None)
    assert [answer(each) for each in cases] == short


def answer(text: str) -> Any:
    try:
        facts = verify(text)
    except VcError as error:
        return error.code
    return facts.claims, set(facts.disclosed), facts.signing_input_digest


ANSWER = {3: "l:" + "A" * 43, 6: 1_800_000_000, 39: bytes(range(32))}


@pytest.mark.parametrize(
    "changes", [{}, {6: 5}, {6: 65_536}, {6: 65_535}, {3: "é" + "A" * 43}, {3: "A" * 44}, {39: bytes(31)}, {4: 1_800_000_001}]
)
def test_answers_of_one_length_are_read_alike(changes: dict[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    payload = cbor2.dumps(dict(sorted(changed(ANSWER, changes).items())))
    usual = _kbt.parse(payload)
    assert _kbt.render(usual) == payload
    monkeypatch.setattr(_kbt, "_LITERALS", ())
    assert _kbt.parse(payload) == usual


@settings(deadline=None, max_examples=300)
@given(at=st.integers(0, 92), piece=st.binary(min_size=1, max_size=4))
def test_an_answer_read_the_short_way_is_one(at: int, piece: bytes) -> None:
    payload = cbor2.dumps(ANSWER)
    payload = (payload[:at] + piece + payload[at + len(piece) :])[: len(payload)]
    found = [told(payload)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_kbt, "_LITERALS", ())
        found.append(told(payload))
    assert found[0] == found[1]


def told(payload: bytes) -> Any:
    try:
        return _kbt.parse(payload)
    except VcError as error:
        return error.code
