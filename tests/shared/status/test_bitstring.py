from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openvc.status.bitstring import decode_bitstring, encode_bitstring, get_status_bit, new_bitstring, set_status_bit
from openvc.status.issue import build_status_list_credential, build_status_list_entry
from openvc.status.status_list import check_credential_status
from support.forge import ISSUER, ISSUER_URI, STRANGER, b64, entropy, jws
from support.signing import AT, anchor, leaf

from shared.errors import (
    BadSignature,
    Malformed,
    StatusIndexOutOfRange,
    StatusListTooShort,
    StatusUnknown,
    TooLarge,
    Unavailable,
    VcError,
    WrongTyp,
)
from shared.keys import KeyId
from shared.status.bitstring import (
    VerifiedBitstring,
    bits_of,
    encode_list,
    parse_bitstring,
    prepare_list,
    problem_of,
    verify_bitstring,
)
from shared.status.token_status_list import INVALID, MAX_INFLATED, MIN_SIZE, SUSPENDED, VALID, StatusList
from shared.vcdm import CONTEXT

URI = "https://opg.example/status/1/revocation"
DAY = 86_400


def filled(bits: int = 2, size: int = MIN_SIZE, **entries: int) -> StatusList:
    made = StatusList(bits, size)
    for name, value in entries.items():
        made.set(int(name[1:]), value)
    return made


