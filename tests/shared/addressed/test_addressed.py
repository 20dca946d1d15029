from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer

from shared.addressed import (
    MAX_QR,
    PREFIX,
    AddressedPresentation,
    audience,
    expected_binding,
    make_binding,
    parse,
    parse_file,
    parse_qr,
    render_file,
    render_qr,
    staples,
    transaction_of,
)
from shared.codec import base45, base64url, cbor
from shared.errors import Malformed, TooLarge, VcError
from shared.keys import KeyId
from shared.status.token_status_list import MIN_SIZE, StatusList, prepare_token

ENTITY = "urn:bank:northwold"
COPY = AddressedPresentation(
    format="dc+sd-jwt",
    aud=f"a:{ENTITY}",
    purpose_id="open-account",
    vp_token={"representation": ("eyJ.eyJ.sig~WyJ~eyJ.eyJ.sig",)},
    status_list_tokens=("eyJ.eyJ.sig",),
)
DAY = 86_400


def dice(size: int) -> bytes:
    return bytes(range(size))


def staple(uri: str) -> str:
    signer = Signer.new()
    unsigned = prepare_token(list=StatusList(2, MIN_SIZE), uri=uri, iat=AT, key=KeyId("issuer"))
    return signer.finish(unsigned)


def test_a_file_is_rendered_and_read_back() -> None:
    assert parse_file(render_file(COPY)) == COPY
    assert parse(render_file(COPY)) == COPY
    assert parse(render_file(COPY).decode()) == COPY
    assert list(json.loads(render_file(COPY))) == ["format", "aud", "purpose_id", "vp_token", "status_list_tokens"]
    assert "status_list_tokens" not in json.loads(render_file(replace(COPY, status_list_tokens=())))


def test_a_code_is_rendered_and_read_back() -> None:
    text = render_qr(COPY)
    assert text.startswith("OVJ1:")
    assert parse_qr(text) == COPY
    assert parse(text) == COPY
    assert parse(f"{text}\n".encode()) == COPY


def test_a_code_packs_signed_objects_and_nothing_else() -> None:
    odd = replace(COPY, purpose_id="not.base64url!", vp_token={"a": ("e30.e30.AAAA~WyJzIl0~", "plain"), "b": ("e30.e30.AAB",)})
    assert parse_qr(render_qr(odd)) == odd
    assert parse_qr(qr_of(cbor.dumps({**json.loads(render_file(COPY)), "vp_token": {"a": ["x"]}}))).vp_token == {"a": ("x",)}
    jwt = ".".join(base64url.encode(json.dumps({"claim": "the same words " * 40}).encode()) for _ in range(2)) + ".AAAA"
    large = replace(COPY, vp_token={"a": (jwt,)})
    assert len(render_qr(large)) < len(qr_of(render_file(large)))


def test_staples_that_do_not_fit_into_a_code_are_left_out() -> None:
    noise = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(100))
    assert parse_qr(render_qr(replace(COPY, status_list_tokens=(noise,)))) == replace(COPY, status_list_tokens=())
    with pytest.raises(TooLarge):
        render_qr(replace(COPY, vp_token={"a": (noise,)}))
    with pytest.raises(TooLarge):
        render_qr(COPY, max_length=20)


def document(**members: Any) -> bytes:
    return json.dumps({**json.loads(render_file(COPY)), **members}).encode()


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", ""),
        (b"[]", ""),
        (b'{"aud":"a:x","aud":"a:y"}', ""),
        (document(aud="urn:bank:northwold"), "/aud"),
        (document(aud="l:urn:bank:northwold"), "/aud"),
        (document(aud="c:urn:bank:northwold"), "/aud"),
        (document(aud="a:"), "/aud"),
        (document(aud=["a:x"]), "/aud"),
        (document(format=7), "/format"),
        (document(purpose_id=""), "/purpose_id"),
        (document(vp_token="eyJ"), "/vp_token"),
        (document(vp_token={}), "/vp_token"),
        (document(vp_token={str(n): ["x"] for n in range(20)}), "/vp_token"),
        (document(vp_token={"a/b": []}), "/vp_token/a~1b"),
        (document(vp_token={"a": "x"}), "/vp_token/a"),
        (document(vp_token={"a": [7]}), "/vp_token/a/0"),
        (document(status_list_tokens="x"), "/status_list_tokens"),
        (document(status_list_tokens=["x"] * 20), "/status_list_tokens"),
    ],
)
def test_malformed_files_point_at_the_place(data: bytes, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse(data)
    assert caught.value.where == where


def qr_of(data: bytes) -> str:
    return PREFIX + base45.encode(zlib.compress(data))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("HC1:ABC", Malformed),
        ("ovj1:ABC", Malformed),
        (PREFIX, Malformed),
        (f"{PREFIX}abc", Malformed),
        (PREFIX + base45.encode(b"not zlib"), Malformed),
        (qr_of(b"{}"), Malformed),
        (qr_of(cbor.dumps({})), Malformed),
        (qr_of(cbor.dumps([])), Malformed),
        (qr_of(b"[" * 100), VcError),
        (qr_of(b" " * 10_000_000), TooLarge),
        (PREFIX + "A" * MAX_QR, TooLarge),
    ],
)
def test_codes_that_hold_no_copy_are_refused(text: str, kind: type[VcError]) -> None:
    with pytest.raises(kind):
        parse_qr(text)


def test_a_file_past_its_bound_is_too_large() -> None:
    with pytest.raises(TooLarge):
        parse(b" " * 4_000_001)


def test_what_several_agree_to_is_named_in_what_each_signs() -> None:
    how: Any = {"entity": ENTITY, "purpose_id": "bank-together", "at": AT, "entropy": bytes}
    assert transaction_of(make_binding(**how, transaction="abc").extra) == "abc"
    assert transaction_of(make_binding(**how).extra) == ""


@pytest.mark.parametrize("found", [7, "", "a" * 65, "caf\u00e9", "a\nb", None])
def test_what_could_not_be_told_on_names_nothing(found: Any) -> None:
    assert transaction_of({"transaction": found}) == ""


def test_what_the_holder_signs_is_random_and_ends() -> None:
    drawn: list[int] = []

    def entropy(size: int) -> bytes:
        drawn.append(size)
        return bytes([len(drawn)]) * size

    binding = make_binding(entity=ENTITY, purpose_id="open-account", at=AT, entropy=entropy, days=3)
    assert binding.audience == audience(ENTITY) == COPY.aud
    assert drawn == [16, 16]
    assert binding.nonce != binding.extra["jti"]
    assert binding.extra["exp"] == AT + 3 * DAY
    assert binding.extra["purpose_id"] == "open-account"


@pytest.mark.parametrize("days", [0, -1, 15])
def test_a_copy_lives_a_fortnight_at_most(days: int) -> None:
    assert make_binding(entity=ENTITY, purpose_id="p", at=AT, entropy=dice).extra["exp"] == AT + 14 * DAY
    with pytest.raises(Malformed):
        make_binding(entity=ENTITY, purpose_id="p", at=AT, entropy=dice, days=days)


def test_what_a_body_expects_is_its_own_name_and_purpose() -> None:
    binding = expected_binding(entity=ENTITY, purpose_id="open-account")
    assert (binding.audience, binding.nonce, binding.max_age) == (f"a:{ENTITY}", None, 14 * DAY)
    assert binding.extra == {"purpose_id": "open-account"}
    assert expected_binding(entity=ENTITY).extra == {}


def test_staples_are_found_by_the_address_of_their_list() -> None:
    one, two = staple("https://opg.example/status/1"), staple("https://opg.example/status/2")
    found = staples(replace(COPY, status_list_tokens=(one, "rubbish", two)))
    assert found == {"https://opg.example/status/1": one, "https://opg.example/status/2": two}


@given(st.binary() | st.text() | st.text().map(lambda text: PREFIX + text) | st.binary().map(qr_of))
def test_any_input_is_a_copy_or_a_vc_error(data: bytes | str) -> None:
    try:
        parse(data)
    except VcError:
        return


@given(
    st.builds(
        AddressedPresentation,
        format=st.just("vc+jwt"),
        aud=st.text(min_size=1, max_size=20).map(lambda text: f"a:{text}"),
        purpose_id=st.text(min_size=1, max_size=20),
        vp_token=st.dictionaries(
            st.text(max_size=5), st.lists(st.text(max_size=9), min_size=1, max_size=2).map(tuple), min_size=1, max_size=3
        ),
        status_list_tokens=st.lists(st.text(max_size=9), max_size=3).map(tuple),
    )
)
def test_every_copy_survives_both_carriers(copy: AddressedPresentation) -> None:
    assert parse_file(render_file(copy)) == copy
    assert parse_qr(render_qr(copy)) == copy