def document(bits: bytes | None = None, **members: Any) -> dict[str, Any]:
    encoded = encode_list(bytes(MIN_SIZE // 8) if bits is None else bits)
    subject = {"type": "BitstringStatusList", "statusPurpose": "revocation", "encodedList": encoded} | members.pop("subject", {})
    base = {
        "@context": [CONTEXT],
        "id": URI,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": ISSUER_URI,
        "validFrom": "2027-01-15T07:00:00Z",
        "validUntil": "2027-01-20T00:00:00Z",
        "credentialSubject": {name: value for name, value in subject.items() if value is not ...},
    }
    return {name: value for name, value in (base | members).items() if value is not ...}


def token(bits: bytes | None = None, **members: Any) -> str:
    return jws(document(bits, **members), typ="vc+jwt", cty="vc")


def verified(wire: str) -> VerifiedBitstring:
    return verify_bitstring(parse_bitstring(wire), uri=URI, issuer=ISSUER_URI, key=ISSUER.public, at=AT)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_first_entry_is_the_leftmost_bit(bits: int) -> None:
    assert bits_of(filled(bits, 16, i0=1, i9=1), 1) == b"\x80\x40"
    assert bits_of(filled(bits, 19, i18=1, i2=1), 1) == b"\x20\x00\x20"
    assert bits_of(filled(bits, 19), 0) == b"\xff\xff\xe0"  # nothing is set beyond the last


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_rendered_from_the_values_of_the_other_list(bits: int) -> None:
    drawn = entropy(str(bits))(1_003)
    values = StatusList(bits, 1_003)
    for index in range(values.size):
        values.set(index, drawn[index] % (1 << bits))
    for value in range(min(4, 1 << bits)):
        rendered = bits_of(values, value)
        assert [rendered[index >> 3] >> (7 - (index & 7)) & 1 for index in range(values.size)] == [
            int(values.get(index) == value) for index in range(values.size)
        ]


def test_what_is_published_is_read_back() -> None:
    values = filled(i7=INVALID, i131071=INVALID, i9=SUSPENDED)
    root_key = ISSUER
    certificate = leaf(ISSUER, anchor(root_key, at=AT), root_key, uri=ISSUER_URI)
    encoded = ""
    for purpose, value in (("revocation", INVALID), ("suspension", SUSPENDED)):
        encoded = encode_list(bits_of(values, value))
        assert encoded == encode_list(bits_of(values, value))
        unsigned = prepare_list(
            encoded=encoded, purpose=purpose, uri=URI, issuer=ISSUER_URI, iat=AT, key=KeyId("issuer"), x5c=(certificate,), ttl=600
        )
        parsed = parse_bitstring(ISSUER.finish(unsigned).encode())
        assert (parsed.uri, parsed.issuer, parsed.iat, parsed.exp, parsed.ttl) == (URI, ISSUER_URI, AT, AT + 7 * DAY, 600)
        assert (parsed.x5c, parsed.kid, parsed.purposes) == ((certificate,), "", frozenset({purpose}))
        assert parsed.signed.header["cty"] == "vc"
        told = verified(parsed.text)
        assert [told.value_at(index, purpose) for index in (0, 7, 9, 131_071)] == [
            value if values.get(index) == value else VALID for index in (0, 7, 9, 131_071)
        ]
        assert json.loads(parsed.signed.payload)["credentialSubject"]["ttl"] == 600_000
    unsigned = prepare_list(encoded=encoded, purpose="revocation", uri=URI, issuer=ISSUER_URI, iat=AT, key=KeyId("issuer"), exp=AT + 60)
    assert (parse_bitstring(ISSUER.finish(unsigned)).exp, dict(parse_bitstring(ISSUER.finish(unsigned)).signed.header)["typ"]) == (
        AT + 60,
        "vc+jwt",
    )


def test_entries_of_several_bits() -> None:
    told = verified(token(b"\x1b" + bytes(MIN_SIZE), subject={"statusPurpose": ["suspension", "message"]}))
    assert [told.value_at(index, "suspension", 2) for index in range(5)] == [VALID, SUSPENDED, SUSPENDED, SUSPENDED, VALID]
    assert [told.value_at(index, "suspension", 3) for index in range(3)] == [VALID, SUSPENDED, SUSPENDED]  # 000 110 11.
    with pytest.raises(StatusUnknown):
        told.value_at(0, "revocation")
    with pytest.raises(StatusUnknown):
        told.value_at(0, "message", 2)


def test_bounds_of_the_list() -> None:
    told = verified(token())
    assert told.value_at(MIN_SIZE - 1, "revocation") == VALID
    for index in (-1, MIN_SIZE, 10**15):
        with pytest.raises(StatusIndexOutOfRange):
            told.value_at(index, "revocation")
    with pytest.raises(StatusListTooShort):
        told.value_at(0, "revocation", 2)
    with pytest.raises(StatusListTooShort):
        verified(token(bytes(MIN_SIZE // 8 - 1))).value_at(0, "revocation")


def test_what_unfolds_too_far_is_not_unfolded() -> None:
    bomb = "u" + b64(gzip.compress(bytes(MAX_INFLATED + 1), 9))
    with pytest.raises(TooLarge):
        verified(token(subject={"encodedList": bomb})).value_at(0, "revocation")
    with pytest.raises(Malformed) as caught:
        verified(token(subject={"encodedList": "u" + b64(b"no gzip")})).value_at(0, "revocation")
    assert caught.value.where == "/credentialSubject/encodedList"


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"id": ...}, "/id"),
        ({"issuer": ...}, "/issuer"),
        ({"iss": "https://other.example"}, "/iss"),
        ({"@context": [CONTEXT, 5]}, "/@context/1"),
        ({"validFrom": ...}, "/iat"),
        ({"validFrom": "today"}, "/validFrom"),
        ({"exp": -1}, "/exp"),
        ({"credentialSubject": [{"type": "BitstringStatusList"}]}, "/credentialSubject"),
        ({"subject": {"type": "StatusList2021"}}, "/credentialSubject/type"),
        ({"subject": {"type": ...}}, "/credentialSubject/type"),
        ({"subject": {"statusPurpose": ...}}, "/credentialSubject/statusPurpose"),
        ({"subject": {"statusPurpose": []}}, "/credentialSubject/statusPurpose"),
        ({"subject": {"statusPurpose": ["revocation", 5]}}, "/credentialSubject/statusPurpose"),
        ({"subject": {"statusPurpose": ["x"] * 9}}, "/credentialSubject/statusPurpose"),
        ({"subject": {"encodedList": ...}}, "/credentialSubject/encodedList"),
        ({"subject": {"encodedList": "H4sI"}}, "/credentialSubject/encodedList"),
        ({"subject": {"encodedList": "z2NEpo"}}, "/credentialSubject/encodedList"),
        ({"subject": {"encodedList": "uH4=I"}}, "/credentialSubject/encodedList"),
        ({"subject": {"ttl": -1}}, "/credentialSubject/ttl"),
        ({"subject": {"ttl": "300000"}}, "/credentialSubject/ttl"),
    ],
)
def test_lists_of_the_wrong_form(members: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_bitstring(token(**members))
    assert caught.value.where == where
    assert problem_of(caught.value) == "https://www.w3.org/ns/credentials/status-list#MALFORMED_VALUE_ERROR"


def test_other_signed_objects_are_no_lists() -> None:
    for typ in ("statuslist+jwt", "vc+sd-jwt", "vp+jwt", "JWT", "application/vc+jwt"):
        with pytest.raises(WrongTyp):
            parse_bitstring(jws(document(), typ=typ))
    with pytest.raises(WrongTyp):
        parse_bitstring(token(type=["VerifiableCredential"]))


def test_dates_and_names() -> None:
    parsed = parse_bitstring(token(issuer={"id": ISSUER_URI, "name": "OPG"}, validFrom=..., iat=AT - 9, validUntil=..., iss=ISSUER_URI))
    assert (parsed.issuer, parsed.iat, parsed.exp, parsed.ttl) == (ISSUER_URI, AT - 9, AT - 9 + 7 * DAY, 3_600)
    assert parse_bitstring(token(exp=AT + 5)).exp == AT + 5
    assert parse_bitstring(jws(document(), typ="vc+jwt", kid="did:web:opg.example#1")).kid == "did:web:opg.example#1"
    assert parse_bitstring(jws(document(), typ="vc+jwt", kid=7)).kid == ""


def test_who_may_say_what_about_which_address() -> None:
    parsed = parse_bitstring(token())
    for changes, error in (
        ({"uri": "https://opg.example/status/2/revocation"}, StatusUnknown),
        ({"issuer": "https://other.example"}, StatusUnknown),
        ({"key": STRANGER.public}, BadSignature),
        ({"at": parsed.iat - 61}, StatusUnknown),
    ):
        wanted: dict[str, Any] = {"uri": URI, "issuer": ISSUER_URI, "key": ISSUER.public, "at": AT} | changes
        with pytest.raises(error):
            verify_bitstring(parsed, **wanted)
    first = verified(parsed.wire)
    assert verified(parsed.wire) is first
    with pytest.raises(BadSignature):
        verify_bitstring(parsed, uri=URI, issuer=ISSUER_URI, key=STRANGER.public, at=AT)
    assert first.said == verified(token(subject={"ttl": 1_000})).said
    assert first.said != verified(token(subject={"statusPurpose": "suspension"})).said
    assert first.said != verified(token(b"\x80" + bytes(MIN_SIZE // 8))).said
    assert replace(parsed) == parsed


def test_names_of_what_went_wrong() -> None:
    names = {
        StatusListTooShort: "STATUS_LIST_LENGTH_ERROR",
        StatusIndexOutOfRange: "RANGE_ERROR",
        TooLarge: "MALFORMED_VALUE_ERROR",
        Unavailable: "STATUS_RETRIEVAL_ERROR",
        StatusUnknown: "STATUS_VERIFICATION_ERROR",
        BadSignature: "STATUS_VERIFICATION_ERROR",
    }
    for kind, name in names.items():
        assert problem_of(kind("")) == f"https://www.w3.org/ns/credentials/status-list#{name}"


GOOD = token()


@settings(deadline=None)
@given(at=st.integers(0, len(GOOD) - 1), piece=st.text(alphabet='eyJ.u{}[]",:A0-_é', max_size=8), cut=st.integers(0, 8))
def test_any_text_gives_a_list_or_an_error(at: int, piece: str, cut: int) -> None:
    spoilt = GOOD[:at] + piece + GOOD[at + cut :]
    try:
        verified(spoilt)
    except VcError:
        return
    assert spoilt == GOOD


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4), below, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(name=st.sampled_from(["type", "statusPurpose", "encodedList", "ttl", "id"]), value=JSON, outside=st.booleans())
def test_any_member_gives_a_list_or_an_error(name: str, value: Any, outside: bool) -> None:
    try:
        verified(token(**({name: value} if outside else {"subject": {name: value}}))).value_at(5, "revocation")
    except VcError:
        return


# --- openvc-core -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_openvc_reads_ours() -> None:
    values = filled(i7=INVALID, i100000=INVALID, i9=SUSPENDED)
    encoded = encode_list(bits_of(values, INVALID))
    bits = decode_bitstring(encoded)
    assert [index for index in range(MIN_SIZE) if get_status_bit(bits, index)] == [7, 100_000]
    made = json.loads(
        parse_bitstring(
            ISSUER.finish(prepare_list(encoded=encoded, purpose="revocation", uri=URI, issuer=ISSUER_URI, iat=AT, key=KeyId("i")))
        ).signed.payload
    )
    for index, revoked in ((7, True), (8, False)):
        entry = build_status_list_entry(status_list_credential=URI, index=index, status_purpose="revocation")
        told = check_credential_status({"credentialStatus": entry}, resolve_status_list=lambda _uri: made)
        assert told.revoked is revoked


@pytest.mark.real
def test_we_read_openvcs() -> None:
    bits = new_bitstring(MIN_SIZE)
    for index in (0, 9, MIN_SIZE - 1):
        set_status_bit(bits, index, 1)
    assert encode_bitstring(bytes(bits)).startswith("u")
    made = build_status_list_credential(id=URI, issuer=ISSUER_URI, bitstring=bits, ttl=300_000)
    told = verified(jws(made | {"iat": AT}, typ="vc+jwt"))
    assert told.ttl == 300
    assert [index for index in range(MIN_SIZE) if told.value_at(index, "revocation")] == [0, 9, MIN_SIZE - 1]
